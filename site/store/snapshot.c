#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"
#include "site/store/systems.h"

#include <stdlib.h>
#include <string.h>

void *sst_grow(void *items_at, size_t *count, size_t size)
{
    void *items;
    memcpy(&items, items_at, sizeof items);
    if (*count >= SST_ROWS_MAX)
        return NULL;
    items = sl_grow(items, *count, size);
    memcpy(items_at, &items, sizeof items);
    return (char *)items + (*count)++ * size;
}

enum sl_status sst_too_many(struct db_stmt *s, struct sl_error *e, const char *what)
{
    enum sl_status status = db_done(s, e);
    return status != SL_OK ? status : sl_fail(e, SL_LIMIT, "more than %d %s", SST_ROWS_MAX, what);
}

static enum sl_status read_mps(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT host, address, port, is_default, certificate, is_nlb, data, is_https "
                                              "FROM mp WHERE site_id = ?1 ORDER BY host");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_mp *mp = sst_grow(&snap->mps, &snap->mp_count, sizeof *mp);
        if (mp == NULL)
            return sst_too_many(s, e, "management points");
        enum sl_status status = sm_mp_make(db_text(s, 0), db_text(s, 1), db_int(s, 2), mp, e);
        mp->is_default = db_int(s, 3) != 0;
        mp->certificate = status == SL_OK ? db_text_copy(s, 4) : NULL;
        mp->is_nlb = db_int(s, 5) != 0;
        mp->is_https = db_int(s, 7) != 0;
        mp->data = db_is_null(s, 6) ? SM_DATA_ANY : sm_data_parse(db_text(s, 6));
        if (status != SL_OK) {
            sl_assert(db_done(s, NULL) == SL_OK);
            return sl_fail_in(e, SL_CORRUPT, "%s", store->path);
        }
    }
    return db_done(s, e);
}

static enum sl_status read_members(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT c.host, m.host FROM mp_member x JOIN mp c ON c.id = x.cluster_id "
                                              "JOIN mp m ON m.id = x.member_id WHERE x.site_id = ?1 ORDER BY c.host, m.host");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_mp *cluster = (struct sm_mp *)(uintptr_t)sm_find_mp(snap, db_text(s, 0));
        sl_assert(cluster != NULL); /* a foreign key */
        char **slot = sst_grow(&cluster->members, &cluster->member_count, sizeof *slot);
        *slot = sl_strdup(db_text(s, 1));
    }
    return db_done(s, e);
}

static enum sl_status read_keys(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT m.host, k.owner, k.key, k.certificate FROM mp m "
                                              "JOIN mp_key k ON k.mp_id = m.id WHERE m.site_id = ?1 ORDER BY m.host, k.owner");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_mp *mp = (struct sm_mp *)(uintptr_t)sm_find_mp(snap, db_text(s, 0));
        sl_assert(mp != NULL); /* a foreign key */
        struct sm_mp_key *key = sst_grow(&mp->keys, &mp->key_count, sizeof *key);
        sl_assert(key != NULL); /* one a management point of the site */
        *key = (struct sm_mp_key){
            .owner = sl_strdup(db_text(s, 1)), .key = sl_strdup(db_text(s, 2)), .certificate = db_text_copy(s, 3)};
    }
    return db_done(s, e);
}

static enum sl_status read_dps(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT host, url FROM dp WHERE site_id = ?1 ORDER BY host");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_dp *dp = sst_grow(&snap->dps, &snap->dp_count, sizeof *dp);
        if (dp == NULL)
            return sst_too_many(s, e, "distribution points");
        *dp = (struct sm_dp){.host = sl_strdup(db_text(s, 0)), .url = sl_strdup(db_text(s, 1))};
    }
    return db_done(s, e);
}

static enum sl_status read_boundaries(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT kind, value, is_slow FROM boundary WHERE site_id = ?1 "
                                              "ORDER BY kind, value");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_boundary *b = sst_grow(&snap->boundaries, &snap->boundary_count, sizeof *b);
        if (b == NULL)
            return sst_too_many(s, e, "boundaries");
        enum sm_boundary_kind kind = sm_boundary_kind_parse(db_text(s, 0));
        sl_assert(kind != SM_BOUNDARY_COUNT); /* a constraint of the table */
        if (sm_boundary_make(kind, db_text(s, 1), b, e) != SL_OK) {
            sl_assert(db_done(s, NULL) == SL_OK);
            return sl_fail_in(e, SL_CORRUPT, "%s", store->path);
        }
        b->is_slow = db_int(s, 2) != 0;
    }
    return db_done(s, e);
}

static enum sl_status read_protection(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT d.host, b.kind, b.value FROM dp_boundary x JOIN dp d ON d.id = x.dp_id "
                                              "JOIN boundary b ON b.id = x.boundary_id WHERE x.site_id = ?1 "
                                              "ORDER BY d.host, b.kind, b.value");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_dp *dp = (struct sm_dp *)(uintptr_t)sm_find_dp(snap, db_text(s, 0));
        sl_assert(dp != NULL); /* a foreign key */
        struct sm_boundary **slot = sst_grow(&dp->boundaries, &dp->boundary_count, sizeof(struct sm_boundary *));
        *slot = sm_find_boundary(snap, sm_boundary_kind_parse(db_text(s, 1)), db_text(s, 2));
        sl_assert(*slot != NULL);
    }
    return db_done(s, e);
}

static void add_holder(struct sm_snapshot *snap, struct sm_package *package, int64_t number)
{
    struct sm_dp **slot = sst_grow(&package->dps, &package->dp_count, sizeof *slot);
    sl_assert(number >= 0 && (size_t)number < snap->dp_count); /* a foreign key */
    *slot = &snap->dps[number];
}

/* Distribution points are told by their place in the list that read_dps has just read in the same order. */
static enum sl_status read_packages(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "SELECT p.package, p.version, d.number, p.source FROM package p LEFT JOIN package_dp x ON x.package_id = p.id "
                   "LEFT JOIN (SELECT id, row_number() OVER (ORDER BY host) - 1 AS number FROM dp WHERE site_id = ?1) d "
                   "ON d.id = x.dp_id WHERE p.site_id = ?1 ORDER BY p.package, d.number");
    db_bind_int(s, 1, site);
    struct sm_package *package = NULL;
    while (db_step(s)) {
        if (package == NULL || strcmp(package->id, db_text(s, 0)) != 0) {
            package = sst_grow(&snap->packages, &snap->package_count, sizeof *package);
            if (package == NULL)
                return sst_too_many(s, e, "packages");
            package->id = sl_strdup(db_text(s, 0));
            package->version = (uint32_t)db_int(s, 1);
            (void)sl_text_copy(package->source, sizeof package->source, db_text(s, 3));
        }
        if (!db_is_null(s, 2))
            add_holder(snap, package, db_int(s, 2));
    }
    return db_done(s, e);
}

static enum sl_status read_targets(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s =
        db_prepare(store->db, "SELECT uri, base, container, bind_dn, password_file, sasl, ca, cert, key, tsig_key, slp, "
                              "starttls, transactions, timeout_ms FROM target WHERE site_id = ?1 ORDER BY id");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_target *t = sst_grow(&snap->targets, &snap->target_count, sizeof *t);
        if (t == NULL)
            return sst_too_many(s, e, "targets");
        *t = (struct sm_target){
            .uri = sl_strdup(db_text(s, 0)),
            .base = db_text_copy(s, 1),
            .container = db_text_copy(s, 2),
            .bind_dn = db_text_copy(s, 3),
            .password_file = db_text_copy(s, 4),
            .sasl = db_text_copy(s, 5),
            .ca = db_text_copy(s, 6),
            .cert = db_text_copy(s, 7),
            .key = db_text_copy(s, 8),
            .tsig_key = db_text_copy(s, 9),
            .slp = db_text_copy(s, 10),
            .starttls = db_int(s, 11) != 0,
            .transactions = db_int(s, 12) != 0,
            .timeout_ms = db_int(s, 13),
        };
    }
    return db_done(s, e);
}

static enum sl_status read_roles(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT host, role FROM site_role WHERE site_id = ?1 ORDER BY host, role");
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        struct sm_role *role = sst_grow(&snap->roles, &snap->role_count, sizeof *role);
        if (role == NULL)
            return sst_too_many(s, e, "roles");
        *role = (struct sm_role){.host = sl_strdup(db_text(s, 0)), .role = sl_strdup(db_text(s, 1))};
        if (strcmp(role->role, "cap") == 0)
            sl_strings_add(&snap->caps, role->host);
        else if (strcmp(role->role, "slp") == 0)
            snap->slp = sl_strdup(role->host); /* one, by the index */
    }
    return db_done(s, e);
}

static enum sl_status read_advertisements(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT a.advertisement, p.package, a.program, t.client FROM advertisement a "
                                              "JOIN package p ON p.id = a.package_id "
                                              "LEFT JOIN advertised_to t ON t.advertisement_id = a.id "
                                              "WHERE a.site_id = ?1 ORDER BY a.advertisement, t.client");
    struct sm_advertisement *ad = NULL;
    db_bind_int(s, 1, site);
    while (db_step(s)) {
        if (ad == NULL || strcmp(ad->id, db_text(s, 0)) != 0) {
            ad = sst_grow(&snap->advertisements, &snap->advertisement_count, sizeof *ad);
            if (ad == NULL)
                return sst_too_many(s, e, "advertisements");
            ad->id = sl_strdup(db_text(s, 0));
            ad->package = sl_strdup(db_text(s, 1));
            ad->program = sl_strdup(db_text(s, 2));
        }
        char **slot = db_is_null(s, 3) ? NULL : sst_grow(&ad->clients, &ad->client_count, sizeof(char *));
        if (slot != NULL)
            *slot = sl_strdup(db_text(s, 3));
    }
    return db_done(s, e);
}

/* Where the site stands: what is above it, and above that. The constraints and sst_set_site keep the way up free of circles. */
static enum sl_status read_place(struct sst *store, struct sm_site *site, struct sl_error *e)
{
    struct sst_site_row *rows = NULL;
    size_t count = 0;
    enum sl_status status = sst_hierarchy(store, &rows, &count, e);
    if (status != SL_OK)
        return status;
    char above[SM_CODE_LEN + 1] = "";
    (void)sl_text_copy(above, sizeof above, site->code);
    for (size_t steps = 0; above[0] != '\0' && steps <= count; steps++) {
        const struct sst_site_row *row = sst_find_row(rows, count, above);
        if (row == NULL)
            break;
        if (steps == 0) {
            site->kind = row->kind;
            memcpy(site->parent, row->parent, sizeof site->parent);
        }
        memcpy(site->root, row->code, sizeof site->root);
        memcpy(above, row->parent, sizeof above);
    }
    const char *assignment = site->kind == SM_SITE_SECONDARY ? site->parent : site->code;
    (void)sl_text_copy(site->assignment, sizeof site->assignment, assignment);
    free(rows);
    struct db_stmt *s = db_prepare(store->db, "SELECT server FROM site WHERE code = ?1");
    db_bind_text(s, 1, site->assignment);
    site->assignment_server = db_step(s) ? sl_strdup(db_text(s, 0)) : NULL;
    return db_done(s, e);
}

/* Reads the row of the site; *ret_id stays 0 when there is none. */
static enum sl_status read_site(struct sst *store, const char *code, struct sm_snapshot *snap, int64_t *ret_id,
                                struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id, code, domain, forest, server, database, is_unpublished, root_key, "
                                              "certificate FROM site WHERE code = ?1");
    db_bind_text(s, 1, code);
    if (db_step(s)) {
        *ret_id = db_int(s, 0);
        snap->site = (struct sm_site){.code = sl_strdup(db_text(s, 1)),
                                      .domain = sl_strdup(db_text(s, 2)),
                                      .forest = sl_strdup(db_text(s, 3)),
                                      .server = sl_strdup(db_text(s, 4)),
                                      .database = sl_strdup(db_text(s, 5)),
                                      .is_unpublished = db_int(s, 6) != 0,
                                      .root_key = db_text_copy(s, 7),
                                      .certificate = db_text_copy(s, 8)};
    }
    return db_done(s, e);
}

static enum sl_status read_outline(struct sst *store, const char *code, struct sm_snapshot *snap, int64_t *ret_id,
                                   struct sl_error *e)
{
    enum sl_status status = sst_generation(store, &snap->generation, e);
    if (status == SL_OK)
        status = read_site(store, code, snap, ret_id, e);
    if (status == SL_OK && *ret_id != 0)
        status = read_place(store, &snap->site, e);
    if (status == SL_OK)
        status = read_mps(store, *ret_id, snap, e);
    if (status == SL_OK)
        status = read_members(store, *ret_id, snap, e);
    if (status == SL_OK)
        status = read_keys(store, *ret_id, snap, e);
    if (status == SL_OK)
        status = read_dps(store, *ret_id, snap, e);
    if (status == SL_OK)
        status = read_boundaries(store, *ret_id, snap, e);
    if (status == SL_OK)
        status = read_protection(store, *ret_id, snap, e);
    return status == SL_OK ? sst_last_change(store, *ret_id, &snap->packages_changed, e) : status;
}

static enum sl_status read_rest(struct sst *store, int64_t site, struct sm_snapshot *snap, struct sl_error *e)
{
    enum sl_status status = read_packages(store, site, snap, e);
    if (status == SL_OK)
        status = read_targets(store, site, snap, e);
    if (status == SL_OK)
        status = read_roles(store, site, snap, e);
    return status == SL_OK ? read_advertisements(store, site, snap, e) : status;
}

/* In a reading transaction, so that the parts are of one moment. */
static enum sl_status read_site_parts(struct sst *store, const char *site, bool is_whole, struct sm_snapshot **ret_snapshot,
                                      struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sm_snapshot *snap = sl_new(sizeof *snap);
    int64_t id = 0;
    enum sl_status status = db_begin_reading(store->db, e);
    if (status == SL_OK)
        status = read_outline(store, site, snap, &id, e);
    if (status == SL_OK && is_whole)
        status = read_rest(store, id, snap, e);
    db_rollback(store->db); /* nothing was written */
    if (status != SL_OK || id == 0) {
        sm_snapshot_free(snap);
        snap = NULL;
    }
    if (status == SL_OK)
        *ret_snapshot = snap;
    return status;
}

enum sl_status sst_snapshot(struct sst *store, const char *site, struct sm_snapshot **ret_snapshot, struct sl_error *e)
{
    return read_site_parts(store, site, true, ret_snapshot, e);
}

enum sl_status sst_outline(struct sst *store, const char *site, struct sm_snapshot **ret_snapshot, struct sl_error *e)
{
    return read_site_parts(store, site, false, ret_snapshot, e);
}
