#include "locator/cache/suspect.h"

#include "locator/cache/private.h"

struct mark {
    const char *id;
    int64_t until_s, now_s;
};

static enum sl_status drop_surplus(struct db *db, int64_t now_s, struct sl_error *e)
{
    struct db_stmt *drop = db_prepare(db, "DELETE FROM suspect WHERE until_s <= ?1 OR id IN (SELECT id FROM suspect"
                                          " ORDER BY until_s DESC LIMIT -1 OFFSET ?2)");
    db_bind_int(drop, 1, now_s);
    db_bind_int(drop, 2, CACHE_SUSPECTS_MAX);
    return db_run(drop, e);
}

static enum sl_status put_mark(struct db *db, const struct mark *m, struct sl_error *e)
{
    enum sl_status s = db_begin(db, e);
    if (s != SL_OK)
        return s;
    struct db_stmt *put = db_prepare(db, "INSERT OR REPLACE INTO suspect (id, until_s) VALUES (?1, ?2)");
    db_bind_text(put, 1, m->id);
    db_bind_int(put, 2, m->until_s);
    s = db_run(put, e);
    if (s == SL_OK)
        s = drop_surplus(db, m->now_s, e);
    return db_end(db, s, e);
}

/* Synced, as what is kept beside it is not. */
static enum sl_status do_suspect(struct db *db, void *ctx, struct sl_error *e)
{
    enum sl_status s = db_exec(db, "PRAGMA synchronous = FULL", e);
    if (s == SL_OK)
        s = put_mark(db, ctx, e);
    enum sl_status back = db_exec(db, "PRAGMA synchronous = NORMAL", s == SL_OK ? e : NULL);
    return s == SL_OK ? back : s;
}

enum sl_status cache_suspect(struct cache *c, const char *id, int64_t until_s, int64_t now_s, struct sl_error *e)
{
    return cache_do(c, do_suspect, &(struct mark){id, until_s, now_s}, e);
}

static enum sl_status do_until(struct db *db, void *ctx, struct sl_error *e)
{
    struct mark *m = ctx;
    struct db_stmt *s = db_prepare(db, "SELECT until_s FROM suspect WHERE id = ?1 AND until_s > ?2");
    db_bind_text(s, 1, m->id);
    db_bind_int(s, 2, m->now_s);
    m->until_s = db_step(s) ? db_int(s, 0) : 0;
    return db_done(s, e);
}

enum sl_status cache_suspect_until(struct cache *c, const char *id, int64_t now_s, int64_t *ret_until_s, struct sl_error *e)
{
    struct mark m = {.id = id, .now_s = now_s};
    enum sl_status s = cache_do(c, do_until, &m, e);
    *ret_until_s = s == SL_OK ? m.until_s : 0;
    return s;
}
