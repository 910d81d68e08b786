#include "site/server/private.h"

#include "common/base/assert.h"

#include <stdlib.h>
#include <string.h>

struct verb {
    const char *name;
    size_t min_args, max_args;
    bool administration, needs_site;
    srv_verb_fn *run;
};

static const struct verb verbs[] = {
#define VERB_ROW(name, min, max, admin, site, fn) {name, min, max, admin, site, fn},
    SRV_VERB_TABLE(VERB_ROW)
#undef VERB_ROW
};

static const struct verb *find_verb(const char *name)
{
    size_t i = 0;
    while (strcmp(verbs[i].name, name) != 0)
        i++; /* the control socket only calls us with names out of the same table */
    return &verbs[i];
}

static enum sl_status check(const struct verb *verb, const struct srv_call *call, struct sl_error *e)
{
    size_t args = call->request->arg_count;
    if (args < verb->min_args || args > verb->max_args)
        return sl_fail(e, SL_USAGE, "%s takes %zu to %zu arguments", verb->name, verb->min_args, verb->max_args);
    if (verb->administration && !call->srv->options.is_server)
        return sl_fail(e, SL_CONFLICT, "this sited is not the site server; ask the one with --role server");
    return verb->administration ? srv_have_lock(call->srv, e) : SL_OK;
}

/* The site asked for, else ours, else the only one. A sited that serves one site leaves the others alone. */
static enum sl_status choose_site(struct srv_call *call, struct sl_error *e)
{
    const char *wanted = host_request_option(call->request, "site", 0), *ours = call->srv->options.site;
    if (wanted != NULL && ours != NULL && strcmp(wanted, ours) != 0)
        return sl_fail(e, SL_USAGE, "this sited serves site %s, not \"%s\"", ours, wanted);
    return sst_choose_site(call->store, wanted != NULL ? wanted : ours, &call->site, e);
}

static void on_verb(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct srv *srv = ctx;
    const struct verb *verb = find_verb(request->verb);
    struct srv_call call = {.srv = srv, .request = request, .reply = reply};
    struct sl_error e = {0};
    SL_CHECK_MAGIC(srv, SRV_MAGIC);
    enum sl_status status = check(verb, &call, &e);
    if (status == SL_OK)
        status = srv_store(srv, &call.store, &e);
    if (status == SL_OK && verb->needs_site)
        status = choose_site(&call, &e);
    if (status == SL_OK)
        status = verb->run(&call, &e);
    free(call.site);
    if (status != SL_OK)
        host_reply_fail(reply, status, &e);
    else if (!call.kept)
        host_reply_end(reply, SL_OUTCOME_OK, "", "%s", "");
    if (status == SL_OK && call.changed)
        srv_look(srv);
}

const struct host_verb srv_verbs[] = {
#define HOST_ROW(name, min, max, admin, site, fn) {name, on_verb},
    SRV_VERB_TABLE(HOST_ROW)
#undef HOST_ROW
};
const size_t srv_verb_count = SL_COUNT(srv_verbs);
