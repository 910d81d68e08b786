#include "site/store/map.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)SM_ADDRESS_KEY_LEN == (int)LM_KEY_LEN, "an address is a key of ranges");

enum { RANGES_FIRST = 32 };

/* ---- which boundaries hold a client -------------------------------------------------------------------------------------- */

static void add_hit(struct sst_inside *inside, size_t boundary, size_t place)
{
    inside->items = sl_grow(inside->items, inside->count, sizeof *inside->items);
    inside->items[inside->count++] = (struct sst_hit){(uint32_t)boundary, (uint32_t)place};
}

/* Boundaries of an index at an address as text, which may be no address. */
static void add_ranges(const struct lm_ranges *index, const char *text, size_t place, struct sst_inside *inside)
{
    uint8_t octets[SM_ADDRESS_KEY_LEN];
    struct lm_range first[RANGES_FIRST], *found = first, *more = NULL;
    if (text == NULL || !sm_address_key(text, octets))
        return;
    struct lm_key key = lm_key_octets(octets);
    size_t count, max = RANGES_FIRST;
    while ((count = lm_ranges_find(index, key, found, max)) > max) {
        max *= 2;
        found = more = sl_resize(more, max, sizeof *more);
    }
    for (size_t i = 0; i < count; i++)
        add_hit(inside, found[i].value, place);
    free(more);
}

/* The boundaries of an AD site, asked of the database; a list that begins with their number. */
static enum sl_status read_ad_site(const struct sst_map *map, struct sst *store, const char *name, uint32_t **ret_list,
                                   size_t *ret_len, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id FROM boundary WHERE low IS NULL AND value = ?1 ORDER BY id LIMIT ?2");
    uint32_t *list = sl_new_array(1 + SST_SITES_MAX, sizeof *list);
    db_bind_text(s, 1, name);
    db_bind_int(s, 2, SST_SITES_MAX); /* a site has a name once */
    while (db_step(s)) {
        size_t boundary = sst_map_boundary(map, db_int(s, 0));
        if (boundary < map->boundary_count)
            list[++list[0]] = (uint32_t)boundary;
    }
    *ret_list = list;
    *ret_len = (1 + list[0]) * sizeof *list;
    return db_done(s, e);
}

static enum sl_status add_ad_site(struct sst_map *map, struct sst *store, const char *name, size_t place,
                                  struct sst_inside *inside, struct sl_error *e)
{
    size_t len = 0;
    if (name == NULL || name[0] == '\0')
        return SL_OK;
    enum sl_status status = SL_OK;
    uint32_t *list = sst_memo_find(map->memo, 0, SST_MEMO_AD_SITES, name, &len);
    if (list == NULL) {
        status = read_ad_site(map, store, name, &list, &len, e);
        if (status == SL_OK)
            sst_memo_put(map->memo, 0, SST_MEMO_AD_SITES, name, list, len);
    }
    for (size_t i = 0; i < list[0] && status == SL_OK; i++)
        add_hit(inside, list[1 + i], place);
    free(list);
    return status;
}

enum sl_status sst_find_inside(struct sst_map *map, struct sst *store, const struct sst_place *places, size_t count,
                               struct sst_inside *ret_inside, struct sl_error *e)
{
    struct sst_inside inside = {0};
    enum sl_status status = SL_OK;
    SL_CHECK_MAGIC(map, SST_MAP_MAGIC);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        add_ranges(map->ranges, places[i].address, i, &inside);
        add_ranges(map->subnets, places[i].subnet, i, &inside);
        status = add_ad_site(map, store, places[i].ad_site, i, &inside, e);
    }
    if (status == SL_OK)
        *ret_inside = inside;
    else
        sst_inside_fini(&inside);
    return status;
}

void sst_inside_fini(struct sst_inside *inside)
{
    free(inside->items);
    *inside = (struct sst_inside){0};
}

/* ---- which sites those are ---------------------------------------------------------------------------------------------- */

/* The row of a site in the list; NULL when the list is full. */
static struct sst_here *row_of(struct sst_heres *sites, const struct map_site *site)
{
    size_t i = 0;
    while (i < sites->count && strcmp(sites->items[i].code, site->code) != 0)
        i++;
    if (i == SST_SITES_MAX)
        return NULL;
    if (i == sites->count) {
        sites->items[sites->count++] = (struct sst_here){.is_slow = true};
        memcpy(sites->items[i].code, site->code, sizeof site->code);
        memcpy(sites->items[i].assignment, site->assignment, sizeof site->assignment);
    }
    return &sites->items[i];
}

static int compare_codes(const void *a, const void *b)
{
    return strcmp(((const struct sst_here *)a)->code, ((const struct sst_here *)b)->code);
}

void sst_sites_of(const struct sst_map *map, const struct sst_inside *inside, struct sst_heres *ret_sites)
{
    ret_sites->count = 0;
    for (size_t i = 0; i < inside->count; i++) {
        const struct map_boundary *b = &map->boundaries[inside->items[i].boundary];
        struct sst_here *here = row_of(ret_sites, &map->sites[b->site]);
        if (here != NULL)
            here->is_slow = here->is_slow && b->is_slow;
    }
    qsort(ret_sites->items, ret_sites->count, sizeof *ret_sites->items, compare_codes);
}

enum sl_status sst_assigned_site(struct sst *store, const char *site, char ret_code[SM_CODE_LEN + 1], struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s =
        db_prepare(store->db, "SELECT coalesce(p.code, s.code) FROM site s JOIN hierarchy h ON h.site_id = s.id "
                              "LEFT JOIN site p ON p.id = h.parent_id AND h.kind = 'secondary' WHERE s.code = ?1");
    db_bind_text(s, 1, site);
    (void)sl_text_copy(ret_code, SM_CODE_LEN + 1, db_step(s) ? db_text(s, 0) : "");
    return db_done(s, e);
}

/* ---- what the server locator point asks --------------------------------------------------------------------------------- */

static const char *const assigned_by[] = {[SST_BY_AD_SITE] = "ad-site", [SST_BY_SUBNET] = "subnet", [SST_BY_RANGE] = "range"};

/* A way by which a client is in a site. */
struct way {
    const char *code;
    uint32_t rank, place;
};

static int compare_ways(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return strcmp(x->code, y->code);
}

static bool is_among(const struct sst_assignment *sites, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(sites[i].code, code) == 0)
            return true;
    return false;
}

size_t sst_assign(const struct sst_map *map, const struct sst_inside *inside, struct sst_assignment *sites, size_t max)
{
    struct way *ways = sl_new_array(inside->count + 1, sizeof *ways);
    size_t count = 0;
    for (size_t i = 0; i < inside->count; i++) {
        const struct map_boundary *b = &map->boundaries[inside->items[i].boundary];
        ways[i] = (struct way){map->sites[b->site].assignment, b->rank, inside->items[i].place};
    }
    qsort(ways, inside->count, sizeof *ways, compare_ways);
    for (size_t i = 0; i < inside->count && count < max; i++) {
        if (is_among(sites, count, ways[i].code))
            continue;
        (void)sl_text_copy(sites[count].code, sizeof sites[count].code, ways[i].code);
        sites[count++].by = assigned_by[ways[i].rank];
    }
    free(ways);
    return count;
}

void sst_entry_fini(struct sst_entry *entry)
{
    free(entry->forest);
    free(entry->mp_host);
    free(entry->mp_address);
    sl_strings_fini(&entry->caps);
    *entry = (struct sst_entry){0};
}

static enum sl_status read_caps(struct sst *store, size_t max, struct sst_entry *entry, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT r.host FROM site_role r JOIN site s ON s.id = r.site_id "
                                              "WHERE s.code = ?1 AND r.role = 'cap' ORDER BY r.host LIMIT ?2");
    db_bind_text(s, 1, entry->code);
    db_bind_int(s, 2, (int64_t)max);
    return db_texts(s, &entry->caps, e);
}

enum sl_status sst_entry(struct sst *store, const char *site, size_t max_caps, struct sst_entry *ret_entry, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_entry entry = {0};
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, s.forest, m.host, m.address, m.port, m.is_https FROM site s "
                                              "LEFT JOIN mp m ON m.site_id = s.id AND m.is_default = 1 WHERE s.code = ?1");
    db_bind_text(s, 1, site);
    if (db_step(s)) {
        entry.is_there = true;
        memcpy(entry.code, db_text(s, 0), sizeof entry.code);
        entry.forest = sl_strdup(db_text(s, 1));
        entry.mp_host = db_text_copy(s, 2);
        entry.mp_address = db_text_copy(s, 3);
        entry.mp_port = (uint16_t)db_int(s, 4);
        entry.mp_is_https = db_int(s, 5) != 0;
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && entry.is_there)
        status = read_caps(store, max_caps, &entry, e);
    if (status == SL_OK)
        *ret_entry = entry;
    else
        sst_entry_fini(&entry);
    return status;
}

/* ---- where packages are ------------------------------------------------------------------------------------------------- */

void sst_locations_fini(struct sst_locations *locations)
{
    free(locations->package);
    free(locations->items);
    *locations = (struct sst_locations){0};
}

/* A package as it is remembered. */
struct package {
    char id[SM_PACKAGE_ID_MAX + 1]; /* as stored; "" when nobody holds it */
    uint32_t version;
    uint32_t count;
    uint32_t dps[]; /* by host name */
};

static size_t package_size(size_t count)
{
    return sizeof(struct package) + count * sizeof(uint32_t);
}

static enum sl_status read_package(const struct sst_map *map, struct sst *store, size_t site, const char *id,
                                   struct package **ret_package, struct sl_error *e)
{
    struct package *package = sl_new(package_size(SST_LOCATIONS_MAX));
    struct db_stmt *s = db_prepare(
        store->db, "SELECT p.package, p.version, d.id FROM package p JOIN package_dp x ON x.package_id = p.id "
                   "JOIN dp d ON d.id = x.dp_id WHERE p.site_id = ?1 AND p.package = ?2 "
                   "AND " SST_IS_THERE
                   /* One of another site (flow.h) is there as long as that has it so, with the same content if with any. */
                   "AND (p.source IS NULL OR EXISTS (SELECT 1 FROM neighbour n JOIN package o ON o.site_id = n.site_id "
                   "WHERE o.package = p.package AND o.version = p.version AND (o.sha256 IS NULL OR o.sha256 = p.sha256))) "
                   "ORDER BY d.host LIMIT ?3");
    db_bind_int(s, 1, map->sites[site].id);
    db_bind_text(s, 2, id);
    db_bind_int(s, 3, SST_LOCATIONS_MAX);
    while (db_step(s)) {
        size_t dp = sst_map_dp(map, db_int(s, 2));
        (void)sl_text_copy(package->id, sizeof package->id, db_text(s, 0));
        package->version = (uint32_t)db_int(s, 1);
        if (dp < map->dp_count)
            package->dps[package->count++] = (uint32_t)dp;
    }
    *ret_package = package;
    return db_done(s, e);
}

/* What is known of a package; also that it is not there. On failure *ret_package is the caller's too. */
static enum sl_status find_package(struct sst_map *map, struct sst *store, size_t site, const char *id,
                                   struct package **ret_package, struct sl_error *e)
{
    size_t len = 0;
    *ret_package = sst_memo_find(map->memo, store->fetched, (uint32_t)site, id, &len);
    if (*ret_package != NULL)
        return SL_OK;
    enum sl_status status = read_package(map, store, site, id, ret_package, e);
    if (status == SL_OK)
        sst_memo_put(map->memo, store->fetched, (uint32_t)site, id, *ret_package, package_size((*ret_package)->count));
    return status;
}

/* The number of a site by its code; map->site_count when there is none. */
static size_t site_of(const struct sst_map *map, const char *code)
{
    size_t i = 0;
    while (i < map->site_count && strcmp(map->sites[i].code, code) != 0)
        i++;
    return i;
}

/* True when the distribution point protects a client that is inside these boundaries of the site. */
static bool protects(const struct sst_map *map, const struct sst_inside *inside, size_t site, uint32_t dp)
{
    for (size_t i = 0; i < inside->count; i++) {
        const struct map_boundary *b = &map->boundaries[inside->items[i].boundary];
        for (size_t k = 0; k < b->protected_count && b->site == site; k++)
            if (map->protected[b->first_protected + k] == dp)
                return true;
    }
    return false;
}

/* Those that protect the client when there are any, else those that are not protected. */
static void choose_holders(const struct sst_map *map, const struct package *package, size_t site,
                           const struct sst_inside *inside, struct sst_locations *chosen)
{
    bool is_protecting[SST_LOCATIONS_MAX], any = false;
    for (size_t i = 0; i < package->count; i++) {
        is_protecting[i] = map->dps[package->dps[i]].is_protected && protects(map, inside, site, package->dps[i]);
        any = any || is_protecting[i];
    }
    chosen->items = sl_new_array(package->count + 1, sizeof *chosen->items);
    for (size_t i = 0; i < package->count; i++) {
        const struct map_dp *dp = &map->dps[package->dps[i]];
        if (any ? is_protecting[i] : !dp->is_protected)
            chosen->items[chosen->count++] = (struct sst_holder){dp->host, dp->url};
    }
    chosen->package = chosen->count > 0 ? sl_strdup(package->id) : NULL;
    chosen->version = package->count > 0 ? package->version : 0;
}

enum sl_status sst_locate(struct sst_map *map, struct sst *store, const struct sst_wanted *wanted,
                          struct sst_locations *ret_locations, struct sl_error *e)
{
    SL_CHECK_MAGIC(map, SST_MAP_MAGIC);
    struct package *package = NULL;
    size_t site = site_of(map, wanted->site);
    *ret_locations = (struct sst_locations){0};
    if (site == map->site_count)
        return SL_OK;
    enum sl_status status = find_package(map, store, site, wanted->package, &package, e);
    if (status == SL_OK && (wanted->version == 0 || wanted->version == package->version))
        choose_holders(map, package, site, wanted->inside, ret_locations);
    free(package);
    return status;
}
