#include "wins-emu/store/journal.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/wire/cursor.h"
#include "wins-emu/store/state.h"

#include <string.h>

enum {
    RULE_LEN = 3,
    IMAGE_MAX = 1 + 1 + 8 + 8 + WINS_MEMBERS_MAX * 4,                      /* count, kind, version, expiry, addresses */
    NOTE_MAX = 1 + WST_KEY_MAX + 8 + 1 + 4 + RULE_LEN + 2 * IMAGE_MAX, /* scope's length, key, time, who, source, rule */
    CHUNK_MAX = 32 << 10, /* octets of notes in one row */
    NONE = 0xff,          /* count of an image where there is no record */
    CUT_EVERY = 64,       /* rows of one batch, so that an import of any size keeps the table small */
    CUT_NOTES = 4096,     /* that go in one commit, and as many as it adds: some hundred pages at most */
    SLACK = 64,           /* a 64th more than the bound, cut at once: each cut writes pages at the other end of the table */
};

const char *wst_actor_word(enum wst_actor actor)
{
    static const char *const words[WST_ACTOR_COUNT] = {"client", "admin", "scavenger", "import"};
    sl_assert(actor < WST_ACTOR_COUNT);
    return words[actor];
}

void wst_image_of(const struct wins_record *record, struct wst_image *ret_image)
{
    if (!record) {
        *ret_image = (struct wst_image){0};
        return;
    }
    *ret_image = (struct wst_image){.present = true, .type = record->type, .state = record->state, .node = record->node,
                                    .is_static = record->is_static, .version = record->version,
                                    .expires_s = record->expires_s, .address_count = record->member_count};
    for (size_t i = 0; i < record->member_count; i++)
        ret_image->addresses[i] = record->members[i].address;
}

/* ---- octets of a note ---- */

static void put64(struct nb_cursor *c, uint64_t v)
{
    nb_put32(c, (uint32_t)(v >> 32));
    nb_put32(c, (uint32_t)v);
}

static uint64_t get64(struct nb_cursor *c)
{
    uint64_t high = nb_get32(c);
    return high << 32 | nb_get32(c);
}

static void get(struct nb_cursor *c, void *out, size_t n)
{
    const uint8_t *p = nb_take(c, n);
    if (p)
        memcpy(out, p, n);
}

static void put_image(struct nb_cursor *c, const struct wst_image *image)
{
    nb_put8(c, image->present ? image->address_count : NONE);
    if (!image->present)
        return;
    nb_put8(c, (uint8_t)((unsigned)image->type | (unsigned)image->state << 2 | (unsigned)image->node << 4 |
                         (unsigned)image->is_static << 6));
    put64(c, image->version);
    put64(c, (uint64_t)image->expires_s);
    for (size_t i = 0; i < image->address_count; i++)
        nb_put32(c, image->addresses[i]);
}

/* False when it cannot be an image of ours. */
static bool get_image(struct nb_cursor *c, struct wst_image *ret_image)
{
    uint8_t count = nb_get8(c);
    *ret_image = (struct wst_image){0};
    if (count == NONE)
        return true;
    uint8_t kind = nb_get8(c);
    struct wst_image image = {.present = true, .type = kind & 3, .state = kind >> 2 & 3, .node = kind >> 4 & 3,
                              .is_static = kind >> 6 & 1, .address_count = count};
    image.version = get64(c);
    image.expires_s = (int64_t)get64(c);
    if (count > WINS_MEMBERS_MAX || image.state >= WINS_STATE_COUNT)
        return false;
    for (size_t i = 0; i < count; i++)
        image.addresses[i] = nb_get32(c);
    *ret_image = image;
    return nb_cursor_ok(c);
}

static void put_note(struct nb_cursor *c, const struct wst_note *note)
{
    uint8_t key[WST_KEY_MAX];
    nb_put8(c, note->name.scope_len);
    nb_put(c, key, wst_pack_key(&note->name, key));
    put64(c, (uint64_t)note->at_s);
    nb_put8(c, (uint8_t)note->by);
    nb_put32(c, note->source);
    nb_put(c, wins_rule_id(note->rule), note->rule == WINS_RULE_NONE ? 1 : RULE_LEN);
    if (note->rule == WINS_RULE_NONE)
        nb_put(c, "  ", RULE_LEN - 1);
    put_image(c, &note->before);
    put_image(c, &note->after);
}

/* False when it cannot be a note of ours. */
static bool get_note(struct nb_cursor *c, struct wst_note *ret_note)
{
    struct wst_note note = {0};
    char rule[RULE_LEN + 1] = "";
    note.name.scope_len = nb_get8(c);
    get(c, note.name.octets, NB_NAME_LEN);
    get(c, note.name.scope, note.name.scope_len);
    note.at_s = (int64_t)get64(c);
    uint8_t by = nb_get8(c);
    note.source = nb_get32(c);
    get(c, rule, RULE_LEN);
    if (!nb_cursor_ok(c) || by >= WST_ACTOR_COUNT || !get_image(c, &note.before) || !get_image(c, &note.after))
        return false;
    note.by = (enum wst_actor)by;
    note.rule = wins_rule_parse(rule);
    *ret_note = note;
    return true;
}

/* ---- writing ---- */

void wst_set_journal_max(struct wst *w, uint64_t notes)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    w->journal.max = notes;
}

void wst_journal_begin(struct wst *w)
{
    w->journal.next_first = w->journal.first;
    w->journal.next_last = w->journal.last;
    w->journal.used = w->journal.count = 0;
}

void wst_journal_committed(struct wst *w)
{
    w->journal.first = w->journal.next_first;
    w->journal.last = w->journal.next_last;
}

static bool is_over(const struct wst_journal *j, uint64_t first, uint64_t last)
{
    return last + 1 - first > j->max + j->max / SLACK;
}

bool wst_journal_is_over(const struct wst *w)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    return is_over(&w->journal, w->journal.first, w->journal.last);
}

static void cut(struct wst *w)
{
    struct wst_journal *j = &w->journal;
    if (w->failed != SL_OK || !is_over(j, j->next_first, j->next_last))
        return;
    uint64_t too_many = j->next_last - j->max, most = j->next_first + (j->next_last - j->last) + CUT_NOTES;
    uint64_t last_to_go = too_many < most ? too_many : most;
    struct db_stmt *s = db_prepare(w->db, "DELETE FROM journal WHERE id <= ?1");
    db_bind_int(s, 1, (int64_t)last_to_go);
    wst_run_in_batch(w, s);
    j->next_first = last_to_go + 1;
}

/* Writes the notes that were gathered, as one row. */
static void write_chunk(struct wst *w)
{
    struct wst_journal *j = &w->journal;
    if (w->failed != SL_OK || j->count == 0)
        return;
    struct db_stmt *s = db_prepare(w->db, "INSERT INTO journal (id, notes) VALUES (?1, ?2)");
    db_bind_int(s, 1, (int64_t)j->next_last);
    db_bind_blob(s, 2, j->octets, j->used);
    wst_run_in_batch(w, s);
    j->used = j->count = 0;
    if (++j->rows % CUT_EVERY == 0)
        cut(w);
}

void wst_journal_write(struct wst *w)
{
    write_chunk(w);
    cut(w);
}

void wst_note(struct wst *w, const struct wst_note *note)
{
    struct wst_journal *j = &w->journal;
    if (w->failed != SL_OK || j->max == 0)
        return;
    if (!j->octets)
        j->octets = sl_new(CHUNK_MAX);
    if (CHUNK_MAX - j->used < NOTE_MAX)
        write_chunk(w);
    struct nb_cursor c = nb_cursor_write(j->octets + j->used, CHUNK_MAX - j->used);
    put_note(&c, note);
    j->used += c.at;
    j->count++;
    j->next_last++;
}

/* ---- reading ---- */

enum sl_status wst_journal_read(struct wst *w, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(w->db, "SELECT (SELECT min(id) FROM journal), (SELECT max(id) FROM journal)");
    bool found = db_step(s) && !db_is_null(s, 0);
    w->journal.first = found ? (uint64_t)db_int(s, 0) : 1;
    w->journal.last = found ? (uint64_t)db_int(s, 1) : 0;
    wst_journal_begin(w);
    return db_done(s, e);
}

/* Hands over the notes of one row that are about the name; false when the row is damaged. */
static bool search(struct db_stmt *s, const struct nb_name *name, void (*fn)(const struct wst_note *note, void *ctx), void *ctx)
{
    size_t len;
    const void *octets = db_blob(s, 1, &len);
    struct nb_cursor c = nb_cursor_read(octets, len);
    while (c.at < len) {
        struct wst_note note;
        if (!get_note(&c, &note))
            return false;
        if (nb_name_equal(&note.name, name))
            fn(&note, ctx);
    }
    return true;
}

enum sl_status wst_history(struct wst *w, const struct nb_name *name, uint64_t *cursor, uint64_t rows,
                           void (*fn)(const struct wst_note *note, void *ctx), void *ctx, bool *ret_more, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    struct db_stmt *s = db_prepare(w->db, "SELECT id, notes FROM journal WHERE id > ?1 ORDER BY id LIMIT ?2");
    db_bind_int(s, 1, (int64_t)*cursor);
    db_bind_int(s, 2, (int64_t)rows);
    bool good = true;
    *ret_more = false;
    while (good && db_step(s)) {
        *ret_more = true;
        *cursor = (uint64_t)db_int(s, 0);
        good = search(s, name, fn, ctx);
    }
    enum sl_status status = db_done(s, e);
    return status == SL_OK && !good ? sl_fail(e, SL_CORRUPT, "row %llu of the journal is damaged", (unsigned long long)*cursor)
                                    : status;
}
