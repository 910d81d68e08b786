/* winsdat:FILE, lmhosts:FILE, netsh:FILE - registered names as a file, answered as the registry itself would. */
#include "common/base/addr.h"
#include "common/base/text.h"
#include "common/files/files.h"
#include "locator/source/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_MAX = SRC_URI_MAX };

/* The first row of one name; later ones add addresses where a name may have several. */
struct row {
    struct nb_name name;
    bool found;
    struct ff_row row;
    char file[FILE_NAME_MAX];
    unsigned line;
};

struct search {
    struct row rows[SRC_MP_NAMES];
    size_t count;
    struct sl_deadline deadline;
    struct src_answer *answer;
};

static bool has_address(const struct ff_row *row, uint32_t address)
{
    for (size_t i = 0; i < row->address_count; i++)
        if (row->addresses[i] == address)
            return true;
    return false;
}

/* Another row of a name that was found: the first counts, as it does to who reads the file. */
static void join(struct row *r, const struct ff_row *more, const struct ff_place *place, struct src_answer *a)
{
    bool grows = r->row.kind == more->kind && (more->kind == FF_SGROUP || more->kind == FF_MHOMED);
    for (size_t i = 0; i < more->address_count; i++) {
        if (has_address(&r->row, more->addresses[i]))
            continue;
        if (grows && r->row.address_count < FF_ADDRESSES_MAX)
            r->row.addresses[r->row.address_count++] = more->addresses[i];
        else
            src_warn(a, "%s:%u: %s again; line %u counts", place->file, place->line, nb_name_text(&r->name).text, r->line);
    }
}

static enum sl_status take_row(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    struct search *s = ctx;
    for (size_t i = 0; i < s->count; i++) {
        struct row *r = &s->rows[i];
        if (!nb_name_equal(&r->name, &row->name))
            continue;
        if (r->found) {
            join(r, row, place, s->answer);
            continue;
        }
        r->found = true;
        r->row = *row;
        r->line = place->line;
        (void)sl_text_copy(r->file, sizeof r->file, place->file);
    }
    return sl_deadline_passed(s->deadline) ? sl_fail(e, SL_TIMEOUT, "no time left to read on") : SL_OK;
}

/* True when the row answers; a registration that ran out does not. */
static bool say_row(const struct row *r, const struct src_question *q, struct src_answer *a)
{
    struct nb_name_text text = nb_name_text(&r->name);
    if (!r->found)
        return false;
    if (r->row.expires_s && r->row.expires_s <= q->now_s) {
        src_warn(a, "%s:%u: the registration of %s ran out %lld s ago", r->file, r->line, text.text,
                 (long long)(q->now_s - r->row.expires_s));
        return false;
    }
    a->group = r->row.kind == FF_GROUP || r->row.kind == FF_SGROUP;
    a->node[0] = "BPMH"[r->row.node & 3];
    a->ttl_s = r->row.expires_s ? r->row.expires_s - q->now_s : SRC_AGE_UNKNOWN;
    a->address_count = r->row.address_count;
    memcpy(a->addresses, r->row.addresses, r->row.address_count * sizeof a->addresses[0]);
    if (r->row.kind == FF_GROUP)
        a->addresses[a->address_count++] = UINT32_MAX;
    src_dump_place(a, r->file, r->line);
    src_say(a, SRC_ANSWER, "%s is registered", text.text);
    return true;
}

static void answer(const struct search *search, const struct src_question *q, struct src_answer *a)
{
    size_t i = 0;
    while (i < search->count && !say_row(&search->rows[i], q, a))
        i++;
    if (i == search->count) {
        src_note_end(a, "no such name");
        src_say(a, SRC_NOT_FOUND, "%s is not registered in %s", nb_name_text(&search->rows[0].name).text, a->server);
        return;
    }
    src_note_end(a, "%s %s", nb_name_text(&search->rows[i].name).text, sl_ip4_text(a->addresses[0]).text);
    if (q->what == SRC_MP)
        src_mp_of_name(q->site, a);
}

static void ask(const char *format, const struct src_dump *dump, const struct src_question *q, struct sl_deadline deadline,
                struct src_answer *a)
{
    struct search *search = calloc(1, sizeof *search);
    struct sl_error e = {.status = SL_OK};
    if (!search) {
        src_say(a, SRC_FAILED, "out of memory");
        return;
    }
    search->deadline = deadline;
    search->answer = a;
    if (q->what == SRC_NAME)
        search->rows[search->count++].name = q->name;
    for (size_t i = 0; q->what == SRC_MP && i < SRC_MP_NAMES; i++)
        search->rows[search->count++].name = src_mp_name(i, q->site);
    src_dump_begin(dump, q, a);
    enum sl_status s = ff_read(ff_format_find(format), dump->path, take_row, search, NULL, &e);
    if (s == SL_OK)
        answer(search, q, a);
    else
        src_dump_say_failed(a, s, &e);
    free(search);
}

/* One behaviour for every format; the scheme is the format's name. */
#define NAMES_OPS(format)                                                                                              \
    static void format##_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a) \
    {                                                                                                                  \
        ask(#format, source, q, deadline, a);                                                                          \
    }                                                                                                                  \
    const struct src_ops src_##format = {                                                                              \
        .scheme = #format,                                                                                             \
            .answers = SRC_MP | SRC_NAME,                                                                                  \
        .open = src_dump_open,                                                                                         \
        .ask = format##_ask,                                                                                           \
        .free = free,                                                                                                  \
    };

NAMES_OPS(winsdat)
NAMES_OPS(lmhosts)
NAMES_OPS(netsh)
