#include "site/report/outbox.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/option.h"
#include "common/db/db.h"

#include <pthread.h>
#include <stdlib.h>

#define OBX_MAGIC 0x51735705u

/* The places are never used twice: what was forgotten must not be taken for what came later. */
static const char *const migrations[] = {
    "CREATE TABLE report ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  site TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  client TEXT NOT NULL,"
    "  message TEXT NOT NULL,"
    "  received_s INTEGER NOT NULL,"
    "  key TEXT,"
    "  body BLOB NOT NULL) STRICT;"
    "CREATE TABLE total (id INTEGER PRIMARY KEY CHECK (id = 1), reports INTEGER NOT NULL, octets INTEGER NOT NULL) STRICT;"
    "INSERT INTO total VALUES (1, 0, 0);"
    "CREATE INDEX report_by_site ON report (site, seq);"
    "CREATE INDEX registration ON report (client) WHERE kind = 'registration';",
};

/* "SLob" */
static const struct db_schema schema = {
    .application_id = 0x534c6f62u, .migrations = migrations, .migration_count = SL_COUNT(migrations)};

/* A report whose thread waits until it is on disk. */
struct put {
    const char *site;
    const struct sm_report *report;
    struct put *next;
    bool is_done;
    enum sl_status status;
    struct sl_error e;
};

struct obx {
    uint32_t magic;
    pthread_mutex_t queue_mutex; /* guards the four below */
    pthread_cond_t committed;
    struct put *first, **end;
    bool is_committing; /* a thread writes the reports of all that wait */
    pthread_mutex_t db_mutex; /* guards the three below; never held together with queue_mutex */
    struct obx_limits limits;
    struct db *db;
    struct obx_stats stats;
};

/* What waits, in *ret_stats; another process on the file may have changed it. */
static enum sl_status read_total(struct obx *o, struct obx_stats *ret_stats, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(o->db, "SELECT reports, octets FROM total");
    bool found = db_step(s);
    int64_t reports = found ? db_int(s, 0) : 0, octets = found ? db_int(s, 1) : 0;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        ret_stats->waiting = reports;
        ret_stats->octets = octets;
    }
    return status;
}

static enum sl_status add_total(struct obx *o, int64_t reports, int64_t octets, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(o->db, "UPDATE total SET reports = reports + ?1, octets = octets + ?2");
    db_bind_int(s, 1, reports);
    db_bind_int(s, 2, octets);
    return db_run(s, e);
}

enum sl_status obx_open(const char *path, const struct obx_limits *limits, struct obx **ret_outbox, struct sl_error *e)
{
    struct obx *o = sl_new(sizeof *o);
    *o = (struct obx){.magic = OBX_MAGIC, .limits = *limits, .end = &o->first};
    pthread_mutex_init(&o->queue_mutex, NULL);
    pthread_mutex_init(&o->db_mutex, NULL);
    pthread_cond_init(&o->committed, NULL);
    enum sl_status status = db_open(path, DB_CREATE, &schema, &o->db, e);
    if (status == SL_OK)
        *ret_outbox = o;
    else
        obx_close(o);
    return status;
}

void obx_set_limits(struct obx *o, const struct obx_limits *limits)
{
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    pthread_mutex_lock(&o->db_mutex);
    o->limits = *limits;
    pthread_mutex_unlock(&o->db_mutex);
}

void obx_close(struct obx *o)
{
    if (o == NULL)
        return;
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    sl_assert(o->first == NULL);
    db_close(o->db);
    pthread_cond_destroy(&o->committed);
    pthread_mutex_destroy(&o->db_mutex);
    pthread_mutex_destroy(&o->queue_mutex);
    o->magic = 0;
    free(o);
}

/* ---- putting: whoever finds nobody writing writes for all that wait ----------------------------------------------------- */

static enum sl_status insert(struct obx *o, const struct put *p, struct sl_error *e)
{
    const struct sm_report *r = p->report;
    struct db_stmt *s = db_prepare(o->db, "INSERT INTO report (site, kind, client, message, received_s, key, body) "
                                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    db_bind_text(s, 1, p->site);
    db_bind_text(s, 2, sm_report_word(r->kind));
    db_bind_text(s, 3, r->client);
    db_bind_text(s, 4, r->message);
    db_bind_int(s, 5, r->received_s);
    db_bind_text(s, 6, r->key);
    db_bind_blob(s, 7, r->body_len > 0 ? r->body : "", r->body_len);
    return db_run(s, e);
}

/* Inserts those for which there is room and refuses the others, within a transaction; counts both in *sum. */
static enum sl_status insert_all(struct obx *o, struct put *list, struct obx_stats *sum, struct sl_error *e)
{
    struct obx_stats before;
    enum sl_status status = read_total(o, sum, e);
    before = *sum;
    for (struct put *p = list; p != NULL && status == SL_OK; p = p->next) {
        int64_t octets = (int64_t)p->report->body_len;
        if (sum->waiting >= o->limits.reports || octets > o->limits.octets - sum->octets) {
            p->status = sl_fail(&p->e, SL_LIMIT, "the queue to the site server is full");
            sum->refused++;
            continue;
        }
        sum->waiting++;
        sum->octets += octets;
        sum->accepted++;
        status = insert(o, p, e);
    }
    return status == SL_OK ? add_total(o, sum->waiting - before.waiting, sum->octets - before.octets, e) : status;
}

static void commit_all(struct obx *o, struct put *list)
{
    struct sl_error e = {0};
    pthread_mutex_lock(&o->db_mutex);
    struct obx_stats sum = o->stats;
    enum sl_status status = db_begin(o->db, &e);
    if (status == SL_OK)
        status = insert_all(o, list, &sum, &e);
    status = db_end(o->db, status, &e);
    if (status == SL_OK)
        o->stats = sum;
    pthread_mutex_unlock(&o->db_mutex);
    for (struct put *p = list; p != NULL; p = p->next)
        if (p->status == SL_OK && status != SL_OK) {
            p->status = status;
            p->e = e;
        }
}

/* Takes the whole list and writes it; the mutex is held before and after, not meanwhile. */
static void lead(struct obx *o)
{
    struct put *list = o->first;
    o->first = NULL;
    o->end = &o->first;
    o->is_committing = true;
    pthread_mutex_unlock(&o->queue_mutex);
    commit_all(o, list);
    pthread_mutex_lock(&o->queue_mutex);
    o->is_committing = false;
    for (struct put *p = list; p != NULL; p = p->next)
        p->is_done = true;
    pthread_cond_broadcast(&o->committed);
}

enum sl_status obx_put(struct obx *o, const char *site, const struct sm_report *report, struct sl_error *e)
{
    struct put mine = {.site = site, .report = report};
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    pthread_mutex_lock(&o->queue_mutex);
    *o->end = &mine;
    o->end = &mine.next;
    while (!mine.is_done) {
        if (o->is_committing)
            pthread_cond_wait(&o->committed, &o->queue_mutex);
        else
            lead(o);
    }
    pthread_mutex_unlock(&o->queue_mutex);
    if (mine.status != SL_OK && e != NULL)
        *e = mine.e;
    return mine.status;
}

/* ---- taking out --------------------------------------------------------------------------------------------------------- */

enum sl_status obx_find_registration(struct obx *o, const char *site, const char *client, bool *ret_found, char **ret_key,
                                     struct sl_error *e)
{
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    char *key = NULL;
    pthread_mutex_lock(&o->db_mutex);
    struct db_stmt *s = db_prepare(o->db, "SELECT key FROM report WHERE kind = 'registration' AND client = ?2 AND site = ?1 "
                                          "ORDER BY seq LIMIT 1");
    db_bind_text(s, 1, site);
    db_bind_text(s, 2, client);
    bool found = db_step(s);
    if (found && !db_is_null(s, 0))
        key = sl_strdup(db_text(s, 0));
    enum sl_status status = db_done(s, e);
    pthread_mutex_unlock(&o->db_mutex);
    if (status != SL_OK) {
        free(key);
        return status;
    }
    *ret_found = found;
    *ret_key = key;
    return SL_OK;
}

enum sl_status obx_sites(struct obx *o, struct sl_strings *ret_codes, struct sl_error *e)
{
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    pthread_mutex_lock(&o->db_mutex);
    /* Steps from site to site through the index, however many reports wait. */
    struct db_stmt *s = db_prepare(o->db, "WITH RECURSIVE next (site) AS (SELECT min(site) FROM report UNION ALL "
                                          "SELECT (SELECT min(r.site) FROM report r WHERE r.site > next.site) FROM next "
                                          "WHERE next.site IS NOT NULL) SELECT site FROM next WHERE site IS NOT NULL");
    enum sl_status status = db_texts(s, ret_codes, e);
    pthread_mutex_unlock(&o->db_mutex);
    return status;
}

/* The report in the row of `s`; key and body live until the next step. */
static void read_row(struct db_stmt *s, struct sm_report *r)
{
    r->kind = sm_report_parse(db_text(s, 1));
    sl_assert(r->kind != SM_REPORT_COUNT && sm_smsid_parse(db_text(s, 2), r->client) &&
              sm_message_parse(db_text(s, 3), r->message)); /* we have written them */
    r->received_s = db_int(s, 4);
    r->key = db_is_null(s, 5) ? NULL : db_text(s, 5);
    r->body = db_blob(s, 6, &r->body_len);
}

enum sl_status obx_read(struct obx *o, const char *site, struct obx_batch *ret_batch, struct sl_error *e)
{
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    struct obx_batch b = {.text = sl_text_new(SM_BATCH_MAX)};
    bool fits = true;
    pthread_mutex_lock(&o->db_mutex);
    struct db_stmt *s = db_prepare(o->db, "SELECT seq, kind, client, message, received_s, key, body FROM report WHERE site = ?1 "
                                          "ORDER BY seq LIMIT ?2");
    db_bind_text(s, 1, site);
    db_bind_int(s, 2, SM_BATCH_REPORTS_MAX);
    while (fits && db_step(s)) {
        struct sm_report r = {0};
        if (b.count == 0)
            sm_batch_begin(&b.text, site);
        read_row(s, &r);
        fits = sm_batch_add(&b.text, &r);
        if (fits) {
            b.last = db_int(s, 0);
            b.count++;
        }
    }
    enum sl_status status = db_done(s, e);
    pthread_mutex_unlock(&o->db_mutex);
    if (status == SL_OK)
        *ret_batch = b;
    else
        obx_batch_fini(&b);
    return status;
}

/* How much of a site waits up to a place: less than was read when another process has forgotten it meanwhile. */
static enum sl_status measure(struct obx *o, const char *site, int64_t last, int64_t *ret_count, int64_t *ret_octets,
                              struct sl_error *e)
{
    struct db_stmt *s = db_prepare(o->db, "SELECT count(*), coalesce(sum(length(body)), 0) FROM report "
                                          "WHERE site = ?1 AND seq <= ?2");
    db_bind_text(s, 1, site);
    db_bind_int(s, 2, last);
    bool found = db_step(s);
    *ret_count = found ? db_int(s, 0) : 0;
    *ret_octets = found ? db_int(s, 1) : 0;
    return db_done(s, e);
}

static enum sl_status forget(struct obx *o, const char *site, int64_t last, int64_t *ret_count, struct sl_error *e)
{
    int64_t octets;
    enum sl_status status = measure(o, site, last, ret_count, &octets, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(o->db, "DELETE FROM report WHERE site = ?1 AND seq <= ?2");
    db_bind_text(s, 1, site);
    db_bind_int(s, 2, last);
    status = db_run(s, e);
    return status == SL_OK ? add_total(o, -*ret_count, -octets, e) : status;
}

enum sl_status obx_forget(struct obx *o, const char *site, const struct obx_batch *batch, struct sl_error *e)
{
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    int64_t count = 0;
    pthread_mutex_lock(&o->db_mutex);
    enum sl_status status = db_begin(o->db, e);
    if (status == SL_OK)
        status = forget(o, site, batch->last, &count, e);
    status = db_end(o->db, status, e);
    if (status == SL_OK)
        o->stats.forwarded += (uint64_t)count;
    pthread_mutex_unlock(&o->db_mutex);
    return status;
}

void obx_batch_fini(struct obx_batch *batch)
{
    sl_text_fini(&batch->text);
    *batch = (struct obx_batch){0};
}

struct obx_stats obx_stats(struct obx *o)
{
    SL_CHECK_MAGIC(o, OBX_MAGIC);
    pthread_mutex_lock(&o->db_mutex);
    struct obx_stats stats = o->stats;
    (void)read_total(o, &stats, NULL); /* the next obx_put tells what is wrong */
    struct db_stmt *s = db_prepare(o->db, "SELECT received_s FROM report ORDER BY seq LIMIT 1");
    if (db_number(s, &stats.oldest_s, NULL) != SL_OK)
        stats.oldest_s = 0;
    pthread_mutex_unlock(&o->db_mutex);
    return stats;
}
