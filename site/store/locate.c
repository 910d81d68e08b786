#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
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

/* A NULL parameter equals nothing, so what the client did not say matches nothing. */
#define IS_INSIDE                                                                                                      \
    "((b.low IS NULL AND b.value = ?1) OR (b.low IS NOT NULL AND ?2 BETWEEN b.low AND b.high) OR "                     \
    "(b.low IS NOT NULL AND b.kind = 'subnet' AND b.low = ?3)) "

/* Binds the parameters of IS_INSIDE; the keys are the caller's until the statement is done. */
struct keys {
    uint8_t address[SM_ADDRESS_KEY_LEN], subnet[SM_ADDRESS_KEY_LEN];
};

static void bind_place(struct db_stmt *s, const struct sst_place *place, struct keys *keys)
{
    db_bind_text(s, 1, place->ad_site != NULL && place->ad_site[0] != '\0' ? place->ad_site : NULL);
    bind_key(s, 2, place->address, keys->address);
    bind_key(s, 3, place->subnet, keys->subnet);
}

/* The row of a site in the list; NULL when the list is full. */
static struct sst_here *row_of(struct sst_heres *sites, const char *code)
{
    size_t i = 0;
    while (i < sites->count && strcmp(sites->items[i].code, code) != 0)
        i++;
    if (i == SST_SITES_MAX)
        return NULL;
    if (i == sites->count) {
        sites->items[sites->count++] = (struct sst_here){.is_slow = true};
        (void)sl_text_copy(sites->items[i].code, sizeof sites->items[i].code, code);
    }
    return &sites->items[i];
}

static enum sl_status sites_of_place(struct sst *store, const struct sst_place *place, struct sst_heres *sites,
                                     struct sl_error *e)
{
    struct keys keys;
    struct db_stmt *s = db_prepare(
        store->db, "SELECT s.code, coalesce(p.code, s.code), min(b.is_slow) FROM boundary b JOIN site s ON s.id = b.site_id "
                   "JOIN hierarchy h ON h.site_id = s.id LEFT JOIN site p ON p.id = h.parent_id AND h.kind = 'secondary' "
                   "WHERE " IS_INSIDE "GROUP BY s.code, p.code ORDER BY s.code LIMIT ?4");
    bind_place(s, place, &keys);
    db_bind_int(s, 4, SST_SITES_MAX);
    while (db_step(s)) {
        struct sst_here *here = row_of(sites, db_text(s, 0));
        if (here == NULL)
            continue;
        (void)sl_text_copy(here->assignment, sizeof here->assignment, db_text(s, 1));
        here->is_slow = here->is_slow && db_int(s, 2) != 0;
    }
    return db_done(s, e);
}

static int compare_codes(const void *a, const void *b)
{
    return strcmp(((const struct sst_here *)a)->code, ((const struct sst_here *)b)->code);
}

enum sl_status sst_sites_of(struct sst *store, const struct sst_place *places, size_t count, struct sst_heres *ret_sites,
                            struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = SL_OK;
    ret_sites->count = 0;
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = sites_of_place(store, &places[i], ret_sites, e);
    qsort(ret_sites->items, ret_sites->count, sizeof *ret_sites->items, compare_codes);
    return status;
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
    struct keys keys;
    struct db_stmt *s = db_prepare(store->db, "SELECT coalesce(p.code, s.code) AS assigned, "
                                              "min(CASE b.kind WHEN 'ad-site' THEN 0 WHEN 'range' THEN 2 ELSE 1 END) "
                                              "FROM boundary b JOIN site s ON s.id = b.site_id "
                                              "JOIN hierarchy h ON h.site_id = s.id "
                                              "LEFT JOIN site p ON p.id = h.parent_id AND h.kind = 'secondary' "
                                              "WHERE " IS_INSIDE "GROUP BY assigned ORDER BY 2, 1 LIMIT ?4");
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
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, s.forest, m.host, m.address, m.port, m.is_https FROM site s "
                                              "LEFT JOIN mp m ON m.site_id = s.id AND m.is_default = 1 WHERE s.code = ?1");
    db_bind_text(s, 1, site);
    if (db_step(s)) {
        entry.is_there = true;
        memcpy(entry.code, db_text(s, 0), sizeof entry.code);
        entry.forest = sl_strdup(db_text(s, 1));
        entry.mp_host = db_is_null(s, 2) ? NULL : sl_strdup(db_text(s, 2));
        entry.mp_address = db_is_null(s, 2) ? NULL : sl_strdup(db_text(s, 3));
        entry.mp_port = db_is_null(s, 2) ? 0 : (uint16_t)db_int(s, 4);
        entry.mp_is_https = !db_is_null(s, 2) && db_int(s, 5) != 0;
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

/* Holders of a package, as found; `is_protected` beside each. */
struct holders {
    struct sst_locations found;
    bool is_protected[SST_LOCATIONS_MAX];
    bool any_protected;
};

static enum sl_status read_holders(struct sst *store, const struct sst_wanted *wanted, struct holders *h, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "SELECT d.host, d.url, p.package, p.version, (SELECT count(*) FROM dp_boundary b WHERE b.dp_id = d.id) "
                   "FROM site s JOIN package p ON p.site_id = s.id "
                   "JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
                   "WHERE s.code = ?1 AND p.package = ?2 AND (?3 = 0 OR p.version = ?3) "
                   "AND (d.is_fetching = 0 OR p.sha256 IS NULL OR EXISTS (SELECT 1 FROM dp_content c "
                   "WHERE c.package_id = p.id AND c.dp_id = d.id AND c.state = 'available')) ORDER BY d.host LIMIT ?4");
    db_bind_text(s, 1, wanted->site);
    db_bind_text(s, 2, wanted->package);
    db_bind_int(s, 3, wanted->version);
    db_bind_int(s, 4, SST_LOCATIONS_MAX);
    while (db_step(s)) {
        bool is_protected = db_int(s, 4) > 0;
        h->is_protected[h->found.hosts.count] = is_protected;
        h->any_protected = h->any_protected || is_protected;
        sl_strings_add(&h->found.hosts, db_text(s, 0));
        sl_strings_add(&h->found.urls, db_text(s, 1));
        if (h->found.package == NULL)
            h->found.package = sl_strdup(db_text(s, 2));
        h->found.version = (uint32_t)db_int(s, 3);
    }
    return db_done(s, e);
}

/* The protected distribution points of the site whose boundaries contain one of the places. */
static enum sl_status protectors(struct sst *store, const struct sst_wanted *wanted, struct sl_strings *hosts, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < wanted->place_count && status == SL_OK; i++) {
        struct keys keys;
        struct db_stmt *s =
            db_prepare(store->db, "SELECT DISTINCT d.host FROM dp_boundary x JOIN dp d ON d.id = x.dp_id "
                                  "JOIN boundary b ON b.id = x.boundary_id JOIN site s ON s.id = x.site_id "
                                  "WHERE " IS_INSIDE "AND s.code = ?4 LIMIT ?5");
        bind_place(s, &wanted->places[i], &keys);
        db_bind_text(s, 4, wanted->site);
        db_bind_int(s, 5, SST_LOCATIONS_MAX);
        while (db_step(s))
            sl_strings_add(hosts, db_text(s, 0));
        status = db_done(s, e);
    }
    return status;
}

static bool among(const struct sl_strings *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], item) == 0)
            return true;
    return false;
}

/* Those that protect the client when there are any, else those that are not protected. */
static void choose_holders(const struct holders *h, const struct sl_strings *protecting, struct sst_locations *chosen)
{
    bool is_inside = false;
    for (size_t i = 0; i < h->found.hosts.count; i++)
        is_inside = is_inside || (h->is_protected[i] && among(protecting, h->found.hosts.items[i]));
    for (size_t i = 0; i < h->found.hosts.count; i++) {
        bool is_chosen = is_inside ? among(protecting, h->found.hosts.items[i]) : !h->is_protected[i];
        if (!is_chosen)
            continue;
        sl_strings_add(&chosen->hosts, h->found.hosts.items[i]);
        sl_strings_add(&chosen->urls, h->found.urls.items[i]);
    }
    chosen->package = chosen->hosts.count > 0 ? sl_strdup(h->found.package) : NULL;
    chosen->version = h->found.version;
}

enum sl_status sst_locate(struct sst *store, const struct sst_wanted *wanted, struct sst_locations *ret_locations,
                          struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct holders h = {.any_protected = false};
    struct sl_strings protecting = {0};
    enum sl_status status = read_holders(store, wanted, &h, e);
    if (status == SL_OK && !h.any_protected) {
        *ret_locations = h.found;
        return SL_OK;
    }
    if (status == SL_OK)
        status = protectors(store, wanted, &protecting, e);
    if (status == SL_OK) {
        *ret_locations = (struct sst_locations){0};
        choose_holders(&h, &protecting, ret_locations);
    }
    sl_strings_fini(&protecting);
    sst_locations_fini(&h.found);
    return status;
}
