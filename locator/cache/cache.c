#include "locator/cache/cache.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/cache/private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_MAGIC 0x10cac4e1u
#define APPLICATION_ID 0x4c6f6343u /* "LocC" */

struct cache {
    uint32_t magic;
    atomic_uint refs;
    pthread_mutex_t lock;
    char *path;
    struct db *db;     /* NULL while not open */
    struct stat file;  /* of the open database */
    struct cache_shot shot; /* under a lock of its own: who looks at it may need the database */
    pthread_mutex_t shot_lock;
    char notice[SL_ERROR_TEXT_MAX];
};

static const char *const migrations[] = {
    "CREATE TABLE answer (question TEXT NOT NULL, source TEXT NOT NULL, asked TEXT NOT NULL, result TEXT NOT NULL,"
    " server TEXT NOT NULL, owner TEXT NOT NULL, trust TEXT NOT NULL,"
    " ttl_s INTEGER NOT NULL, age_s INTEGER NOT NULL, kept_s INTEGER NOT NULL,"
    " body BLOB NOT NULL, PRIMARY KEY (question, source)) STRICT;"
    "CREATE INDEX answer_kept ON answer (kept_s);"
    "CREATE TABLE mirror (id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, container TEXT NOT NULL, server TEXT NOT NULL,"
    " trust TEXT NOT NULL, cookie BLOB, current_s INTEGER NOT NULL, stale_since_s INTEGER NOT NULL, why TEXT NOT NULL) STRICT;"
    "CREATE TABLE entry (mirror INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE, uuid BLOB NOT NULL, dn TEXT NOT NULL,"
    " body BLOB NOT NULL, round INTEGER NOT NULL, PRIMARY KEY (mirror, uuid)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;"
    "INSERT INTO state VALUES (1, 0);",
    "ALTER TABLE mirror DROP COLUMN cookie;",
    "CREATE TABLE suspect (id TEXT PRIMARY KEY, until_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

static const struct db_schema schema = {APPLICATION_ID, migrations, SL_COUNT(migrations)};

/* ---- the file --------------------------------------------------------------------------------------------------------- */

bool cache_default_path(char out[CACHE_PATH_MAX])
{
    static const char file[] = "sitelocator/cache.db";
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len;
    if (geteuid() == 0)
        len = snprintf(out, CACHE_PATH_MAX, "/var/cache/%s", file);
    else if (base && base[0] == '/')
        len = snprintf(out, CACHE_PATH_MAX, "%s/%s", base, file);
    else if (home && home[0] == '/')
        len = snprintf(out, CACHE_PATH_MAX, "%s/.cache/%s", home, file);
    else
        return false;
    return len > 0 && len < CACHE_PATH_MAX;
}

struct cache *cache_new(const char *path)
{
    struct cache *c = sl_new(sizeof *c);
    c->magic = CACHE_MAGIC;
    atomic_init(&c->refs, 1);
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_mutex_init(&c->shot_lock, NULL);
    c->path = sl_strdup(path);
    return c;
}

struct cache *cache_ref(struct cache *c)
{
    SL_CHECK_MAGIC(c, CACHE_MAGIC);
    (void)atomic_fetch_add(&c->refs, 1);
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    SL_CHECK_MAGIC(c, CACHE_MAGIC);
    if (atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    cache_shot_drop(c->shot.last);
    db_close(c->db);
    (void)pthread_mutex_destroy(&c->shot_lock);
    (void)pthread_mutex_destroy(&c->lock);
    free(c->path);
    c->magic = 0;
    free(c);
}

const char *cache_path(const struct cache *c)
{
    return c->path;
}

bool cache_notice(struct cache *c, char out[SL_ERROR_TEXT_MAX])
{
    SL_CHECK_MAGIC(c, CACHE_MAGIC);
    (void)pthread_mutex_lock(&c->lock);
    bool is_there = c->notice[0] != '\0';
    (void)sl_text_copy(out, SL_ERROR_TEXT_MAX, c->notice);
    c->notice[0] = '\0';
    (void)pthread_mutex_unlock(&c->lock);
    return is_there;
}

/* The folders above the file, for this user alone; one that cannot be made is told by opening the file. */
static void make_folders(const char *path)
{
    char folder[CACHE_PATH_MAX];
    if (!sl_text_copy(folder, sizeof folder, path))
        return;
    for (char *at = strchr(folder + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(folder, S_IRWXU);
        *at = '/';
    }
}

/* The file is there from the start, so that nobody else can read or write it. */
static enum sl_status make_file(struct cache *c, struct sl_error *e)
{
    int fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0 && errno == ENOENT) {
        make_folders(c->path);
        fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    }
    if (fd < 0)
        return sl_fail(e, errno == EACCES || errno == EPERM ? SL_DENIED : SL_IO, "%s: %s", c->path, strerror(errno));
    bool fine = fstat(fd, &c->file) == 0;
    (void)close(fd);
    if (!fine || !S_ISREG(c->file.st_mode))
        return sl_fail(e, SL_USAGE, "%s: not a regular file", c->path);
    if ((c->file.st_uid != geteuid() && c->file.st_uid != 0) || c->file.st_mode & (S_IWGRP | S_IWOTH))
        return sl_fail(e, SL_DENIED, "%s: others may write it, so nothing in it can be believed", c->path);
    return SL_OK;
}

static enum sl_status open_file(struct cache *c, struct sl_error *e)
{
    if (c->db)
        return SL_OK;
    enum sl_status s = make_file(c, e);
    if (s == SL_OK)
        s = db_open(c->path, DB_CREATE, &schema, &c->db, e);
    if (s != SL_OK)
        return s;
    _Static_assert(CACHE_WAIT_MS == 250, "the statement below says the same");
    return db_exec(c->db, "PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 250", e);
}

enum { HEADER_SIZE = 100, HEADER_APPLICATION = 68 };

/* True when the file is a database of another program, by its header. */
static bool is_foreign(const char *path)
{
    static const uint8_t ours[] = {APPLICATION_ID >> 24, APPLICATION_ID >> 16 & 0xff, APPLICATION_ID >> 8 & 0xff,
                                   APPLICATION_ID & 0xff};
    uint8_t header[HEADER_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? read(fd, header, sizeof header) : -1;
    if (fd >= 0)
        (void)close(fd);
    return len == HEADER_SIZE && !memcmp(header, "SQLite format 3", 16) &&
           memcmp(header + HEADER_APPLICATION, ours, sizeof ours) != 0;
}

static bool ends_in_db(const char *path)
{
    size_t len = strlen(path);
    return len > 3 && !strcmp(path + len - 3, ".db");
}

/* Renames the damaged file, unless another process has done so meanwhile; false when it is not ours to be moved. */
static bool set_aside(struct cache *c, const struct sl_error *why)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char from[CACHE_PATH_MAX + 16], to[CACHE_PATH_MAX + 32];
    struct stat now;
    db_close(c->db);
    c->db = NULL;
    if (stat(c->path, &now) != 0 || now.st_ino != c->file.st_ino || now.st_dev != c->file.st_dev)
        return true;
    if (c->file.st_uid != geteuid() || !ends_in_db(c->path) || is_foreign(c->path))
        return false;
    for (size_t i = 0; i < SL_COUNT(parts); i++) {
        (void)snprintf(from, sizeof from, "%s%s", c->path, parts[i]);
        (void)snprintf(to, sizeof to, "%s.damaged%s", c->path, parts[i]);
        if (rename(from, to) != 0 && i == 0)
            return false;
    }
    (void)snprintf(c->notice, sizeof c->notice, "the cache was damaged and is begun anew; the old one is %s.damaged: %.200s",
                   c->path, sl_error_text(why));
    return true;
}

enum sl_status cache_do(struct cache *c, cache_work *work, void *ctx, struct sl_error *e)
{
    SL_CHECK_MAGIC(c, CACHE_MAGIC);
    struct sl_error why = {.status = SL_OK};
    (void)pthread_mutex_lock(&c->lock);
    enum sl_status s = open_file(c, &why);
    if (s == SL_OK)
        s = work(c->db, ctx, &why);
    if (s == SL_CORRUPT && set_aside(c, &why)) {
        why = (struct sl_error){.status = SL_OK};
        s = open_file(c, &why);
        if (s == SL_OK)
            s = work(c->db, ctx, &why);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return s == SL_OK ? s : sl_fail(e, s, "cache: %s", sl_error_text(&why));
}

struct cache_shot *cache_shot_lock(struct cache *c)
{
    SL_CHECK_MAGIC(c, CACHE_MAGIC);
    (void)pthread_mutex_lock(&c->shot_lock);
    return &c->shot;
}

void cache_shot_unlock(struct cache *c)
{
    (void)pthread_mutex_unlock(&c->shot_lock);
}

struct change {
    cache_work *work;
    void *ctx;
};

static enum sl_status do_change(struct db *db, void *ctx, struct sl_error *e)
{
    const struct change *change = ctx;
    enum sl_status s = db_begin(db, e);
    if (s != SL_OK)
        return s;
    return db_end(db, change->work(db, change->ctx, e), e);
}

enum sl_status cache_change(struct cache *c, cache_work *work, void *ctx, struct sl_error *e)
{
    return cache_do(c, do_change, &(struct change){work, ctx}, e);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

#define ANSWER_COLUMNS "question, source, asked, result, server, owner, trust, ttl_s, age_s, kept_s"

static void read_answer(struct db_stmt *s, struct cache_answer *a)
{
    *a = (struct cache_answer){
        .question = db_text(s, 0), .source = db_text(s, 1), .asked = db_text(s, 2), .result = db_text(s, 3),
        .server = db_text(s, 4), .owner = db_text(s, 5), .trust = db_text(s, 6), .ttl_s = db_int(s, 7), .age_s = db_int(s, 8),
        .kept_s = db_int(s, 9)};
}

struct wanted {
    const char *question, *source;
    cache_taker *take;
    void *ctx;
};

static enum sl_status do_find(struct db *db, void *ctx, struct sl_error *e)
{
    const struct wanted *w = ctx;
    struct db_stmt *s = db_prepare(db, "SELECT " ANSWER_COLUMNS ", body FROM answer WHERE question = ?1 AND source = ?2");
    struct cache_answer a;
    db_bind_text(s, 1, w->question);
    db_bind_text(s, 2, w->source);
    if (db_step(s)) {
        read_answer(s, &a);
        a.body = db_blob(s, 10, &a.body_len);
        w->take(w->ctx, &a);
    }
    return db_done(s, e);
}

enum sl_status cache_find(struct cache *c, const char *question, const char *source, cache_taker *take, void *ctx,
                          struct sl_error *e)
{
    return cache_do(c, do_find, &(struct wanted){question, source, take, ctx}, e);
}

struct kept {
    const struct cache_answer *answers;
    size_t count;
};

static enum sl_status keep_one(struct db *db, const struct cache_answer *a, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "INSERT OR REPLACE INTO answer (" ANSWER_COLUMNS ", body)"
                                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    const char *const texts[] = {a->question, a->source, a->asked, a->result, a->server, a->owner, a->trust};
    const int64_t numbers[] = {a->ttl_s, a->age_s, a->kept_s};
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        db_bind_text(s, (int)i + 1, texts[i]);
    for (size_t i = 0; i < SL_COUNT(numbers); i++)
        db_bind_int(s, (int)(SL_COUNT(texts) + i) + 1, numbers[i]);
    db_bind_blob(s, 11, a->body, a->body_len);
    return db_run(s, e);
}

static enum sl_status do_keep(struct db *db, void *ctx, struct sl_error *e)
{
    const struct kept *k = ctx;
    enum sl_status s = SL_OK;
    for (size_t i = 0; i < k->count && s == SL_OK; i++)
        s = keep_one(db, &k->answers[i], e);
    if (s != SL_OK)
        return s;
    struct db_stmt *drop = db_prepare(db, "DELETE FROM answer WHERE rowid IN (SELECT rowid FROM answer ORDER BY kept_s DESC"
                                          " LIMIT -1 OFFSET ?1)");
    db_bind_int(drop, 1, CACHE_ANSWERS_MAX);
    return db_run(drop, e);
}

enum sl_status cache_keep(struct cache *c, const struct cache_answer *answers, size_t count, struct sl_error *e)
{
    return count ? cache_change(c, do_keep, &(struct kept){answers, count}, e) : SL_OK;
}

static enum sl_status do_list(struct db *db, void *ctx, struct sl_error *e)
{
    const struct wanted *w = ctx;
    struct db_stmt *s = db_prepare(db, "SELECT " ANSWER_COLUMNS " FROM answer ORDER BY kept_s DESC, question, source");
    struct cache_answer a;
    while (db_step(s)) {
        read_answer(s, &a);
        w->take(w->ctx, &a);
    }
    return db_done(s, e);
}

enum sl_status cache_list(struct cache *c, cache_taker *take, void *ctx, struct sl_error *e)
{
    return cache_do(c, do_list, &(struct wanted){.take = take, .ctx = ctx}, e);
}

bool cache_is_expired(const struct cache_answer *answer, const struct cache_limit *limit)
{
    int64_t passed_s = limit->now_s - answer->kept_s;
    return (answer->ttl_s >= 0 && passed_s > answer->ttl_s) || (limit->max_age_s >= 0 && passed_s > limit->max_age_s);
}

struct flush {
    const struct cache_limit *limit;
    size_t count;
};

static enum sl_status do_flush(struct db *db, void *ctx, struct sl_error *e)
{
    struct flush *f = ctx;
    enum sl_status s = SL_OK;
    if (!f->limit)
        s = db_run(db_prepare(db, "DELETE FROM mirror"), e);
    struct db_stmt *drop = db_prepare(db, "DELETE FROM answer WHERE ?1 OR (ttl_s >= 0 AND ?2 - kept_s > ttl_s)"
                                          " OR (?3 >= 0 AND ?2 - kept_s > ?3)");
    db_bind_int(drop, 1, !f->limit);
    db_bind_int(drop, 2, f->limit ? f->limit->now_s : 0);
    db_bind_int(drop, 3, f->limit ? f->limit->max_age_s : -1);
    enum sl_status dropped = db_run(drop, s == SL_OK ? e : NULL);
    f->count = (size_t)db_changes(db);
    return s == SL_OK ? dropped : s;
}

enum sl_status cache_flush(struct cache *c, const struct cache_limit *limit, size_t *ret_count, struct sl_error *e)
{
    struct flush f = {.limit = limit};
    enum sl_status s = cache_change(c, do_flush, &f, e);
    if (s == SL_OK)
        *ret_count = f.count;
    return s;
}
