#include "site/store/client.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "site/store/private.h"

#include <stdlib.h>

void sst_client_free(struct sst_client *client)
{
    if (client == NULL)
        return;
    free(client->smsid);
    free(client->name);
    free(client->key);
    free(client);
}

struct sst_client *sst_client_row(struct db_stmt *s)
{
    struct sst_client *client = sl_new(sizeof *client);
    *client = (struct sst_client){
        .smsid = sl_strdup(db_text(s, 0)),
        .name = sl_strdup(db_text(s, 1)),
        .key = db_text_copy(s, 2),
        .registered_s = db_int(s, 3),
        .seen_s = db_int(s, 4),
        .discovered_s = db_int(s, 5),
        .inventoried_s = db_int(s, 6),
    };
    return client;
}

enum sl_status sst_client(struct sst *store, const char *site, const char *smsid, struct sst_client **ret_client,
                          struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, SST_CLIENT_SELECT "WHERE s.code = ?1 AND c.smsid = ?2");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, smsid);
    struct sst_client *client = db_step(s) ? sst_client_row(s) : NULL;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_client = client;
    else
        sst_client_free(client);
    return status;
}

enum sl_status sst_register(struct sst *store, int64_t site_id, const struct sst_registration *r, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "INSERT INTO client (site_id, smsid, name, key, registered_s, seen_s) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
                   "ON CONFLICT (site_id, smsid) DO UPDATE SET name = excluded.name, key = excluded.key, "
                   "seen_s = excluded.seen_s WHERE client.key IS NULL OR client.key = excluded.key");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, r->smsid);
    db_bind_text(s, 3, r->name);
    db_bind_text(s, 4, r->key);
    db_bind_int(s, 5, r->at_s);
    enum sl_status status = db_run(s, e);
    if (status == SL_OK && db_changes(store->db) == 0)
        status = sl_fail(e, SL_CONFLICT, "client %s is registered with another key", r->smsid);
    return status;
}

enum sl_status sst_client_remove(struct sst *store, const char *site, const char *smsid, bool *ret_removed, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "DELETE FROM client WHERE smsid = ?2 AND site_id IN (SELECT id FROM site WHERE code = ?1)");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, smsid);
    enum sl_status status = db_run(s, e);
    if (status == SL_OK)
        *ret_removed = db_changes(store->db) > 0;
    return status;
}
