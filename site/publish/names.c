#include "site/publish/private.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/text.h"

#include <ctype.h>
#include <stdio.h>

#define SLP_NAME "SMS_SLP"

static uint32_t slp_address(const struct pub_run *run)
{
    uint32_t ip = 0;
    return run->target->slp && sl_ip4_parse(run->target->slp, &ip) ? ip : 0;
}

static struct pub_name make(const char *text, uint32_t ip4)
{
    struct pub_name name = {.ip4 = ip4};
    bool fits = nb_name_make(text, NB_SMS, &name.name);
    sl_assert(fits);
    name.text = nb_name_text(&name.name);
    return name;
}

size_t pub_names_of(const char *code, struct pub_name names[PUB_NAMES_MAX])
{
    static const char *const prefixes[] = {"MP_", "NLB_"};
    char text[NB_NAME_LEN];
    for (size_t i = 0; i < SL_COUNT(prefixes); i++) {
        snprintf(text, sizeof text, "%s%.3s", prefixes[i], code);
        names[i] = make(text, 0);
    }
    return SL_COUNT(prefixes);
}

size_t pub_names_wanted(struct pub_run *run, struct pub_name names[PUB_NAMES_MAX])
{
    const struct sm_mp *mp = pub_is_removal(run) ? NULL : sm_default_mp(run->site);
    if (mp && mp->ip4 == 0) {
        pub_result_set(run, SL_OUTCOME_CONFLICT, "no-ipv4", "%s: a name registry knows IPv4 only, and management point %s has %s",
                       run->target->uri, mp->host, mp->address);
        return 0;
    }
    size_t count = pub_names_of(run->site->site.code, names);
    names[0].ip4 = mp ? mp->ip4 : 0;
    names[1].ip4 = mp && mp->is_nlb ? mp->ip4 : 0;
    if (run->target->slp)
        names[count++] = make(SLP_NAME, pub_is_removal(run) ? 0 : slp_address(run));
    return count;
}

bool pub_is_our_address(const struct pub_run *run, uint32_t ip4)
{
    bool is_ours = ip4 != 0 && ip4 == slp_address(run);
    for (size_t i = 0; i < run->site->mp_count; i++)
        is_ours = is_ours || (ip4 != 0 && run->site->mps[i].ip4 == ip4);
    return is_ours;
}

void pub_srv_name(char out[PUB_SRV_NAME_MAX], const char *code, const char *domain)
{
    char lower[SM_CODE_LEN + 1];
    (void)sl_text_copy(lower, sizeof lower, code);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    snprintf(out, PUB_SRV_NAME_MAX, "_mssms_mp_%s._tcp.%s", lower, domain);
}

const struct sm_mp *pub_srv_target(struct pub_run *run)
{
    const struct sm_mp *mp = pub_is_removal(run) ? NULL : sm_default_mp(run->site);
    if (mp == NULL || !mp->is_nlb)
        return mp;
    pub_warn(run, "%s: management point %s is a cluster, which is not published in the DNS", run->target->uri, mp->host);
    return NULL;
}
