#include "wins-emu/ctl/many.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "wins-emu/ctl/filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 64, WALK_SLICE = 4096, SHOWN_MAX = 20, FILTERS_TEXT_MAX = 256, NUMBER_TEXT_MAX = 24 };

/* ---- what becomes of a name ---- */

typedef enum sl_status end_fn(struct eng *eng, struct eng_now now, const struct nb_name *name, eng_done *done, void *ctx,
                              bool *ret_found, struct sl_error *e);

struct way {
    const char *verb;
    bool (*changes)(const struct wins_record *record); /* else the record stays as it is */
    end_fn *end;
};

static bool always(const struct wins_record *record)
{
    (void)record;
    return true;
}

static bool is_leased(const struct wins_record *record)
{
    return record->state == WINS_ACTIVE && !record->is_static;
}

static bool is_no_tombstone(const struct wins_record *record)
{
    return record->state != WINS_TOMBSTONE;
}

static enum sl_status delete_name(struct eng *eng, struct eng_now now, const struct nb_name *name, eng_done *done, void *ctx,
                                  bool *ret_found, struct sl_error *e)
{
    (void)e;
    *ret_found = eng_admin_delete(eng, now, name, done, ctx);
    return SL_OK;
}

static enum sl_status release_name(struct eng *eng, struct eng_now now, const struct nb_name *name, eng_done *done, void *ctx,
                                   bool *ret_found, struct sl_error *e)
{
    return eng_admin_end(eng, now, name, ENG_END_RELEASE, done, ctx, ret_found, e);
}

static enum sl_status bury_name(struct eng *eng, struct eng_now now, const struct nb_name *name, eng_done *done, void *ctx,
                                bool *ret_found, struct sl_error *e)
{
    return eng_admin_end(eng, now, name, ENG_END_TOMBSTONE, done, ctx, ret_found, e);
}

static const struct way ways[] = {
    {"delete", always, delete_name},
    {"release", is_leased, release_name},
    {"tombstone", is_no_tombstone, bury_name},
};

static const struct way *find_way(const char *verb)
{
    for (size_t i = 0; i < SL_COUNT(ways); i++)
        if (strcmp(ways[i].verb, verb) == 0)
            return &ways[i];
    sl_assert(!"a verb that ends names");
    return NULL;
}

struct many {
    const struct wctl_env *env;
    const struct way *way;
    struct wctl_change *change; /* without a reply once the client has gone */
    struct wctl_filter filter;
    struct sl_text asked; /* the filters as text */
    bool dry_run;
    uint64_t cursor;
    bool walked; /* to the end */
    bool ended;  /* and told */
    uint64_t changed, unchanged;
    size_t shown;
    struct sl_text first; /* of a dry run, one a line */
    enum sl_status status;
    struct sl_error error;
    bool busy; /* the writer's thread has what follows, and the status */
    size_t left, done;
    size_t count;
    struct nb_name names[WCTL_MANY_SLICE];
};

/* ---- on the writer's thread ---- */

static void on_slice(void *ctx);

/* One name less to wait for; `status` is what came of it. */
static void settle(struct many *m, enum sl_status status, const struct sl_error *e)
{
    if (status != SL_OK && m->status == SL_OK) {
        m->status = status;
        m->error = *e;
    }
    if (--m->left == 0)
        host_loop_post(m->env->loop, on_slice, m);
}

static void on_ended(void *ctx, enum sl_status status, const struct sl_error *e)
{
    struct many *m = ctx;
    m->done += status == SL_OK;
    settle(m, status, e);
}

/* It may have changed since the walk. */
static bool is_still_due(const struct many *m, const struct nb_name *name)
{
    struct wins_record record;
    const struct tbl_entry *entry = tbl_find(m->env->table, name);
    if (!entry)
        return false;
    tbl_unpack(entry, &record);
    return wctl_filter_matches(&m->filter, &record) && m->way->changes(&record);
}

static void end_slice(void *ctx, struct eng *eng, struct eng_now now)
{
    struct many *m = ctx;
    struct sl_error e = {0};
    enum sl_status status = eng_commit(eng, &e); /* the table has all that was decided before */
    m->done = 0;
    m->left = 1; /* this call itself */
    for (size_t i = 0; i < m->count && status == SL_OK; i++) {
        bool found = true;
        if (!is_still_due(m, &m->names[i]))
            continue;
        m->left++;
        status = m->way->end(eng, now, &m->names[i], on_ended, m, &found, &e);
        m->left -= status != SL_OK || !found;
    }
    settle(m, status, &e);
}

/* ---- on the loop's thread ---- */

static void end_wait(struct many *m)
{
    m->changed += m->busy ? m->done : 0;
    m->busy = false;
}

static const char *result_of(const struct many *m)
{
    if (m->status != SL_OK)
        return sl_error_text(&m->error);
    return !m->ended ? "cut-short" : m->changed + m->unchanged ? "ok" : "not-found";
}

static void many_free(void *data)
{
    struct many *m = data;
    end_wait(m);
    sl_log(m->dry_run ? SL_LOG_DEBUG : SL_LOG_INFO, "admin", "verb=%s filters=%s changed=%" PRIu64 " result=%s", m->way->verb,
           SL_LOG_TEXT(sl_text_str(&m->asked)), m->changed, SL_LOG_TEXT(result_of(m)));
    sl_text_fini(&m->asked);
    sl_text_fini(&m->first);
    free(m);
}

/* The client has gone. */
static void leave(void *state)
{
    struct many *m = state;
    m->change->reply = NULL;
    if (!m->busy)
        wctl_change_free(m->change);
}

static void on_slice(void *ctx)
{
    struct many *m = ctx;
    end_wait(m);
    if (!m->change->reply) {
        leave(m);
        return;
    }
    host_reply_progress(m->change->reply, m->changed, 0, "names changed:");
    host_reply_wake(m->change->reply);
}

static void on_entry(const struct tbl_entry *entry, void *ctx)
{
    struct many *m = ctx;
    struct wins_record record;
    tbl_unpack(entry, &record);
    if (!wctl_filter_matches(&m->filter, &record))
        return;
    if (!m->way->changes(&record)) {
        m->unchanged++;
        return;
    }
    if (!m->dry_run) {
        m->names[m->count++] = record.name;
        return;
    }
    m->changed++;
    if (m->shown++ < SHOWN_MAX)
        sl_text_printf(&m->first, "%s%s", m->first.len ? "\n" : "", nb_name_text(&record.name).text);
}

/* Walks on until a slice is full, for a moment. */
static void walk(struct many *m)
{
    m->count = 0;
    for (size_t seen = 0; !m->walked && seen < WALK_SLICE && m->count + STEP <= WCTL_MANY_SLICE; seen += STEP)
        m->walked = !tbl_walk(m->env->table, &m->cursor, STEP, on_entry, m);
}

static void put_numbers(const struct many *m, struct host_reply *reply)
{
    static const char *const columns[] = {"changed:number", "unchanged:number", "first:list"};
    char changed[NUMBER_TEXT_MAX], unchanged[NUMBER_TEXT_MAX];
    size_t count = SL_COUNT(columns) - !m->dry_run;
    snprintf(changed, sizeof changed, "%" PRIu64, m->changed);
    snprintf(unchanged, sizeof unchanged, "%" PRIu64, m->unchanged);
    const char *const cells[] = {changed, unchanged, sl_text_str(&m->first)};
    host_reply_columns(reply, columns, count, true);
    host_reply_row(reply, cells, count);
}

static void finish(struct many *m, struct host_reply *reply)
{
    m->ended = true;
    put_numbers(m, reply);
    if (m->status != SL_OK && m->changed == 0)
        host_reply_fail(reply, m->status, &m->error);
    else if (m->status != SL_OK)
        host_reply_end(reply, SL_OUTCOME_PARTIAL, "cut-short", "%s", sl_error_text(&m->error));
    else if (m->changed + m->unchanged == 0)
        host_reply_end(reply, SL_OUTCOME_NEGATIVE, "not-found", "no name matches");
    else
        host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    wctl_change_free(m->change);
}

static bool more(struct host_reply *reply, void *state)
{
    struct many *m = state;
    if (m->status == SL_OK && !m->walked) {
        walk(m);
        if (m->count)
            m->status = eng_writer_call(m->env->writer, end_slice, m, &m->error);
        m->busy = m->count && m->status == SL_OK;
        if (m->busy)
            host_reply_rest(reply);
        return true;
    }
    finish(m, reply);
    return false;
}

bool wctl_many(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
               struct host_reply *reply)
{
    struct wctl_filter filter;
    struct sl_error e;
    enum sl_status status = wctl_filter_parse(request, &filter, &e);
    bool filtered = status == SL_OK && !wctl_filter_is_empty(&filter);
    bool dry_run = host_request_option(request, "dry-run", 0) != NULL;
    if (status == SL_OK && request->arg_count && !filtered && !dry_run)
        return false;
    if (status == SL_OK && (request->arg_count || !filtered))
        status = sl_fail(&e, SL_USAGE, request->arg_count ? "a name excludes filters and --dry-run"
                                                          : "neither a name nor a filter is given, as --prefix or --suffix");
    if (status != SL_OK) {
        host_reply_fail(reply, status, &e);
        return true;
    }
    struct many *m = sl_new(sizeof *m);
    *m = (struct many){.env = env, .way = find_way(request->verb), .filter = filter, .dry_run = dry_run,
                       .asked = sl_text_new(FILTERS_TEXT_MAX), .first = sl_text_new(SHOWN_MAX * NB_NAME_TEXT_MAX)};
    m->change = wctl_change_new(changes, m->way->verb, NULL, reply, NULL);
    m->change->data = m;
    m->change->free_data = many_free;
    wctl_filter_text(request, &m->asked);
    host_reply_pull(reply, more, leave, m);
    return true;
}
