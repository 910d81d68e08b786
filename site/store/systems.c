#include "site/store/systems.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

enum query {
    FIND_DP,
    FIND_MP,
    FIND_CLUSTER,
    FIND_SINGLE_MP,
    FIND_PACKAGE,
    READ_PROTECTION,
    CLEAR_PROTECTION,
    ADD_PROTECTION,
    READ_MEMBERS,
    CLEAR_MEMBERS,
    ADD_MEMBER,
    SET_KIND,
    CLEAR_KEYS,
};

static const char *const queries[] = {
    [FIND_DP] = "SELECT id FROM dp WHERE site_id = ?1 AND host = ?2",
    [FIND_MP] = "SELECT id FROM mp WHERE site_id = ?1 AND host = ?2",
    [FIND_CLUSTER] = "SELECT id FROM mp WHERE site_id = ?1 AND host = ?2 AND is_nlb = 1",
    [FIND_SINGLE_MP] = "SELECT id FROM mp WHERE site_id = ?1 AND host = ?2 AND is_nlb = 0",
    [FIND_PACKAGE] = "SELECT id FROM package WHERE site_id = ?1 AND package = ?2",
    /* Lists of ids that belong to one owner: ?1 the owner, ?2 the item, ?3 the site. */
    [READ_PROTECTION] = "SELECT boundary_id FROM dp_boundary WHERE dp_id = ?1",
    [CLEAR_PROTECTION] = "DELETE FROM dp_boundary WHERE dp_id = ?1",
    [ADD_PROTECTION] = "INSERT INTO dp_boundary (dp_id, boundary_id, site_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [READ_MEMBERS] = "SELECT member_id FROM mp_member WHERE cluster_id = ?1",
    [CLEAR_MEMBERS] = "DELETE FROM mp_member WHERE cluster_id = ?1",
    [ADD_MEMBER] = "INSERT INTO mp_member (cluster_id, member_id, site_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [SET_KIND] = "UPDATE mp SET is_nlb = ?2 WHERE id = ?1 AND is_nlb <> ?2",
    [CLEAR_KEYS] = "DELETE FROM mp_key WHERE mp_id = ?1",
};

/* The id that a statement with the site and one name finds; 0 when there is none. */
static enum sl_status find(struct sst *store, enum query query, int64_t site_id, const char *name, int64_t *ret_id,
                           struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, queries[query]);
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, name);
    return db_number(s, ret_id, e);
}

/* Runs a statement with up to three numbers. */
static enum sl_status run_numbers(struct sst *store, enum query query, const int64_t *numbers, size_t count, bool *ret_changed,
                                  struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, queries[query]);
    for (size_t i = 0; i < count; i++)
        db_bind_int(s, (int)i + 1, numbers[i]);
    return sst_run(store, s, ret_changed, e);
}

/* ---- hierarchy ---------------------------------------------------------------------------------------------------------- */

enum sl_status sst_hierarchy(struct sst *store, struct sst_site_row **ret_rows, size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_site_row *rows = sl_new_array(SST_SITES_MAX, sizeof *rows);
    size_t count = 0;
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, coalesce(p.code, ''), h.kind, n.url FROM site s "
                                              "JOIN hierarchy h ON h.site_id = s.id LEFT JOIN site p ON p.id = h.parent_id "
                                              "LEFT JOIN neighbour n ON n.site_id = s.id "
                                              "ORDER BY s.code LIMIT ?1");
    db_bind_int(s, 1, SST_SITES_MAX);
    for (; db_step(s); count++) {
        (void)sl_text_copy(rows[count].code, sizeof rows[count].code, db_text(s, 0));
        (void)sl_text_copy(rows[count].parent, sizeof rows[count].parent, db_text(s, 1));
        rows[count].kind = sm_site_kind_parse(db_text(s, 2));
        rows[count].is_neighbour = !db_is_null(s, 3);
    }
    enum sl_status status = db_done(s, e);
    if (status != SL_OK) {
        free(rows);
        return status;
    }
    *ret_rows = rows;
    *ret_count = count;
    return SL_OK;
}

const struct sst_site_row *sst_find_row(const struct sst_site_row *rows, size_t count, const char *code)
{
    size_t i = 0;
    while (i < count && strcmp(rows[i].code, code) != 0)
        i++;
    return i < count ? &rows[i] : NULL;
}

/* True when `code` is the site itself or below it. A way up is no longer than there are sites. */
static bool is_below(const struct sst_site_row *rows, size_t count, const char *code, const char *site)
{
    const struct sst_site_row *row = sst_find_row(rows, count, code);
    for (size_t steps = 0; row != NULL && steps <= count; steps++) {
        if (strcmp(row->code, site) == 0)
            return true;
        row = sst_find_row(rows, count, row->parent);
    }
    return false;
}

enum sl_status sst_lies_below(struct sst *store, const char *code, const char *site, bool *ret_below, struct sl_error *e)
{
    struct sst_site_row *rows = NULL;
    size_t count = 0;
    enum sl_status status = sst_hierarchy(store, &rows, &count, e);
    if (status == SL_OK)
        *ret_below = strcmp(code, site) != 0 && is_below(rows, count, code, site);
    free(rows);
    return status;
}

/* What the constraints of the table forbid, in words. */
static enum sl_status check_place(const struct sst_site_row *rows, size_t count, const char *site, enum sm_site_kind kind,
                                  const char *parent, struct sl_error *e)
{
    const struct sst_site_row *above = parent != NULL ? sst_find_row(rows, count, parent) : NULL;
    if (parent != NULL && above == NULL)
        return sl_fail(e, SL_USAGE, "no site \"%s\" to be the parent of %s", parent, site);
    if (kind == SM_SITE_SECONDARY && above == NULL)
        return sl_fail(e, SL_USAGE, "site %s: a secondary site needs --parent CODE", site);
    if (kind == SM_SITE_CENTRAL && above != NULL)
        return sl_fail(e, SL_USAGE, "site %s: a central site has no parent", site);
    if (above != NULL && above->kind == SM_SITE_SECONDARY)
        return sl_fail(e, SL_USAGE, "site %s: %s is a secondary site, below which there is none", site, parent);
    if (kind == SM_SITE_SECONDARY && above->is_neighbour != sst_find_row(rows, count, site)->is_neighbour)
        return sl_fail(e, SL_USAGE, "site %s: a secondary site has the database of its parent, and %s has another", site, parent);
    if (above != NULL && is_below(rows, count, parent, site))
        return sl_fail(e, SL_CONFLICT, "site %s: %s lies below it", site, parent);
    for (size_t i = 0; i < count && kind == SM_SITE_SECONDARY; i++)
        if (strcmp(rows[i].parent, site) == 0)
            return sl_fail(e, SL_CONFLICT, "site %s cannot be secondary: %s lies below it", site, rows[i].code);
    return SL_OK;
}

/* Those below know what their parent is; their keys are only looked at in the end. */
static enum sl_status store_place(struct sst *store, int64_t id, enum sm_site_kind kind, const struct sst_site_row *above,
                                  bool *ret_changed, struct sl_error *e)
{
    const char *above_kind = above != NULL ? sm_site_kind_word(above->kind) : NULL;
    struct db_stmt *s = db_prepare(
        store->db, "UPDATE hierarchy SET kind = ?2, parent_id = (SELECT id FROM site WHERE code = ?3), parent_kind = ?4 "
                   "WHERE site_id = ?1 AND (kind <> ?2 OR parent_kind IS DISTINCT FROM ?4 OR "
                   "parent_id IS DISTINCT FROM (SELECT id FROM site WHERE code = ?3))");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, sm_site_kind_word(kind));
    db_bind_text(s, 3, above != NULL ? above->code : NULL);
    db_bind_text(s, 4, above_kind);
    enum sl_status status = sst_run(store, s, ret_changed, e);
    if (status != SL_OK || !*ret_changed)
        return status;
    s = db_prepare(store->db, "UPDATE hierarchy SET parent_kind = ?2 WHERE parent_id = ?1");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, sm_site_kind_word(kind));
    return db_run(s, e);
}

enum sl_status sst_place_site(struct sst *store, int64_t site_id, const char *site, enum sm_site_kind kind, const char *parent,
                              bool *ret_changed, struct sl_error *e)
{
    struct sst_site_row *rows = NULL;
    size_t count = 0;
    enum sl_status status = sst_hierarchy(store, &rows, &count, e);
    if (status == SL_OK)
        status = check_place(rows, count, site, kind, parent, e);
    if (status == SL_OK)
        status = store_place(store, site_id, kind, parent != NULL ? sst_find_row(rows, count, parent) : NULL, ret_changed, e);
    free(rows);
    return status;
}

enum sl_status sst_set_site(struct sst *store, const char *site, enum sm_site_kind kind, const char *parent, bool *ret_changed,
                            struct sl_error *e)
{
    int64_t id;
    bool changed = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    status = sst_place_site(store, id, site, kind, parent, &changed, e);
    return sst_change_end(store, status, changed, ret_changed, e);
}

/* ---- protected distribution points -------------------------------------------------------------------------------------- */

static enum sl_status find_boundary(struct sst *store, int64_t site_id, const struct sm_boundary *b, int64_t *ret_id,
                                    struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id FROM boundary WHERE site_id = ?1 AND kind = ?2 AND value = ?3");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, sm_boundary_word(b->kind));
    db_bind_text(s, 3, b->value);
    enum sl_status status = db_number(s, ret_id, e);
    if (status == SL_OK && *ret_id == 0)
        return sl_fail(e, SL_USAGE, "the site has no boundary %s %s; add it with: sitectl boundary add %s %s",
                       sm_boundary_word(b->kind), b->value, sm_boundary_word(b->kind), b->value);
    return status;
}

/* True in *ret_same when a list of the database, the ids of one owner, holds just these. */
static enum sl_status is_same_list(struct sst *store, enum query query, int64_t owner, const int64_t *ids, size_t count,
                                   bool *ret_same, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, queries[query]);
    size_t rows = 0, distinct = 0;
    bool all_wanted = true;
    db_bind_int(s, 1, owner);
    for (; db_step(s); rows++) {
        bool wanted = false;
        for (size_t i = 0; i < count; i++)
            wanted = wanted || ids[i] == db_int(s, 0);
        all_wanted = all_wanted && wanted;
    }
    for (size_t i = 0; i < count; i++) {
        bool repeated = false;
        for (size_t k = 0; k < i; k++)
            repeated = repeated || ids[k] == ids[i];
        distinct += !repeated;
    }
    *ret_same = all_wanted && rows == distinct;
    return db_done(s, e);
}

/* The statements of a list. */
struct list_queries {
    enum query read, clear, add;
};

static enum sl_status replace_list(struct sst *store, const struct list_queries *queries_of, int64_t owner, int64_t site_id,
                                   const int64_t *ids, size_t count, bool *ret_changed, struct sl_error *e)
{
    bool same = false, cleared;
    enum sl_status status = is_same_list(store, queries_of->read, owner, ids, count, &same, e);
    if (status != SL_OK || same)
        return status;
    *ret_changed = true;
    status = run_numbers(store, queries_of->clear, &owner, 1, &cleared, e);
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = run_numbers(store, queries_of->add, (const int64_t[]){owner, ids[i], site_id}, 3, &cleared, e);
    return status;
}

enum sl_status sst_protect_dp(struct sst *store, const char *site, const char *host, const struct sm_boundary *boundaries,
                              size_t count, bool *ret_changed, struct sl_error *e)
{
    static const struct list_queries list = {READ_PROTECTION, CLEAR_PROTECTION, ADD_PROTECTION};
    int64_t site_id, dp;
    bool changed = false;
    enum sl_status status = sst_change_begin(store, site, &site_id, e);
    if (status != SL_OK)
        return status;
    int64_t *ids = sl_new_array(count + 1, sizeof *ids);
    status = find(store, FIND_DP, site_id, host, &dp, e);
    if (status == SL_OK && dp == 0)
        status = sl_fail(e, SL_USAGE, "no distribution point \"%s\"; add it with: sitectl dp add %s", host, host);
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = find_boundary(store, site_id, &boundaries[i], &ids[i], e);
    if (status == SL_OK)
        status = replace_list(store, &list, dp, site_id, ids, count, &changed, e);
    free(ids);
    return sst_change_end(store, status, changed, ret_changed, e);
}

/* ---- clusters ----------------------------------------------------------------------------------------------------------- */

static enum sl_status find_mp(struct sst *store, int64_t site_id, const char *host, bool is_nlb, int64_t *ret_id,
                              struct sl_error *e)
{
    enum sl_status status = find(store, is_nlb ? FIND_CLUSTER : FIND_SINGLE_MP, site_id, host, ret_id, e);
    if (status == SL_OK && *ret_id == 0)
        return sl_fail(e, SL_USAGE, is_nlb ? "%s is no cluster of this site" : "%s is no single management point of this site",
                       host);
    return status;
}

/* A management point is a member of one cluster (a constraint of the table). */
static enum sl_status check_free(struct sst *store, int64_t cluster, int64_t member, const char *host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT m.host FROM mp_member x JOIN mp m ON m.id = x.cluster_id "
                                              "WHERE x.member_id = ?2 AND x.cluster_id <> ?1");
    db_bind_int(s, 1, cluster);
    db_bind_int(s, 2, member);
    enum sl_status status = SL_OK;
    if (db_step(s))
        status = sl_fail(e, SL_CONFLICT, "%s is a member of cluster %s", host, db_text(s, 0));
    return db_done_after(s, status, e);
}

/* What it had as what it was goes: members, and the keys that hosts have sent in its name; those that still do send them anew. */
static enum sl_status set_kind(struct sst *store, int64_t mp, const char *host, enum sm_mp_kind kind, bool *ret_changed,
                               struct sl_error *e)
{
    bool cleared;
    enum sl_status status = kind == SM_MP_NLB ? check_free(store, 0, mp, host, e)
                                              : run_numbers(store, CLEAR_MEMBERS, &mp, 1, &cleared, e);
    if (status == SL_OK)
        status = run_numbers(store, SET_KIND, (const int64_t[]){mp, kind == SM_MP_NLB}, 2, ret_changed, e);
    return status == SL_OK && *ret_changed ? run_numbers(store, CLEAR_KEYS, &mp, 1, &cleared, e) : status;
}

static enum sl_status set_members(struct sst *store, int64_t site_id, const char *cluster, const char *const *members,
                                  size_t count, bool *ret_changed, struct sl_error *e)
{
    static const struct list_queries list = {READ_MEMBERS, CLEAR_MEMBERS, ADD_MEMBER};
    int64_t owner = 0, *ids = sl_new_array(count + 1, sizeof *ids);
    enum sl_status status = find_mp(store, site_id, cluster, true, &owner, e);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        status = find_mp(store, site_id, members[i], false, &ids[i], e);
        if (status == SL_OK)
            status = check_free(store, owner, ids[i], members[i], e);
    }
    if (status == SL_OK)
        status = replace_list(store, &list, owner, site_id, ids, count, ret_changed, e);
    free(ids);
    return status;
}

static enum sl_status set_data(struct sst *store, int64_t mp, enum sm_data data, bool *ret_changed, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "UPDATE mp SET data = ?2 WHERE id = ?1 AND data IS DISTINCT FROM ?2");
    db_bind_int(s, 1, mp);
    db_bind_text(s, 2, data == SM_DATA_ANY ? NULL : sm_data_word(data));
    return sst_run(store, s, ret_changed, e);
}

enum sl_status sst_set_mp(struct sst *store, const char *site, const char *host, const struct sst_mp_setting *setting,
                          bool *ret_changed, struct sl_error *e)
{
    int64_t site_id, mp = 0;
    bool kind_changed = false, members_changed = false, data_changed = false;
    enum sl_status status = sst_change_begin(store, site, &site_id, e);
    if (status != SL_OK)
        return status;
    status = find(store, FIND_MP, site_id, host, &mp, e);
    if (status == SL_OK && mp == 0)
        status = sl_fail(e, SL_USAGE, "no management point \"%s\"", host);
    if (status == SL_OK && setting->kind != SM_MP_KIND_COUNT)
        status = set_kind(store, mp, host, setting->kind, &kind_changed, e);
    if (status == SL_OK && setting->members != NULL)
        status = set_members(store, site_id, host, setting->members, setting->member_count, &members_changed, e);
    if (status == SL_OK && setting->data != SM_DATA_COUNT)
        status = set_data(store, mp, setting->data, &data_changed, e);
    return sst_change_end(store, status, kind_changed || members_changed || data_changed, ret_changed, e);
}

/* ---- advertisements ----------------------------------------------------------------------------------------------------- */

/* SL_OK when the advertisement is stored just so, SL_CONFLICT when otherwise. */
static enum sl_status compare_advertisement(struct sst *store, int64_t site_id, const struct sm_advertisement *ad,
                                            struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT p.package, a.program, t.client FROM advertisement a "
                                              "JOIN package p ON p.id = a.package_id "
                                              "LEFT JOIN advertised_to t ON t.advertisement_id = a.id "
                                              "WHERE a.site_id = ?1 AND a.advertisement = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, ad->id);
    const char *const *clients = (const char *const *)ad->clients;
    bool same = true;
    size_t rows = 0, distinct = 0;
    while (db_step(s)) {
        bool is_for_all = db_is_null(s, 2);
        bool wanted = is_for_all ? ad->client_count == 0 : sst_is_among(clients, ad->client_count, db_text(s, 2));
        same = same && wanted && sl_text_iequal(ad->package, db_text(s, 0)) && strcmp(ad->program, db_text(s, 1)) == 0;
        rows += !is_for_all;
    }
    for (size_t i = 0; i < ad->client_count; i++)
        distinct += !sst_is_among(clients, i, clients[i]);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && (!same || rows != distinct))
        return sl_fail(e, SL_CONFLICT, "advertisement %s exists already with another package, program or other clients", ad->id);
    return status;
}

static enum sl_status insert_advertisement(struct sst *store, int64_t site_id, int64_t package, const struct sm_advertisement *ad,
                                           bool *ret_added, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO advertisement "
                                              "(site_id, advertisement, package_id, program, is_for_all) "
                                              "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, ad->id);
    db_bind_int(s, 3, package);
    db_bind_text(s, 4, ad->program);
    db_bind_int(s, 5, ad->client_count == 0);
    enum sl_status status = sst_run(store, s, ret_added, e);
    for (size_t i = 0; i < ad->client_count && status == SL_OK && *ret_added; i++) {
        s = db_prepare(store->db, "INSERT INTO advertised_to (advertisement_id, client) "
                                  "SELECT id, ?3 FROM advertisement WHERE site_id = ?1 AND advertisement = ?2 "
                                  "ON CONFLICT DO NOTHING");
        db_bind_int(s, 1, site_id);
        db_bind_text(s, 2, ad->id);
        db_bind_text(s, 3, ad->clients[i]);
        status = db_run(s, e);
    }
    return status;
}

enum sl_status sst_add_advertisement(struct sst *store, const char *site, const struct sm_advertisement *ad, bool *ret_added,
                                     struct sl_error *e)
{
    int64_t site_id, package = 0;
    bool added = false;
    enum sl_status status = sst_change_begin(store, site, &site_id, e);
    if (status != SL_OK)
        return status;
    status = find(store, FIND_PACKAGE, site_id, ad->package, &package, e);
    if (status == SL_OK && package == 0)
        status = sl_fail(e, SL_USAGE, "no package \"%s\"; add it with: sitectl package add %s --version N --on DP...",
                         ad->package, ad->package);
    if (status == SL_OK)
        status = insert_advertisement(store, site_id, package, ad, &added, e);
    if (status == SL_OK && added)
        status = sst_make_advertised(store, site_id, e);
    if (status == SL_OK && !added)
        status = compare_advertisement(store, site_id, ad, e);
    return sst_change_end(store, status, added, ret_added, e);
}

/* ---- clients ------------------------------------------------------------------------------------------------------------ */

enum sl_status sst_count_clients(struct sst *store, const char *site, uint64_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s =
        db_prepare(store->db, "SELECT count(*) FROM client WHERE site_id = (SELECT id FROM site WHERE code = ?1)");
    db_bind_text(s, 1, site);
    *ret_count = db_step(s) ? (uint64_t)db_int(s, 0) : 0;
    return db_done(s, e);
}

/* ---- overlaps ----------------------------------------------------------------------------------------------------------- */

enum sl_status sst_overlaps(struct sst *store, const char *site, size_t max, struct sl_strings *ret_texts, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "SELECT b.kind || ' ' || b.value || ' and ' || o.kind || ' ' || o.value || ' of ' || x.code "
                   "FROM site s JOIN boundary b ON b.site_id = s.id JOIN boundary o ON o.site_id <> b.site_id "
                   "JOIN site x ON x.id = o.site_id WHERE s.code = ?1 AND "
                   "((b.low IS NULL AND o.low IS NULL AND b.value = o.value) OR (b.low <= o.high AND o.low <= b.high)) "
                   "ORDER BY b.kind, b.value, x.code, o.kind, o.value LIMIT ?2");
    db_bind_text(s, 1, site);
    db_bind_int(s, 2, (int64_t)max);
    return db_texts(s, ret_texts, e);
}
