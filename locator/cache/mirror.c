#include "locator/cache/mirror.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/cache/private.h"

#include <stdlib.h>
#include <string.h>

enum { EDITS_MAX = 400000, EDITS_OCTETS_MAX = 256 << 20, ENTRY_MAX = 16 << 20 };

struct cache_edit_row {
    enum cache_edit what;
    uint8_t uuid[LDAPC_UUID_LEN];
    char *dn, *body;
    size_t body_len;
};

int64_t cache_stale_since(const struct cache_mirror *m, int64_t now_s)
{
    if (m->stale_since_s)
        return m->stale_since_s;
    if (m->current_s > now_s + CACHE_CONFIRMED_S)
        return now_s;
    return now_s - m->current_s > CACHE_CONFIRMED_S ? m->current_s : 0;
}

/* ---- edits -------------------------------------------------------------------------------------------------------------- */

enum sl_status cache_edit(struct cache_edits *edits, enum cache_edit what, const uint8_t uuid[LDAPC_UUID_LEN],
                          const struct ldapc_entry *entry, struct sl_error *e)
{
    struct sl_text body = sl_text_new(ENTRY_MAX);
    if (entry)
        cache_entry_pack(entry, &body);
    if (edits->count == EDITS_MAX || edits->octets + body.len > EDITS_OCTETS_MAX || sl_text_failed(&body)) {
        sl_text_fini(&body);
        return sl_fail(e, SL_LIMIT, "cache: more changes at once than there is room for");
    }
    edits->rows = sl_grow(edits->rows, edits->count, sizeof *edits->rows);
    struct cache_edit_row *row = &edits->rows[edits->count++];
    edits->octets += body.len;
    *row = (struct cache_edit_row){.what = what, .body_len = body.len};
    memcpy(row->uuid, uuid, sizeof row->uuid);
    row->dn = entry ? sl_strdup(entry->dn) : NULL;
    row->body = sl_text_take(&body);
    return SL_OK;
}

void cache_edits_fini(struct cache_edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        free(edits->rows[i].dn);
        free(edits->rows[i].body);
    }
    free(edits->rows);
    *edits = (struct cache_edits){NULL, 0, 0};
}

/* ---- applying ------------------------------------------------------------------------------------------------------------- */

static void tell(const struct cache_apply *apply, const char *what, const char *dn)
{
    if (apply->changed)
        apply->changed(apply->ctx, what, dn);
}

/* The row of the mirror, made if need be. */
static enum sl_status put_mirror(struct db *db, const struct cache_apply *apply, int64_t *ret_id, int64_t *ret_round,
                                 struct sl_error *e)
{
    const struct cache_mirror *m = apply->mirror;
    const char *const texts[] = {m->source, m->container, m->server, m->trust, m->why};
    struct db_stmt *s = db_prepare(db, "INSERT INTO mirror (source, container, server, trust, why, current_s, stale_since_s)"
                                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                                       " ON CONFLICT (source) DO UPDATE SET container = ?2, server = ?3, trust = ?4, why = ?5,"
                                       " current_s = ?6, stale_since_s = ?7");
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, (int)i + 1, texts[i]);
    db_bind_int(s, 6, m->current_s);
    db_bind_int(s, 7, m->stale_since_s);
    enum sl_status status = db_run(s, e);
    if (status == SL_OK)
        status = db_run(db_prepare(db, "UPDATE state SET version = version + 1"), e);
    s = db_prepare(db, "SELECT id, (SELECT version FROM state) FROM mirror WHERE source = ?1");
    db_bind_text(s, 1, m->source);
    if (db_step(s)) {
        *ret_id = db_int(s, 0);
        *ret_round = db_int(s, 1);
    }
    return db_done_after(s, status, e);
}

/* What is kept of an entry: true when it is there; its DN, and whether its body is this one. */
static bool look_up(struct db *db, int64_t mirror, const struct cache_edit_row *row, struct sl_text *ret_dn, bool *ret_is_same)
{
    struct db_stmt *s = db_prepare(db, "SELECT dn, body FROM entry WHERE mirror = ?1 AND uuid = ?2");
    size_t len = 0;
    db_bind_int(s, 1, mirror);
    db_bind_blob(s, 2, row->uuid, sizeof row->uuid);
    bool is_there = db_step(s);
    if (is_there) {
        sl_text_puts(ret_dn, db_text(s, 0));
        const void *body = db_blob(s, 1, &len);
        *ret_is_same = row->body && len == row->body_len && !memcmp(body, row->body, len);
    }
    return db_done(s, NULL) == SL_OK && is_there;
}

static enum sl_status put_entry(struct db *db, int64_t mirror, int64_t round, const struct cache_edit_row *row,
                                struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "INSERT INTO entry (mirror, uuid, dn, body, round) VALUES (?1, ?2, ?3, ?4, ?5)"
                                       " ON CONFLICT (mirror, uuid) DO UPDATE SET dn = ?3, body = ?4, round = ?5");
    db_bind_int(s, 1, mirror);
    db_bind_blob(s, 2, row->uuid, sizeof row->uuid);
    db_bind_text(s, 3, row->dn);
    db_bind_blob(s, 4, row->body, row->body_len);
    db_bind_int(s, 5, round);
    return db_run(s, e);
}

static enum sl_status mention_entry(struct db *db, int64_t mirror, int64_t round, const struct cache_edit_row *row,
                                    struct sl_error *e)
{
    struct db_stmt *s = row->what == CACHE_DROP ? db_prepare(db, "DELETE FROM entry WHERE mirror = ?1 AND uuid = ?2")
                                                : db_prepare(db, "UPDATE entry SET round = ?3 WHERE mirror = ?1 AND uuid = ?2");
    db_bind_int(s, 1, mirror);
    db_bind_blob(s, 2, row->uuid, sizeof row->uuid);
    if (row->what != CACHE_DROP)
        db_bind_int(s, 3, round);
    return db_run(s, e);
}

static enum sl_status apply_row(struct db *db, const struct cache_apply *apply, int64_t mirror, int64_t round,
                                const struct cache_edit_row *row, struct sl_error *e)
{
    struct sl_text dn = sl_text_new(ENTRY_MAX);
    bool is_same = false, was_there = look_up(db, mirror, row, &dn, &is_same);
    enum sl_status s = row->what == CACHE_PUT ? put_entry(db, mirror, round, row, e) : mention_entry(db, mirror, round, row, e);
    if (s == SL_OK && row->what == CACHE_PUT && !is_same)
        tell(apply, was_there ? "changed" : "added", row->dn);
    else if (s == SL_OK && row->what == CACHE_DROP && was_there)
        tell(apply, "deleted", sl_text_str(&dn));
    sl_text_fini(&dn);
    return s;
}

/* Drops what was not mentioned in this round; what came back under the same name, of another identity, is not told as gone. */
static enum sl_status sweep(struct db *db, const struct cache_apply *apply, int64_t mirror, int64_t round, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "SELECT min(dn) FROM entry WHERE mirror = ?1 GROUP BY dn COLLATE NOCASE"
                                       " HAVING max(round) <> ?2 ORDER BY 1");
    db_bind_int(s, 1, mirror);
    db_bind_int(s, 2, round);
    while (db_step(s))
        tell(apply, "deleted", db_text(s, 0));
    enum sl_status status = db_done(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(db, "DELETE FROM entry WHERE mirror = ?1 AND round <> ?2");
    db_bind_int(s, 1, mirror);
    db_bind_int(s, 2, round);
    return db_run(s, e);
}

static enum sl_status do_apply(struct db *db, void *ctx, struct sl_error *e)
{
    const struct cache_apply *apply = ctx;
    int64_t mirror = 0, round = 0;
    enum sl_status s = put_mirror(db, apply, &mirror, &round, e);
    for (size_t i = 0; s == SL_OK && i < apply->edits->count; i++)
        s = apply_row(db, apply, mirror, round, &apply->edits->rows[i], e);
    if (s == SL_OK && apply->rest_is_gone)
        s = sweep(db, apply, mirror, round, e);
    return s;
}

enum sl_status cache_mirror_apply(struct cache *c, const struct cache_apply *apply, struct sl_error *e)
{
    return cache_change(c, do_apply, (void *)(uintptr_t)apply, e);
}

/* ---- the state ------------------------------------------------------------------------------------------------------------ */

struct wanted {
    cache_mirror_taker *take;
    void *ctx;
};

static enum sl_status do_list(struct db *db, void *ctx, struct sl_error *e)
{
    const struct wanted *w = ctx;
    struct db_stmt *s = db_prepare(db, "SELECT source, container, server, trust, why, current_s, stale_since_s FROM mirror"
                                       " ORDER BY source");
    while (db_step(s)) {
        const struct cache_mirror m = {.source = db_text(s, 0), .container = db_text(s, 1), .server = db_text(s, 2),
                                       .trust = db_text(s, 3), .why = db_text(s, 4), .current_s = db_int(s, 5),
                                       .stale_since_s = db_int(s, 6)};
        w->take(w->ctx, &m);
    }
    return db_done(s, e);
}

enum sl_status cache_mirror_list(struct cache *c, cache_mirror_taker *take, void *ctx, struct sl_error *e)
{
    return cache_do(c, do_list, &(struct wanted){take, ctx}, e);
}

struct noted {
    const char *source, *why;
    int64_t now_s;
};

static enum sl_status do_note(struct db *db, void *ctx, struct sl_error *e)
{
    const struct noted *n = ctx;
    bool is_stale = n->why[0] != '\0';
    struct db_stmt *s = is_stale ? db_prepare(db, "UPDATE mirror SET stale_since_s = ?2, why = ?3 WHERE source = ?1")
                                 : db_prepare(db, "UPDATE mirror SET current_s = ?2, stale_since_s = 0, why = ?3"
                                                  " WHERE source = ?1");
    db_bind_text(s, 1, n->source);
    db_bind_int(s, 2, n->now_s);
    db_bind_text(s, 3, n->why);
    return db_run(s, e);
}

enum sl_status cache_mirror_note(struct cache *c, const char *source, int64_t now_s, const char *why, struct sl_error *e)
{
    return cache_change(c, do_note, &(struct noted){source, why, now_s}, e);
}
