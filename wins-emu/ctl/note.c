#include "wins-emu/ctl/note.h"

#include "common/base/addr.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { TIME_TEXT_MAX = 32, NUMBER_TEXT_MAX = 24, ADDRESSES_TEXT_MAX = WINS_MEMBERS_MAX * SL_IP4_TEXT_MAX };

static const char *const columns[] = {
    "at:text",         "name:text",           "change:text",        "by:text",    "source:text", "rule:text",
    "old_type:text",   "old_state:text",      "old_addresses:list", "type:text",  "state:text",  "static:bool",
    "addresses:list",  "version:number",      "expires_at_s:number", "lost:number",
};

enum { WIDTH = sizeof columns / sizeof columns[0] };

void wctl_note_columns(struct host_reply *reply, bool lost)
{
    host_reply_columns(reply, columns, WIDTH - !lost, false);
}

static void time_text(char out[TIME_TEXT_MAX], int64_t at_s)
{
    struct tm parts;
    time_t at = (time_t)at_s;
    out[0] = '\0';
    if (gmtime_r(&at, &parts))
        strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static const char *change_word(const struct wst_note *n)
{
    bool was = n->before.present && n->before.state == WINS_ACTIVE, is = n->after.present && n->after.state == WINS_ACTIVE;
    if (is)
        return was ? "changed" : "added";
    return n->after.present ? wins_state_word(n->after.state) : "deleted";
}

static void addresses_text(char out[ADDRESSES_TEXT_MAX], const struct wst_image *image)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < image->address_count; i++)
        used += (size_t)snprintf(out + used, ADDRESSES_TEXT_MAX - used, "%s%s", i ? "\n" : "",
                                 sl_ip4_text(image->addresses[i]).text);
}

void wctl_note_row(struct host_reply *reply, const struct wst_note *n, bool lost)
{
    char at[TIME_TEXT_MAX], version[NUMBER_TEXT_MAX], expires[NUMBER_TEXT_MAX];
    char before[ADDRESSES_TEXT_MAX], after[ADDRESSES_TEXT_MAX];
    const struct wst_image *b = n->before.present ? &n->before : NULL, *a = n->after.present ? &n->after : NULL;
    time_text(at, n->at_s);
    addresses_text(before, &n->before);
    addresses_text(after, &n->after);
    snprintf(version, sizeof version, "%" PRIu64, n->after.version);
    snprintf(expires, sizeof expires, "%" PRId64, n->after.expires_s);
    const struct nb_name_text name = nb_name_text(&n->name);
    const struct sl_ip4_text source = sl_ip4_text(n->source);
    const char *const cells[WIDTH] = {
        at,
        name.text,
        change_word(n),
        wst_actor_word(n->by),
        n->source ? source.text : NULL,
        n->rule ? wins_rule_id(n->rule) : NULL,
        b ? wins_type_word(b->type) : NULL,
        b ? wins_state_word(b->state) : NULL,
        before,
        a ? wins_type_word(a->type) : NULL,
        a ? wins_state_word(a->state) : NULL,
        a ? (a->is_static ? "true" : "false") : NULL,
        after,
        a ? version : NULL,
        a && a->expires_s ? expires : NULL,
    };
    host_reply_row(reply, cells, WIDTH - !lost);
}

void wctl_note_lost(struct host_reply *reply, uint64_t count)
{
    char text[NUMBER_TEXT_MAX];
    snprintf(text, sizeof text, "%" PRIu64, count);
    const char *const cells[WIDTH] = {[2] = "lost", [WIDTH - 1] = text};
    host_reply_row(reply, cells, WIDTH);
}
