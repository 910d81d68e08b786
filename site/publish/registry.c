#include "site/publish/private.h"

#include "locator/net/dnsc.h"
#include "locator/net/nbc.h"

#include <poll.h>
#include <stdio.h>

/* What a registry says about the name of the default management point, and what it should say. */
struct look {
    struct sl_endpoint server;
    struct nb_name name;
    struct nb_name_text text;
    const struct sm_mp *wanted; /* NULL: the name should not be there */
    struct nbc_reply reply;
};

static enum sl_status find_server(const struct pub_run *run, struct sl_endpoint *ret_server, struct sl_error *e)
{
    char host[NBC_HOST_MAX];
    uint16_t port;
    struct dnsc_addresses found;
    enum sl_status s = nbc_split(run->target->uri, host, sizeof host, &port, e);
    if (s == SL_OK)
        s = dnsc_host(NULL, host, run->deadline, &found, e);
    if (s)
        return s;
    for (size_t i = 0; i < found.count; i++) {
        uint32_t ip;
        if (sl_ip4_parse(found.items[i].text, &ip)) {
            *ret_server = sl_endpoint_ip4(ip, port);
            return SL_OK;
        }
    }
    return sl_fail(e, SL_UNREACHABLE, "%s: %s has no IPv4 address", run->target->uri, host);
}

static enum sl_status ask(const struct pub_run *run, struct look *look, struct sl_error *e)
{
    int64_t ms = run->target->timeout_ms ? run->target->timeout_ms : NBC_TRIES * NBC_RETRY_MS;
    enum sl_status s = nbc_query(&look->server, &look->name, sl_deadline_min(run->deadline, sl_deadline_in(ms)), &look->reply, e);
    if (s == SL_OK && look->reply.rcode != NB_OK && look->reply.rcode != NB_NAM_ERR)
        return sl_fail(e, SL_DENIED, "%s: %s", run->target->uri, nbc_rcode_text(look->reply.rcode));
    return s;
}

static bool is_there(const struct look *look)
{
    return look->reply.rcode == NB_OK && look->reply.address_count > 0;
}

/* At an address of one of the site's management points. */
static bool is_ours(const struct pub_run *run, const struct look *look)
{
    for (size_t i = 0; is_there(look) && i < run->site->mp_count; i++)
        for (size_t a = 0; a < look->reply.address_count; a++)
            if (run->site->mps[i].ip4 != 0 && run->site->mps[i].ip4 == look->reply.addresses[a])
                return true;
    return false;
}

static bool is_as_wanted(const struct look *look)
{
    if (look->wanted == NULL)
        return !is_there(look);
    return is_there(look) && !look->reply.group && look->reply.address_count == 1 &&
           look->reply.addresses[0] == look->wanted->ip4;
}

/* "10.0.0.1 -> 10.0.0.2", either side "none". */
static void tell(struct pub_run *run, enum pub_action action, const struct look *look, const char *more)
{
    const struct sl_ip4_text old = sl_ip4_text(is_there(look) ? look->reply.addresses[0] : 0);
    pub_line_add(run, action, look->text.text, "address: %s -> %s%s", is_there(look) ? old.text : "none",
                 look->wanted ? look->wanted->address : "none", more);
}

static void show_difference(struct pub_run *run, const struct look *look)
{
    if (is_as_wanted(look)) {
        pub_line_add(run, PUB_SAME_LINE, look->text.text, "%s", "");
        return;
    }
    tell(run, !is_there(look) ? PUB_ADD_LINE : look->wanted ? PUB_CHANGE_LINE : PUB_REMOVE_LINE, look, "");
    pub_result_set(run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
}

static bool may_wait(const struct pub_run *run)
{
    bool is_hurried = run->env && run->env->is_hurried && run->env->is_hurried(run->env->ctx);
    return !is_hurried && !pub_is_stopping(run) && !sl_deadline_passed(run->deadline);
}

/*
 * The name is registered by the management point's own host (site/nbname). A host that sees a new designation, a registry that
 * challenges a dead holder: both take seconds, so this looks again until the deadline.
 */
static enum sl_status wait_for_host(struct pub_run *run, struct look *look, struct sl_error *e)
{
    const struct look before = *look;
    bool was_as_wanted = is_as_wanted(look);
    enum sl_status s = SL_OK;
    if (!was_as_wanted && run->env && run->env->poke_names)
        run->env->poke_names(run->env->ctx);
    while (s == SL_OK && !is_as_wanted(look) && may_wait(run)) {
        (void)poll(NULL, 0, PUB_NAME_POLL_MS);
        if (may_wait(run))
            s = ask(run, look, e);
    }
    if (s)
        return s;
    if (was_as_wanted) {
        pub_line_add(run, PUB_SAME_LINE, look->text.text, "%s", "");
    } else if (is_as_wanted(look)) {
        tell(run, !is_there(&before) ? PUB_ADD_LINE : look->wanted ? PUB_CHANGE_LINE : PUB_REMOVE_LINE, &before, "");
    } else {
        tell(run, PUB_WAIT_LINE, look,
             look->wanted ? "; the management point's own host must register it"
                          : "; the host that registered it must release it");
        pub_result_set(run, SL_OUTCOME_NEGATIVE, "not-yet", "%s is not what it should be at %s", look->text.text,
                       run->target->uri);
    }
    return SL_OK;
}

void pub_registry(struct pub_run *run)
{
    struct sl_error e = {.status = SL_OK};
    struct look look = {.wanted = pub_is_removal(run) ? NULL : sm_default_mp(run->site)};
    char name[NB_NAME_LEN];
    snprintf(name, sizeof name, "MP_%.3s", run->site->site.code);
    if (look.wanted && look.wanted->ip4 == 0) {
        pub_result_set(run, SL_OUTCOME_CONFLICT, "no-ipv4", "%s: a name registry knows IPv4 only, and management point %s has %s",
                       run->target->uri, look.wanted->host, look.wanted->address);
        return;
    }
    enum sl_status s = nb_name_make(name, NB_SMS, &look.name) ? find_server(run, &look.server, &e) : SL_INTERNAL;
    look.text = nb_name_text(&look.name);
    if (s == SL_OK)
        s = ask(run, &look, &e);
    if (s == SL_OK && pub_is_removal(run) && !is_ours(run, &look))
        return; /* nothing of ours is there */
    if (s == SL_OK && pub_is_diff(run))
        show_difference(run, &look);
    else if (s == SL_OK)
        s = wait_for_host(run, &look, &e);
    if (s) {
        pub_line_add(run, PUB_FAILED_LINE, look.text.text, "%s", sl_error_text(&e));
        pub_result_set(run, sl_status_outcome(s), s == SL_DENIED ? "denied" : "could-not-ask", "%s", sl_error_text(&e));
    }
}
