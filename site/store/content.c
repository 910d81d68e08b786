#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <string.h>

/* The hash over the package's files in the row of `s`, "" when it has none; ends the statement. */
static enum sl_status read_hash(struct db_stmt *s, bool *ret_held, char ret_sha256[SM_SHA256_SIZE], struct sl_error *e)
{
    char sha256[SM_SHA256_SIZE] = "";
    bool held = db_step(s);
    if (held && !db_is_null(s, 0) && !sl_text_copy(sha256, sizeof sha256, db_text(s, 0)))
        held = false; /* the table's constraint forbids it */
    enum sl_status status = db_done(s, e);
    if (status != SL_OK)
        return status;
    *ret_held = held;
    memcpy(ret_sha256, sha256, sizeof sha256);
    return SL_OK;
}

enum sl_status sst_held_at(struct sst *store, const char *url, const char *package, uint32_t version, bool *ret_held,
                           char ret_sha256[SM_SHA256_SIZE], struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT p.sha256 FROM dp d JOIN package_dp x ON x.dp_id = d.id "
                                              "JOIN package p ON p.id = x.package_id "
                                              "WHERE d.url = ?1 COLLATE NOCASE AND p.package = ?2 AND p.version = ?3 "
                                              "AND d.site_id NOT IN (SELECT site_id FROM neighbour)");
    db_bind_text(s, 1, url);
    db_bind_text(s, 2, package);
    db_bind_int(s, 3, version);
    return read_hash(s, ret_held, ret_sha256, e);
}

enum sl_status sst_file_at(struct sst *store, const char *url, const char *package, uint32_t version, const char *path,
                           char ret_sha256[SM_SHA256_SIZE], struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    bool found;
    struct db_stmt *s = db_prepare(store->db, "SELECT f.sha256 FROM dp d JOIN package_dp x ON x.dp_id = d.id "
                                              "JOIN package p ON p.id = x.package_id JOIN file f ON f.package_id = p.id "
                                              "WHERE d.url = ?1 COLLATE NOCASE AND p.package = ?2 AND p.version = ?3 "
                                              "AND f.path = ?4 AND d.site_id NOT IN (SELECT site_id FROM neighbour)");
    db_bind_text(s, 1, url);
    db_bind_text(s, 2, package);
    db_bind_int(s, 3, version);
    db_bind_text(s, 4, path);
    return read_hash(s, &found, ret_sha256, e);
}

static enum sl_status read_files(struct db_stmt *s, struct sm_manifest *ret_manifest, struct sl_error *e)
{
    struct sm_manifest m = {0};
    while (db_step(s)) {
        m.files = sl_grow(m.files, m.count, sizeof *m.files);
        struct sm_file *file = &m.files[m.count++];
        *file = (struct sm_file){.path = sl_strdup(db_text(s, 0)), .size = (uint64_t)db_int(s, 1)};
        sl_assert(sl_text_copy(file->sha256, sizeof file->sha256, db_text(s, 2))); /* a constraint of the table */
        sl_assert(sl_text_copy(m.sha256, sizeof m.sha256, db_text(s, 3)));         /* likewise */
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_manifest = m;
    else
        sm_manifest_fini(&m);
    return status;
}

enum sl_status sst_manifest(struct sst *store, const char *site, const char *package, struct sm_manifest *ret_manifest,
                            struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT f.path, f.size, f.sha256, p.sha256 FROM site s "
                                              "JOIN package p ON p.site_id = s.id JOIN file f ON f.package_id = p.id "
                                              "WHERE s.code = ?1 AND p.package = ?2 ORDER BY f.path");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, package);
    return read_files(s, ret_manifest, e);
}

enum sl_status sst_manifest_of(struct sst *store, const char *sha256, struct sm_manifest *ret_manifest, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT f.path, f.size, f.sha256, p.sha256 FROM package p "
                                              "JOIN file f ON f.package_id = p.id WHERE p.id = (SELECT min(q.id) FROM package q "
                                              "WHERE q.sha256 = ?1 AND EXISTS (SELECT 1 FROM file WHERE package_id = q.id)) "
                                              "ORDER BY f.path");
    db_bind_text(s, 1, sha256);
    return read_files(s, ret_manifest, e);
}

enum sl_status sst_manifest_at(struct sst *store, const char *url, const char *package, uint32_t version,
                               struct sm_manifest *ret_manifest, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT f.path, f.size, f.sha256, p.sha256 FROM dp d "
                                              "JOIN package_dp x ON x.dp_id = d.id JOIN package p ON p.id = x.package_id "
                                              "JOIN file f ON f.package_id = p.id WHERE d.url = ?1 COLLATE NOCASE "
                                              "AND p.package = ?2 AND p.version = ?3 "
                                              "AND d.site_id NOT IN (SELECT site_id FROM neighbour) ORDER BY f.path");
    db_bind_text(s, 1, url);
    db_bind_text(s, 2, package);
    db_bind_int(s, 3, version);
    return read_files(s, ret_manifest, e);
}

enum sl_status sst_is_used(struct sst *store, const char *sha256, bool *ret_used, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT 1 FROM file WHERE sha256 = ?1 LIMIT 1");
    db_bind_text(s, 1, sha256);
    bool used = db_step(s);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_used = used;
    return status;
}

/* ---- writing, within the transaction of sst_add_package ----------------------------------------------------------------- */

static enum sl_status add_file(struct sst *store, int64_t package_id, const struct sm_file *file, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO file (package_id, path, size, sha256) VALUES (?1, ?2, ?3, ?4)");
    db_bind_int(s, 1, package_id);
    db_bind_text(s, 2, file->path);
    db_bind_int(s, 3, (int64_t)file->size);
    db_bind_text(s, 4, file->sha256);
    return db_run(s, e);
}

/* The row of a package and the hash over its files, which is "" when it has none. */
static enum sl_status find_package(struct sst *store, int64_t site_id, const char *id, int64_t *ret_row,
                                   char ret_sha256[SM_SHA256_SIZE], struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id, sha256 FROM package WHERE site_id = ?1 AND package = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, id);
    bool found = db_step(s);
    sl_assert(found); /* the caller has just added or compared it */
    *ret_row = db_int(s, 0);
    sl_assert(sl_text_copy(ret_sha256, SM_SHA256_SIZE, db_text(s, 1)));
    return db_done(s, e);
}

enum sl_status sst_set_content(struct sst *store, int64_t site_id, const char *id, const struct sm_manifest *manifest,
                               bool *ret_changed, struct sl_error *e)
{
    int64_t row = 0;
    char sha256[SM_SHA256_SIZE] = "";
    enum sl_status status = find_package(store, site_id, id, &row, sha256, e);
    if (status != SL_OK)
        return status;
    *ret_changed = sha256[0] == '\0';
    if (!*ret_changed)
        return strcmp(sha256, manifest->sha256) == 0
                   ? SL_OK
                   : sl_fail(e, SL_CONFLICT, "package %s exists already with other content (%.16s...); a changed source is a new "
                                             "version: remove the package first", id, sha256);
    struct db_stmt *s = db_prepare(store->db, "UPDATE package SET sha256 = ?2, changed = " SST_NUMBER " WHERE id = ?1");
    db_bind_int(s, 1, row);
    db_bind_text(s, 2, manifest->sha256);
    status = db_run(s, e);
    for (size_t i = 0; i < manifest->count && status == SL_OK; i++)
        status = add_file(store, row, &manifest->files[i], e);
    return status;
}
