/*
 * rows.h - how a decision table is written down and read: private to wins-emu/core.
 *
 * A table is an array of rows in the order of the fact page; wins_decide takes the first that applies. A row gives rule id,
 * answer code and effect; `change`, where there is one, makes the new record and may refine the rest.
 */
#ifndef SL_WINS_CORE_ROWS_H
#define SL_WINS_CORE_ROWS_H

#include "wins-emu/core/rules.h"

struct wins_policy;

/* All that a row may look at; `record` is NULL when there is none, `challenge` when none was made. */
struct wins_case {
    const struct wins_record *record;
    const struct wins_request *request;
    const struct wins_challenge *challenge;
    const struct wins_config *config;
    const struct wins_policy *policy; /* rows P02 to P06 only */
    size_t names;                     /* in the registry; row P09 only */
    int64_t now_s;
    int64_t serving_since_s; /* of scavenging alone */
};

struct wins_row {
    enum wins_rule rule;
    bool (*applies)(const struct wins_case *c);
    enum nb_rcode rcode;
    enum wins_effect effect;
    void (*change)(const struct wins_case *c, struct wins_decision *d); /* NULL: the record stays as it is */
};

/* The first row that applies; the last row of every table applies always. */
void wins_decide(const struct wins_row *rows, size_t count, const struct wins_case *c, struct wins_decision *ret_decision);

/* Conditions that more than one table names. */
bool wins_case_always(const struct wins_case *c);
bool wins_case_long_scope(const struct wins_case *c);
bool wins_case_static_group(const struct wins_case *c);
bool wins_case_static(const struct wins_case *c);

/* The granted lease: what was asked for, clamped (OQ2). */
uint32_t wins_case_ttl_s(const struct wins_case *c);
static inline bool wins_type_is_group(enum wins_type type)
{
    return type == WINS_GROUP || type == WINS_SGROUP;
}

#endif
