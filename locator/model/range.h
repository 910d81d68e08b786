/*
 * range.h - which of many address ranges hold an address, in O(log n + answers).
 *
 * Ranges are inclusive at both ends, compared unsigned, and may overlap. The index is built once and then only read, by any
 * number of threads: sorted by low end, with the greatest high end of every half, half of a half and so on beside it, so that
 * halves that end before the address are passed over whole. Pure.
 */
#ifndef SL_LOCATOR_MODEL_RANGE_H
#define SL_LOCATOR_MODEL_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum { LM_KEY_LEN = 16 };

/* An IPv6 address as a number, or an IPv4 address as the IPv6 address that it is mapped to (::ffff:a.b.c.d). */
struct lm_key {
    uint64_t upper, lower;
};

struct lm_range {
    struct lm_key low, high;
    uint32_t value; /* the caller's */
};

struct lm_ranges;

/* The key of an IPv4 address in host byte order. */
struct lm_key lm_key_ip4(uint32_t address);
/* The key whose octets these are, the first one the most significant. */
struct lm_key lm_key_octets(const uint8_t octets[LM_KEY_LEN]);
/* Less than, equal to or greater than 0 as `a` is to `b`. */
int lm_key_compare(struct lm_key a, struct lm_key b);

/* An index of `count` ranges, which are copied; those that end before they begin hold nothing and are left out. */
struct lm_ranges *lm_ranges_new(const struct lm_range *ranges, size_t count);
/* Frees it; NULL is accepted. */
void lm_ranges_free(struct lm_ranges *index);
/*
 * Puts the ranges that hold the address into `out`, by rising low end, at most `max` of them. Returns how many there are at
 * least: more than `max` means that some were left out.
 */
size_t lm_ranges_find(const struct lm_ranges *index, struct lm_key address, struct lm_range *out, size_t max);

#endif
