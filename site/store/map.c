#include "site/store/map.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

/* ---- numbers of rows ---------------------------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* The number of the row of this id, in rows by id that begin with it; `count` when there is none. */
static size_t number_of(const void *rows, size_t count, size_t size, int64_t id)
{
    const char *found = count > 0 ? bsearch(&id, rows, count, size, compare_ids) : NULL;
    return found != NULL ? (size_t)(found - (const char *)rows) / size : count;
}

size_t sst_map_boundary(const struct sst_map *map, int64_t id)
{
    return number_of(map->boundaries, map->boundary_count, sizeof *map->boundaries, id);
}

size_t sst_map_dp(const struct sst_map *map, int64_t id)
{
    return number_of(map->dps, map->dp_count, sizeof *map->dps, id);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

/* Nobody is assigned to a secondary site: what stands there is the site above it. */
static enum sl_status read_sites(struct sst *store, struct sst_map *map, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT s.id, s.code, coalesce(p.code, s.code) FROM site s "
                                              "JOIN hierarchy h ON h.site_id = s.id "
                                              "LEFT JOIN site p ON p.id = h.parent_id AND h.kind = 'secondary' ORDER BY s.id");
    while (db_step(s)) {
        struct map_site *site = sst_grow(&map->sites, &map->site_count, sizeof *site);
        if (site == NULL)
            return sst_too_many(s, e, "sites");
        site->id = db_int(s, 0);
        (void)sl_text_copy(site->code, sizeof site->code, db_text(s, 1));
        (void)sl_text_copy(site->assignment, sizeof site->assignment, db_text(s, 2));
    }
    return db_done(s, e);
}

static enum sl_status read_dps(struct sst *store, struct sst_map *map, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id, host, url FROM dp ORDER BY id");
    while (db_step(s)) {
        struct map_dp *dp = sst_grow(&map->dps, &map->dp_count, sizeof *dp);
        if (dp == NULL)
            return sst_too_many(s, e, "distribution points");
        *dp = (struct map_dp){.id = db_int(s, 0), .host = sl_strdup(db_text(s, 1)), .url = sl_strdup(db_text(s, 2))};
    }
    return db_done(s, e);
}

/* The place of each kind of boundary among what tells a client's site, the surest first. */
static const uint8_t ranks[SM_BOUNDARY_COUNT] = {
    [SM_BOUNDARY_AD_SITE] = SST_BY_AD_SITE,
    [SM_BOUNDARY_SUBNET] = SST_BY_SUBNET,
    [SM_BOUNDARY_IPV6_PREFIX] = SST_BY_SUBNET,
    [SM_BOUNDARY_RANGE] = SST_BY_RANGE,
};

/* The ranges of the map while it is being read. */
struct keys {
    struct lm_range *ranges, *subnets;
    size_t range_count, subnet_count;
};

static bool read_key(struct db_stmt *s, int column, struct lm_key *ret_key)
{
    size_t len;
    const void *octets = db_blob(s, column, &len);
    if (len != SM_ADDRESS_KEY_LEN)
        return false;
    *ret_key = lm_key_octets(octets);
    return true;
}

/* Takes the keys of the boundary in the row; a subnet is found by the address that it begins with, too. */
static bool read_keys(struct db_stmt *s, enum sm_boundary_kind kind, uint32_t number, struct keys *keys)
{
    struct lm_range range = {.value = number};
    if (kind == SM_BOUNDARY_AD_SITE)
        return true;
    if (!read_key(s, 3, &range.low) || !read_key(s, 4, &range.high))
        return false;
    struct lm_range *slot = sst_grow(&keys->ranges, &keys->range_count, sizeof *slot);
    sl_assert(slot != NULL); /* not more than boundaries */
    *slot = range;
    if (kind != SM_BOUNDARY_SUBNET)
        return true;
    slot = sst_grow(&keys->subnets, &keys->subnet_count, sizeof *slot);
    sl_assert(slot != NULL);
    *slot = (struct lm_range){.low = range.low, .high = range.low, .value = number};
    return true;
}

static enum sl_status read_boundary(struct sst *store, struct db_stmt *s, struct sst_map *map, struct keys *keys,
                                    struct sl_error *e)
{
    size_t site = number_of(map->sites, map->site_count, sizeof *map->sites, db_int(s, 1));
    enum sm_boundary_kind kind = sm_boundary_kind_parse(db_text(s, 2));
    uint32_t number = (uint32_t)map->boundary_count;
    struct map_boundary *b = sst_grow(&map->boundaries, &map->boundary_count, sizeof *b);
    if (b == NULL)
        return sl_fail(e, SL_LIMIT, "more than %d boundaries", SST_ROWS_MAX);
    if (site == map->site_count || kind == SM_BOUNDARY_COUNT || !read_keys(s, kind, number, keys))
        return sl_fail(e, SL_CORRUPT, "%s: boundary %lld", store->path, (long long)db_int(s, 0));
    *b = (struct map_boundary){.id = db_int(s, 0), .site = (uint32_t)site, .rank = ranks[kind], .is_slow = db_int(s, 5) != 0};
    return SL_OK;
}

static enum sl_status read_boundaries(struct sst *store, struct sst_map *map, struct keys *keys, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id, site_id, kind, low, high, is_slow FROM boundary ORDER BY id");
    enum sl_status status = SL_OK;
    while (status == SL_OK && db_step(s))
        status = read_boundary(store, s, map, keys, e);
    return db_done_after(s, status, e);
}

/* Which distribution points each boundary protects, one boundary's behind those of the one before. */
static enum sl_status read_protection(struct sst *store, struct sst_map *map, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT boundary_id, dp_id FROM dp_boundary ORDER BY boundary_id, dp_id");
    while (db_step(s)) {
        size_t boundary = sst_map_boundary(map, db_int(s, 0)), dp = sst_map_dp(map, db_int(s, 1));
        sl_assert(boundary < map->boundary_count && dp < map->dp_count); /* foreign keys, in one transaction */
        uint32_t *slot = sst_grow(&map->protected, &map->protected_count, sizeof *slot);
        if (slot == NULL)
            return sst_too_many(s, e, "boundaries of protected distribution points");
        struct map_boundary *b = &map->boundaries[boundary];
        if (b->protected_count++ == 0)
            b->first_protected = (uint32_t)(map->protected_count - 1);
        *slot = (uint32_t)dp;
        map->dps[dp].is_protected = true;
    }
    return db_done(s, e);
}

static enum sl_status read_all(struct sst *store, struct sst_map *map, struct sl_error *e)
{
    struct keys keys = {0};
    enum sl_status status = sst_generation(store, &map->generation, e);
    if (status == SL_OK)
        status = read_sites(store, map, e);
    if (status == SL_OK)
        status = read_dps(store, map, e);
    if (status == SL_OK)
        status = read_boundaries(store, map, &keys, e);
    if (status == SL_OK)
        status = read_protection(store, map, e);
    map->ranges = lm_ranges_new(keys.ranges, keys.range_count);
    map->subnets = lm_ranges_new(keys.subnets, keys.subnet_count);
    free(keys.ranges);
    free(keys.subnets);
    return status;
}

enum sl_status sst_map_read(struct sst *store, struct sst_map **ret_map, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_map *map = sl_new(sizeof *map);
    atomic_init(&map->holders, 1);
    map->magic = SST_MAP_MAGIC;
    map->memo = sst_memo_new();
    enum sl_status status = db_begin_reading(store->db, e);
    if (status == SL_OK)
        status = read_all(store, map, e);
    db_rollback(store->db); /* nothing was written */
    if (status == SL_OK)
        *ret_map = map;
    else
        sst_map_release(map);
    return status;
}

int64_t sst_map_generation(const struct sst_map *map)
{
    return map->generation;
}

struct sst_map *sst_map_ref(struct sst_map *map)
{
    atomic_fetch_add(&map->holders, 1);
    return map;
}

void sst_map_release(struct sst_map *map)
{
    if (map == NULL)
        return;
    SL_CHECK_MAGIC(map, SST_MAP_MAGIC);
    if (atomic_fetch_sub(&map->holders, 1) > 1)
        return;
    for (size_t i = 0; i < map->dp_count; i++) {
        free(map->dps[i].host);
        free(map->dps[i].url);
    }
    free(map->dps);
    free(map->sites);
    free(map->boundaries);
    free(map->protected);
    lm_ranges_free(map->ranges);
    lm_ranges_free(map->subnets);
    sst_memo_free(map->memo);
    map->magic = 0;
    free(map);
}
