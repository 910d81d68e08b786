#include "wins-emu/ctl/life.h"

#include "common/base/clock.h"
#include "common/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP = 128, NUMBER_TEXT_MAX = 24 };

/* ---- a pass ---- */

static const enum wins_rule rows[] = {WINS_V01, WINS_V02, WINS_V03, WINS_V05, WINS_V06};

/* On the loop's thread, after the pass. */
static void on_finished(struct wctl_change *c)
{
    static const char *const columns[] = {"rule:text", "names:number", "meaning:text"};
    host_reply_columns(c->reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        char names[NUMBER_TEXT_MAX];
        snprintf(names, sizeof names, "%" PRIu64, c->scavenged.rules[rows[i]]);
        const char *const cells[] = {wins_rule_id(rows[i]), names, wins_rule_text(rows[i])};
        host_reply_row(c->reply, cells, SL_COUNT(cells));
    }
    host_reply_end(c->reply, SL_OUTCOME_OK, NULL, NULL);
}

static void on_scavenged(void *ctx, enum sl_status status, const struct eng_scavenged *result, const struct sl_error *e)
{
    struct wctl_change *c = ctx;
    c->scavenged = *result;
    wctl_change_done(c, status, true, e);
}

/* On the writer's thread. */
static void begin(void *ctx, struct eng *eng, struct eng_now now)
{
    struct sl_error e;
    enum sl_status status = eng_scavenge(eng, now, on_scavenged, ctx, &e);
    if (status != SL_OK)
        wctl_change_done(ctx, status, true, &e);
}

/* ---- the end of one name, on the writer's thread ---- */

static void on_ended(void *ctx, enum sl_status status, const struct sl_error *e)
{
    wctl_change_done(ctx, status, true, e);
}

static void end(struct wctl_change *c, struct eng *eng, struct eng_now now, enum eng_end how)
{
    struct sl_error e;
    bool found = true;
    enum sl_status status = eng_admin_end(eng, now, &c->name, how, on_ended, c, &found, &e);
    if (status != SL_OK || !found)
        wctl_change_done(c, status, found, &e);
}

void wctl_release_call(void *change, struct eng *eng, struct eng_now now)
{
    end(change, eng, now, ENG_END_RELEASE);
}

void wctl_tombstone_call(void *change, struct eng *eng, struct eng_now now)
{
    end(change, eng, now, ENG_END_TOMBSTONE);
}

/* ---- what a pass would do ---- */

struct trial {
    const struct wctl_env *env;
    struct host_reply *reply;
    uint64_t cursor;
    int64_t now_s, serving_since_s;
};

static const char *becomes(const struct wins_decision *d)
{
    return d->effect == WINS_REMOVE ? "deleted" : wins_state_word(d->record.state);
}

static void on_entry(const struct tbl_entry *entry, void *ctx)
{
    struct trial *t = ctx;
    struct wins_record r;
    struct wins_decision d;
    tbl_unpack(entry, &r);
    wins_scavenge(&r, t->serving_since_s, t->env->rules, t->now_s, &d);
    if (d.rule == WINS_RULE_NONE)
        return;
    char expired[NUMBER_TEXT_MAX];
    snprintf(expired, sizeof expired, "%" PRId64, t->now_s - r.expires_s);
    const struct nb_name_text name = nb_name_text(&r.name);
    const char *const cells[] = {wins_rule_id(d.rule), name.text, wins_type_word(r.type), wins_state_word(r.state),
                                 becomes(&d), d.new_version ? "true" : "false",
                                 r.expires_s > t->now_s ? NULL : expired};
    host_reply_row(t->reply, cells, SL_COUNT(cells));
}

static bool more(struct host_reply *reply, void *state)
{
    struct trial *t = state;
    t->reply = reply;
    if (tbl_walk(t->env->table, &t->cursor, STEP, on_entry, t))
        return true;
    free(t);
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    return false;
}

static void dry_run(const struct wctl_env *env, struct host_reply *reply)
{
    static const char *const columns[] = {"rule:text",    "name:text",        "type:text",       "state:text",
                                          "becomes:text", "new_version:bool", "expired_s:number"};
    struct eng_writer_state state;
    eng_writer_read(env->writer, &state);
    struct trial *t = sl_new(sizeof *t);
    *t = (struct trial){.env = env, .now_s = sl_clock_real_s(), .serving_since_s = state.stats.serving_since_s};
    host_reply_columns(reply, columns, SL_COUNT(columns), false);
    host_reply_pull(reply, more, free, t);
}

void wctl_scavenge(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
                   struct host_reply *reply)
{
    if (host_request_option(request, "dry-run", 0)) {
        dry_run(env, reply);
        return;
    }
    struct sl_error e;
    struct wctl_change *c = wctl_change_new(changes, "scavenge", NULL, reply, on_finished);
    enum sl_status status = eng_writer_call(env->writer, begin, c, &e);
    if (status != SL_OK)
        wctl_change_refuse(c, status, &e);
}
