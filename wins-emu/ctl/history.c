#include "wins-emu/ctl/history.h"

#include "common/base/memory.h"
#include "wins-emu/ctl/note.h"

#include <stdlib.h>

enum { STEP = 64 }; /* rows of the journal between two looks at the client */

struct search {
    struct wst *reader;
    struct host_reply *reply;
    struct nb_name name;
    uint64_t cursor;
    uint64_t found;
};

static void search_free(void *ctx)
{
    struct search *s = ctx;
    wst_close(s->reader);
    free(s);
}

static void on_note(const struct wst_note *note, void *ctx)
{
    struct search *s = ctx;
    s->found++;
    wctl_note_row(s->reply, note, false);
}

static bool more(struct host_reply *reply, void *state)
{
    struct search *s = state;
    struct sl_error e;
    bool left = false;
    s->reply = reply;
    enum sl_status status = wst_history(s->reader, &s->name, &s->cursor, STEP, on_note, s, &left, &e);
    if (status == SL_OK && left)
        return true;
    if (status != SL_OK)
        host_reply_fail(reply, status, &e);
    else if (s->found)
        host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    else
        host_reply_end(reply, SL_OUTCOME_NEGATIVE, "not-found", "the journal has nothing of %s", nb_name_text(&s->name).text);
    search_free(s);
    return false;
}

void wctl_history(const struct wctl_env *env, const struct nb_name *name, struct host_reply *reply)
{
    struct search *s = sl_new(sizeof *s);
    struct sl_error e;
    s->name = *name;
    enum sl_status status = wst_open_reader(env->db, env->rules->self, &s->reader, &e);
    if (status != SL_OK) {
        free(s);
        host_reply_fail(reply, status, &e);
        return;
    }
    wctl_note_columns(reply, false);
    host_reply_pull(reply, more, search_free, s);
}
