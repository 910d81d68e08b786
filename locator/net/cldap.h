/*
 * cldap.h - the LDAP ping: which domain controller is up, and which sites it and we are in ([MS-ADTS] 6.3.3, directory.md 4).
 *
 * A ping is one UDP packet, a search of the rootDSE for the attribute "netlogon" with the DNS name of the domain; so is its
 * answer. Several servers are asked side by side and the first that answers for the domain counts. The answer is not
 * authenticated: it says whom to try first, never what is true.
 *
 * The packets are built and read with liblber in ldapc/ping.c, the value in cldap.c. Everything read is hostile: bounded names,
 * pointers backwards only. No state is shared: any thread.
 */
#ifndef SL_LOCATOR_NET_CLDAP_H
#define SL_LOCATOR_NET_CLDAP_H

#include "common/base/addr.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/text.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CLDAP_SERVERS_MAX = 16,
    CLDAP_NAME_MAX = 256,
    CLDAP_PACKET_MAX = 4096,
    CLDAP_RETRY_MS = 400, /* unanswered packets are sent again this often */
};

/* [MS-ADTS] 6.3.1.2 */
enum {
    CLDAP_FLAG_PDC = 0x1,
    CLDAP_FLAG_GC = 0x4,
    CLDAP_FLAG_LDAP = 0x8,
    CLDAP_FLAG_CLOSEST = 0x80, /* in the client's site, or in the one closest to it */
    CLDAP_FLAG_WRITABLE = 0x100,
};

struct cldap_answer {
    uint32_t flags;
    char forest[CLDAP_NAME_MAX], domain[CLDAP_NAME_MAX], host[CLDAP_NAME_MAX]; /* DNS names */
    char site[CLDAP_NAME_MAX];        /* AD site of the server */
    char client_site[CLDAP_NAME_MAX]; /* of the client as the server sees it by its address; "" when it lies in no subnet */
};

/*
 * Asks the servers (at most CLDAP_SERVERS_MAX) for `domain`; *ret_index is the one that answered first. SL_TIMEOUT: none did;
 * SL_UNREACHABLE: nobody listens on any; SL_CANCELED.
 */
enum sl_status cldap_ping(const struct sl_endpoint *servers, size_t count, const char *domain, struct sl_deadline deadline,
                          size_t *ret_index, struct cldap_answer *ret_answer, struct sl_error *e) SL_MUST;
/* Reads the value of the attribute "netlogon" (NETLOGON_SAM_LOGON_RESPONSE_EX). */
enum sl_status cldap_netlogon_read(const uint8_t *octets, size_t len, struct cldap_answer *ret_answer,
                                   struct sl_error *e) SL_MUST;

/* Appends the packet that asks for `domain` under this message id (ldapc/ping.c). */
enum sl_status cldap_ping_build(int id, const char *domain, struct sl_text *out, struct sl_error *e) SL_MUST;
/*
 * Takes the value of "netlogon" out of an answer with this id: appends it to `out`, nothing when the server has none for us
 * (ldapc/ping.c). SL_MALFORMED for what is no answer.
 */
enum sl_status cldap_ping_read(int id, const uint8_t *octets, size_t len, struct sl_text *out, struct sl_error *e) SL_MUST;

#endif
