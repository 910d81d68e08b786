#include "locator/cache/snapshot.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "ldap-schema/names.h"
#include "locator/cache/private.h"
#include "locator/model/boundary.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 100000, NUMBER_OCTETS = 4 };

struct cache_snapshot {
    size_t refs; /* under the lock of the cache */
    int64_t version;
    struct ldapc_entries entries;
    struct cache_view views[CACHE_MIRRORS_MAX];
    size_t count;
};

/* ---- entries as octets: strings ended by NUL; numbers, and the lengths of values, in four octets ------------------------ */

static void put_number(struct sl_text *out, size_t number)
{
    const uint8_t octets[NUMBER_OCTETS] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                                           (uint8_t)number};
    sl_text_add(out, octets, sizeof octets);
}

void cache_entry_pack(const struct ldapc_entry *entry, struct sl_text *out)
{
    size_t pairs = 0;
    for (size_t i = 0; i < entry->count; i++)
        pairs += entry->attrs[i].count;
    sl_text_add(out, entry->dn, strlen(entry->dn) + 1);
    put_number(out, pairs);
    for (size_t i = 0; i < entry->count; i++) {
        const struct ldapc_attr *attr = &entry->attrs[i];
        for (size_t k = 0; k < attr->count; k++) {
            sl_text_add(out, attr->name, strlen(attr->name) + 1);
            put_number(out, attr->values[k].len);
            sl_text_add(out, attr->values[k].data, attr->values[k].len);
        }
    }
}

struct reader {
    const char *at, *end;
    bool bad;
};

static const char *get_octets(struct reader *r, size_t len)
{
    const char *at = r->at;
    if (r->bad || len > (size_t)(r->end - at)) {
        r->bad = true;
        return "";
    }
    r->at += len;
    return at;
}

static const char *get_text(struct reader *r)
{
    const char *nul = r->bad ? NULL : memchr(r->at, '\0', (size_t)(r->end - r->at));
    return get_octets(r, nul ? (size_t)(nul - r->at) + 1 : SIZE_MAX);
}

static size_t get_number(struct reader *r)
{
    const char *octets = get_octets(r, NUMBER_OCTETS);
    size_t number = 0;
    for (size_t i = 0; i < NUMBER_OCTETS && !r->bad; i++)
        number = number << 8 | (uint8_t)octets[i];
    return number;
}

enum sl_status cache_entry_unpack(const void *octets, size_t len, struct ldapc_entries *entries, struct sl_error *e)
{
    struct reader r = {.at = octets, .end = (const char *)octets + len};
    const char *dn = len ? get_text(&r) : "";
    size_t count = len ? get_number(&r) : 0;
    if (!len || r.bad || count > PAIRS_MAX)
        return sl_fail(e, SL_CORRUPT, "an entry of a mirror is damaged");
    struct ldapc_pair *pairs = sl_new_array(count + 1, sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        pairs[i].attr = get_text(&r);
        pairs[i].len = get_number(&r);
        pairs[i].data = get_octets(&r, pairs[i].len);
    }
    enum sl_status s = r.bad || r.at != r.end ? sl_fail(e, SL_CORRUPT, "an entry of a mirror is damaged")
                                              : ldapc_entries_put(entries, dn, pairs, count, e);
    free(pairs);
    return s;
}

/* ---- making ------------------------------------------------------------------------------------------------------------- */

static void free_snapshot(struct cache_snapshot *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->views[i].source);
        free(s->views[i].container);
        free(s->views[i].server);
        free(s->views[i].trust);
        lm_ranges_free(s->views[i].ranges);
    }
    ldapc_entries_fini(&s->entries);
    free(s);
}

static bool is_range(const struct ldapc_entry *entry, struct lm_range *ret_range)
{
    const char *low = ldapc_entry_text(entry, SCHEMA_RANGED_IP_LOW), *high = ldapc_entry_text(entry, SCHEMA_RANGED_IP_HIGH);
    uint32_t first, last;
    if (!low || !high || !lm_range_integer(low, &first) || !lm_range_integer(high, &last))
        return false;
    ret_range->low = lm_key_ip4(first);
    ret_range->high = lm_key_ip4(last);
    return true;
}

static int ranges_last(const void *left, const void *right)
{
    struct lm_range ignored;
    return is_range(left, &ignored) - is_range(right, &ignored);
}

/* Ranges behind the others, and their index. */
static void index_view(struct cache_snapshot *s, struct cache_view *v)
{
    struct lm_range *ranges = sl_new_array(v->count + 1, sizeof *ranges);
    qsort(s->entries.items + v->first, v->count, sizeof s->entries.items[0], ranges_last);
    for (size_t i = v->first; i < v->first + v->count; i++) {
        struct lm_range range = {.value = (uint32_t)i};
        if (!is_range(&s->entries.items[i], &range))
            continue;
        ranges[v->range_count++] = range;
    }
    v->ranges = lm_ranges_new(ranges, v->range_count);
    free(ranges);
}

static enum sl_status read_entries(struct db *db, int64_t mirror, struct cache_snapshot *snapshot, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "SELECT body FROM entry WHERE mirror = ?1");
    enum sl_status status = SL_OK;
    db_bind_int(s, 1, mirror);
    while (status == SL_OK && db_step(s)) {
        size_t len;
        const void *body = db_blob(s, 0, &len);
        status = cache_entry_unpack(body, len, &snapshot->entries, e);
    }
    return db_done_after(s, status, e);
}

static enum sl_status read_views(struct db *db, struct cache_snapshot *snapshot, int64_t ids[CACHE_MIRRORS_MAX],
                                 struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "SELECT id, source, container, server, trust FROM mirror WHERE current_s > 0"
                                       " ORDER BY source");
    while (snapshot->count < CACHE_MIRRORS_MAX && db_step(s)) {
        ids[snapshot->count] = db_int(s, 0);
        snapshot->views[snapshot->count++] = (struct cache_view){
            .source = sl_strdup(db_text(s, 1)), .container = sl_strdup(db_text(s, 2)), .server = sl_strdup(db_text(s, 3)),
            .trust = sl_strdup(db_text(s, 4))};
    }
    return db_done(s, e);
}

static enum sl_status read_version(struct db *db, void *ctx, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "SELECT version FROM state");
    return db_number(s, ctx, e);
}

static enum sl_status read_all(struct db *db, struct cache_snapshot *s, struct sl_error *e)
{
    int64_t ids[CACHE_MIRRORS_MAX];
    enum sl_status status = read_version(db, &s->version, e);
    if (status == SL_OK)
        status = read_views(db, s, ids, e);
    for (size_t i = 0; i < s->count && status == SL_OK; i++) {
        s->views[i].first = s->entries.count;
        status = read_entries(db, ids[i], s, e);
        s->views[i].count = s->entries.count - s->views[i].first;
    }
    return status;
}

static enum sl_status do_load(struct db *db, void *ctx, struct sl_error *e)
{
    struct cache_snapshot **ret_snapshot = ctx, *s = sl_new(sizeof *s);
    enum sl_status status = db_begin_reading(db, e);
    if (status == SL_OK)
        status = read_all(db, s, e);
    db_rollback(db);
    if (status != SL_OK) {
        free_snapshot(s);
        return status;
    }
    for (size_t i = 0; i < s->count; i++)
        index_view(s, &s->views[i]);
    *ret_snapshot = s;
    return SL_OK;
}

/* ---- keeping ------------------------------------------------------------------------------------------------------------ */

void cache_shot_drop(struct cache_snapshot *s)
{
    if (s && --s->refs == 0)
        free_snapshot(s);
}

/* Looks whether the mirrors have changed, and loads them when they have. Called with the lock. */
static enum sl_status look(struct cache *c, struct cache_shot *shot, struct sl_error *e)
{
    struct cache_snapshot *fresh;
    int64_t version = 0;
    enum sl_status s = cache_do(c, read_version, &version, e);
    if (s != SL_OK || (shot->last && shot->last->version == version))
        return s;
    s = cache_do(c, do_load, &fresh, e);
    if (s != SL_OK)
        return s;
    cache_shot_drop(shot->last);
    fresh->refs = 1;
    shot->last = fresh;
    return SL_OK;
}

enum sl_status cache_snapshot_get(struct cache *c, struct cache_snapshot **ret_snapshot, struct sl_error *e)
{
    struct cache_shot *shot = cache_shot_lock(c);
    int64_t now_ms = sl_clock_mono_ms();
    enum sl_status s = SL_OK;
    if (!shot->last || now_ms - shot->looked_ms >= CACHE_LOOK_MS) {
        s = look(c, shot, e);
        shot->looked_ms = now_ms;
    }
    if (s == SL_OK) {
        shot->last->refs++;
        *ret_snapshot = shot->last;
    }
    cache_shot_unlock(c);
    return s;
}

void cache_snapshot_release(struct cache *c, struct cache_snapshot *snapshot)
{
    (void)cache_shot_lock(c);
    cache_shot_drop(snapshot);
    cache_shot_unlock(c);
}

size_t cache_snapshot_count(const struct cache_snapshot *snapshot)
{
    return snapshot->count;
}

const struct cache_view *cache_snapshot_view(const struct cache_snapshot *snapshot, size_t index)
{
    return &snapshot->views[index];
}

const struct ldapc_entry *cache_snapshot_entry(const struct cache_snapshot *snapshot, size_t index)
{
    return &snapshot->entries.items[index];
}
