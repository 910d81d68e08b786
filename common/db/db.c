#include "config.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/lazy.h"
#include "common/base/memory.h"
#include "common/db/private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUSY_RETRY_MS = 10,
};

/* ---- what is used of SQLite, which is loaded when the first database is opened ------------------------------------------ */

#define LITE_TABLE(X)                                                                                                  \
    X(backup_finish)                                                                                                      \
    X(backup_init)                                                                                                        \
    X(backup_step)                                                                                                        \
    X(bind_blob64)                                                                                                        \
    X(bind_int64)                                                                                                         \
    X(bind_null)                                                                                                          \
    X(bind_text)                                                                                                          \
    X(busy_handler)                                                                                                       \
    X(changes)                                                                                                            \
    X(clear_bindings)                                                                                                     \
    X(close)                                                                                                              \
    X(column_blob)                                                                                                        \
    X(column_bytes)                                                                                                       \
    X(column_int64)                                                                                                       \
    X(column_text)                                                                                                        \
    X(column_type)                                                                                                        \
    X(db_config)                                                                                                          \
    X(db_readonly)                                                                                                        \
    X(errcode)                                                                                                            \
    X(errmsg)                                                                                                             \
    X(exec)                                                                                                               \
    X(extended_result_codes)                                                                                              \
    X(finalize)                                                                                                           \
    X(free)                                                                                                               \
    X(get_autocommit)                                                                                                     \
    X(mprintf)                                                                                                            \
    X(open_v2)                                                                                                            \
    X(prepare_v2)                                                                                                         \
    X(prepare_v3)                                                                                                         \
    X(reset)                                                                                                              \
    X(sleep)                                                                                                              \
    X(step)                                                                                                               \
    X(system_errno)                                                                                                       \
    X(wal_checkpoint_v2)

struct lite {
#define LITE_MEMBER(name) __typeof__(&sqlite3_##name) name;
    LITE_TABLE(LITE_MEMBER)
#undef LITE_MEMBER
};

static const struct sl_lazy_symbol lite_symbols[] = {
#define LITE_SYMBOL(name) {"sqlite3_" #name, offsetof(struct lite, name)},
    LITE_TABLE(LITE_SYMBOL)
#undef LITE_SYMBOL
};

static struct lite lite; /* global: constant once the library is loaded */

static struct sl_lazy library = SL_LAZY(LIBSQLITE_SONAME, lite_symbols, &lite, NULL); /* global: one for the process */

/* ---- failures ----------------------------------------------------------------------------------------------------------- */

/*
 * A file that cannot be opened says why only through errno. One that cannot be made is tried again for reading, and errno is of
 * that: the folder tells.
 */
static int errno_of_cantopen(const struct db *db)
{
    int err = lite.system_errno(db->conn);
    char *path = sl_strdup(db->path);
    if (err == ENOENT && access(dirname(path), W_OK) != 0)
        err = errno;
    free(path);
    return err;
}

static bool is_denial(int err)
{
    return err == EACCES || err == EPERM || err == EROFS;
}

static enum sl_status status_of(const struct db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return SL_CONFLICT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SL_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return SL_DENIED;
    case SQLITE_CANTOPEN:
        return is_denial(errno_of_cantopen(db)) ? SL_DENIED : SL_IO;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
        return SL_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SL_TIMEOUT;
    case SQLITE_NOMEM:
        return SL_NOMEM;
    case SQLITE_TOOBIG:
        return SL_LIMIT;
    default:
        return SL_INTERNAL;
    }
}

/* What a right is missing for: a file that SQLite keeps beside the database, the folder that it makes one in, or the database. */
static void put_denied(struct sl_text *out, const char *path)
{
    static const char *const endings[] = {"-wal", "-shm"};
    for (size_t i = 0; i < SL_COUNT(endings); i++) {
        sl_text_reset(out);
        sl_text_printf(out, "%s%s", path, endings[i]);
        if (access(sl_text_str(out), F_OK) == 0 && access(sl_text_str(out), R_OK | W_OK) != 0)
            return;
    }
    char *copy = sl_strdup(path);
    const char *folder = dirname(copy);
    sl_text_reset(out);
    sl_text_puts(out, access(path, F_OK) == 0 && access(folder, W_OK) != 0 ? folder : path);
    free(copy);
}

static enum sl_status fail_rc(const struct db *db, int rc, struct sl_error *e)
{
    int err = (rc & 0xff) == SQLITE_CANTOPEN ? errno_of_cantopen(db) : 0;
    struct sl_text place = sl_text_new(PATH_MAX + sizeof "-wal");
    if (is_denial(err) || rc == SQLITE_READONLY_DIRECTORY)
        put_denied(&place, db->path);
    enum sl_status status = sl_fail(e, status_of(db, rc), "%s: %s%s%s", place.len ? sl_text_str(&place) : db->path,
                                    lite.errmsg(db->conn), err ? ": " : "", err ? strerror(err) : "");
    sl_text_fini(&place);
    return status;
}

/* ---- the engine -------------------------------------------------------------------------------------------------- */

static void note_rc(struct db_stmt *s, int rc)
{
    struct sl_error e = {0};
    if (rc != SQLITE_OK && fail_rc(s->db, rc, &e) != SL_OK)
        db_note(s, &e);
}

static void lite_prepare(struct db_stmt *s)
{
    sqlite3_stmt *stmt = NULL;
    note_rc(s, lite.prepare_v3(s->db->conn, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
    s->handle = stmt;
}

static void lite_bind(struct db_stmt *s, int index, const struct db_value *v)
{
    int rc = SQLITE_OK;
    switch (v->kind) {
    case DB_INT:
        rc = lite.bind_int64(s->handle, index, v->number);
        break;
    case DB_TEXT:
        rc = lite.bind_text(s->handle, index, v->octets, -1, SQLITE_TRANSIENT);
        break;
    case DB_BLOB:
        rc = lite.bind_blob64(s->handle, index, v->octets, v->len, SQLITE_STATIC);
        break;
    case DB_NULL:
        rc = lite.bind_null(s->handle, index);
        break;
    }
    note_rc(s, rc);
}

static bool lite_step(struct db_stmt *s)
{
    int rc = lite.step(s->handle);
    note_rc(s, rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
    return rc == SQLITE_ROW;
}

static int64_t lite_int(struct db_stmt *s, int column)
{
    return lite.column_int64(s->handle, column);
}

static const char *lite_text(struct db_stmt *s, int column)
{
    return (const char *)lite.column_text(s->handle, column);
}

static const void *lite_blob(struct db_stmt *s, int column, size_t *ret_len)
{
    const void *octets = lite.column_blob(s->handle, column);
    *ret_len = (size_t)lite.column_bytes(s->handle, column);
    return octets;
}

static bool lite_is_null(struct db_stmt *s, int column)
{
    return lite.column_type(s->handle, column) == SQLITE_NULL;
}

static void lite_reset(struct db_stmt *s)
{
    lite.reset(s->handle);
    lite.clear_bindings(s->handle);
}

static void lite_finalize(struct db_stmt *s)
{
    lite.finalize(s->handle);
}

static int64_t lite_changes(struct db *db)
{
    return lite.changes(db->conn);
}

static enum sl_status lite_exec(struct db *db, const char *sql, struct sl_error *e)
{
    int rc = lite.exec(db->conn, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SL_OK : fail_rc(db, rc, e);
}

static enum sl_status lite_begin(struct db *db, bool for_writing, struct sl_error *e)
{
    return db_run(for_writing ? db_prepare(db, "BEGIN IMMEDIATE") : db_prepare(db, "BEGIN"), e);
}

static bool lite_in_transaction(struct db *db)
{
    return !lite.get_autocommit(db->conn);
}

static bool lite_is_alive(struct db *db)
{
    return db->conn != NULL;
}

static void lite_disconnect(struct db *db)
{
    lite.close(db->conn);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Reads a number that a PRAGMA or a SELECT gives; not cached, the text may be built. */
static enum sl_status read_number(struct db *db, const char *sql, int64_t *ret_value, struct sl_error *e)
{
    sqlite3_stmt *stmt = NULL;
    int rc = lite.prepare_v2(db->conn, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = lite.step(stmt);
    enum sl_status status = SL_OK;
    if (rc == SQLITE_ROW)
        *ret_value = lite.column_int64(stmt, 0);
    else
        status = fail_rc(db, rc == SQLITE_DONE ? SQLITE_INTERNAL : rc, e);
    lite.finalize(stmt);
    return status;
}

struct identity {
    int64_t application_id;
    int64_t version;
    int64_t tables;
};

/* In one transaction: another process may be making its first migration. */
static enum sl_status read_identity(struct db *db, struct identity *ret_id, struct sl_error *e)
{
    enum sl_status status = db_begin_reading(db, e);
    if (status == SL_OK)
        status = read_number(db, "PRAGMA application_id", &ret_id->application_id, e);
    if (status == SL_OK)
        status = read_number(db, "PRAGMA user_version", &ret_id->version, e);
    if (status == SL_OK)
        status = read_number(db, "SELECT count(*) FROM sqlite_master", &ret_id->tables, e);
    db_rollback(db);
    return status;
}

/* Before anything is written: a foreign or newer database stays as it is. */
static enum sl_status check_identity(struct db *db, const struct db_schema *schema, const struct identity *id,
                                     struct sl_error *e)
{
    bool fresh = id->application_id == 0 && id->version == 0 && id->tables == 0;
    if (!fresh && (uint32_t)id->application_id != schema->application_id)
        return sl_fail(e, SL_FOREIGN,
                       "%s: a database of another program (application id 0x%08" PRIx32 ", ours is 0x%08" PRIx32 ")", db->path,
                       (uint32_t)id->application_id, schema->application_id);
    if (id->version < 0 || (uint64_t)id->version > schema->migration_count)
        return sl_fail(e, SL_FOREIGN, "%s: written by a newer version (schema %" PRId64 ", this program knows %zu)", db->path,
                       id->version, schema->migration_count);
    return SL_OK;
}

static enum sl_status lite_recheck(struct db *db, const struct db_schema *schema, struct sl_error *e)
{
    struct identity id;
    enum sl_status status = read_identity(db, &id, e);
    return status == SL_OK ? check_identity(db, schema, &id, e) : status;
}

static const struct db_engine sqlite_engine = {
    .prepare = lite_prepare,
    .bind = lite_bind,
    .step = lite_step,
    .get_int = lite_int,
    .get_text = lite_text,
    .get_blob = lite_blob,
    .is_null = lite_is_null,
    .reset = lite_reset,
    .finalize = lite_finalize,
    .changes = lite_changes,
    .exec = lite_exec,
    .begin = lite_begin,
    .in_transaction = lite_in_transaction,
    .is_alive = lite_is_alive,
    .recheck = lite_recheck,
    .disconnect = lite_disconnect,
};

/* Switching a new file to WAL fails at once, without the busy handler, while another process does the same. */
static enum sl_status switch_to_wal(struct db *db, struct sl_error *e)
{
    struct sl_deadline deadline = sl_deadline_in(DB_BUSY_TIMEOUT_MS);
    enum sl_status status;
    while ((status = db_exec(db, "PRAGMA journal_mode = WAL", e)) == SL_TIMEOUT && !sl_deadline_passed(deadline))
        lite.sleep(BUSY_RETRY_MS);
    return status;
}

/* One step up, in a transaction of its own; another process may have made it meanwhile. */
static enum sl_status migrate_step(struct db *db, const struct db_schema *schema, size_t from, struct sl_error *e)
{
    enum sl_status status = db_begin(db, e);
    if (status != SL_OK)
        return status;
    int64_t version = 0;
    status = read_number(db, "PRAGMA user_version", &version, e);
    if (status == SL_OK && version == (int64_t)from) {
        status = db_exec(db, schema->migrations[from], e);
        char *mark = lite.mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", (int)schema->application_id,
                                     (int)from + 1);
        sl_assert(mark);
        if (status == SL_OK)
            status = db_exec(db, mark, e);
        lite.free(mark);
    }
    if (status == SL_OK)
        return db_commit(db, e);
    db_rollback(db);
    return sl_fail_in(e, status, "migration to schema %zu", from + 1);
}

static enum sl_status migrate(struct db *db, enum db_mode mode, const struct db_schema *schema, size_t version,
                              struct sl_error *e)
{
    if (mode == DB_READ_ONLY && version < schema->migration_count)
        return sl_fail(e, SL_CONFLICT, "%s: has schema %zu of %zu and must be opened for writing once", db->path, version,
                       schema->migration_count);
    enum sl_status status = SL_OK;
    for (size_t i = version; i < schema->migration_count && status == SL_OK; i++)
        status = migrate_step(db, schema, i, e);
    return status;
}

/* An sqlite3_busy_handler: true to try again. */
static int on_busy(void *ctx, int tries)
{
    struct db *db = ctx;
    if (tries == 0)
        db->busy.at_ms = sl_deadline_in(DB_BUSY_TIMEOUT_MS).at_ms;
    struct pollfd wish = {.fd = sl_deadline_fd(db->busy), .events = POLLIN};
    (void)poll(&wish, 1, BUSY_RETRY_MS);
    return !sl_deadline_passed(db->busy);
}

void db_heed(struct db *db, const struct sl_cancel *cancel)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    db->busy.cancel = cancel;
}

static enum sl_status configure(struct db *db, struct sl_error *e)
{
    lite.extended_result_codes(db->conn, 1);
    lite.busy_handler(db->conn, on_busy, db);
    lite.db_config(db->conn, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    lite.db_config(db->conn, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    lite.db_config(db->conn, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    lite.db_config(db->conn, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return db_exec(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON", e);
}

static enum sl_status prepare_file(struct db *db, enum db_mode mode, const struct db_schema *schema, struct sl_error *e)
{
    struct identity id = {0};
    enum sl_status status = configure(db, e);
    /* SQLite opens a write-protected file for reading without a word. */
    if (status == SL_OK && mode != DB_READ_ONLY && lite.db_readonly(db->conn, "main"))
        status = sl_fail(e, SL_DENIED, "%s: may not be written", db->path);
    if (status == SL_OK)
        status = read_identity(db, &id, e);
    if (status == SL_OK)
        status = check_identity(db, schema, &id, e);
    if (status == SL_OK && mode != DB_READ_ONLY)
        status = switch_to_wal(db, e);
    if (status == SL_OK)
        status = migrate(db, mode, schema, (size_t)id.version, e);
    return status;
}

enum sl_status db_open(const char *path, enum db_mode mode, const struct db_schema *schema, struct db **ret_db,
                       struct sl_error *e)
{
    static const int flags[] = {
        [DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [DB_READ_WRITE] = SQLITE_OPEN_READWRITE,
        [DB_READ_ONLY] = SQLITE_OPEN_READONLY,
    };
    sl_assert(schema->application_id != 0);
    enum sl_status status = sl_lazy_need(&library, e);
    if (status != SL_OK)
        return status;
    struct db *db = db_make(&sqlite_engine, path);
    sqlite3 *conn = NULL;
    int rc = lite.open_v2(path, &conn, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL);
    db->conn = conn;
    status = rc == SQLITE_OK ? prepare_file(db, mode, schema, e) : fail_rc(db, rc, e);
    if (status != SL_OK) {
        db_close(db);
        return status;
    }
    *ret_db = db;
    return SL_OK;
}

enum sl_status db_checkpoint(struct db *db, struct sl_error *e)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    int rc = lite.wal_checkpoint_v2(db->conn, "main", SQLITE_CHECKPOINT_FULL, NULL, NULL);
    return rc == SQLITE_OK ? SL_OK : fail_rc(db, rc, e);
}

void db_keep_log(struct db *db)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    lite.db_config(db->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

static enum sl_status fail_file(struct sl_error *e, const char *path)
{
    enum sl_status status = errno == EEXIST ? SL_CONFLICT : is_denial(errno) ? SL_DENIED : SL_IO;
    return sl_fail(e, status, "%s: %s", path, strerror(errno));
}

/* All pages in one step: one read transaction, which writers of a WAL database do not wait for. */
static enum sl_status copy_pages(struct db *db, const char *part, const char *last, struct sl_error *e)
{
    struct db to = {.magic = DB_MAGIC, .engine = &sqlite_engine, .path = (char *)(uintptr_t)part};
    sqlite3 *conn = NULL;
    int rc = lite.open_v2(part, &conn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    to.conn = conn;
    enum sl_status status = rc == SQLITE_OK ? db_exec(&to, "PRAGMA synchronous = FULL", e) : fail_rc(&to, rc, e);
    sqlite3_backup *backup = status == SL_OK ? lite.backup_init(to.conn, "main", db->conn, "main") : NULL;
    if (backup) {
        lite.backup_step(backup, -1);
        rc = lite.backup_finish(backup);
        status = rc == SQLITE_OK ? SL_OK : fail_rc(&to, rc, e);
    } else if (status == SL_OK) {
        status = fail_rc(&to, lite.errcode(to.conn), e);
    }
    if (status == SL_OK && last)
        status = db_exec(&to, last, e);
    if (status == SL_OK)
        status = db_exec(&to, "PRAGMA journal_mode = DELETE", e);
    lite.close(to.conn);
    return status;
}

/* A name is on disk when its folder is. */
static enum sl_status sync_folder_of(const char *path, struct sl_error *e)
{
    char *folder = sl_strdup(path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum sl_status status = fd >= 0 && fsync(fd) == 0 ? SL_OK : fail_file(e, path);
    if (fd >= 0)
        close(fd);
    free(folder);
    return status;
}

enum sl_status db_backup(struct db *db, const char *path, const char *last, struct sl_error *e)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return fail_file(e, path);
    }
    char *part = lite.mprintf("%s.XXXXXX", path);
    sl_assert(part);
    int fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0) {
        enum sl_status status = fail_file(e, path);
        lite.free(part);
        return status;
    }
    close(fd);
    enum sl_status status = copy_pages(db, part, last, e);
    if (status == SL_OK && link(part, path) != 0) /* which never replaces, as rename would */
        status = fail_file(e, path);
    unlink(part);
    if (status == SL_OK)
        status = sync_folder_of(path, e);
    lite.free(part);
    return status;
}
