/*
 * srv.h - the order in which servers of SRV records are tried (RFC 2782).
 *
 * Lower priority first; among equals at random, in proportion to weight, one of weight 0 with a very small chance while others
 * are left. For directory servers only: records of management points do not use it (sms.md 4). Pure, any thread.
 */
#ifndef SL_LOCATOR_MODEL_SRV_H
#define SL_LOCATOR_MODEL_SRV_H

#include <stddef.h>
#include <stdint.h>

struct lm_srv {
    uint16_t priority, weight;
};

/* Fills `ret_order` with the indices of the `count` records, first to try first; the same seed gives the same order. */
void lm_srv_order(const struct lm_srv *records, size_t count, uint64_t seed, size_t *ret_order);

#endif
