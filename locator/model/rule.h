/*
 * rule.h - the rules that decide lookups: their ids, what they say, which profiles have them, and where they come from.
 *
 * A step of a trace names the rules that were applied by these ids (S1.21: a statement of the product's documentation; Qn: a
 * decision where no source exists, sms.md 12; Jn: judging of sources; Tn: proofs of management points; Bn: boundaries and
 * assignment; Rn: roaming; Fn: forests; Cn: comparing). Constant data, any thread.
 */
#ifndef SL_LOCATOR_MODEL_RULE_H
#define SL_LOCATOR_MODEL_RULE_H

#include "locator/model/code.h"

#include <stddef.h>

struct lm_rule {
    const char *id;
    unsigned profiles; /* 1 << enum lm_profile, or-ed */
    const char *text;
    const char *origin;
};

/* The table, in the order in which people read it. */
extern const struct lm_rule lm_rules[];
extern const size_t lm_rule_count;

#endif
