#include "site/store/policy.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "site/model/digest.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

void sst_mof_fini(struct sst_mof *mof)
{
    free(mof->name);
    free(mof->text);
    *mof = (struct sst_mof){0};
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static enum sl_status read_mof(struct sst *store, int64_t site_id, struct sst_mof *ret_mof, struct sl_error *e)
{
    struct sst_mof mof = {0};
    struct db_stmt *s = db_prepare(store->db, "SELECT name, text, sha256, imported_s FROM mof WHERE site_id = ?1");
    db_bind_int(s, 1, site_id);
    if (db_step(s)) {
        mof.name = sl_strdup(db_text(s, 0));
        mof.text = sl_strdup(db_text(s, 1));
        sl_assert(sl_text_copy(mof.sha256, sizeof mof.sha256, db_text(s, 2)));
        mof.imported_s = db_int(s, 3);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_mof = mof;
    else
        sst_mof_fini(&mof);
    return status;
}

enum sl_status sst_read_mof(struct sst *store, const char *site, struct sst_mof *ret_mof, struct sl_error *e)
{
    int64_t id;
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = sst_site_id(store, site, &id, e);
    return status == SL_OK ? read_mof(store, id, ret_mof, e) : status;
}

/* The columns policy, assignment, version, is_active, sha256, body, category; the schema bounds their lengths. */
static void read_row(struct db_stmt *s, struct sm_policy *policy)
{
    sl_assert(sl_text_copy(policy->id, sizeof policy->id, db_text(s, 0)));
    sl_assert(sl_text_copy(policy->assignment, sizeof policy->assignment, db_text(s, 1)));
    policy->version = (uint32_t)db_int(s, 2);
    policy->is_active = db_int(s, 3) != 0;
    sl_assert(sl_text_copy(policy->sha256, sizeof policy->sha256, db_text(s, 4)));
    policy->body = db_text_copy(s, 5);
    sl_assert(sl_text_copy(policy->category, sizeof policy->category, db_text(s, 6)));
}

/* Those of which there is one in a site, with their bodies. */
static enum sl_status read_policies(struct sst *store, int64_t site_id, struct sm_policies *ret_policies, struct sl_error *e)
{
    struct sm_policies found = {0};
    struct db_stmt *s = db_prepare(store->db, "SELECT policy, assignment, version, is_active, sha256, body, category "
                                              "FROM policy WHERE site_id = ?1");
    db_bind_int(s, 1, site_id);
    while (db_step(s)) {
        enum sm_policy_kind kind = sm_policy_kind_parse(db_text(s, 6));
        if (kind < SM_POLICY_COUNT)
            read_row(s, &found.items[kind]);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_policies = found;
    else
        sm_policies_fini(&found);
    return status;
}

void sst_policies_fini(struct sst_policies *policies)
{
    for (size_t i = 0; i < policies->count; i++)
        free(policies->items[i].body);
    free(policies->items);
    *policies = (struct sst_policies){0};
}

/* With bodies when ?2; when ?3 what the client ?4, named ?5, is assigned. Advertisements are active when the rest is (S1.26). */
static enum sl_status list_policies(struct sst *store, int64_t site_id, const struct sst_client *client, bool with_bodies,
                                    struct sst_policies *ret_policies, struct sl_error *e)
{
    struct sst_policies found = {0};
    struct db_stmt *s = db_prepare(
        store->db,
        "SELECT policy, assignment, version, is_active, sha256, CASE WHEN ?2 = 1 THEN body END, category, 0, id "
        "FROM policy WHERE site_id = ?1 AND (?3 = 0 OR is_active = 1) "
        "UNION ALL SELECT a.policy, a.assignment, 1, CASE WHEN d.id IS NULL THEN 0 ELSE 1 END, a.sha256, "
        "CASE WHEN ?2 = 1 THEN a.body END, '" SM_POLICY_ADVERTISEMENT "', 1, a.id "
        "FROM advertisement a LEFT JOIN mp d ON d.site_id = a.site_id AND d.is_default = 1 "
        "WHERE a.site_id = ?1 AND a.policy IS NOT NULL AND (?3 = 0 OR (d.id IS NOT NULL AND (a.is_for_all = 1 OR EXISTS "
        "(SELECT 1 FROM advertised_to t WHERE t.advertisement_id = a.id AND t.client IN (?4, ?5))))) ORDER BY 8, 9");
    db_bind_int(s, 1, site_id);
    db_bind_int(s, 2, with_bodies);
    db_bind_int(s, 3, client != NULL);
    db_bind_text(s, 4, client != NULL ? client->smsid : "");
    db_bind_text(s, 5, client != NULL ? client->name : "");
    while (db_step(s)) {
        struct sm_policy *policy = sst_grow(&found.items, &found.count, sizeof *policy);
        if (policy == NULL) {
            sst_policies_fini(&found);
            return sst_too_many(s, e, "policies");
        }
        read_row(s, policy);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_policies = found;
    else
        sst_policies_fini(&found);
    return status;
}

enum sl_status sst_policies(struct sst *store, const char *site, const struct sst_client *client, bool with_bodies,
                            struct sst_policies *ret_policies, struct sl_error *e)
{
    int64_t id;
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = sst_site_id(store, site, &id, e);
    return status == SL_OK ? list_policies(store, id, client, with_bodies, ret_policies, e) : status;
}

enum sl_status sst_policy(struct sst *store, const char *id, struct sm_policy *ret_policy, struct sl_error *e)
{
    struct sm_policy policy = {.id = ""};
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "SELECT policy, assignment, version, is_active, sha256, body, category FROM policy "
                   "WHERE policy = ?1 AND is_active = 1 UNION ALL "
                   "SELECT a.policy, a.assignment, 1, 1, a.sha256, a.body, '" SM_POLICY_ADVERTISEMENT "' "
                   "FROM advertisement a JOIN mp d ON d.site_id = a.site_id AND d.is_default = 1 WHERE a.policy = ?1");
    db_bind_text(s, 1, id);
    if (db_step(s))
        read_row(s, &policy);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_policy = policy;
    else
        free(policy.body);
    return status;
}

/* ---- making ----------------------------------------------------------------------------------------------------------- */

/* What a site's policies are made from, as it is in the database. */
struct source {
    struct sm_site site;
    char *default_mp; /* NULL for none */
    char *made_from;  /* hash of what they were made from last, NULL when never */
    char mof_sha256[SM_SHA256_SIZE];
    char hash[SM_SHA256_SIZE]; /* over all of it now */
};

static void source_fini(struct source *source)
{
    sm_site_fini(&source->site);
    free(source->default_mp);
    free(source->made_from);
    *source = (struct source){0};
}

static void hash_source(struct source *source)
{
    const char *const parts[] = {source->site.code,   source->site.domain,   source->site.forest, source->site.server,
                                 source->site.database, source->default_mp, source->mof_sha256};
    struct sm_digest *digest = sm_digest_new();
    for (size_t i = 0; i < SL_COUNT(parts); i++)
        sm_digest_add(digest, parts[i] != NULL ? parts[i] : "", parts[i] != NULL ? strlen(parts[i]) + 1 : 1);
    sm_digest_end(digest, source->hash);
}

static enum sl_status read_source(struct sst *store, int64_t site_id, struct source *source, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db,
                                   "SELECT s.code, s.domain, s.forest, s.server, s.database, s.policies_from, m.host, f.sha256 "
                                   "FROM site s LEFT JOIN mp m ON m.site_id = s.id AND m.is_default = 1 "
                                   "LEFT JOIN mof f ON f.site_id = s.id WHERE s.id = ?1");
    db_bind_int(s, 1, site_id);
    if (db_step(s)) {
        source->site = (struct sm_site){.code = sl_strdup(db_text(s, 0)),
                                        .domain = sl_strdup(db_text(s, 1)),
                                        .forest = sl_strdup(db_text(s, 2)),
                                        .server = sl_strdup(db_text(s, 3)),
                                        .database = sl_strdup(db_text(s, 4))};
        source->made_from = db_text_copy(s, 5);
        source->default_mp = db_text_copy(s, 6);
        sl_assert(sl_text_copy(source->mof_sha256, sizeof source->mof_sha256, db_text(s, 7)));
        hash_source(source);
    }
    return db_done(s, e);
}

static enum sl_status write_policy(struct sst *store, int64_t site_id, const struct sm_policy *policy, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "INSERT INTO policy (site_id, category, policy, assignment, version, is_active, sha256, body) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (site_id, category) DO UPDATE SET "
                   "version = excluded.version, is_active = excluded.is_active, sha256 = excluded.sha256, body = excluded.body");
    const char *const texts[] = {policy->sha256, policy->body};
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, policy->category);
    db_bind_text(s, 3, policy->id);
    db_bind_text(s, 4, policy->assignment);
    db_bind_int(s, 5, policy->version);
    db_bind_int(s, 6, policy->is_active);
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, (int)i + 7, texts[i]);
    return db_run(s, e);
}

static bool is_same(const struct sm_policy *a, const struct sm_policy *b)
{
    return a->version == b->version && a->is_active == b->is_active;
}

static enum sl_status note_source(struct sst *store, int64_t site_id, const struct source *source, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "UPDATE site SET policies_from = ?2 WHERE id = ?1");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, source->hash);
    return db_run(s, e);
}

static enum sl_status make(struct sst *store, int64_t site_id, const struct source *source, const struct sm_mof *mof,
                           struct sl_error *e)
{
    const struct sm_policy_source from = {.site = &source->site, .default_mp = source->default_mp, .mof = mof};
    uint8_t seeds[SM_POLICY_COUNT][2][SM_GUID_SEED];
    struct sm_policies before = {0}, made = {0};
    sl_random_os(seeds, sizeof seeds);
    enum sl_status status = read_policies(store, site_id, &before, e);
    if (status == SL_OK)
        status = sm_policies_make(&from, &before, seeds, &made, e);
    for (int i = 0; i < SM_POLICY_COUNT && status == SL_OK; i++)
        if (!is_same(&before.items[i], &made.items[i]))
            status = write_policy(store, site_id, &made.items[i], e);
    if (status == SL_OK)
        status = note_source(store, site_id, source, e);
    sm_policies_fini(&before);
    sm_policies_fini(&made);
    return status;
}

/* The next advertisement without a policy: *ret_found false when there is none, else its row and what its policy is to be. */
static enum sl_status next_advertised(struct sst *store, int64_t site_id, int64_t *ret_row, struct sm_policy *ret_policy,
                                      bool *ret_found, struct sl_error *e)
{
    uint8_t seeds[2][SM_GUID_SEED];
    struct db_stmt *s = db_prepare(store->db,
                                   "SELECT a.id, s.code, a.advertisement, p.package, p.version, a.program FROM advertisement a "
                                   "JOIN package p ON p.id = a.package_id JOIN site s ON s.id = a.site_id "
                                   "WHERE a.site_id = ?1 AND a.policy IS NULL ORDER BY a.id LIMIT 1");
    db_bind_int(s, 1, site_id);
    enum sl_status status = SL_OK;
    bool found = db_step(s);
    struct sm_policy policy = {.body = NULL};
    if (found) {
        const struct sm_advertised of = {.site = db_text(s, 1), .id = db_text(s, 2), .package = db_text(s, 3),
                                         .package_version = (uint32_t)db_int(s, 4), .program = db_text(s, 5)};
        *ret_row = db_int(s, 0);
        sl_random_os(seeds, sizeof seeds);
        status = sm_policy_advertise(&of, (const uint8_t(*)[SM_GUID_SEED])seeds, &policy, e);
    }
    status = db_done_after(s, status, e);
    if (status != SL_OK)
        free(policy.body);
    *ret_found = found;
    *ret_policy = policy;
    return status;
}

static enum sl_status write_advertised(struct sst *store, int64_t row, const struct sm_policy *policy, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "UPDATE advertisement SET policy = ?2, assignment = ?3, sha256 = ?4, body = ?5 WHERE id = ?1");
    const char *const texts[] = {policy->id, policy->assignment, policy->sha256, policy->body};
    db_bind_int(s, 1, row);
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, (int)i + 2, texts[i]);
    return db_run(s, e);
}

enum sl_status sst_make_advertised(struct sst *store, int64_t site_id, struct sl_error *e)
{
    for (;;) {
        struct sm_policy policy;
        int64_t row = 0;
        bool found = false;
        enum sl_status status = next_advertised(store, site_id, &row, &policy, &found, e);
        if (status != SL_OK || !found)
            return status;
        status = write_advertised(store, row, &policy, e);
        free(policy.body);
        if (status != SL_OK)
            return status;
    }
}

static bool is_current(const struct source *source)
{
    return source->made_from != NULL && strcmp(source->made_from, source->hash) == 0;
}

enum sl_status sst_make_policies(struct sst *store, int64_t site_id, struct sl_error *e)
{
    struct source source = {0};
    struct sst_mof file = {0};
    struct sm_mof *mof = NULL;
    enum sl_status status = read_source(store, site_id, &source, e);
    if (status == SL_OK)
        status = read_mof(store, site_id, &file, e);
    if (status == SL_OK && file.name != NULL)
        status = sm_mof_read(file.name, file.text, strlen(file.text), &mof, e);
    if (status == SL_OK)
        status = make(store, site_id, &source, mof, e);
    if (status == SL_OK)
        status = sst_make_advertised(store, site_id, e);
    sm_mof_free(mof);
    sst_mof_fini(&file);
    source_fini(&source);
    return status;
}

/* Looks first, since it is asked often and there is seldom anything to do. */
static enum sl_status are_current(struct sst *store, const char *site, bool *ret_current, struct sl_error *e)
{
    int64_t id;
    struct source source = {0};
    enum sl_status status = sst_site_id(store, site, &id, e);
    if (status == SL_OK)
        status = read_source(store, id, &source, e);
    if (status == SL_OK)
        *ret_current = is_current(&source);
    source_fini(&source);
    return status;
}

enum sl_status sst_refresh_policies(struct sst *store, const char *site, bool *ret_changed, struct sl_error *e)
{
    int64_t id;
    bool current = false;
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = are_current(store, site, &current, e);
    if (status == SL_OK && !current)
        status = sst_change_begin(store, site, &id, e);
    if (status == SL_OK && !current)
        status = sst_change_end(store, sst_make_policies(store, id, e), true, NULL, e);
    if (status == SL_OK)
        *ret_changed = !current;
    return status;
}

/* ---- importing -------------------------------------------------------------------------------------------------------- */

static enum sl_status write_mof(struct sst *store, int64_t site_id, const struct sst_mof *mof, bool *ret_changed,
                                struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "INSERT INTO mof (site_id, name, text, sha256, imported_s) VALUES (?1, ?2, ?3, ?4, ?5) "
                   "ON CONFLICT (site_id) DO UPDATE SET name = excluded.name, text = excluded.text, sha256 = excluded.sha256, "
                   "imported_s = excluded.imported_s WHERE mof.sha256 <> excluded.sha256");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, mof->name);
    db_bind_text(s, 3, mof->text);
    db_bind_text(s, 4, mof->sha256);
    db_bind_int(s, 5, mof->imported_s);
    enum sl_status status = db_run(s, e);
    if (status == SL_OK)
        *ret_changed = db_changes(store->db) > 0;
    return status;
}

/* Read before anything is stored: a text with a NUL in it would be stored in part. */
static enum sl_status check_mof(const char *name, const char *text, size_t len, struct sl_error *e)
{
    struct sm_mof *mof = NULL;
    enum sl_status status = sm_mof_read(name, text, len, &mof, e);
    sm_mof_free(mof);
    return status;
}

enum sl_status sst_import_mof(struct sst *store, const char *site, const char *name, const char *text, size_t len, int64_t now_s,
                              bool *ret_changed, struct sl_error *e)
{
    int64_t id;
    bool changed = false;
    enum sl_status status = check_mof(name, text, len, e);
    if (status == SL_OK)
        status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct sst_mof mof = {.name = sl_strdup(name), .text = sl_strdup(text), .imported_s = now_s};
    sm_digest_of(text, len, mof.sha256);
    status = write_mof(store, id, &mof, &changed, e);
    if (status == SL_OK && changed)
        status = sst_make_policies(store, id, e);
    sst_mof_fini(&mof);
    return sst_change_end(store, status, changed, ret_changed, e);
}
