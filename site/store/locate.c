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
static enum sl_status sites_of_place(struct sst *store, const struct sst_place *place, struct sl_strings *codes,
                                     struct sl_error *e)
{
    uint8_t address[SM_ADDRESS_KEY_LEN], subnet[SM_ADDRESS_KEY_LEN];
    struct db_stmt *s =
        db_prepare(store->db, "SELECT DISTINCT s.code FROM site s JOIN boundary b ON b.site_id = s.id WHERE "
                              "(b.low IS NULL AND b.value = ?1) OR "
                              "(b.low IS NOT NULL AND ?2 BETWEEN b.low AND b.high) OR "
                              "(b.low IS NOT NULL AND b.kind = 'subnet' AND b.low = ?3) ORDER BY s.code LIMIT ?4");
    db_bind_text(s, 1, place->ad_site != NULL && place->ad_site[0] != '\0' ? place->ad_site : NULL);
    bind_key(s, 2, place->address, address);
    bind_key(s, 3, place->subnet, subnet);
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
