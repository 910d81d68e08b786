#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

enum sl_status sst_change_begin(struct sst *store, const char *site, int64_t *ret_site_id, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    status = sst_site_id(store, site, ret_site_id, e);
    if (status != SL_OK)
        db_rollback(store->db);
    return status;
}

enum sl_status sst_change_end(struct sst *store, enum sl_status status, bool changed, bool *ret_changed, struct sl_error *e)
{
    if (status == SL_OK && changed)
        status = db_run(db_prepare(store->db, "UPDATE change SET generation = generation + 1"), e);
    if (status == SL_OK && changed)
        status = db_commit(store->db, e);
    else
        db_rollback(store->db);
    if (status == SL_OK && ret_changed != NULL)
        *ret_changed = changed;
    return status;
}

enum sl_status sst_run(struct sst *store, struct db_stmt *s, bool *ret_changed, struct sl_error *e)
{
    enum sl_status status = db_run(s, e);
    if (status == SL_OK)
        *ret_changed = db_changes(store->db) > 0;
    return status;
}

bool sst_is_among(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (sl_text_iequal(texts[i], text))
            return true;
    return false;
}

enum sl_status sst_init_site(struct sst *store, const struct sm_site *site, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    bool added = false;
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO site (code, domain, forest, server, database) "
                                              "SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM site) < ?6 "
                                              "ON CONFLICT DO NOTHING");
    const char *const columns[] = {site->code, site->domain, site->forest, site->server, site->database};
    for (size_t i = 0; i < SL_COUNT(columns); i++)
        db_bind_text(s, (int)i + 1, columns[i]);
    db_bind_int(s, (int)SL_COUNT(columns) + 1, SST_SITES_MAX);
    status = sst_run(store, s, &added, e);
    if (status == SL_OK && added) {
        s = db_prepare(store->db, "INSERT INTO hierarchy (site_id) SELECT id FROM site WHERE code = ?1");
        db_bind_text(s, 1, site->code);
        status = db_run(s, e);
    } else if (status == SL_OK) {
        int64_t id;
        status = sst_site_id(store, site->code, &id, NULL) == SL_OK
                     ? sl_fail(e, SL_CONFLICT, "site %s exists already in %s", site->code, store->path)
                     : sl_fail(e, SL_LIMIT, "%s holds %d sites already", store->path, SST_SITES_MAX);
    }
    return sst_change_end(store, status, added, NULL, e);
}

enum sl_status sst_set_unpublished(struct sst *store, const char *site, bool is_unpublished, bool *ret_changed,
                                   struct sl_error *e)
{
    int64_t id;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "UPDATE site SET is_unpublished = ?2 WHERE id = ?1 AND is_unpublished <> ?2");
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, is_unpublished);
    status = db_run(s, e);
    bool changed = status == SL_OK && db_changes(store->db) > 0;
    return sst_change_end(store, status, changed, ret_changed, e);
}

/* ---- management points ---------------------------------------------------------------------------------------------- */

static enum sl_status compare_mp(struct sst *store, int64_t site_id, const struct sm_mp *mp, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT address, port, is_https FROM mp WHERE site_id = ?1 AND host = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, mp->host);
    enum sl_status status = SL_OK;
    bool found = db_step(s);
    if (found && (strcmp(db_text(s, 0), mp->address) != 0 || db_int(s, 1) != mp->port || db_int(s, 2) != mp->is_https))
        status = sl_fail(e, SL_CONFLICT, "management point %s exists already with address %s port %lld%s", mp->host,
                         db_text(s, 0), (long long)db_int(s, 1), db_int(s, 2) ? " over HTTPS" : "");
    return db_done_after(s, status, e);
}

enum sl_status sst_insert_mp(struct sst *store, int64_t site_id, const struct sm_mp *mp, bool *ret_added, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO mp (site_id, host, address, port, is_nlb, is_https) "
                                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, mp->host);
    db_bind_text(s, 3, mp->address);
    db_bind_int(s, 4, mp->port);
    db_bind_int(s, 5, mp->is_nlb);
    db_bind_int(s, 6, mp->is_https);
    return sst_run(store, s, ret_added, e);
}

enum sl_status sst_add_mp(struct sst *store, const char *site, const struct sm_mp *mp, bool *ret_added, struct sl_error *e)
{
    int64_t id;
    bool added = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    status = sst_insert_mp(store, id, mp, &added, e);
    if (status == SL_OK && !added)
        status = compare_mp(store, id, mp, e);
    return sst_change_end(store, status, added, ret_added, e);
}

static enum sl_status read_default(struct sst *store, int64_t site_id, char **ret_host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT host FROM mp WHERE site_id = ?1 AND is_default = 1");
    db_bind_int(s, 1, site_id);
    char *host = db_step(s) ? sl_strdup(db_text(s, 0)) : NULL;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_host = host;
    else
        free(host);
    return status;
}

/* S1.08: taken from the old one first, since the index forbids two even inside the transaction. */
static enum sl_status swap_default(struct sst *store, int64_t site_id, const char *host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "UPDATE mp SET is_default = 0 WHERE site_id = ?1 AND is_default = 1");
    db_bind_int(s, 1, site_id);
    enum sl_status status = db_run(s, e);
    if (status != SL_OK || host == NULL)
        return status;
    s = db_prepare(store->db, "UPDATE mp SET is_default = 1 WHERE site_id = ?1 AND host = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, host);
    status = db_run(s, e);
    if (status == SL_OK && db_changes(store->db) != 1)
        return sl_fail(e, SL_USAGE, "no management point \"%s\"; add it with: sitectl mp add %s --address IP", host, host);
    return status;
}

enum sl_status sst_designate_mp(struct sst *store, const char *site, const char *host, char **ret_previous, struct sl_error *e)
{
    int64_t id;
    char *previous = NULL;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    status = read_default(store, id, &previous, e);
    if (status == SL_OK)
        status = swap_default(store, id, host, e);
    bool same = previous == NULL || host == NULL ? previous == host : sl_text_iequal(previous, host);
    if (status == SL_OK && !same)
        status = sst_make_policies(store, id, e);
    status = sst_change_end(store, status, !same, NULL, e);
    if (status == SL_OK)
        *ret_previous = previous;
    else
        free(previous);
    return status;
}

/* ---- distribution points, boundaries, packages ---------------------------------------------------------------------- */

static enum sl_status compare_dp(struct sst *store, int64_t site_id, const struct sm_dp *dp, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT url FROM dp WHERE site_id = ?1 AND host = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, dp->host);
    enum sl_status status = SL_OK;
    if (db_step(s) && strcmp(db_text(s, 0), dp->url) != 0)
        status = sl_fail(e, SL_CONFLICT, "distribution point %s exists already with URL %s", dp->host, db_text(s, 0));
    return db_done_after(s, status, e);
}

enum sl_status sst_add_dp(struct sst *store, const char *site, const struct sm_dp *dp, bool *ret_added, struct sl_error *e)
{
    int64_t id;
    bool added = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO dp (site_id, host, url) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, dp->host);
    db_bind_text(s, 3, dp->url);
    status = sst_run(store, s, &added, e);
    if (status == SL_OK && !added)
        status = compare_dp(store, id, dp, e);
    return sst_change_end(store, status, added, ret_added, e);
}

static enum sl_status compare_boundary(struct sst *store, int64_t site_id, const struct sm_boundary *b, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT is_slow FROM boundary WHERE site_id = ?1 AND kind = ?2 AND value = ?3");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, sm_boundary_word(b->kind));
    db_bind_text(s, 3, b->value);
    enum sl_status status = SL_OK;
    if (db_step(s) && db_int(s, 0) != b->is_slow)
        status = sl_fail(e, SL_CONFLICT, "boundary %s %s exists already as a %s one", sm_boundary_word(b->kind), b->value,
                         b->is_slow ? "fast" : "slow");
    return db_done_after(s, status, e);
}

enum sl_status sst_insert_boundary(struct sst *store, int64_t site_id, const struct sm_boundary *boundary, bool *ret_added,
                                   struct sl_error *e)
{
    uint8_t low[SM_ADDRESS_KEY_LEN], high[SM_ADDRESS_KEY_LEN];
    struct db_stmt *s =
        db_prepare(store->db, "INSERT INTO boundary (site_id, kind, value, low, high, is_slow) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, sm_boundary_word(boundary->kind));
    db_bind_text(s, 3, boundary->value);
    if (sm_boundary_keys(boundary, low, high)) {
        db_bind_blob(s, 4, low, sizeof low);
        db_bind_blob(s, 5, high, sizeof high);
    }
    db_bind_int(s, 6, boundary->is_slow);
    return sst_run(store, s, ret_added, e);
}

enum sl_status sst_add_boundary(struct sst *store, const char *site, const struct sm_boundary *boundary, bool *ret_added,
                                struct sl_error *e)
{
    int64_t id;
    bool added = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    status = sst_insert_boundary(store, id, boundary, &added, e);
    if (status == SL_OK && !added)
        status = compare_boundary(store, id, boundary, e);
    return sst_change_end(store, status, added, ret_added, e);
}

/* Puts the package on one distribution point; a repeated one is no matter. */
static enum sl_status place_package(struct sst *store, int64_t site_id, const char *id, const char *dp, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO package_dp (package_id, dp_id, site_id) "
                                              "SELECT p.id, d.id, ?1 FROM package p, dp d "
                                              "WHERE p.site_id = ?1 AND p.package = ?2 AND d.site_id = ?1 AND d.host = ?3 "
                                              "ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, id);
    db_bind_text(s, 3, dp);
    return db_run(s, e);
}

static enum sl_status check_dp(struct sst *store, int64_t site_id, const char *host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT 1 FROM dp WHERE site_id = ?1 AND host = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, host);
    bool found = db_step(s);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && !found)
        return sl_fail(e, SL_USAGE, "no distribution point \"%s\"; add it with: sitectl dp add %s", host, host);
    return status;
}

/* The stored package must be of this version and lie on exactly these distribution points. */
static enum sl_status compare_package(struct sst *store, int64_t site_id, const struct sst_new_package *p, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT p.version, d.host FROM package p JOIN package_dp x ON x.package_id = p.id "
                                              "JOIN dp d ON d.id = x.dp_id WHERE p.site_id = ?1 AND p.package = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, p->id);
    bool same = true;
    size_t rows = 0, distinct = 0;
    int64_t stored = p->version;
    for (; db_step(s); rows++) {
        bool wanted = sst_is_among(p->dps, p->dp_count, db_text(s, 1));
        stored = db_int(s, 0);
        same = same && wanted && stored == p->version;
    }
    for (size_t i = 0; i < p->dp_count; i++)
        distinct += !sst_is_among(p->dps, i, p->dps[i]);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && (!same || rows != distinct))
        return sl_fail(e, SL_CONFLICT, "package %s exists already with version %lld on %zu distribution points", p->id,
                       (long long)stored, rows);
    return status;
}

static enum sl_status insert_row(struct sst *store, int64_t site_id, const struct sst_new_package *p, const char *source,
                                 bool *ret_added, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO package (site_id, package, version, source, changed) "
                                              "VALUES (?1, ?2, ?3, ?4, " SST_NUMBER ") ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, p->id);
    db_bind_int(s, 3, p->version);
    db_bind_text(s, 4, source[0] != '\0' ? source : NULL);
    return sst_run(store, s, ret_added, e);
}

/* What a site above has is laid on distribution points here, but not changed. */
static enum sl_status insert_package(struct sst *store, int64_t site_id, const struct sst_new_package *p, bool *ret_added,
                                     struct sl_error *e)
{
    char owner[SM_CODE_LEN + 1];
    int64_t version;
    enum sl_status status = sst_package_owner(store, p->id, owner, &version, e);
    if (status == SL_OK)
        status = insert_row(store, site_id, p, owner, ret_added, e);
    if (status == SL_OK && *ret_added && owner[0] != '\0' && version != p->version)
        status = sl_fail(e, SL_CONFLICT, "package %s is of site %s and has version %lld there; it can only be changed there",
                         p->id, owner, (long long)version);
    if (status != SL_OK || !*ret_added)
        return status;
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM package_gone WHERE site_id = ?1 AND package = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, p->id);
    return db_run(s, e);
}

enum sl_status sst_add_package(struct sst *store, const char *site, const struct sst_new_package *package, bool *ret_added,
                               struct sl_error *e)
{
    int64_t site_id;
    bool added = false, filled = false;
    enum sl_status status = sst_change_begin(store, site, &site_id, e);
    if (status != SL_OK)
        return status;
    for (size_t i = 0; i < package->dp_count && status == SL_OK; i++)
        status = check_dp(store, site_id, package->dps[i], e);
    if (status == SL_OK)
        status = insert_package(store, site_id, package, &added, e);
    for (size_t i = 0; i < package->dp_count && status == SL_OK && added; i++)
        status = place_package(store, site_id, package->id, package->dps[i], e);
    if (status == SL_OK && !added)
        status = compare_package(store, site_id, package, e);
    if (status == SL_OK && package->manifest != NULL)
        status = sst_check_arrival(store, package->id, package->manifest->sha256, e);
    if (status == SL_OK && package->manifest != NULL)
        status = sst_set_content(store, site_id, package->id, package->manifest, &filled, e);
    return sst_change_end(store, status, added || filled, ret_added, e);
}

/* ---- roles that are only a host ------------------------------------------------------------------------------------- */

/* Not added: it is there already, unless the place of the one server locator point is taken. */
static enum sl_status compare_slp(struct sst *store, int64_t site_id, const char *host, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT r.host, s.code FROM site_role r JOIN site s ON s.id = r.site_id "
                                              "WHERE r.role = 'slp' AND (r.site_id <> ?1 OR r.host <> ?2)");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, host);
    enum sl_status status = SL_OK;
    if (db_step(s))
        status = sl_fail(e, SL_CONFLICT, "the server locator point of this hierarchy is %s in site %s; remove it first",
                         db_text(s, 0), db_text(s, 1));
    return db_done_after(s, status, e);
}

enum sl_status sst_add_role(struct sst *store, const char *site, const char *role, const char *host, bool *ret_added,
                            struct sl_error *e)
{
    int64_t id;
    bool added = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO site_role (site_id, role, host) VALUES (?1, ?2, ?3) "
                                              "ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, role);
    db_bind_text(s, 3, host);
    status = sst_run(store, s, &added, e);
    if (status == SL_OK && !added && strcmp(role, "slp") == 0)
        status = compare_slp(store, id, host, e);
    return sst_change_end(store, status, added, ret_added, e);
}

enum sl_status sst_remove_role(struct sst *store, const char *site, const char *role, const char *host, bool *ret_removed,
                               struct sl_error *e)
{
    int64_t id;
    bool removed = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM site_role WHERE site_id = ?1 AND role = ?2 AND host = ?3");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, role);
    db_bind_text(s, 3, host);
    status = sst_run(store, s, &removed, e);
    return sst_change_end(store, status, removed, ret_removed, e);
}

/* ---- targets -------------------------------------------------------------------------------------------------------- */

static void bind_target(struct db_stmt *s, int64_t site_id, const struct sm_target *t)
{
    const char *const texts[] = {t->uri,  t->base, t->container, t->bind_dn, t->password_file,
                                 t->sasl, t->ca,   t->cert,      t->key,     t->tsig_key,
                                 t->slp};
    int column = 1;
    db_bind_int(s, column++, site_id);
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, column++, texts[i]);
    db_bind_int(s, column++, t->starttls);
    db_bind_int(s, column++, t->transactions);
    db_bind_int(s, column, t->timeout_ms);
}

static enum sl_status compare_target(struct sst *store, int64_t site_id, const struct sm_target *target, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "SELECT 1 FROM target WHERE site_id = ?1 AND uri = ?2 AND base IS NOT DISTINCT FROM ?3 AND "
                   "container IS NOT DISTINCT FROM ?4 AND bind_dn IS NOT DISTINCT FROM ?5 AND "
                   "password_file IS NOT DISTINCT FROM ?6 AND sasl IS NOT DISTINCT FROM ?7 AND ca IS NOT DISTINCT FROM ?8 AND "
                   "cert IS NOT DISTINCT FROM ?9 AND key IS NOT DISTINCT FROM ?10 AND tsig_key IS NOT DISTINCT FROM ?11 AND "
                   "slp IS NOT DISTINCT FROM ?12 AND starttls = ?13 AND transactions = ?14 AND timeout_ms = ?15");
    bind_target(s, site_id, target);
    bool same = db_step(s);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && !same)
        return sl_fail(e, SL_CONFLICT, "target %s exists already with other options; remove it first", target->uri);
    return status;
}

enum sl_status sst_add_target(struct sst *store, const char *site, const struct sm_target *target, bool *ret_added,
                              struct sl_error *e)
{
    int64_t id;
    bool added = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s =
        db_prepare(store->db, "INSERT INTO target (site_id, uri, base, container, bind_dn, password_file, sasl, ca, "
                              "cert, key, tsig_key, slp, starttls, transactions, timeout_ms) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) "
                              "ON CONFLICT DO NOTHING");
    bind_target(s, id, target);
    status = sst_run(store, s, &added, e);
    if (status == SL_OK && !added)
        status = compare_target(store, id, target, e);
    return sst_change_end(store, status, added, ret_added, e);
}

/* ---- removing ------------------------------------------------------------------------------------------------------- */

/* What keeps a thing where it is: what finds it, of which kind the thing is, and why. */
static const char *const keepers[] = {
    "SELECT 1 FROM mp WHERE site_id = ?1 AND host = ?2 AND is_default = 1",
    "SELECT 1 FROM mp m JOIN mp_member x ON x.member_id = m.id WHERE m.site_id = ?1 AND m.host = ?2",
    "SELECT 1 FROM dp d JOIN package_dp x ON x.dp_id = d.id WHERE d.site_id = ?1 AND d.host = ?2",
    ("SELECT 1 FROM boundary b JOIN dp_boundary x ON x.boundary_id = b.id "
     "WHERE b.site_id = ?1 AND b.kind || ' ' || b.value = ?2 COLLATE NOCASE"),
    "SELECT 1 FROM package p JOIN advertisement a ON a.package_id = p.id WHERE p.site_id = ?1 AND p.package = ?2",
};

static const struct {
    enum sst_kind kind;
    const char *reason;
} kept[SL_COUNT(keepers)] = {
    {SST_MP, "is the default management point; designate another first"},
    {SST_MP, "is a member of a cluster; change its members first"},
    {SST_DP, "still holds packages; remove them first"},
    {SST_BOUNDARY, "is that of a protected distribution point; unprotect it first"},
    {SST_PACKAGE, "is advertised; remove its advertisements first"},
};

static enum sl_status check_keeper(struct sst *store, int64_t site_id, size_t keeper, const char *key, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, keepers[keeper]);
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, key);
    bool forbidden = db_step(s);
    enum sl_status status = db_done(s, e);
    return status == SL_OK && forbidden ? sl_fail(e, SL_CONFLICT, "%s %s", key, kept[keeper].reason) : status;
}

static enum sl_status check_removable(struct sst *store, int64_t site_id, enum sst_kind kind, const char *key, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < SL_COUNT(keepers) && status == SL_OK; i++)
        if (kept[i].kind == kind)
            status = check_keeper(store, site_id, i, key, e);
    return status;
}

/* A package that is not here may be another site's. */
static enum sl_status check_foreign(struct sst *store, const char *id, struct sl_error *e)
{
    char owner[SM_CODE_LEN + 1];
    int64_t version;
    enum sl_status status = sst_package_owner(store, id, owner, &version, e);
    if (status == SL_OK && owner[0] != '\0')
        status = sl_fail(e, SL_CONFLICT, "package %s is of site %s; it can only be removed there", id, owner);
    return status;
}

enum sl_status sst_remove(struct sst *store, const char *site, enum sst_kind kind, const char *key, bool *ret_removed,
                          struct sl_error *e)
{
    static const char *const deletes[] = {
        [SST_MP] = "DELETE FROM mp WHERE site_id = ?1 AND host = ?2",
        [SST_DP] = "DELETE FROM dp WHERE site_id = ?1 AND host = ?2",
        [SST_BOUNDARY] = "DELETE FROM boundary WHERE site_id = ?1 AND kind || ' ' || value = ?2 COLLATE NOCASE",
        [SST_PACKAGE] = "DELETE FROM package WHERE site_id = ?1 AND package = ?2",
        [SST_TARGET] = "DELETE FROM target WHERE site_id = ?1 AND uri = ?2",
        [SST_ADVERTISEMENT] = "DELETE FROM advertisement WHERE site_id = ?1 AND advertisement = ?2",
    };
    int64_t id;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    status = check_removable(store, id, kind, key, e);
    if (status == SL_OK) {
        struct db_stmt *s = db_prepare(store->db, deletes[kind]);
        db_bind_int(s, 1, id);
        db_bind_text(s, 2, key);
        status = db_run(s, e);
    }
    bool removed = status == SL_OK && db_changes(store->db) > 0;
    if (status == SL_OK && kind == SST_PACKAGE)
        status = removed ? sst_package_is_gone(store, id, key, e) : check_foreign(store, key, e);
    return sst_change_end(store, status, removed, ret_removed, e);
}
