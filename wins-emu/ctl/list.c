#include "wins-emu/ctl/list.h"

#include "common/base/addr.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "wins-emu/ctl/row.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 128 }; /* rows between two looks at the client */

/* What `list` was asked to show; -1 and empty mean everything. */
struct filter {
    int type, state, is_static, suffix;
    bool has_owner;
    uint32_t owner;
    size_t prefix_len;
    uint8_t prefix[NB_NAME_LEN];
};

struct listing {
    const struct tbl *table;
    struct host_reply *reply;
    struct filter filter;
    void (*row)(struct host_reply *reply, const struct wins_record *record, int64_t now_s);
    uint64_t cursor;
    int64_t now_s;
};

/* ---- filters ---- */

static int parse_word(const char *text, const char *(*word)(int value), int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(word(i), text) == 0)
            return i;
    return -1;
}

static const char *type_word(int value)
{
    return wins_type_word((enum wins_type)value);
}

static const char *state_word(int value)
{
    return wins_state_word((enum wins_state)value);
}

static bool parse_suffix(const char *text, struct filter *f)
{
    uint8_t octet;
    size_t len;
    if (!sl_parse_hex(text, &octet, sizeof octet, &len) || len != sizeof octet)
        return false;
    f->suffix = octet;
    return true;
}

static bool parse_prefix(const char *text, struct filter *f)
{
    f->prefix_len = strlen(text);
    if (f->prefix_len >= sizeof f->prefix)
        return false;
    memcpy(f->prefix, text, f->prefix_len);
    return true;
}

static bool parse_type(const char *text, struct filter *f)
{
    f->type = parse_word(text, type_word, WINS_TYPE_COUNT);
    return f->type >= 0;
}

static bool parse_state(const char *text, struct filter *f)
{
    f->state = parse_word(text, state_word, WINS_STATE_COUNT);
    return f->state >= 0;
}

static bool parse_owner(const char *text, struct filter *f)
{
    f->has_owner = true;
    return sl_ip4_parse(text, &f->owner);
}

static bool parse_static(const char *text, struct filter *f)
{
    (void)text;
    f->is_static = 1;
    return true;
}

static bool parse_dynamic(const char *text, struct filter *f)
{
    (void)text;
    f->is_static = 0;
    return true;
}

static const struct {
    const char *option;
    bool (*parse)(const char *text, struct filter *f);
} filters[] = {
    {"type", parse_type}, {"state", parse_state}, {"static", parse_static}, {"dynamic", parse_dynamic},
    {"suffix", parse_suffix}, {"owner", parse_owner}, {"prefix", parse_prefix},
};

static enum sl_status parse_filter(const struct host_request *request, struct filter *ret_filter, struct sl_error *e)
{
    struct filter f = {.type = -1, .state = -1, .is_static = -1, .suffix = -1};
    for (size_t i = 0; i < SL_COUNT(filters); i++) {
        const char *text = host_request_option(request, filters[i].option, 0);
        if (text && !filters[i].parse(text, &f))
            return sl_fail(e, SL_USAGE, "--%s \"%s\" is nothing to list by", filters[i].option, text);
    }
    *ret_filter = f;
    return SL_OK;
}

static bool matches(const struct filter *f, const struct wins_record *r)
{
    return (f->type < 0 || f->type == (int)r->type) && (f->state < 0 || f->state == (int)r->state) &&
           (f->is_static < 0 || r->is_static == (f->is_static != 0)) &&
           (f->suffix < 0 || f->suffix == nb_name_suffix(&r->name)) &&
           (!f->has_owner || f->owner == r->owner) && memcmp(f->prefix, r->name.octets, f->prefix_len) == 0;
}

/* ---- rows ---- */

static void on_entry(const struct tbl_entry *entry, void *ctx)
{
    struct listing *l = ctx;
    struct wins_record record;
    tbl_unpack(entry, &record);
    if (matches(&l->filter, &record))
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
    enum sl_status status = parse_filter(request, &l->filter, &e);
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
