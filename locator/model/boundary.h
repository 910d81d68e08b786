/*
 * boundary.h - matching a client to sites through their published boundaries.
 *
 * Boundaries come in two forms (sms.md 2.4, 7, Q3): values of mSSMSRoamingBoundaries and mSSMSSiteBoundaries - an IPv4 subnet id
 * without its mask ("10.1.0.0"), a prefix ("10.1.0.0/16", "2001:db8::/32", our extension) or the name of an Active Directory
 * site - and range objects with two integers, inclusive at both ends.
 *
 * A subnet id matches when the client's address AND the client's mask is that id; a prefix by its own length. Without either mask
 * every prefix length is possible: the longest that matches counts, and the caller is told to warn. Range integers are 32-bit
 * signed on the wire, so addresses from 128.0.0.0 up are negative; both forms are read and compared unsigned, here and never by a
 * filter of the server (directory.md 3). Pure, any thread.
 */
#ifndef SL_LOCATOR_MODEL_BOUNDARY_H
#define SL_LOCATOR_MODEL_BOUNDARY_H

#include "common/base/error.h"
#include "locator/model/mp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_CLIENT_ADDRESSES_MAX = 16,
    LM_AD_SITE_MAX = 65,
    LM_CANDIDATES_MAX = 512,
    LM_BOUNDARY_MAX = 64, /* octets of a candidate and its NUL, at least LM_AD_SITE_MAX - 1 characters fit beside it */
};

/* An address of the client. IPv4 is kept in the first four octets, network byte order. */
struct lm_address {
    bool v6;
    uint8_t octets[16];
    int prefix_len; /* of the client's mask; -1 = unknown */
};

/* Where the client is. */
struct lm_client {
    size_t address_count;
    struct lm_address addresses[LM_CLIENT_ADDRESSES_MAX];
    char ad_site[LM_AD_SITE_MAX]; /* "" = unknown */
};

/* Parses "ADDR" or "ADDR/LEN", IPv4 or IPv6 ("::ffff:a.b.c.d" is IPv4); SL_USAGE names what is wrong. */
enum sl_status lm_address_parse(const char *text, struct lm_address *ret_address, struct sl_error *e) SL_MUST;
/* The address as text, without its prefix length. */
void lm_address_text(const struct lm_address *address, char out[LM_ADDRESS_MAX]);
/* The subnet id of an address with a known mask ("10.1.0.0", "2001:db8::"), else "". */
void lm_address_subnet(const struct lm_address *address, char out[LM_ADDRESS_MAX]);

/* Decodes mSSMSRangedIPLow/High: signed or unsigned decimal of 32 bits; false on anything else. */
bool lm_range_integer(const char *text, uint32_t *ret_address);
/* True when an IPv4 address of the client lies in the inclusive range, compared unsigned. */
bool lm_range_holds(uint32_t low, uint32_t high, const struct lm_client *client);

/* A text that a boundary attribute of a matching site may have as a value. */
struct lm_candidate {
    char text[LM_BOUNDARY_MAX + 1];
};

/*
 * Every value that would match the client, for an equality filter: the AD site's name; of each address the prefix at each length,
 * "NET/LEN", and of IPv4 the subnet id, or, when the mask is unknown, the id at each length; longest first, IPv4 first, doubles
 * left out. Returns their number; more than `max` are cut.
 */
size_t lm_candidates(const struct lm_client *client, struct lm_candidate *out, size_t max);

enum lm_match_kind { LM_MATCH_NONE, LM_MATCH_AD_SITE, LM_MATCH_SUBNET, LM_MATCH_GUESSED_SUBNET };

struct lm_match {
    enum lm_match_kind kind;
    int prefix_len; /* of LM_MATCH_SUBNET (the client's) and LM_MATCH_GUESSED_SUBNET (the longest that fits) */
};

/* Judges one value of a boundary attribute. */
struct lm_match lm_boundary_match(const char *value, const struct lm_client *client);

#endif
