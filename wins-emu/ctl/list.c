#include "wins-emu/ctl/list.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "wins-emu/ctl/filter.h"
#include "wins-emu/ctl/row.h"

#include <stdlib.h>

enum { STEP = 128 }; /* rows between two looks at the client */

struct listing {
    const struct tbl *table;
    struct host_reply *reply;
    struct wctl_filter filter;
    void (*row)(struct host_reply *reply, const struct wins_record *record, int64_t now_s);
    uint64_t cursor;
    int64_t now_s;
};

static void on_entry(const struct tbl_entry *entry, void *ctx)
{
    struct listing *l = ctx;
    struct wins_record record;
    tbl_unpack(entry, &record);
    if (wctl_filter_matches(&l->filter, &record))
        l->row(l->reply, &record, l->now_s);
}

static bool more(struct host_reply *reply, void *state)
{
    struct listing *l = state;
    l->reply = reply;
    if (tbl_walk(l->table, &l->cursor, STEP, on_entry, l))
        return true;
    free(l);
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    return false;
}

/* Starts the stream of `row`s, or ends the reply when the filters are wrong. */
static void start(const struct tbl *table, const struct host_request *request, struct host_reply *reply,
                  void (*row)(struct host_reply *reply, const struct wins_record *record, int64_t now_s), int state)
{
    struct listing *l = sl_new(sizeof *l);
    l->table = table;
    l->row = row;
    l->now_s = sl_clock_real_s();
    struct sl_error e;
    enum sl_status status = wctl_filter_parse(request, &l->filter, &e);
    if (status != SL_OK) {
        free(l);
        host_reply_fail(reply, status, &e);
        return;
    }
    if (l->filter.state < 0)
        l->filter.state = state;
    host_reply_pull(reply, more, free, l);
}

void wctl_list(const struct tbl *table, const struct host_request *request, struct host_reply *reply)
{
    wctl_row_columns(reply, false);
    start(table, request, reply, wctl_row, -1);
}

void wctl_export(const struct tbl *table, const struct host_request *request, struct host_reply *reply)
{
    wctl_file_columns(reply);
    start(table, request, reply, wctl_file_row, WINS_ACTIVE);
}
