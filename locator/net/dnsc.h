/*
 * dnsc.h - asking the DNS with a deadline; dnsc.c is the only file that includes c-ares.
 *
 * SRV records with their TTL (RFC 2782; priority and weight are read but a locator of management points does not use them,
 * sms.md 4; one of directory servers does, locator/model/srv.h), and the addresses of a host. `server` NULL asks the servers of
 * resolv.conf and reads the hosts file; servers given as "ADDR:PORT" or "[ADDR6]:PORT", joined by commas, are asked instead: the
 * next one when one is silent or fails, each with its share of the time. A truncated answer is asked again over TCP; one that
 * comes truncated over TCP too is a broken answer. Records of other names than the one asked, and its aliases, do not count;
 * a TTL above 2^31 - 1 is 0 (RFC 2181 8).
 *
 * "No such name" and "no such data" are no failures: SL_OK with an empty list. Failures: SL_TIMEOUT, SL_UNREACHABLE (nobody
 * listens; SERVFAIL from each server), SL_DENIED (REFUSED), SL_MALFORMED (broken answer), SL_USAGE (name or server). Each call
 * has its own channel: any thread.
 */
#ifndef SL_LOCATOR_NET_DNSC_H
#define SL_LOCATOR_NET_DNSC_H

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/option.h"

#include <stddef.h>
#include <stdint.h>

enum { DNSC_NAME_MAX = 256, DNSC_ADDRESS_MAX = 46, DNSC_SRV_MAX = 4096, DNSC_ADDRESSES_MAX = 16 };

struct dnsc_srv {
    char target[DNSC_NAME_MAX]; /* without a final dot */
    uint16_t priority, weight, port;
    int64_t ttl_s;
    unsigned line; /* in a master file; 0 in an answer */
};

/* All of them, since who chooses among them must not miss the best; an answer of the DNS has no room for DNSC_SRV_MAX. */
struct dnsc_srv_list {
    size_t count;
    struct dnsc_srv *items;
};

/* Appends an empty record; NULL beyond DNSC_SRV_MAX. Valid until the next one is added. */
struct dnsc_srv *dnsc_srv_list_add(struct dnsc_srv_list *list);
/* Frees the records and empties the list. */
void dnsc_srv_list_fini(struct dnsc_srv_list *list);

struct dnsc_address {
    char text[DNSC_ADDRESS_MAX]; /* numeric */
    int64_t ttl_s;               /* 0 for a name of the hosts file */
};

struct dnsc_addresses {
    size_t count;
    struct dnsc_address items[DNSC_ADDRESSES_MAX];
};

/* Appends the domains in which the system's resolver searches (search or domain of resolv.conf, LOCALDOMAIN, the host's own). */
void dnsc_search_domains(struct sl_strings *domains);
/* The SRV records of `name`, in the order of the answer; on SL_OK the caller owns *ret_list (dnsc_srv_list_fini). */
enum sl_status dnsc_srv(const char *server, const char *name, struct sl_deadline deadline, struct dnsc_srv_list *ret_list,
                        struct sl_error *e) SL_MUST;
/* The IPv4 and IPv6 addresses of a host, IPv4 first; a numeric `host` is its own address and nothing is asked. */
enum sl_status dnsc_host(const char *server, const char *host, struct sl_deadline deadline, struct dnsc_addresses *ret_list,
                         struct sl_error *e) SL_MUST;

#endif
