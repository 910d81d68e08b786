#include "site/publish/private.h"

#include "locator/net/dnsc.h"
#include "locator/net/nbc.h"

#include <poll.h>

enum { NEXT_NAME_MS = 1000 }; /* left to the names behind the one that is waited for */

/* What a registry says about a name, and what it should say. */
struct look {
    struct sl_endpoint server;
    struct pub_name wanted;
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
    struct sl_deadline deadline = sl_deadline_min(run->deadline, sl_deadline_in(ms));
    enum sl_status s = nbc_query(&look->server, &look->wanted.name, deadline, &look->reply, e);
    if (s == SL_OK && look->reply.rcode != NB_OK && look->reply.rcode != NB_NAM_ERR)
        return sl_fail(e, SL_DENIED, "%s: %s", run->target->uri, nbc_rcode_text(look->reply.rcode));
    return s;
}

static bool is_there(const struct look *look)
{
    return look->reply.rcode == NB_OK && look->reply.address_count > 0;
}

static bool is_ours(const struct pub_run *run, const struct look *look)
{
    bool is_ours = false;
    for (size_t a = 0; is_there(look) && a < look->reply.address_count; a++)
        is_ours = is_ours || pub_is_our_address(run, look->reply.addresses[a]);
    return is_ours;
}

static bool is_as_wanted(const struct look *look)
{
    if (look->wanted.ip4 == 0)
        return !is_there(look);
    return is_there(look) && !look->reply.group && look->reply.address_count == 1 &&
           look->reply.addresses[0] == look->wanted.ip4;
}

/* "10.0.0.1 -> 10.0.0.2", either side "none". */
static void tell(struct pub_run *run, enum pub_action action, const struct look *look, const char *more)
{
    const struct sl_ip4_text old = sl_ip4_text(is_there(look) ? look->reply.addresses[0] : 0);
    const struct sl_ip4_text new = sl_ip4_text(look->wanted.ip4);
    pub_line_add(run, action, look->wanted.text.text, "address: %s -> %s%s", is_there(look) ? old.text : "none",
                 look->wanted.ip4 ? new.text : "none", more);
}

static void show_difference(struct pub_run *run, const struct look *look)
{
    if (is_as_wanted(look)) {
        pub_line_add(run, PUB_SAME_LINE, look->wanted.text.text, "%s", "");
        return;
    }
    tell(run, !is_there(look) ? PUB_ADD_LINE : look->wanted.ip4 ? PUB_CHANGE_LINE : PUB_REMOVE_LINE, look, "");
    pub_result_set(run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
}

static bool may_wait(const struct pub_run *run)
{
    bool is_hurried = run->env && run->env->is_hurried && run->env->is_hurried(run->env->ctx);
    return !is_hurried && !pub_is_stopping(run) && sl_deadline_left_ms(run->deadline) > NEXT_NAME_MS;
}

/*
 * Time is over. A name of a host of the site is on its way; one that another holds is in the way until an administrator removes
 * it: a static registration never gives way, and a living host defends its own.
 */
static void give_up(struct pub_run *run, const struct look *look)
{
    const char *name = look->wanted.text.text;
    if (is_there(look) && !is_ours(run, look)) {
        tell(run, PUB_FAILED_LINE, look, "; another holds the name");
        pub_result_set(run, SL_OUTCOME_CONFLICT, "name-held",
                       "%s: %s is held by %s, no management point of the site: that registration, static or defended, must be "
                       "removed there", run->target->uri, name, sl_ip4_text(look->reply.addresses[0]).text);
        return;
    }
    tell(run, PUB_WAIT_LINE, look,
         look->wanted.ip4 ? "; the management point's own host must register it"
                          : "; the host that registered it must release it");
    pub_result_set(run, SL_OUTCOME_NEGATIVE, "not-yet", "%s is not what it should be at %s", name, run->target->uri);
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
    if (!was_as_wanted)
        pub_differs(run);
    if (!was_as_wanted && run->env && run->env->poke_names)
        run->env->poke_names(run->env->ctx);
    int ms = PUB_NAME_POLL_MS;
    for (; s == SL_OK && !is_as_wanted(look) && may_wait(run); ms += ms < PUB_NAME_POLL_MAX_MS ? ms : 0) {
        (void)poll(NULL, 0, ms);
        if (may_wait(run))
            s = ask(run, look, e);
    }
    if (s)
        return s;
    if (was_as_wanted) {
        pub_line_add(run, PUB_SAME_LINE, look->wanted.text.text, "%s", "");
    } else if (is_as_wanted(look)) {
        tell(run, !is_there(&before) ? PUB_ADD_LINE : look->wanted.ip4 ? PUB_CHANGE_LINE : PUB_REMOVE_LINE, &before, "");
    } else {
        give_up(run, look);
    }
    return SL_OK;
}

/* Facts sms.md 3: a management point that runs a registry of its own registers there, where no client looks. */
static void check_own_registry(struct pub_run *run, const struct look *look)
{
    struct look own = {.server = sl_endpoint_ip4(look->wanted.ip4, sl_endpoint_port(&look->server)), .wanted = look->wanted};
    if (sl_endpoint_equal(&own.server, &look->server) || ask(run, &own, NULL) != SL_OK)
        return;
    if (own.reply.is_registry && is_as_wanted(&own))
        pub_warn_of(run, "wrong-registry", "%s: %s is registered with %s, the management point's own registry, and not there",
                    run->target->uri, look->wanted.text.text, sl_endpoint_text(&own.server).text);
}

/*
 * One name. What nobody wants is left alone where no address of ours stands, but for the name of the default management point,
 * which speaks for the site whoever registered it.
 */
static void do_name(struct pub_run *run, struct look *look, bool is_first)
{
    struct sl_error e = {.status = SL_OK};
    enum sl_status s = ask(run, look, &e);
    bool may_pass = pub_is_removal(run) || !is_first;
    if (s == SL_OK && look->wanted.ip4 == 0 && may_pass && !is_ours(run, look))
        return;
    if (s == SL_OK && run->order->is_check && look->wanted.ip4 != 0 && !is_as_wanted(look))
        check_own_registry(run, look);
    if (s == SL_OK && pub_is_diff(run))
        show_difference(run, look);
    else if (s == SL_OK)
        s = wait_for_host(run, look, &e);
    if (s) {
        pub_line_add(run, PUB_FAILED_LINE, look->wanted.text.text, "%s", sl_error_text(&e));
        pub_result_fail(run, s, &e);
    }
}

void pub_registry(struct pub_run *run)
{
    struct pub_name names[PUB_NAMES_MAX];
    struct sl_error e = {.status = SL_OK};
    struct look look = {.wanted.ip4 = 0};
    if (pub_is_prune(run)) {
        if (run->order->sites.count > 0)
            pub_warn(run, "%s: what hosts registered there ends with its lease, or by winsctl", run->target->uri);
        return;
    }
    size_t count = pub_names_wanted(run, names);
    enum sl_status s = count > 0 ? find_server(run, &look.server, &e) : SL_OK;
    if (s)
        pub_result_fail(run, s, &e);
    for (size_t i = 0; s == SL_OK && i < count && run->result->outcome != SL_OUTCOME_UNREACHABLE; i++) {
        look.wanted = names[i];
        do_name(run, &look, i == 0);
    }
}

enum sl_status pub_registry_check(const struct sm_target *target, struct sl_error *e)
{
    char host[NBC_HOST_MAX];
    uint16_t port;
    return nbc_split(target->uri, host, sizeof host, &port, e);
}
