#include "wins-emu/ctl/ctl.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "wins-emu/ctl/backup.h"
#include "wins-emu/ctl/check.h"
#include "wins-emu/ctl/explain.h"
#include "wins-emu/ctl/history.h"
#include "wins-emu/ctl/import.h"
#include "wins-emu/ctl/life.h"
#include "wins-emu/ctl/list.h"
#include "wins-emu/ctl/many.h"
#include "wins-emu/ctl/row.h"
#include "wins-emu/ctl/stats.h"
#include "wins-emu/ctl/top.h"

#include <stdlib.h>

#define WCTL_MAGIC 0xc7100001u

struct wctl {
    uint32_t magic;
    struct wctl_env env;
    struct host_control *control;
    int64_t started_ms;
    struct wctl_changes changes; /* under way; belongs to the loop's thread */
    struct wctl_searches *searches;
};

/* The name that is the first argument; false when the reply has been ended because it is none. */
static bool name_argument(const struct host_request *request, struct host_reply *reply, struct nb_name *ret_name)
{
    struct sl_error e;
    enum sl_status status =
        request->arg_count ? nb_name_parse(request->args[0], ret_name, &e) : sl_fail(&e, SL_USAGE, "no name given");
    if (status == SL_OK)
        return true;
    host_reply_end(reply, SL_OUTCOME_USAGE, NULL, "%s", sl_error_text(&e));
    return false;
}

/* Answers with the record as it is now. */
static void show_name(const struct wctl *w, const struct nb_name *name, struct host_reply *reply)
{
    struct wins_record record;
    tbl_read_lock();
    const struct tbl_entry *entry = tbl_find(w->env.table, name);
    if (entry)
        tbl_unpack(entry, &record);
    tbl_read_unlock();
    if (!entry) {
        wctl_not_found(reply, name);
        return;
    }
    wctl_row_columns(reply, true);
    wctl_row(reply, &record, sl_clock_real_s());
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
}

/* ---- changes ---- */

static void finish_with_record(struct wctl_change *c)
{
    show_name(c->all->ctx, &c->name, c->reply);
}

static void finish(struct wctl_change *c)
{
    host_reply_end(c->reply, SL_OUTCOME_OK, NULL, NULL);
}

static enum sl_status parse_addresses(const struct host_request *request, struct wins_record *r, struct sl_error *e)
{
    if (request->arg_count < 2 || request->arg_count > 1 + WINS_MEMBERS_MAX)
        return sl_fail(e, SL_USAGE, "1 to %d addresses are needed", WINS_MEMBERS_MAX);
    for (size_t i = 1; i < request->arg_count; i++) {
        uint32_t address;
        if (!sl_ip4_parse(request->args[i], &address))
            return sl_fail(e, SL_USAGE, "\"%s\" is not an IPv4 address", request->args[i]);
        if (wins_record_find(r, address) >= 0)
            return sl_fail(e, SL_USAGE, "%s is given twice", request->args[i]);
        r->members[r->member_count++].address = address;
    }
    return SL_OK;
}

static void warn_of_case(struct host_reply *reply, const struct nb_name *name)
{
    if (nb_name_has_lower(name))
        host_reply_warning(reply, "%s has lower case letters, which compare as they are: clients register and ask in upper case",
                           nb_name_text(name).text);
}

static enum wins_type type_of(const struct wins_record *r, bool group)
{
    if (group)
        return nb_name_suffix(&r->name) == NB_DOMAIN_GROUP ? WINS_SGROUP : WINS_GROUP;
    return r->member_count > 1 ? WINS_MHOMED : WINS_UNIQUE;
}

/* ---- verbs ---- */

static void verb_list(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    const struct wctl *w = ctx;
    wctl_list(w->env.table, request, reply);
}

static void verb_show(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct nb_name name;
    if (name_argument(request, reply, &name))
        show_name(ctx, &name, reply);
}

static void verb_add(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct wctl *w = ctx;
    struct wins_record r = {.node = WINS_NODE_H};
    if (!name_argument(request, reply, &r.name))
        return;
    struct sl_error e;
    struct wctl_change *c = wctl_change_new(&w->changes, "add", &r.name, reply, finish_with_record);
    enum sl_status status = parse_addresses(request, &r, &e);
    r.type = type_of(&r, host_request_option(request, "group", 0) != NULL);
    if (status == SL_OK)
        warn_of_case(reply, &r.name);
    if (status == SL_OK)
        status = eng_writer_add(w->env.writer, &r, wctl_change_done, c, &e);
    if (status != SL_OK)
        wctl_change_refuse(c, status, &e);
}

static void verb_delete(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct wctl *w = ctx;
    struct nb_name name;
    if (wctl_many(&w->env, &w->changes, request, reply) || !name_argument(request, reply, &name))
        return;
    struct sl_error e;
    struct wctl_change *c = wctl_change_new(&w->changes, "delete", &name, reply, finish);
    enum sl_status status = eng_writer_delete(w->env.writer, &name, wctl_change_done, c, &e);
    if (status != SL_OK)
        wctl_change_refuse(c, status, &e);
}

static void end_name(struct wctl *w, const char *verb, eng_call_fn *call, const struct host_request *request,
                     struct host_reply *reply)
{
    struct nb_name name;
    if (wctl_many(&w->env, &w->changes, request, reply) || !name_argument(request, reply, &name))
        return;
    struct sl_error e;
    struct wctl_change *c = wctl_change_new(&w->changes, verb, &name, reply, finish_with_record);
    enum sl_status status = eng_writer_call(w->env.writer, call, c, &e);
    if (status != SL_OK)
        wctl_change_refuse(c, status, &e);
}

static void verb_release(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    end_name(ctx, "release", wctl_release_call, request, reply);
}

static void verb_tombstone(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    end_name(ctx, "tombstone", wctl_tombstone_call, request, reply);
}

static void verb_explain(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    const struct wctl *w = ctx;
    struct nb_name name;
    if (name_argument(request, reply, &name))
        wctl_explain(&w->env, &name, request, reply);
}

static void verb_scavenge(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct wctl *w = ctx;
    wctl_scavenge(&w->env, &w->changes, request, reply);
}

static void verb_check(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    struct wctl *w = ctx;
    wctl_check(&w->env, &w->changes, reply);
}

static void verb_backup(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    struct wctl *w = ctx;
    wctl_backup(&w->env, &w->changes, reply);
}

static void verb_import(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct wctl *w = ctx;
    wctl_import(&w->env, &w->changes, request, reply);
}

static void verb_export(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    const struct wctl *w = ctx;
    wctl_export(w->env.table, request, reply);
}

static void verb_history(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    const struct wctl *w = ctx;
    struct nb_name name;
    if (name_argument(request, reply, &name))
        wctl_history(&w->env, w->searches, &name, reply);
}

static void verb_watch(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    const struct wctl *w = ctx;
    wctl_watch(w->env.hub, request, reply);
}

static void verb_top(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct wctl *w = ctx;
    wctl_top(&w->env, &w->changes, request, reply);
}

static void verb_stats(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    const struct wctl *w = ctx;
    wctl_stats(&w->env, (sl_clock_mono_ms() - w->started_ms) / 1000, reply);
}

void wctl_metrics(const struct wctl *w, struct sl_text *out)
{
    SL_CHECK_MAGIC(w, WCTL_MAGIC);
    wctl_stats_page(&w->env, (sl_clock_mono_ms() - w->started_ms) / 1000, out);
}

static const struct host_verb verbs[] = {
#define WCTL_VERB(name, args, least, most, options, summary, detail) {#name, verb_##name},
#include "wins-emu/ctl/verbs.def"
#undef WCTL_VERB
};

enum sl_status wctl_open(const char *path, const struct wctl_env *env, struct wctl **ret_wctl, struct sl_error *e)
{
    struct wctl *w = sl_new(sizeof *w);
    *w = (struct wctl){.magic = WCTL_MAGIC, .env = *env, .started_ms = sl_clock_mono_ms(),
                       .changes = {.loop = env->loop, .ctx = w}};
    enum sl_status status = host_control_open(env->loop, path, verbs, SL_COUNT(verbs), w, &w->control, e);
    if (status != SL_OK) {
        free(w);
        return status;
    }
    w->searches = wctl_searches_new(env->loop);
    *ret_wctl = w;
    return SL_OK;
}

void wctl_close(struct wctl *w)
{
    if (!w)
        return;
    SL_CHECK_MAGIC(w, WCTL_MAGIC);
    host_control_close(w->control);
    w->control = NULL;
    wctl_searches_free(w->searches);
    w->searches = NULL;
    wctl_changes_wait(&w->changes);
}

void wctl_free(struct wctl *w)
{
    if (!w)
        return;
    SL_CHECK_MAGIC(w, WCTL_MAGIC);
    wctl_close(w);
    wctl_changes_drop(&w->changes);
    w->magic = 0;
    free(w);
}
