#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

static void bind_key(struct db_stmt *s, int index, const char *text, uint8_t key[SM_ADDRESS_KEY_LEN])
{
    if (text != NULL && sm_address_key(text, key))
        db_bind_blob(s, index, key, SM_ADDRESS_KEY_LEN);
    else
        db_bind_null(s, index);
}

static bool listed(const struct sl_strings *codes, const char *code)
{
    for (size_t i = 0; i < codes->count; i++)
        if (strcmp(codes->items[i], code) == 0)
            return true;
    return false;
}

/* A NULL parameter equals nothing, so what the client did not say matches nothing. */
#define IN_BOUNDARY                                                                                                    \
    "(b.low IS NULL AND b.value = ?1) OR (b.low IS NOT NULL AND ?2 BETWEEN b.low AND b.high) OR "                      \
    "(b.low IS NOT NULL AND b.kind = 'subnet' AND b.low = ?3)"

/* The parameters of IN_BOUNDARY. */
struct place_keys {
    uint8_t address[SM_ADDRESS_KEY_LEN], subnet[SM_ADDRESS_KEY_LEN];
};

static void bind_place(struct db_stmt *s, const struct sst_place *place, struct place_keys *keys)
{
    db_bind_text(s, 1, place->ad_site != NULL && place->ad_site[0] != '\0' ? place->ad_site : NULL);
    bind_key(s, 2, place->address, keys->address);
    bind_key(s, 3, place->subnet, keys->subnet);
}

static enum sl_status sites_of_place(struct sst *store, const struct sst_place *place, struct sl_strings *codes,
                                     struct sl_error *e)
{
    struct place_keys keys;
    struct db_stmt *s = db_prepare(store->db, "SELECT DISTINCT s.code FROM site s JOIN boundary b ON b.site_id = s.id "
                                              "WHERE " IN_BOUNDARY " ORDER BY s.code LIMIT ?4");
    bind_place(s, place, &keys);
    db_bind_int(s, 4, SST_SITES_MAX);
    while (db_step(s))
        if (!listed(codes, db_text(s, 0)))
            sl_strings_add(codes, db_text(s, 0));
    return db_done(s, e);
}

enum sl_status sst_sites_of(struct sst *store, const struct sst_place *places, size_t count, struct sl_strings *ret_codes,
                            struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sl_strings codes = {0};
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = sites_of_place(store, &places[i], &codes, e);
    if (status == SL_OK)
        *ret_codes = codes;
    else
        sl_strings_fini(&codes);
    return status;
}

/* ---- what the server locator point asks --------------------------------------------------------------------------------- */

static const char *const assigned_by[] = {"ad-site", "subnet", "range"}; /* the surest first */

/* What is found of the sites: for each the best of assigned_by. */
struct assignments {
    struct sst_assignment *items;
    size_t *rank;
    size_t count, max;
};

static void note_assignment(struct assignments *a, const char *code, size_t rank)
{
    size_t i = 0;
    while (i < a->count && strcmp(a->items[i].code, code) != 0)
        i++;
    if (i < a->count && a->rank[i] <= rank)
        return;
    if (i == a->count && a->count < a->max)
        a->count++;
    else if (i == a->count && a->rank[--i] <= rank)
        return;
    for (; i > 0 && a->rank[i - 1] > rank; i--) {
        a->items[i] = a->items[i - 1];
        a->rank[i] = a->rank[i - 1];
    }
    memcpy(a->items[i].code, code, SM_CODE_LEN + 1);
    a->items[i].by = assigned_by[rank];
    a->rank[i] = rank;
}

static enum sl_status assign_place(struct sst *store, const struct sst_place *place, struct assignments *a, struct sl_error *e)
{
    struct place_keys keys;
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, "
                                              "min(CASE b.kind WHEN 'ad-site' THEN 0 WHEN 'range' THEN 2 ELSE 1 END) "
                                              "FROM site s JOIN boundary b ON b.site_id = s.id WHERE " IN_BOUNDARY
                                              " GROUP BY s.code ORDER BY 2, 1 LIMIT ?4");
    bind_place(s, place, &keys);
    db_bind_int(s, 4, (int64_t)a->max);
    while (db_step(s))
        note_assignment(a, db_text(s, 0), (size_t)db_int(s, 1));
    return db_done(s, e);
}

enum sl_status sst_assign(struct sst *store, const struct sst_place *places, size_t count, struct sst_assignment *ret_sites,
                          size_t max, size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    sl_assert(max > 0);
    struct assignments a = {.items = ret_sites, .rank = sl_new_array(max, sizeof *a.rank), .max = max};
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = assign_place(store, &places[i], &a, e);
    free(a.rank);
    if (status == SL_OK)
        *ret_count = a.count;
    return status;
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
    while (db_step(s))
        sl_strings_add(&entry->caps, db_text(s, 0));
    return db_done(s, e);
}

enum sl_status sst_entry(struct sst *store, const char *site, size_t max_caps, struct sst_entry *ret_entry, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_entry entry = {0};
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, s.forest, m.host, m.address, m.port FROM site s "
                                              "LEFT JOIN mp m ON m.site_id = s.id AND m.is_default = 1 WHERE s.code = ?1");
    db_bind_text(s, 1, site);
    if (db_step(s)) {
        entry.is_there = true;
        memcpy(entry.code, db_text(s, 0), sizeof entry.code);
        entry.forest = sl_strdup(db_text(s, 1));
        entry.mp_host = db_is_null(s, 2) ? NULL : sl_strdup(db_text(s, 2));
        entry.mp_address = db_is_null(s, 2) ? NULL : sl_strdup(db_text(s, 3));
        entry.mp_port = db_is_null(s, 2) ? 0 : (uint16_t)db_int(s, 4);
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
    sl_strings_fini(&locations->hosts);
    sl_strings_fini(&locations->urls);
    *locations = (struct sst_locations){0};
}

enum sl_status sst_locate(struct sst *store, const char *site, const char *package, uint32_t version,
                          struct sst_locations *ret_locations, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_locations found = {0};
    struct db_stmt *s = db_prepare(store->db, "SELECT d.host, d.url, p.package, p.version FROM site s "
                                              "JOIN package p ON p.site_id = s.id "
                                              "JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
                                              "WHERE s.code = ?1 AND p.package = ?2 AND (?3 = 0 OR p.version = ?3) "
                                              "ORDER BY d.host LIMIT ?4");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, package);
    db_bind_int(s, 3, version);
    db_bind_int(s, 4, SST_LOCATIONS_MAX);
    while (db_step(s)) {
        sl_strings_add(&found.hosts, db_text(s, 0));
        sl_strings_add(&found.urls, db_text(s, 1));
        if (found.package == NULL)
            found.package = sl_strdup(db_text(s, 2));
        found.version = (uint32_t)db_int(s, 3);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_locations = found;
    else
        sst_locations_fini(&found);
    return status;
}
