#include "wins-emu/ctl/history.h"

#include "common/base/memory.h"
#include "common/host/worker.h"
#include "wins-emu/ctl/note.h"

#include <stdlib.h>

enum {
    SEARCHES_MAX = 16,
    STEP_ROWS = 64, /* rows of the journal that are read at a time */
    STEP_NOTES = 64, /* found at a time, and the rest of the row */
    STEP_MS = 5000,
};

struct wctl_searches {
    struct host_worker *worker;
    struct host_loop *loop;
    size_t count;
};

/* Of the worker while a step is under way, else of the loop; `reply` and what follows it are always the loop's. */
struct search {
    struct host_job job;
    const char *db;
    uint32_t self;
    struct nb_name name;
    struct wst *reader;
    bool over; /* nobody wants more of it: the reader is closed */
    bool more;
    uint64_t cursor;
    struct wst_note *notes;
    size_t note_count;
    enum sl_status status;
    struct sl_error error;
    struct wctl_searches *all;
    struct host_reply *reply; /* NULL when it was ended, or the client has gone */
    struct host_timer *timer;
    bool busy; /* a step is under way */
    bool late; /* and takes too long */
    uint64_t found;
};

/* ---- on the worker's thread ---- */

static void on_note(const struct wst_note *note, void *ctx)
{
    struct search *s = ctx;
    s->notes = sl_grow(s->notes, s->note_count, sizeof *s->notes);
    s->notes[s->note_count++] = *note;
}

static void read_step(struct search *s, struct host_worker *worker)
{
    if (!s->reader)
        s->status = wst_open_reader(s->db, s->self, &s->reader, &s->error);
    for (int i = 0; i < STEP_ROWS && s->status == SL_OK && s->more && s->note_count < STEP_NOTES; i++) {
        if (host_worker_is_stopping(worker))
            return;
        s->status = wst_history(s->reader, &s->name, &s->cursor, 1, on_note, s, &s->more, &s->error);
    }
}

static void close_reader(struct search *s)
{
    wst_close(s->reader);
    s->reader = NULL;
}

static void run(struct host_job *job, struct host_worker *worker)
{
    struct search *s = (struct search *)job;
    if (s->over)
        close_reader(s);
    else
        read_step(s, worker);
}

/* ---- on the loop's thread ---- */

static void search_free(struct search *s)
{
    s->all->count--;
    close_reader(s);
    host_timer_free(s->timer);
    free(s->notes);
    free(s);
}

static void push(struct search *s)
{
    s->busy = true;
    (void)host_worker_push(s->all->worker, &s->job, SEARCHES_MAX); /* each has one job at most */
}

/* The reader is closed where it may wait for the disk. */
static void end(struct search *s)
{
    s->reply = NULL;
    if (s->busy)
        return;
    s->over = true;
    if (s->reader)
        push(s);
    else
        search_free(s);
}

static void on_step(struct host_job *job)
{
    struct search *s = (struct search *)job;
    s->busy = false;
    host_timer_stop(s->timer);
    if (s->reply)
        host_reply_wake(s->reply);
    else if (job->canceled)
        search_free(s);
    else
        end(s);
}

static void on_late(void *ctx)
{
    struct search *s = ctx;
    s->late = true;
    if (s->reply)
        host_reply_wake(s->reply);
}

static void end_reply(struct search *s, struct host_reply *reply)
{
    struct sl_error e;
    if (s->late)
        host_reply_fail(reply, sl_fail(&e, SL_TIMEOUT, "%s: the journal could not be read within %d ms", s->db, STEP_MS), &e);
    else if (s->status != SL_OK)
        host_reply_fail(reply, s->status, &s->error);
    else if (s->found)
        host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    else
        host_reply_end(reply, SL_OUTCOME_NEGATIVE, "not-found", "the journal has nothing of %s", nb_name_text(&s->name).text);
    end(s);
}

static void write_notes(struct search *s, struct host_reply *reply)
{
    for (size_t i = 0; i < s->note_count; i++)
        wctl_note_row(reply, &s->notes[i], false);
    s->found += s->note_count;
    free(s->notes);
    s->notes = NULL;
    s->note_count = 0;
}

static bool more(struct host_reply *reply, void *state)
{
    struct search *s = state;
    if (!s->late)
        write_notes(s, reply);
    if (s->late || s->status != SL_OK || !s->more) {
        end_reply(s, reply);
        return false;
    }
    push(s);
    host_timer_start(s->timer, STEP_MS);
    host_reply_rest(reply);
    return true;
}

static void drop(void *state)
{
    end(state);
}

void wctl_history(const struct wctl_env *env, struct wctl_searches *all, const struct nb_name *name, struct host_reply *reply)
{
    struct sl_error e;
    if (all->count == SEARCHES_MAX) {
        host_reply_fail(reply, sl_fail(&e, SL_LIMIT, "%d searches of the journal are under way; try again", SEARCHES_MAX), &e);
        return;
    }
    struct search *s = sl_new(sizeof *s);
    *s = (struct search){.job = {.run = run, .done = on_step}, .db = env->db, .self = env->rules->self, .name = *name,
                         .more = true, .all = all, .reply = reply, .timer = host_timer_new(all->loop, on_late, s)};
    all->count++;
    wctl_note_columns(reply, false);
    host_reply_pull(reply, more, drop, s);
}

struct wctl_searches *wctl_searches_new(struct host_loop *loop)
{
    struct wctl_searches *all = sl_new(sizeof *all);
    *all = (struct wctl_searches){.worker = host_worker_new(loop), .loop = loop};
    return all;
}

void wctl_searches_free(struct wctl_searches *all)
{
    if (!all)
        return;
    host_worker_free(all->worker);
    free(all);
}
