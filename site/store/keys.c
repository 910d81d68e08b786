#include "site/store/store.h"

#include "common/base/assert.h"
#include "site/store/private.h"

static enum sl_status store_root(struct sst *store, int64_t site_id, const char *root_key, const char *certificate,
                                 struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "UPDATE site SET root_key = ?2, certificate = ?3 WHERE id = ?1");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, root_key);
    db_bind_text(s, 3, certificate);
    return db_run(s, e);
}

static enum sl_status store_certificate(struct sst *store, int64_t site_id, const struct sst_certificate *mp, struct sl_error *e)
{
    struct db_stmt *s =
        mp->owner == NULL
            ? db_prepare(store->db, "UPDATE mp SET certificate = ?3 WHERE site_id = ?1 AND host = ?2")
            : db_prepare(store->db, "UPDATE mp_key SET certificate = ?3 WHERE owner = ?4 AND mp_id IN "
                                    "(SELECT id FROM mp WHERE site_id = ?1 AND host = ?2)");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, mp->host);
    db_bind_text(s, 3, mp->certificate);
    if (mp->owner != NULL)
        db_bind_text(s, 4, mp->owner);
    return db_run(s, e);
}

enum sl_status sst_certify(struct sst *store, const char *site, const char *root_key, const char *certificate,
                           const struct sst_certificate *mps, size_t count, struct sl_error *e)
{
    int64_t id;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    if (root_key != NULL)
        status = store_root(store, id, root_key, certificate, e);
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = store_certificate(store, id, &mps[i], e);
    return sst_change_end(store, status, status == SL_OK, NULL, e);
}

enum sl_status sst_claim_key(struct sst *store, const char *site, const char *host, const char *owner, const char *key,
                             bool *ret_changed, struct sl_error *e)
{
    int64_t id;
    bool changed = false;
    enum sl_status status = sst_change_begin(store, site, &id, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(
        store->db, "INSERT INTO mp_key (mp_id, owner, key) SELECT id, ?3, ?4 FROM mp WHERE site_id = ?1 AND host = ?2 "
                   "ON CONFLICT (mp_id, owner) DO UPDATE SET key = excluded.key, certificate = NULL "
                   "WHERE mp_key.key <> excluded.key");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, host);
    db_bind_text(s, 3, owner);
    db_bind_text(s, 4, key);
    status = sst_run(store, s, &changed, e);
    return sst_change_end(store, status, changed, ret_changed, e);
}
