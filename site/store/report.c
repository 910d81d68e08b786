#include "site/store/report.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

/* ---- taking ------------------------------------------------------------------------------------------------------------- */

enum sl_status sst_take_begin(struct sst *store, const char *site, int64_t *ret_site_id, struct sl_error *e)
{
    return sst_change_begin(store, site, ret_site_id, e);
}

enum sl_status sst_take_end(struct sst *store, enum sl_status status, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    return db_end(store->db, status, e);
}

/* The row of the client, 0 when it is not known or does not sign with this key. */
static enum sl_status find_sender(struct sst *store, int64_t site_id, const struct sm_report *r, int64_t *ret_row,
                                  struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id, key FROM client WHERE site_id = ?1 AND smsid = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, r->client);
    *ret_row = 0;
    if (db_step(s) && (db_is_null(s, 1) || (r->key != NULL && strcmp(db_text(s, 1), r->key) == 0)))
        *ret_row = db_int(s, 0);
    return db_done(s, e);
}

static bool is_kept_whole(enum sm_report_kind kind)
{
    return kind == SM_REPORT_METERING || kind == SM_REPORT_STATUS;
}

static enum sl_status insert_report(struct sst *store, int64_t client, const struct sm_report *r, const struct sm_content *c,
                                    int64_t now_s, bool *ret_added, struct sl_error *e)
{
    char *body = is_kept_whole(r->kind) ? sl_new(r->body_len + 1) : NULL;
    if (body != NULL)
        memcpy(body, r->body, r->body_len); /* it ends with NUL, as sl_new clears */
    struct db_stmt *s =
        db_prepare(store->db, "INSERT INTO report (client_id, message, kind, type, received_s, stored_s, size, body, content, "
                              "dated, version, client_version) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, client);
    db_bind_text(s, 2, r->message);
    db_bind_text(s, 3, sm_report_word(r->kind));
    db_bind_text(s, 4, c->type);
    db_bind_int(s, 5, r->received_s);
    db_bind_int(s, 6, now_s);
    db_bind_int(s, 7, (int64_t)r->body_len);
    db_bind_text(s, 8, body);
    const char *const facts[] = {c->facts.content, c->facts.dated, c->facts.version, c->facts.client_version};
    for (size_t i = 0; i < SL_COUNT(facts); i++)
        db_bind_text(s, (int)i + 9, facts[i]);
    enum sl_status status = db_run(s, e);
    if (status == SL_OK)
        *ret_added = db_changes(store->db) > 0;
    free(body);
    return status;
}

static enum sl_status drop_instances(struct sst *store, int64_t client, enum sm_report_kind kind, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM instance WHERE client_id = ?1 AND kind = ?2");
    db_bind_int(s, 1, client);
    db_bind_text(s, 2, sm_report_word(kind));
    return db_run(s, e);
}

static enum sl_status change_instance(struct sst *store, int64_t client, enum sm_report_kind kind, const struct sm_instance *i,
                                      struct sl_error *e)
{
    struct db_stmt *s =
        i->is_deleted
            ? db_prepare(store->db, "DELETE FROM instance WHERE client_id = ?1 AND kind = ?2 AND class = ?3 AND item = ?4")
            : db_prepare(store->db, "INSERT INTO instance (client_id, kind, class, item, namespace, properties) "
                                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (client_id, kind, class, item) "
                                    "DO UPDATE SET namespace = excluded.namespace, properties = excluded.properties");
    db_bind_int(s, 1, client);
    db_bind_text(s, 2, sm_report_word(kind));
    db_bind_text(s, 3, i->class);
    db_bind_text(s, 4, i->item);
    if (!i->is_deleted) {
        db_bind_text(s, 5, i->namespace);
        db_bind_text(s, 6, i->properties);
    }
    return db_run(s, e);
}

/* When the client was last heard of, and what of; a time never goes back. */
static enum sl_status touch(struct sst *store, int64_t client, const struct sm_report *r, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "UPDATE client SET seen_s = CASE WHEN seen_s < ?2 THEN ?2 ELSE seen_s END, "
                   "discovered_s = CASE WHEN ?3 = 'discovery' AND coalesce(discovered_s, 0) < ?2 THEN ?2 ELSE discovered_s END, "
                   "inventoried_s = CASE WHEN ?3 = 'inventory' AND coalesce(inventoried_s, 0) < ?2 THEN ?2 "
                   "ELSE inventoried_s END WHERE id = ?1");
    db_bind_int(s, 1, client);
    db_bind_int(s, 2, r->received_s);
    db_bind_text(s, 3, sm_report_word(r->kind));
    return db_run(s, e);
}

static enum sl_status take_report(struct sst *store, int64_t client, const struct sm_report *r, const struct sm_content *c,
                                  int64_t now_s, bool *ret_added, struct sl_error *e)
{
    enum sl_status status = insert_report(store, client, r, c, now_s, ret_added, e);
    if (status != SL_OK || !*ret_added)
        return status;
    if (c->is_full)
        status = drop_instances(store, client, r->kind, e);
    for (size_t i = 0; i < c->count && status == SL_OK; i++)
        status = change_instance(store, client, r->kind, &c->instances[i], e);
    return status == SL_OK ? touch(store, client, r, e) : status;
}

static enum sl_status take_registration(struct sst *store, int64_t site_id, const struct sm_report *r, const char *name,
                                        enum sst_taken *ret_taken, struct sl_error *e)
{
    const struct sst_registration registration = {.smsid = r->client, .name = name, .key = r->key, .at_s = r->received_s};
    enum sl_status status = sst_register(store, site_id, &registration, e);
    *ret_taken = status == SL_CONFLICT ? SST_REFUSED : SST_STORED;
    return status == SL_CONFLICT ? SL_OK : status;
}

enum sl_status sst_take(struct sst *store, int64_t site_id, const struct sm_report *report, const struct sm_content *content,
                        int64_t now_s, enum sst_taken *ret_taken, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    int64_t client;
    bool added = false;
    if (report->kind == SM_REPORT_REGISTRATION)
        return take_registration(store, site_id, report, content->name, ret_taken, e);
    enum sl_status status = find_sender(store, site_id, report, &client, e);
    if (status == SL_OK && client != 0)
        status = take_report(store, client, report, content, now_s, &added, e);
    if (status == SL_OK)
        *ret_taken = client == 0 ? SST_REFUSED : added ? SST_STORED : SST_DUPLICATE;
    return status;
}

enum sl_status sst_drop_reports(struct sst *store, int64_t before_s, size_t limit, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM report WHERE id IN "
                                              "(SELECT id FROM report WHERE received_s < ?1 ORDER BY received_s LIMIT ?2)");
    db_bind_int(s, 1, before_s);
    db_bind_int(s, 2, (int64_t)limit);
    return db_run(s, e);
}

/* ---- the management points ---------------------------------------------------------------------------------------------- */

enum sl_status sst_mp_certificates(struct sst *store, const char *site, struct sl_strings *ret_list, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "SELECT DISTINCT c.certificate FROM (SELECT id AS mp_id, certificate FROM mp UNION "
                   "SELECT mp_id, certificate FROM mp_key) c JOIN mp m ON m.id = c.mp_id JOIN site s ON s.id = m.site_id "
                   "JOIN hierarchy h ON h.site_id = s.id LEFT JOIN site p ON p.id = h.parent_id AND h.kind = 'secondary' "
                   "WHERE (s.code = ?1 OR p.code = ?1) AND c.certificate IS NOT NULL");
    db_bind_text(s, 1, site);
    return db_texts(s, ret_list, e);
}

enum sl_status sst_has_default_mp(struct sst *store, const char *site, bool *ret_has, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT 1 FROM mp m JOIN site s ON s.id = m.site_id "
                                              "WHERE s.code = ?1 AND m.is_default = 1");
    db_bind_text(s, 1, site);
    bool has = db_step(s);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_has = has;
    return status;
}

/* ---- lists -------------------------------------------------------------------------------------------------------------- */

enum sl_status sst_clients(struct sst *store, const char *site, const char *after, size_t limit, struct sst_client ***ret_list,
                           size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_client **list = sl_new_array(limit + 1, sizeof *list);
    size_t count = 0;
    struct db_stmt *s = db_prepare(store->db, SST_CLIENT_SELECT "WHERE s.code = ?1 AND c.smsid > ?2 ORDER BY c.smsid LIMIT ?3");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, after);
    db_bind_int(s, 3, (int64_t)limit);
    while (count < limit && db_step(s))
        list[count++] = sst_client_row(s);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        *ret_list = list;
        *ret_count = count;
        return SL_OK;
    }
    for (size_t i = 0; i < count; i++)
        sst_client_free(list[i]);
    free(list);
    return status;
}

void sst_reports_fini(struct sst_report *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].client);
        free(list[i].name);
        free(list[i].message);
        free(list[i].kind);
        free(list[i].type);
        free(list[i].content);
        free(list[i].dated);
    }
    free(list);
}

/* ?1 to ?6: the site, how many at most, and the filter but for below_id. */
static void bind_filter(struct db_stmt *s, const char *site, size_t limit, const struct sst_report_filter *filter)
{
    db_bind_text(s, 1, site);
    db_bind_int(s, 2, (int64_t)limit);
    db_bind_int(s, 3, filter->since_s);
    db_bind_text(s, 4, filter->kind != NULL ? filter->kind : "");
    db_bind_text(s, 5, filter->client != NULL ? filter->client : "");
    db_bind_text(s, 6, filter->content != NULL ? filter->content : "");
}

enum sl_status sst_reports(struct sst *store, const char *site, const struct sst_report_filter *filter, size_t limit,
                           struct sst_report **ret_list, size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_report *list = sl_new_array(limit + 1, sizeof *list);
    size_t count = 0;
    struct db_stmt *s =
        db_prepare(store->db, "SELECT r.id, r.received_s, r.stored_s, r.size, c.smsid, c.name, r.message, r.kind, r.type, "
                              "r.content, r.dated FROM report r JOIN client c ON c.id = r.client_id "
                              "JOIN site s ON s.id = c.site_id "
                              "WHERE s.code = ?1 AND r.received_s >= ?3 AND (?4 = '' OR r.kind = ?4) "
                              "AND (?5 = '' OR c.smsid = ?5) AND (?6 = '' OR r.content = ?6) AND r.id < ?7 "
                              "ORDER BY r.id DESC LIMIT ?2");
    bind_filter(s, site, limit, filter);
    db_bind_int(s, 7, filter->below_id > 0 ? filter->below_id : INT64_MAX);
    while (count < limit && db_step(s)) {
        list[count++] = (struct sst_report){.id = db_int(s, 0), .received_s = db_int(s, 1), .stored_s = db_int(s, 2),
                                            .size = db_int(s, 3), .client = sl_strdup(db_text(s, 4)),
                                            .name = sl_strdup(db_text(s, 5)), .message = sl_strdup(db_text(s, 6)),
                                            .kind = sl_strdup(db_text(s, 7)), .type = sl_strdup(db_text(s, 8)),
                                            .content = sl_strdup(db_text(s, 9)), .dated = sl_strdup(db_text(s, 10))};
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        *ret_list = list;
        *ret_count = count;
    } else {
        sst_reports_fini(list, count);
    }
    return status;
}

enum sl_status sst_count_reports(struct sst *store, const char *site, const char *smsid, struct sst_report_counts *ret_counts,
                                 struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_report_counts counts = {.instances = 0};
    struct db_stmt *s = db_prepare(store->db, "SELECT r.kind, count(*) FROM report r JOIN client c ON c.id = r.client_id "
                                              "JOIN site s ON s.id = c.site_id WHERE s.code = ?1 AND c.smsid = ?2 "
                                              "GROUP BY r.kind");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, smsid);
    while (db_step(s)) {
        enum sm_report_kind kind = sm_report_parse(db_text(s, 0));
        sl_assert(kind != SM_REPORT_COUNT); /* a constraint of the table */
        counts.reports[kind] = db_int(s, 1);
    }
    enum sl_status status = db_done(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "SELECT count(*) FROM instance i JOIN client c ON c.id = i.client_id "
                              "JOIN site s ON s.id = c.site_id WHERE s.code = ?1 AND c.smsid = ?2");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, smsid);
    status = db_number(s, &counts.instances, e);
    if (status == SL_OK)
        *ret_counts = counts;
    return status;
}

void sst_sums_fini(struct sst_sum *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].kind);
        free(list[i].content);
    }
    free(list);
}

enum sl_status sst_sum_reports(struct sst *store, const char *site, const struct sst_report_filter *filter, size_t limit,
                               struct sst_sum **ret_list, size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_sum *list = sl_new_array(limit + 1, sizeof *list);
    size_t count = 0;
    struct db_stmt *s =
        db_prepare(store->db, "SELECT count(*), count(DISTINCT r.client_id), sum(r.size), r.kind, r.content FROM report r "
                              "JOIN client c ON c.id = r.client_id JOIN site s ON s.id = c.site_id "
                              "WHERE s.code = ?1 AND r.received_s >= ?3 AND (?4 = '' OR r.kind = ?4) "
                              "AND (?5 = '' OR c.smsid = ?5) AND (?6 = '' OR r.content = ?6) "
                              "GROUP BY r.kind, r.content ORDER BY r.kind, r.content LIMIT ?2");
    bind_filter(s, site, limit, filter);
    while (count < limit && db_step(s))
        list[count++] = (struct sst_sum){.reports = db_int(s, 0), .clients = db_int(s, 1), .octets = db_int(s, 2),
                                         .kind = sl_strdup(db_text(s, 3)), .content = sl_strdup(db_text(s, 4))};
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        *ret_list = list;
        *ret_count = count;
    } else {
        sst_sums_fini(list, count);
    }
    return status;
}
