#include "site/store/flow.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

/* Octets that a package and one place of it take in a page, beside its id (site/server/page.h). */
enum { PACKAGE_OCTETS = 128, PLACE_OCTETS = 7 };

/* ---- pages -------------------------------------------------------------------------------------------------------------- */

struct sst_flowing *sst_page_add(struct sst_page *page)
{
    struct sst_flowing *package = sst_grow(&page->packages, &page->package_count, sizeof *package);
    if (package != NULL)
        package->first = page->dp_count;
    return package;
}

bool sst_page_add_dp(struct sst_page *page, uint32_t host)
{
    uint32_t *slot = sst_grow(&page->dps, &page->dp_count, sizeof *slot);
    if (slot == NULL)
        return false;
    *slot = host;
    page->packages[page->package_count - 1].count++;
    return true;
}

void sst_page_fini(struct sst_page *page)
{
    for (size_t i = 0; i < page->package_count; i++)
        free(page->packages[i].id);
    free(page->packages);
    free(page->dps);
    sl_strings_fini(&page->hosts);
    *page = (struct sst_page){0};
}

/* ---- what is told ------------------------------------------------------------------------------------------------------- */

/* A number that a statement about a site finds, 0 when it finds none. */
static enum sl_status read_number(struct db_stmt *s, int64_t site_id, int64_t *ret_number, struct sl_error *e)
{
    db_bind_int(s, 1, site_id);
    return db_number(s, ret_number, e);
}

enum sl_status sst_last_change(struct sst *store, int64_t site_id, int64_t *ret_number, struct sl_error *e)
{
    int64_t here = 0, gone = 0;
    enum sl_status status =
        read_number(db_prepare(store->db, "SELECT max(changed) FROM package WHERE site_id = ?1"), site_id, &here, e);
    if (status == SL_OK)
        status =
            read_number(db_prepare(store->db, "SELECT max(changed) FROM package_gone WHERE site_id = ?1"), site_id, &gone, e);
    *ret_number = here > gone ? here : gone;
    return status;
}

enum sl_status sst_package_is_gone(struct sst *store, int64_t site_id, const char *package, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO package_gone (site_id, package, changed) "
                                              "VALUES (?1, ?2, " SST_NUMBER ")");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, package);
    enum sl_status status = db_run(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "UPDATE change SET forgotten = coalesce((SELECT max(changed) FROM package_gone "
                              "WHERE id <= (SELECT max(id) FROM package_gone) - ?1), forgotten)");
    db_bind_int(s, 1, SST_GONE_MAX);
    status = db_run(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "DELETE FROM package_gone WHERE id <= (SELECT max(id) FROM package_gone) - ?1");
    db_bind_int(s, 1, SST_GONE_MAX);
    return db_run(s, e);
}

/* What the page is about; everything anew when the changes since then cannot be told. */
static enum sl_status read_head(struct sst *store, int64_t site_id, struct sst_page *page, struct sl_error *e)
{
    int64_t forgotten = 0;
    struct db_stmt *s = db_prepare(store->db, "SELECT forgotten FROM change");
    if (db_step(s))
        forgotten = db_int(s, 0);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        status = sst_last_change(store, site_id, &page->now, e);
    if (status == SL_OK)
        status = read_number(db_prepare(store->db, "SELECT count(*) FROM package WHERE site_id = ?1 AND source IS NULL"), site_id,
                             &page->total, e);
    if (page->since != 0 && (page->since < forgotten || page->since > page->now))
        page->since = page->after = 0;
    return status;
}

static enum sl_status read_hosts(struct sst *store, int64_t site_id, struct sst_page *page, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT host FROM dp WHERE site_id = ?1 ORDER BY id");
    db_bind_int(s, 1, site_id);
    return db_texts(s, &page->hosts, e);
}

/*
 * Both kinds of row in one order, that of their marks: twice the id, one more for what is gone. Of hosts the place in the list of
 * read_hosts is told. What a distribution point fetches lies there once it has it, as for sst_locate.
 */
static struct db_stmt *prepare_rows(struct sst *store)
{
    return db_prepare(
        store->db, "SELECT p.mark, p.package, p.version, p.is_gone, d.number, p.sha256 FROM ("
        "SELECT 2 * id AS mark, id, package, version, 0 AS is_gone, sha256, source FROM package "
        "WHERE site_id = ?1 AND source IS NULL AND changed > ?2 AND 2 * id > ?3 "
        "UNION ALL SELECT 2 * id + 1, 0, package, 0, 1, NULL, NULL FROM package_gone "
        "WHERE site_id = ?1 AND ?2 > 0 AND changed > ?2 AND 2 * id + 1 > ?3 ORDER BY 1 LIMIT ?4) p "
        "LEFT JOIN package_dp x ON x.package_id = p.id "
        "LEFT JOIN (SELECT id, is_fetching, row_number() OVER (ORDER BY id) - 1 AS number FROM dp WHERE site_id = ?1) d "
        "ON d.id = x.dp_id AND " SST_IS_THERE "ORDER BY p.mark, d.number");
}

static enum sl_status read_rows(struct sst *store, int64_t site_id, struct sst_page *page, struct sl_error *e)
{
    int64_t mark = 0;
    size_t octets = 0;
    bool is_full = false;
    struct db_stmt *s = prepare_rows(store);
    db_bind_int(s, 1, site_id);
    db_bind_int(s, 2, page->since);
    db_bind_int(s, 3, page->after);
    db_bind_int(s, 4, SST_PAGE_ROWS);
    while (!is_full && db_step(s)) {
        if (db_int(s, 0) != mark) {
            is_full = octets > SST_PAGE_OCTETS;
            struct sst_flowing *package = is_full ? NULL : sst_page_add(page);
            if (package == NULL)
                continue;
            mark = db_int(s, 0);
            octets += PACKAGE_OCTETS + strlen(db_text(s, 1));
            package->id = sl_strdup(db_text(s, 1));
            package->version = (uint32_t)db_int(s, 2);
            package->is_gone = db_int(s, 3) != 0;
            if (!db_is_null(s, 5))
                sl_assert(sl_text_copy(package->sha256, sizeof package->sha256, db_text(s, 5))); /* a constraint of the table */
        }
        octets += PLACE_OCTETS;
        bool has_place = db_is_null(s, 4) || sst_page_add_dp(page, (uint32_t)db_int(s, 4));
        sl_assert(has_place); /* a page is bounded by its octets */
    }
    page->next = is_full || page->package_count == SST_PAGE_ROWS ? mark : 0;
    return db_done(s, e);
}

enum sl_status sst_read_page(struct sst *store, const char *site, int64_t since, int64_t after, struct sst_page *ret_page,
                             struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_page page = {.since = since, .after = after};
    int64_t id = 0;
    enum sl_status status = db_begin_reading(store->db, e);
    if (status == SL_OK)
        status = sst_site_id(store, site, &id, e);
    if (status == SL_OK)
        status = read_head(store, id, &page, e);
    if (status == SL_OK)
        status = read_hosts(store, id, &page, e);
    if (status == SL_OK)
        status = read_rows(store, id, &page, e);
    db_rollback(store->db); /* nothing was written */
    if (status == SL_OK)
        *ret_page = page;
    else
        sst_page_fini(&page);
    return status;
}

/* ---- what is learned ---------------------------------------------------------------------------------------------------- */

enum sl_status sst_package_owner(struct sst *store, const char *package, char ret_owner[SM_CODE_LEN + 1], int64_t *ret_version,
                                 struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code, p.version FROM neighbour n JOIN package p ON p.site_id = n.site_id "
                                              "JOIN site s ON s.id = n.site_id WHERE p.package = ?1 ORDER BY s.code LIMIT 1");
    db_bind_text(s, 1, package);
    bool found = db_step(s);
    (void)sl_text_copy(ret_owner, SM_CODE_LEN + 1, found ? db_text(s, 0) : "");
    *ret_version = found ? db_int(s, 1) : 0;
    return db_done(s, e);
}

/* The rows of the distribution points that a page names; 0 for one that is not known. */
static enum sl_status find_hosts(struct sst *store, int64_t site_id, const struct sl_strings *hosts, int64_t *ret_ids,
                                 struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < hosts->count && status == SL_OK; i++) {
        struct db_stmt *s = db_prepare(store->db, "SELECT id FROM dp WHERE site_id = ?1 AND host = ?2");
        db_bind_text(s, 2, hosts->items[i]);
        status = read_number(s, site_id, &ret_ids[i], e);
    }
    return status;
}

static enum sl_status forget_package(struct sst *store, int64_t site_id, const char *id, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM package WHERE site_id = ?1 AND package = ?2");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, id);
    return db_run(s, e);
}

/* Those that were told are marked by the column that is of no use otherwise here. */
static enum sl_status store_row(struct sst *store, int64_t site_id, const struct sst_flowing *p, int64_t *ret_id,
                                struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO package (site_id, package, version, sha256, changed) "
                                              "VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT (site_id, package) DO UPDATE "
                                              "SET version = excluded.version, sha256 = excluded.sha256, changed = 1");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, p->id);
    db_bind_int(s, 3, p->version);
    db_bind_text(s, 4, p->sha256[0] != '\0' ? p->sha256 : NULL);
    enum sl_status status = db_run(s, e);
    if (status != SL_OK)
        return status;
    s = db_prepare(store->db, "SELECT id FROM package WHERE site_id = ?1 AND package = ?2");
    db_bind_text(s, 2, p->id);
    return read_number(s, site_id, ret_id, e);
}

static enum sl_status store_place(struct sst *store, int64_t site_id, int64_t package, int64_t dp, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "INSERT INTO package_dp (package_id, dp_id, site_id) VALUES (?1, ?2, ?3) "
                                              "ON CONFLICT DO NOTHING");
    db_bind_int(s, 1, package);
    db_bind_int(s, 2, dp);
    db_bind_int(s, 3, site_id);
    return db_run(s, e);
}

static enum sl_status store_package(struct sst *store, int64_t site_id, const struct sst_page *page, size_t number,
                                    const int64_t *dps, struct sl_error *e)
{
    const struct sst_flowing *p = &page->packages[number];
    int64_t id = 0;
    if (p->is_gone)
        return forget_package(store, site_id, p->id, e);
    enum sl_status status = store_row(store, site_id, p, &id, e);
    if (status == SL_OK) {
        struct db_stmt *s = db_prepare(store->db, "DELETE FROM package_dp WHERE package_id = ?1");
        db_bind_int(s, 1, id);
        status = db_run(s, e);
    }
    for (size_t i = p->first; i < p->first + p->count && status == SL_OK; i++) {
        uint32_t host = page->dps[i];
        status = dps[host] != 0 ? store_place(store, site_id, id, dps[host], e)
                                : sl_fail(e, SL_CONFLICT, "package %s lies on %s, which has not been told yet", p->id,
                                          page->hosts.items[host]);
    }
    return status;
}

static enum sl_status run_for(struct db_stmt *s, int64_t site_id, struct sl_error *e)
{
    db_bind_int(s, 1, site_id);
    return db_run(s, e);
}

/* After the last page: what was not told is not there, and as much is known as there is. */
static enum sl_status complete(struct sst *store, int64_t site_id, const struct sst_page *page, int64_t upto, bool *ret_complete,
                               struct sl_error *e)
{
    int64_t count = 0;
    enum sl_status status = SL_OK;
    if (page->since == 0)
        status = run_for(db_prepare(store->db, "DELETE FROM package WHERE site_id = ?1 AND changed = 0"), site_id, e);
    if (status == SL_OK)
        status = read_number(db_prepare(store->db, "SELECT count(*) FROM package WHERE site_id = ?1"), site_id, &count, e);
    *ret_complete = count == page->total || page->now != upto; /* it went on changing: the next changes tell the rest */
    if (status == SL_OK && !*ret_complete && page->since == 0)
        return sl_fail(e, SL_MALFORMED, "%lld packages were told of %lld", (long long)count, (long long)page->total);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "UPDATE neighbour SET packages_known = ?2 WHERE site_id = ?1");
    db_bind_int(s, 2, upto);
    return run_for(s, site_id, e);
}

static enum sl_status check_room(struct sst *store, int64_t site_id, struct sl_error *e)
{
    int64_t count = 0;
    enum sl_status status =
        read_number(db_prepare(store->db, "SELECT count(*) FROM package WHERE site_id = ?1"), site_id, &count, e);
    return status == SL_OK && count > SST_ROWS_MAX ? sl_fail(e, SL_LIMIT, "more than %d packages", SST_ROWS_MAX) : status;
}

static enum sl_status store_page(struct sst *store, int64_t site_id, const struct sst_page *page, struct sl_error *e)
{
    int64_t *dps = sl_new_array(page->hosts.count + 1, sizeof *dps);
    enum sl_status status = SL_OK;
    if (page->since == 0 && page->after == 0)
        status = run_for(db_prepare(store->db, "UPDATE package SET changed = 0 WHERE site_id = ?1"), site_id, e);
    if (status == SL_OK)
        status = find_hosts(store, site_id, &page->hosts, dps, e);
    for (size_t i = 0; i < page->package_count && status == SL_OK; i++)
        status = store_package(store, site_id, page, i, dps, e);
    free(dps);
    return status == SL_OK ? check_room(store, site_id, e) : status;
}

/* Begins a change of a neighbour; on failure nothing is held. */
static enum sl_status begin(struct sst *store, const char *neighbour, int64_t *ret_site_id, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "SELECT n.site_id FROM neighbour n JOIN site s ON s.id = n.site_id "
                                              "WHERE s.code = ?1");
    db_bind_text(s, 1, neighbour);
    status = db_number(s, ret_site_id, e);
    if (status == SL_OK && *ret_site_id == 0)
        status = sl_fail(e, SL_USAGE, "site %s is no neighbour", neighbour);
    if (status != SL_OK)
        db_rollback(store->db);
    return status;
}

enum sl_status sst_learn_page(struct sst *store, const char *neighbour, const struct sst_page *page, int64_t upto,
                              bool *ret_complete, struct sl_error *e)
{
    int64_t site_id;
    bool is_complete = true;
    enum sl_status status = begin(store, neighbour, &site_id, e);
    if (status != SL_OK)
        return status;
    status = store_page(store, site_id, page, e);
    if (status == SL_OK && page->next == 0)
        status = complete(store, site_id, page, upto, &is_complete, e);
    if (status == SL_OK)
        *ret_complete = is_complete;
    if (status == SL_OK && !is_complete) {
        db_rollback(store->db);
        return SL_OK;
    }
    return sst_end_note(store, status, e);
}

enum sl_status sst_forget_packages(struct sst *store, const char *neighbour, struct sl_error *e)
{
    int64_t site_id;
    enum sl_status status = begin(store, neighbour, &site_id, e);
    if (status != SL_OK)
        return status;
    status = run_for(db_prepare(store->db, "DELETE FROM package WHERE site_id = ?1"), site_id, e);
    if (status == SL_OK)
        status = run_for(db_prepare(store->db, "UPDATE neighbour SET packages_known = 0 WHERE site_id = ?1"), site_id, e);
    return sst_end_note(store, status, e);
}

/* ---- their files -------------------------------------------------------------------------------------------------------- */

enum sl_status sst_arrivals(struct sst *store, const char *neighbour, struct sst_tasks *ret_tasks, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "SELECT s.code, n.url, p.package, o.version, o.sha256, '' FROM site t JOIN neighbour n ON n.site_id = t.id "
                   "JOIN package o ON o.site_id = t.id JOIN package p ON p.package = o.package AND p.source = t.code "
                   "JOIN site s ON s.id = p.site_id WHERE t.code = ?1 AND o.sha256 IS NOT NULL "
                   "AND (p.version <> o.version OR p.sha256 IS DISTINCT FROM o.sha256) ORDER BY o.sha256 LIMIT ?2");
    db_bind_text(s, 1, neighbour);
    db_bind_int(s, 2, SST_ROWS_MAX);
    return sst_read_tasks(s, ret_tasks, e);
}

/* Puts another version, of which nothing is here yet, in the place of what came down before; false in *ret_found: none did. */
static enum sl_status replace(struct sst *store, int64_t site_id, const struct sst_task *task, bool *ret_found,
                              struct sl_error *e)
{
    static const char *const steps[] = {
        "DELETE FROM file WHERE package_id IN (SELECT id FROM package WHERE site_id = ?1 AND package = ?2)",
        "DELETE FROM dp_content WHERE package_id IN (SELECT id FROM package WHERE site_id = ?1 AND package = ?2)",
        "DELETE FROM dp_ask WHERE package_id IN (SELECT id FROM package WHERE site_id = ?1 AND package = ?2)",
    };
    struct db_stmt *s = db_prepare(store->db, "UPDATE package SET version = ?3, sha256 = NULL WHERE site_id = ?1 "
                                              "AND package = ?2 AND source IS NOT NULL");
    db_bind_int(s, 1, site_id);
    db_bind_text(s, 2, task->package);
    db_bind_int(s, 3, task->version);
    enum sl_status status = sst_run(store, s, ret_found, e);
    for (size_t i = 0; i < SL_COUNT(steps) && status == SL_OK && *ret_found; i++) {
        s = db_prepare(store->db, steps[i]);
        db_bind_int(s, 1, site_id);
        db_bind_text(s, 2, task->package);
        status = db_run(s, e);
    }
    return status;
}

enum sl_status sst_arrive(struct sst *store, const struct sst_task *task, const struct sm_manifest *manifest,
                          struct sm_manifest *ret_before, struct sl_error *e)
{
    int64_t site_id;
    bool found = false, filled;
    struct sm_manifest before = {0};
    enum sl_status status = sst_change_begin(store, task->site, &site_id, e);
    if (status != SL_OK)
        return status;
    status = sst_manifest(store, task->site, task->package, &before, e);
    if (status == SL_OK)
        status = replace(store, site_id, task, &found, e);
    if (status == SL_OK && found)
        status = sst_set_content(store, site_id, task->package, manifest, &filled, e);
    status = sst_change_end(store, status, found, NULL, e);
    if (status == SL_OK && found)
        *ret_before = before;
    else
        sm_manifest_fini(&before);
    return status;
}

enum sl_status sst_check_arrival(struct sst *store, const char *package, const char *sha256, struct sl_error *e)
{
    char other[SM_CODE_LEN + 1];
    struct db_stmt *s = db_prepare(store->db, "SELECT s.code FROM neighbour n JOIN package o ON o.site_id = n.site_id "
                                              "JOIN site s ON s.id = n.site_id WHERE o.package = ?1 AND o.sha256 <> ?2 "
                                              "ORDER BY s.code LIMIT 1");
    db_bind_text(s, 1, package);
    db_bind_text(s, 2, sha256);
    (void)sl_text_copy(other, sizeof other, db_step(s) ? db_text(s, 0) : "");
    enum sl_status status = db_done(s, e);
    if (status != SL_OK || other[0] == '\0')
        return status;
    return sl_fail(e, SL_CONFLICT, "package %s has other content at site %s", package, other);
}
