#include "wins-emu/ctl/ctl.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "wins-emu/ctl/list.h"
#include "wins-emu/ctl/row.h"
#include "wins-emu/ctl/stats.h"

#include <stdlib.h>
#include <string.h>

#define WCTL_MAGIC 0xc7100001u

struct wctl {
    uint32_t magic;
    struct wctl_env env;
    struct host_control *control;
    int64_t started_ms;
    struct change *changes; /* under way; belongs to the loop's thread */
};

/* A change that the writer has; the fields below `lists` are written by its thread before it posts. */
struct change {
    struct change *next, **link;
    struct wctl *wctl;
    struct host_reply *reply;
    struct nb_name name;
    const char *verb;
    enum sl_status status;
    bool found;
    struct sl_error error;
};

static void not_found(struct host_reply *reply, const struct nb_name *name)
{
    host_reply_end(reply, SL_OUTCOME_NEGATIVE, "not-found", "%s is not in the registry", nb_name_text(name).text);
}

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
        not_found(reply, name);
        return;
    }
    wctl_row_columns(reply, true);
    wctl_row(reply, &record, sl_clock_real_s());
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
}

/* ---- changes ---- */

static struct change *change_new(struct wctl *w, const char *verb, const struct nb_name *name, struct host_reply *reply)
{
    struct change *c = sl_new(sizeof *c);
    *c = (struct change){.wctl = w, .verb = verb, .name = *name, .reply = reply, .next = w->changes, .link = &w->changes};
    if (c->next)
        c->next->link = &c->next;
    w->changes = c;
    return c;
}

static void change_free(struct change *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
}

/* On the loop's thread again. */
static void on_changed(void *ctx)
{
    struct change *c = ctx;
    sl_log(SL_LOG_INFO, "admin", "verb=%s name=%s result=%s", c->verb, SL_LOG_TEXT(nb_name_text(&c->name).text),
           c->status != SL_OK ? SL_LOG_TEXT(sl_error_text(&c->error)) : c->found ? "ok" : "not-found");
    if (c->status != SL_OK)
        host_reply_fail(c->reply, c->status, &c->error);
    else if (!c->found)
        not_found(c->reply, &c->name);
    else if (strcmp(c->verb, "add") == 0)
        show_name(c->wctl, &c->name, c->reply);
    else
        host_reply_end(c->reply, SL_OUTCOME_OK, NULL, NULL);
    change_free(c);
}

static void on_done(void *ctx, enum sl_status status, bool found, const struct sl_error *e)
{
    struct change *c = ctx;
    c->status = status;
    c->found = found;
    if (status != SL_OK && e)
        c->error = *e;
    host_loop_post(c->wctl->env.loop, on_changed, c);
}

static void refuse_change(struct change *c, enum sl_status status, const struct sl_error *e)
{
    host_reply_fail(c->reply, status, e);
    change_free(c);
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
    struct change *c = change_new(w, "add", &r.name, reply);
    enum sl_status status = parse_addresses(request, &r, &e);
    r.type = type_of(&r, host_request_option(request, "group", 0) != NULL);
    if (status == SL_OK)
        status = eng_writer_add(w->env.writer, &r, on_done, c, &e);
    if (status != SL_OK)
        refuse_change(c, status, &e);
}

static void verb_delete(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    struct wctl *w = ctx;
    struct nb_name name;
    if (!name_argument(request, reply, &name))
        return;
    struct sl_error e;
    struct change *c = change_new(w, "delete", &name, reply);
    enum sl_status status = eng_writer_delete(w->env.writer, &name, on_done, c, &e);
    if (status != SL_OK)
        refuse_change(c, status, &e);
}

static void verb_stats(const struct host_request *request, struct host_reply *reply, void *ctx)
{
    (void)request;
    const struct wctl *w = ctx;
    wctl_stats(&w->env, (sl_clock_mono_ms() - w->started_ms) / 1000, reply);
}

static const struct host_verb verbs[] = {
#define WCTL_VERB(name, args, least, most, options, summary, detail) {#name, verb_##name},
#include "wins-emu/ctl/verbs.def"
#undef WCTL_VERB
};

enum sl_status wctl_open(const char *path, const struct wctl_env *env, struct wctl **ret_wctl, struct sl_error *e)
{
    struct wctl *w = sl_new(sizeof *w);
    *w = (struct wctl){.magic = WCTL_MAGIC, .env = *env, .started_ms = sl_clock_mono_ms()};
    enum sl_status status = host_control_open(env->loop, path, verbs, SL_COUNT(verbs), w, &w->control, e);
    if (status != SL_OK) {
        free(w);
        return status;
    }
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
}

void wctl_free(struct wctl *w)
{
    if (!w)
        return;
    SL_CHECK_MAGIC(w, WCTL_MAGIC);
    wctl_close(w);
    while (w->changes) {
        host_reply_end(w->changes->reply, SL_OUTCOME_UNREACHABLE, "stopping", NULL);
        change_free(w->changes);
    }
    w->magic = 0;
    free(w);
}
