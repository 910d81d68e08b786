/*
 * policy.h - who may register and ask for what: rows P01 to P06, P09 and B01 of rules.h.
 *
 * The protocol has no authentication: whoever reaches the port may register any name that nobody defends (wins.md 6.4). A policy
 * is what the administrator knows better: networks that may register or ask, names that belong to addresses, names that stay
 * with their first owner. It is compiled once from the texts of the configuration and then only read, by any thread; a reload
 * makes another one. Judged before the rows of registration and query; releases (which go by source address, L07) and the
 * administrator's operations are exempt.
 *
 *   NETWORK   10.0.0.0/8 or 10.1.2.3
 *   PATTERN   NAME#XX (pattern.h)
 *   pin       PATTERN NETWORK... [source]: the registered address, and with "source" the sender's too, must lie in one of the
 *             networks; when several pins match a name, one that is satisfied is enough
 */
#ifndef SL_WINS_CORE_POLICY_H
#define SL_WINS_CORE_POLICY_H

#include "common/base/option.h"
#include "wins-emu/core/limit.h"
#include "wins-emu/core/query.h"

/* The configuration as text; lists of what is described above. */
struct wins_policy_options {
    struct sl_strings allow_register; /* when there is any, other networks may not */
    struct sl_strings deny_register;  /* goes before allow */
    struct sl_strings allow_query;
    struct sl_strings deny_query;
    struct sl_strings pin;
    struct sl_strings allow_address; /* of those that P03 refuses */
    struct sl_strings first_owner; /* patterns of names that go to another address only after release or expiry */
    int64_t query_rate;            /* packets a second and source, 0 for no limit (limit.h) */
    int64_t register_rate;
    int64_t burst; /* requests that wait before registrations are granted unseen (B01); 0: never */
};

struct wins_policy;

/* Whether one text can be understood, SL_USAGE if not; for the option tables. */
enum sl_status wins_policy_check_network(const char *text, struct sl_error *e) SL_MUST;
enum sl_status wins_policy_check_pattern(const char *text, struct sl_error *e) SL_MUST;
enum sl_status wins_policy_check_pin(const char *text, struct sl_error *e) SL_MUST;

/* Compiles a policy, NULL when nothing is configured. SL_USAGE names the text that cannot be understood. */
enum sl_status wins_policy_new(const struct wins_policy_options *options, struct wins_policy **ret_policy,
                               struct sl_error *e) SL_MUST;
/* Frees it; NULL is accepted. */
void wins_policy_free(struct wins_policy *policy);

/*
 * P02 to P06 and P09: true when the registration is refused, and how. `record` is that of the name or NULL, `names` how many the
 * registry has in any state; without a policy (NULL) only P03 and P09 can refuse. P09 is about what R08 would add, nothing else.
 */
bool wins_policy_register(const struct wins_policy *policy, const struct wins_record *record, size_t names,
                          const struct wins_request *request, const struct wins_config *config, int64_t now_s,
                          struct wins_decision *ret_decision);
/*
 * P01 for a parsed query: WINS_QUERY_LOOKUP when the source may ask (go on with wins_query_packet), WINS_QUERY_ANSWER when *m
 * has become the refusal, WINS_QUERY_DROP for a broadcast or a node status request, which nobody refuses aloud.
 */
enum wins_query_next wins_policy_query(const struct wins_policy *policy, uint32_t source, struct nb_message *m,
                                       enum wins_rule *ret_rule);
/* The rates of a policy; P07 and P08 are judged with them. */
const struct wins_limits *wins_policy_limits(const struct wins_policy *policy);
/*
 * B01: true when a registration is granted unseen, neither checked nor stored, since more requests than the threshold wait
 * (`backlog`). `granted` is how many were granted so since that began; the lease is 5 minutes for the first 100, 5 more for each
 * further 100 up to 50, then starts over (wins.md 2.9). Never for a protected name or one that the first rows decide.
 */
bool wins_policy_burst(const struct wins_policy *policy, const struct wins_request *request, const struct wins_config *config,
                       int64_t now_s, size_t backlog, uint64_t granted, struct wins_decision *ret_decision);
/* True for a name that a pin or the first-owner lock speaks of. */
bool wins_policy_protects(const struct wins_policy *policy, const struct nb_name *name);

#endif
