#include "wins-emu/daemon/policy.h"

#include "common/base/addr.h"

#include <inttypes.h>

enum sl_status winsd_policy_init(struct winsd_policy *p, const struct winsd_values *values, struct sl_error *e)
{
    struct wins_policy *policy;
    enum sl_status status = wins_policy_new(&values->policy, &policy, e);
    if (status != SL_OK)
        return status;
    *p = (struct winsd_policy){.current.object = policy};
    for (size_t rule = 0; rule < WINS_RULE_COUNT; rule++)
        p->limits[rule].lines_per_s = rule == WINS_P07 || rule == WINS_P08 ? WINSD_DROPS_PER_S : WINSD_REFUSALS_PER_S;
    return SL_OK;
}

void winsd_policy_fini(struct winsd_policy *p)
{
    wins_policy_free(p->current.object);
    p->current.object = NULL;
}

void winsd_policy_replace(struct winsd_policy *p, struct wins_policy *policy)
{
    wins_policy_free(tbl_shared_swap(&p->current, policy));
}

void winsd_policy_refused(struct winsd_policy *p, enum wins_rule rule, const struct wins_request *request)
{
    uint64_t left_out;
    if (!sl_log_allowed(&p->limits[rule], &left_out))
        return;
    sl_log(SL_LOG_WARNING, "refused", "rule=%s name=%s address=%s source=%s left-out=%" PRIu64, wins_rule_id(rule),
           SL_LOG_TEXT(nb_name_text(&request->name).text), sl_ip4_text(request->address).text, sl_ip4_text(request->source).text,
           left_out);
}

void winsd_policy_refused_unread(struct winsd_policy *p, enum wins_rule rule, struct wins_peer from)
{
    uint64_t left_out;
    if (sl_log_allowed(&p->limits[rule], &left_out))
        sl_log(SL_LOG_WARNING, "refused", "rule=%s source=%s left-out=%" PRIu64, wins_rule_id(rule),
               sl_ip4_text(from.address).text, left_out);
}
