#include "site/store/neighbour.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"
#include "site/store/systems.h"

#include <stdlib.h>
#include <string.h>

void sst_neighbours_fini(struct sst_neighbours *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].url);
        free(list->items[i].root_key);
    }
    free(list->items);
    *list = (struct sst_neighbours){0};
}

enum sl_status sst_neighbours(struct sst *store, struct sst_neighbours *ret_list, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_neighbours list = {.items = sl_new_array(SST_SITES_MAX, sizeof *list.items)};
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, n.url, s.root_key, n.told_s, n.packages_told, "
                                              "n.packages_known FROM neighbour n "
                                              "JOIN site s ON s.id = n.site_id ORDER BY s.code LIMIT ?1");
    db_bind_int(s, 1, SST_SITES_MAX);
    for (; db_step(s); list.count++) {
        struct sst_neighbour *n = &list.items[list.count];
        (void)sl_text_copy(n->code, sizeof n->code, db_text(s, 0));
        n->url = sl_strdup(db_text(s, 1));
        n->root_key = sl_strdup(db_text(s, 2));
        n->told_s = db_int(s, 3);
        n->packages_told = db_int(s, 4);
        n->packages_known = db_int(s, 5);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_list = list;
    else
        sst_neighbours_fini(&list);
    return status;
}

const struct sst_neighbour *sst_find_neighbour(const struct sst_neighbours *list, const char *code)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].code, code) == 0)
            return &list->items[i];
    return NULL;
}

/* ---- adding and removing ------------------------------------------------------------------------------------------------ */

static enum sl_status compare(struct sst *store, const struct sst_neighbour *n, struct sl_error *e)
{
    struct sst_neighbours list;
    enum sl_status status = sst_neighbours(store, &list, e);
    if (status != SL_OK)
        return status;
    const struct sst_neighbour *known = sst_find_neighbour(&list, n->code);
    if (known == NULL)
        status = sl_fail(e, SL_CONFLICT, "site %s is in this database", n->code);
    else if (strcmp(known->url, n->url) != 0)
        status = sl_fail(e, SL_CONFLICT, "site %s is known already, at %s; remove it first", n->code, known->url);
    else if (strcmp(known->root_key, n->root_key) != 0)
        status = sl_fail(e, SL_CONFLICT, "site %s is known already, with another root key; remove it first", n->code);
    sst_neighbours_fini(&list);
    return status;
}

/* What it is besides its code shows when it tells. */
static enum sl_status insert_site(struct sst *store, const struct sst_neighbour *n, bool *ret_added, struct sl_error *e)
{
    struct db_stmt *s =
        db_prepare(store->db, "INSERT INTO site (code, domain, forest, server, database, is_unpublished, root_key) "
                              "SELECT ?1, '-', '-', '-', '-', 1, ?2 WHERE (SELECT count(*) FROM site) < ?3 "
                              "ON CONFLICT DO NOTHING");
    db_bind_text(s, 1, n->code);
    db_bind_text(s, 2, n->root_key);
    db_bind_int(s, 3, SST_SITES_MAX);
    return sst_run(store, s, ret_added, e);
}

static enum sl_status insert_neighbour(struct sst *store, const struct sst_neighbour *n, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO hierarchy (site_id) SELECT id FROM site WHERE code = ?1");
    db_bind_text(s, 1, n->code);
    enum sl_status status = db_run(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "INSERT INTO neighbour (site_id, url) SELECT id, ?2 FROM site WHERE code = ?1");
    db_bind_text(s, 1, n->code);
    db_bind_text(s, 2, n->url);
    return db_run(s, e);
}

enum sl_status sst_add_neighbour(struct sst *store, const struct sst_neighbour *n, bool *ret_added, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    bool added = false;
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    status = insert_site(store, n, &added, e);
    if (status == SL_OK)
        status = added ? insert_neighbour(store, n, e) : compare(store, n, e);
    return sst_change_end(store, status, added, ret_added, e);
}

/* Packages first: what lies on distribution points keeps them, in whichever order the engine would go. */
static enum sl_status delete_neighbour(struct sst *store, const char *code, bool *ret_removed, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM package WHERE site_id IN (SELECT n.site_id FROM neighbour n "
                                              "JOIN site s ON s.id = n.site_id WHERE s.code = ?1)");
    db_bind_text(s, 1, code);
    enum sl_status status = db_run(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "DELETE FROM site WHERE code = ?1 AND id IN (SELECT site_id FROM neighbour)");
    db_bind_text(s, 1, code);
    return sst_run(store, s, ret_removed, e);
}

enum sl_status sst_remove_neighbour(struct sst *store, const char *code, bool *ret_removed, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    bool removed = false, is_here = false;
    struct sst_site_row *rows = NULL;
    size_t count = 0;
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    status = sst_hierarchy(store, &rows, &count, e);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        is_here = is_here || strcmp(rows[i].code, code) == 0;
        if (strcmp(rows[i].parent, code) == 0)
            status = sl_fail(e, SL_CONFLICT, "site %s lies below %s", rows[i].code, code);
    }
    free(rows);
    if (status == SL_OK)
        status = delete_neighbour(store, code, &removed, e);
    if (status == SL_OK && is_here && !removed)
        status = sl_fail(e, SL_CONFLICT, "site %s is in this database", code);
    return sst_change_end(store, status, removed, ret_removed, e);
}

/* ---- learning ----------------------------------------------------------------------------------------------------------- */

/* Runs a statement about a site. */
static enum sl_status run_for(struct db_stmt *s, int64_t site_id, struct sl_error *e)
{
    db_bind_int(s, 1, site_id);
    return db_run(s, e);
}

/* Moves the time of what is known; SL_CONFLICT when that is newer, or the site no neighbour. */
static enum sl_status move_time(struct sst *store, const struct sm_snapshot *told, int64_t made_s, bool *ret_packages,
                                struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "UPDATE neighbour SET told_s = ?2 WHERE told_s <= ?2 AND "
                                              "site_id = (SELECT id FROM site WHERE code = ?1)");
    db_bind_text(s, 1, told->site.code);
    db_bind_int(s, 2, made_s);
    bool moved = false;
    enum sl_status status = sst_run(store, s, &moved, e);
    if (status == SL_OK && !moved)
        status = sl_fail(e, SL_CONFLICT, "something newer is known of site %s", told->site.code);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "UPDATE neighbour SET packages_told = ?2 WHERE packages_told <> ?2 AND "
                              "site_id = (SELECT id FROM site WHERE code = ?1)");
    db_bind_text(s, 1, told->site.code);
    db_bind_int(s, 2, told->packages_changed);
    return sst_run(store, s, ret_packages, e);
}

enum sl_status sst_learn_same(struct sst *store, const struct sm_snapshot *told, int64_t made_s, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    bool packages = false;
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    status = move_time(store, told, made_s, &packages, e);
    return packages ? sst_end_note(store, status, e) : db_end(store->db, status, e);
}

static enum sl_status forget_parts(struct sst *store, int64_t site_id, struct sl_error *e)
{
    enum sl_status status = run_for(db_prepare(store->db, "DELETE FROM mp WHERE site_id = ?1"), site_id, e);
    if (status == SL_OK)
        status = run_for(db_prepare(store->db, "DELETE FROM dp_boundary WHERE site_id = ?1"), site_id, e);
    if (status == SL_OK)
        status = run_for(db_prepare(store->db, "DELETE FROM boundary WHERE site_id = ?1"), site_id, e);
    return status;
}

static enum sl_status store_names(struct sst *store, int64_t site_id, const struct sm_site *site, struct sl_error *e)
{
    struct db_stmt *s =
        db_prepare(store->db, "UPDATE site SET domain = ?2, forest = ?3, server = ?4, database = ?5 WHERE id = ?1");
    const char *const texts[] = {site->domain, site->forest, site->server, site->database};
    db_bind_int(s, 1, site_id);
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, (int)i + 2, texts[i]);
    return db_run(s, e);
}

static enum sl_status store_default(struct sst *store, int64_t site_id, const char *host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "UPDATE mp SET is_default = 1 WHERE site_id = ?1 AND host = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, host);
    return db_run(s, e);
}

/* The distribution points of a site that are known, but not told any more. */
static enum sl_status gone_dps(struct sst *store, int64_t site_id, const struct sm_snapshot *told, struct sl_strings *ret_hosts,
                               struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT host FROM dp WHERE site_id = ?1");
    db_bind_int(s, 1, site_id);
    while (db_step(s))
        if (sm_find_dp(told, db_text(s, 0)) == NULL)
            sl_strings_add(ret_hosts, db_text(s, 0));
    return db_done(s, e);
}

static enum sl_status forget_dp(struct sst *store, int64_t site_id, const char *host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM package_dp WHERE site_id = ?1 AND "
                                              "dp_id = (SELECT id FROM dp WHERE site_id = ?1 AND host = ?2)");
    db_bind_text(s, 2, host);
    enum sl_status status = run_for(s, site_id, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "DELETE FROM dp WHERE site_id = ?1 AND host = ?2");
    db_bind_text(s, 2, host);
    return run_for(s, site_id, e);
}

/* One that is known stays the same row, since packages lie on it. */
static enum sl_status store_dp(struct sst *store, int64_t site_id, const struct sm_dp *dp, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO dp (site_id, host, url) VALUES (?1, ?2, ?3) "
                                              "ON CONFLICT (site_id, host) DO UPDATE SET url = excluded.url");
    db_bind_text(s, 2, dp->host);
    db_bind_text(s, 3, dp->url);
    enum sl_status status = run_for(s, site_id, e);
    for (size_t i = 0; i < dp->boundary_count && status == SL_OK; i++) {
        s = db_prepare(store->db, "INSERT INTO dp_boundary (dp_id, boundary_id, site_id) SELECT d.id, b.id, d.site_id FROM dp d "
                                  "JOIN boundary b ON b.site_id = d.site_id WHERE d.site_id = ?1 AND d.host = ?2 AND b.kind = ?3 "
                                  "AND b.value = ?4 ON CONFLICT DO NOTHING");
        db_bind_text(s, 2, dp->host);
        db_bind_text(s, 3, sm_boundary_word(dp->boundaries[i]->kind));
        db_bind_text(s, 4, dp->boundaries[i]->value);
        status = run_for(s, site_id, e);
    }
    return status;
}

static enum sl_status store_dps(struct sst *store, int64_t site_id, const struct sm_snapshot *told, struct sl_error *e)
{
    struct sl_strings gone = {0};
    enum sl_status status = gone_dps(store, site_id, told, &gone, e);
    for (size_t i = 0; i < gone.count && status == SL_OK; i++)
        status = forget_dp(store, site_id, gone.items[i], e);
    for (size_t i = 0; i < told->dp_count && status == SL_OK; i++)
        status = store_dp(store, site_id, &told->dps[i], e);
    sl_strings_fini(&gone);
    return status;
}

static enum sl_status store_parts(struct sst *store, int64_t site_id, const struct sm_snapshot *told, struct sl_error *e)
{
    bool added;
    const struct sm_mp *first = sm_default_mp(told);
    enum sl_status status = forget_parts(store, site_id, e);
    if (status == SL_OK)
        status = store_names(store, site_id, &told->site, e);
    for (size_t i = 0; i < told->mp_count && status == SL_OK; i++)
        status = sst_insert_mp(store, site_id, &told->mps[i], &added, e);
    if (status == SL_OK && first != NULL)
        status = store_default(store, site_id, first->host, e);
    for (size_t i = 0; i < told->boundary_count && status == SL_OK; i++)
        status = sst_insert_boundary(store, site_id, &told->boundaries[i], &added, e);
    return status == SL_OK ? store_dps(store, site_id, told, e) : status;
}

static enum sl_status store_place(struct sst *store, int64_t site_id, const struct sm_site *site, struct sl_error *e)
{
    bool changed;
    const char *parent = site->parent[0] != '\0' ? site->parent : NULL;
    enum sl_status status = sst_place_site(store, site_id, site->code, site->kind, parent, &changed, e);
    return status == SL_USAGE ? sl_fail_in(e, SL_CONFLICT, "what site %s tells", site->code) : status;
}

enum sl_status sst_learn(struct sst *store, const struct sm_snapshot *told, int64_t made_s, struct sl_error *e)
{
    int64_t id;
    bool packages;
    enum sl_status status = sst_change_begin(store, told->site.code, &id, e);
    if (status != SL_OK)
        return status;
    status = move_time(store, told, made_s, &packages, e);
    if (status == SL_OK)
        status = store_parts(store, id, told, e);
    if (status == SL_OK)
        status = store_place(store, id, &told->site, e);
    return sst_change_end(store, status, true, NULL, e);
}
