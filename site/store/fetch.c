#include "site/store/fetch.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_words[] = {
#define STATE_WORD(name, word) word,
    SST_FETCH_TABLE(STATE_WORD)
#undef STATE_WORD
};

enum sl_status sst_end_note(struct sst *store, enum sl_status status, struct sl_error *e)
{
    if (status == SL_OK)
        status = db_run(db_prepare(store->db, "UPDATE change SET fetched = fetched + 1"), e);
    return db_end(store->db, status, e);
}

/* What was known of it is known of the content library that it had shared. */
static enum sl_status set_fetching(struct sst *store, const char *dp, struct sl_error *e)
{
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(store->db, "DELETE FROM dp_content WHERE dp_id IN (SELECT id FROM dp WHERE host = ?1 "
                                              "AND is_fetching = 0)");
    db_bind_text(s, 1, dp);
    status = db_run(s, e);
    if (status != SL_OK)
        return db_end(store->db, status, e);
    s = db_prepare(store->db, "UPDATE dp SET is_fetching = 1 WHERE host = ?1 "
                                              "AND site_id NOT IN (SELECT site_id FROM neighbour)");
    db_bind_text(s, 1, dp);
    status = db_run(s, e);
    if (status == SL_OK) {
        s = db_prepare(store->db, "UPDATE package SET changed = " SST_NUMBER " WHERE id IN (SELECT x.package_id "
                                  "FROM package_dp x JOIN dp d ON d.id = x.dp_id WHERE d.host = ?1 "
                                  "AND d.site_id NOT IN (SELECT site_id FROM neighbour))");
        db_bind_text(s, 1, dp);
        status = db_run(s, e);
    }
    return sst_end_note(store, status, e);
}

enum sl_status sst_fetch_begin(struct sst *store, const char *dp, bool *ret_known, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    bool known = strcmp(dp, SST_SHARED) == 0, begun = true;
    struct db_stmt *s = db_prepare(store->db, "SELECT is_fetching FROM dp WHERE host = ?1 "
                                              "AND site_id NOT IN (SELECT site_id FROM neighbour)");
    db_bind_text(s, 1, dp);
    while (db_step(s)) {
        known = true;
        begun = begun && db_int(s, 0) != 0;
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && !begun)
        status = set_fetching(store, dp, e);
    if (status == SL_OK)
        *ret_known = known;
    return status;
}

/* ---- what there is to do ------------------------------------------------------------------------------------------------ */

void sst_tasks_fini(struct sst_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        free(tasks->items[i].server);
        free(tasks->items[i].package);
    }
    free(tasks->items);
    *tasks = (struct sst_tasks){0};
}

static struct sst_task *new_task(struct sst_tasks *tasks)
{
    tasks->items = sl_grow(tasks->items, tasks->count, sizeof *tasks->items);
    return &tasks->items[tasks->count++];
}

enum sl_status sst_read_tasks(struct db_stmt *s, struct sst_tasks *ret_tasks, struct sl_error *e)
{
    struct sst_tasks tasks = {0};
    while (db_step(s)) {
        struct sst_task *task = new_task(&tasks);
        sl_assert(sl_text_copy(task->site, sizeof task->site, db_text(s, 0))); /* constraints of the tables, both */
        sl_assert(sl_text_copy(task->sha256, sizeof task->sha256, db_text(s, 4)));
        task->server = sl_strdup(db_text(s, 1));
        task->package = sl_strdup(db_text(s, 2));
        task->version = (uint32_t)db_int(s, 3);
        task->is_available = strcmp(db_text(s, 5), state_words[SST_AVAILABLE]) == 0;
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_tasks = tasks;
    else
        sst_tasks_fini(&tasks);
    return status;
}

/* The distribution points that the name of parameter `n` means. */
#define OF_NAME(n) "(d.host = ?" n " OR (?" n " = '" SST_SHARED "' AND d.is_fetching = 0)) "
/* Of several that share the library the word that is behind the others in the alphabet: that of the worst state. */
#define TASK_SELECT                                                                                                    \
    "SELECT s.code, s.server, p.package, p.version, p.sha256, max(coalesce(c.state, CASE WHEN ?1 = '" SST_SHARED "' "  \
    "AND p.source IS NULL THEN 'available' ELSE 'fetching' END)) FROM dp d "                                           \
    "JOIN package_dp x ON x.dp_id = d.id JOIN package p ON p.id = x.package_id JOIN site s ON s.id = d.site_id "       \
    "LEFT JOIN dp_content c ON c.package_id = p.id AND c.dp_id = d.id "
#define TASK_WHERE                                                                                                     \
    "WHERE " OF_NAME("1") "AND p.sha256 IS NOT NULL AND d.site_id NOT IN (SELECT site_id FROM neighbour) "             \
    "GROUP BY s.id, p.id ORDER BY p.sha256 LIMIT ?2"

enum sl_status sst_fetch_tasks(struct sst *store, const char *dp, struct sst_tasks *ret_tasks, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, TASK_SELECT TASK_WHERE);
    db_bind_text(s, 1, dp);
    db_bind_int(s, 2, SST_ROWS_MAX);
    return sst_read_tasks(s, ret_tasks, e);
}

enum sl_status sst_asked_tasks(struct sst *store, const char *dp, struct sst_tasks *ret_tasks, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, TASK_SELECT "JOIN dp_ask a ON a.dp_id = d.id AND a.package_id = p.id " TASK_WHERE);
    db_bind_text(s, 1, dp);
    db_bind_int(s, 2, SST_ROWS_MAX);
    return sst_read_tasks(s, ret_tasks, e);
}

enum sl_status sst_sharing_tasks(struct sst *store, const char *dp, const char *sha256, struct sst_tasks *ret_tasks,
                                 struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, TASK_SELECT "JOIN (SELECT DISTINCT package_id FROM file WHERE sha256 = ?3) f "
                                              "ON f.package_id = p.id " TASK_WHERE);
    db_bind_text(s, 1, dp);
    db_bind_int(s, 2, SST_ROWS_MAX);
    db_bind_text(s, 3, sha256);
    return sst_read_tasks(s, ret_tasks, e);
}

enum sl_status sst_fetch_sources(struct sst *store, const char *dp, const struct sst_task *task, size_t max,
                                    struct sl_strings *ret_urls, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "SELECT url FROM (SELECT d.url, 1 - d.is_fetching AS rank, d.host FROM site s "
                   "JOIN package p ON p.site_id = s.id JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
                   "LEFT JOIN dp_content c ON c.package_id = p.id AND c.dp_id = d.id "
                   "WHERE s.code = ?1 AND p.package = ?2 AND p.sha256 = ?3 AND d.host <> ?4 "
                   "AND ((d.is_fetching = 0 AND ?4 <> '" SST_SHARED "') OR (d.is_fetching = 1 AND c.state = 'available')) "
                   "UNION ALL SELECT n.url, 2, '' FROM neighbour n JOIN package p ON p.site_id = n.site_id "
                   "WHERE p.package = ?2 AND p.sha256 = ?3 "
                   "UNION ALL SELECT d.url, 3, d.host FROM neighbour n JOIN package p ON p.site_id = n.site_id "
                   "JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
                   "WHERE p.package = ?2 AND p.sha256 = ?3) u ORDER BY rank, host LIMIT ?5");
    db_bind_text(s, 1, task->site);
    db_bind_text(s, 2, task->package);
    db_bind_text(s, 3, task->sha256);
    db_bind_text(s, 4, dp);
    db_bind_int(s, 5, (int64_t)max);
    return db_texts(s, ret_urls, e);
}

/* ---- how far it has come ------------------------------------------------------------------------------------------------ */

/* What picks out the row of a task: the first four parameters of a statement. */
static void bind_task(struct db_stmt *s, const char *dp, const struct sst_task *task)
{
    const char *const texts[] = {task->site, task->package, task->sha256, dp};
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, (int)i + 1, texts[i]);
}

#define TASK_FROM                                                                                                      \
    "FROM site s JOIN package p ON p.site_id = s.id JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id " \
    "WHERE s.code = ?1 AND p.package = ?2 AND p.sha256 = ?3 AND " OF_NAME("4")
#define TASK_IS "WHERE (package_id, dp_id) IN (SELECT p.id, d.id " TASK_FROM ")"

enum sl_status sst_fetch_note(struct sst *store, const char *dp, const struct sst_task *task, const struct sst_note *note,
                              struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(
        store->db, "INSERT INTO dp_content (package_id, dp_id, state, message, changed_s, octets, size, verified_s) "
                   "SELECT p.id, d.id, ?5, ?6, ?7, ?8, ?9, CASE WHEN ?5 = 'available' THEN ?7 ELSE 0 END " TASK_FROM
                   "ON CONFLICT (package_id, dp_id) DO UPDATE SET state = excluded.state, message = excluded.message, "
                   "changed_s = excluded.changed_s, octets = excluded.octets, size = excluded.size, verified_s = "
                   "CASE WHEN dp_content.verified_s = 0 THEN excluded.verified_s ELSE dp_content.verified_s END");
    bind_task(s, dp, task);
    db_bind_text(s, 5, state_words[note->state]);
    db_bind_text(s, 6, note->message);
    db_bind_int(s, 7, note->now_s);
    db_bind_int(s, 8, (int64_t)note->octets);
    db_bind_int(s, 9, (int64_t)note->size);
    status = db_run(s, e);
    if (status == SL_OK) {
        s = db_prepare(store->db, "UPDATE package SET changed = " SST_NUMBER " WHERE package = ?2 AND sha256 = ?3 "
                                  "AND site_id = (SELECT id FROM site WHERE code = ?1)");
        db_bind_text(s, 1, task->site);
        db_bind_text(s, 2, task->package);
        db_bind_text(s, 3, task->sha256);
        status = db_run(s, e);
    }
    return sst_end_note(store, status, e);
}

enum sl_status sst_fetch_progress(struct sst *store, const char *dp, const struct sst_task *task, uint64_t octets,
                                  struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "UPDATE dp_content SET octets = ?5 " TASK_IS);
    bind_task(s, dp, task);
    db_bind_int(s, 5, (int64_t)octets);
    return db_run(s, e);
}

/* ---- verifying ------------------------------------------------------------------------------------------------------------ */

/* ?1 the site, ?2 the package, ?3 that all are meant: `package` is NULL. */
static void bind_packages(struct db_stmt *s, const char *site, const char *package)
{
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, package != NULL ? package : "");
    db_bind_int(s, 3, package == NULL);
}

enum sl_status sst_ask(struct sst *store, const char *site, const char *package, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(
        store->db, "INSERT INTO dp_ask (dp_id, package_id) SELECT d.id, p.id FROM site s JOIN package p ON p.site_id = s.id "
                   "JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
                   "WHERE s.code = ?1 AND (p.package = ?2 OR ?3 = 1) AND p.sha256 IS NOT NULL AND d.is_fetching = 1 "
                   "ON CONFLICT DO NOTHING");
    bind_packages(s, site, package);
    return db_run(s, e);
}

enum sl_status sst_is_asked(struct sst *store, const char *dp, bool *ret_asked, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "SELECT 1 FROM dp d JOIN dp_ask a ON a.dp_id = d.id WHERE d.host = ?1 LIMIT 1");
    db_bind_text(s, 1, dp);
    bool asked = db_step(s);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_asked = asked;
    return status;
}

enum sl_status sst_give_sign(struct sst *store, const char *dp, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct db_stmt *s = db_prepare(store->db, "UPDATE dp SET signs = signs + 1 WHERE host = ?1");
    db_bind_text(s, 1, dp);
    return db_run(s, e);
}

static enum sl_status set_finding(struct sst *store, const char *dp, const struct sst_task *task,
                                  const struct sst_finding *finding, int64_t now_s, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(
        store->db, "UPDATE dp_content SET verified_s = CASE WHEN ?9 = 1 THEN ?5 ELSE verified_s END, damaged = ?6, missing = ?7, "
                   "finding = ?8 " TASK_IS);
    bind_task(s, dp, task);
    db_bind_int(s, 5, now_s);
    db_bind_int(s, 6, finding != NULL ? (int64_t)finding->damaged : 0);
    db_bind_int(s, 7, finding != NULL ? (int64_t)finding->missing : 0);
    db_bind_text(s, 8, finding != NULL ? finding->text : "");
    db_bind_int(s, 9, finding != NULL);
    return db_run(s, e);
}

enum sl_status sst_verified(struct sst *store, const char *dp, const struct sst_task *task, const struct sst_finding *finding,
                            int64_t now_s, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    enum sl_status status = db_begin(store->db, e);
    if (status != SL_OK)
        return status;
    status = set_finding(store, dp, task, finding, now_s, e);
    if (status == SL_OK) {
        struct db_stmt *s = db_prepare(store->db, "DELETE FROM dp_ask " TASK_IS);
        bind_task(s, dp, task);
        status = db_run(s, e);
    }
    return db_end(store->db, status, e);
}

enum sl_status sst_waiting(struct sst *store, const char *site, const char *package, struct sst_waiting **ret_list,
                           size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_waiting *list = NULL;
    size_t count = 0;
    struct db_stmt *s = db_prepare(
        store->db, "SELECT DISTINCT d.host, d.signs FROM site s JOIN package p ON p.site_id = s.id "
                   "JOIN dp_ask a ON a.package_id = p.id JOIN dp d ON d.id = a.dp_id "
                   "WHERE s.code = ?1 AND (p.package = ?2 OR ?3 = 1) ORDER BY d.host");
    bind_packages(s, site, package);
    while (db_step(s)) {
        struct sst_waiting *one = sst_grow(&list, &count, sizeof *list);
        if (one == NULL)
            break; /* more than a site can have */
        *one = (struct sst_waiting){.dp = sl_strdup(db_text(s, 0)), .signs = db_int(s, 1)};
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        *ret_list = list;
        *ret_count = count;
        return SL_OK;
    }
    for (size_t i = 0; i < count; i++)
        free(list[i].dp);
    free(list);
    return status;
}

/* ---- how it is ------------------------------------------------------------------------------------------------------------ */

void sst_holding_fini(struct sst_holding *holding)
{
    free(holding->package);
    free(holding->dp);
    free(holding->message);
    free(holding->finding);
}

static const char shared[] = "shared";

bool sst_is_wanting(const struct sst_holding *holding)
{
    return holding->state != shared && holding->state != state_words[SST_AVAILABLE];
}

/* The word of a row, as a literal. */
static const char *word_of(const char *state, bool is_waiting, bool is_shared)
{
    for (size_t i = 0; i < SL_COUNT(state_words) && !is_waiting; i++)
        if (strcmp(state, state_words[i]) == 0)
            return is_shared && i == SST_AVAILABLE ? shared : state_words[i];
    return is_waiting ? "waiting" : shared;
}

/* What has come down waits until it is known which files it has, and then for these. */
#define IS_WAITING                                                                                                     \
    "((c.state IS NULL AND p.sha256 IS NOT NULL AND (d.is_fetching = 1 OR p.source IS NOT NULL)) OR "                  \
    "(p.source IS NOT NULL AND EXISTS (SELECT 1 FROM neighbour n JOIN package o ON o.site_id = n.site_id "             \
    "WHERE o.package = p.package AND o.sha256 IS NOT NULL AND o.sha256 IS DISTINCT FROM p.sha256)))"

static struct sst_holding read_holding(struct db_stmt *s)
{
    return (struct sst_holding){.package = sl_strdup(db_text(s, 0)),
                                .version = (uint32_t)db_int(s, 1),
                                .dp = sl_strdup(db_text(s, 2)),
                                .state = word_of(db_text(s, 3), db_int(s, 4) != 0, db_int(s, 14) != 0),
                                .is_shared = db_int(s, 14) != 0,
                                .message = sl_strdup(db_text(s, 5)),
                                .changed_s = db_int(s, 6),
                                .octets = (uint64_t)db_int(s, 7),
                                .size = (uint64_t)db_int(s, 8),
                                .verified_s = db_int(s, 9),
                                .damaged = (size_t)db_int(s, 10),
                                .missing = (size_t)db_int(s, 11),
                                .finding = sl_strdup(db_text(s, 12)),
                                .is_asked = !db_is_null(s, 13)};
}

enum sl_status sst_holdings(struct sst *store, const char *site, enum sst_which which, const char *package, size_t max,
                            struct sst_holding **ret_list, size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sst_holding *list = NULL;
    size_t count = 0;
    struct db_stmt *s = db_prepare(
        store->db, "SELECT p.package, p.version, d.host, c.state, CASE WHEN " IS_WAITING " THEN 1 ELSE 0 END, "
                   "c.message, c.changed_s, c.octets, c.size, c.verified_s, c.damaged, c.missing, c.finding, a.dp_id, "
                   "1 - d.is_fetching FROM site s "
                   "JOIN package p ON p.site_id = s.id JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
                   "LEFT JOIN dp_content c ON c.package_id = p.id AND c.dp_id = d.id "
                   "LEFT JOIN dp_ask a ON a.package_id = p.id AND a.dp_id = d.id WHERE s.code = ?1 AND "
                   "((?3 = 0 AND p.package = ?2) OR (?3 = 1 AND (c.state <> 'available' OR " IS_WAITING ")) "
                   "OR (?3 = 2 AND p.sha256 IS NOT NULL)) "
                   "ORDER BY p.package, d.host LIMIT ?4");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, package != NULL ? package : "");
    db_bind_int(s, 3, which);
    db_bind_int(s, 4, (int64_t)max);
    while (db_step(s)) {
        struct sst_holding *one = sst_grow(&list, &count, sizeof *list);
        if (one == NULL)
            break; /* max is no larger than that */
        *one = read_holding(s);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        *ret_list = list;
        *ret_count = count;
        return SL_OK;
    }
    for (size_t i = 0; i < count; i++)
        sst_holding_fini(&list[i]);
    free(list);
    return status;
}
