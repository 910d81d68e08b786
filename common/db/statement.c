#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/db/private.h"

#include <stdlib.h>
#include <string.h>

/* ---- statements -------------------------------------------------------------------------------------------------- */

static struct db_stmt *new_stmt(struct db *db, const char *sql)
{
    struct db_stmt *s = sl_new(sizeof *s);
    *s = (struct db_stmt){.magic = DB_STMT_MAGIC, .db = db, .sql = sql};
    return s;
}

static struct db_stmt *stmt_of(struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->stmt_count; i++)
        if (db->stmts[i]->sql == sql)
            return db->stmts[i];
    sl_assert(db->stmt_count < DB_STATEMENTS_MAX);
    db->stmts[db->stmt_count] = new_stmt(db, sql);
    return db->stmts[db->stmt_count++];
}

static void free_stmt(struct db_stmt *s)
{
    s->db->engine->finalize(s);
    s->magic = 0;
    free(s);
}

void db_note(struct db_stmt *s, const struct sl_error *failure)
{
    if (s->failure.status == SL_OK)
        s->failure = *failure;
}

static bool usable(struct db_stmt *s)
{
    SL_CHECK_MAGIC(s, DB_STMT_MAGIC);
    s->in_use = true;
    return s->failure.status == SL_OK;
}

static struct db_stmt *prepared(struct db_stmt *s)
{
    sl_assert(!s->in_use);
    if (s->handle == NULL) {
        s->failure.status = SL_OK;
        s->db->engine->prepare(s);
    }
    return s;
}

struct db_stmt *db_prepare(struct db *db, const char *sql)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    return prepared(stmt_of(db, sql));
}

struct db_stmt *db_prepare_once(struct db *db, const char *sql)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    struct db_stmt *s = new_stmt(db, sql);
    s->is_once = true;
    return prepared(s);
}

static void bind(struct db_stmt *s, int index, const struct db_value *value)
{
    if (usable(s))
        s->db->engine->bind(s, index, value);
}

void db_bind_int(struct db_stmt *s, int index, int64_t value)
{
    bind(s, index, &(struct db_value){.kind = DB_INT, .number = value});
}

void db_bind_text(struct db_stmt *s, int index, const char *text)
{
    bind(s, index, &(struct db_value){.kind = text != NULL ? DB_TEXT : DB_NULL, .octets = text});
}

void db_bind_blob(struct db_stmt *s, int index, const void *octets, size_t len)
{
    bind(s, index, &(struct db_value){.kind = DB_BLOB, .octets = len > 0 ? octets : "", .len = len});
}

void db_bind_null(struct db_stmt *s, int index)
{
    bind(s, index, &(struct db_value){.kind = DB_NULL});
}

bool db_step(struct db_stmt *s)
{
    return usable(s) && s->db->engine->step(s);
}

int64_t db_int(struct db_stmt *s, int column)
{
    return usable(s) ? s->db->engine->get_int(s, column) : 0;
}

const char *db_text(struct db_stmt *s, int column)
{
    const char *text = usable(s) ? s->db->engine->get_text(s, column) : NULL;
    return text != NULL ? text : "";
}

char *db_text_copy(struct db_stmt *s, int column)
{
    return db_is_null(s, column) ? NULL : sl_strdup(db_text(s, column));
}

const void *db_blob(struct db_stmt *s, int column, size_t *ret_len)
{
    *ret_len = 0;
    return usable(s) ? s->db->engine->get_blob(s, column, ret_len) : NULL;
}

bool db_is_null(struct db_stmt *s, int column)
{
    return !usable(s) || s->db->engine->is_null(s, column);
}

enum sl_status db_done(struct db_stmt *s, struct sl_error *e)
{
    enum sl_status status = usable(s) ? SL_OK : s->failure.status;
    if (status != SL_OK && e != NULL)
        *e = s->failure;
    s->in_use = false;
    if (s->is_once) {
        free_stmt(s);
        return status;
    }
    if (s->handle != NULL) {
        s->db->engine->reset(s);
        s->failure.status = SL_OK;
    }
    return status;
}

enum sl_status db_done_after(struct db_stmt *s, enum sl_status status, struct sl_error *e)
{
    enum sl_status done = db_done(s, status == SL_OK ? e : NULL);
    return status == SL_OK ? done : status;
}

enum sl_status db_run(struct db_stmt *s, struct sl_error *e)
{
    db_step(s);
    return db_done(s, e);
}

enum sl_status db_texts(struct db_stmt *s, struct sl_strings *ret_texts, struct sl_error *e)
{
    struct sl_strings texts = {0};
    while (db_step(s))
        sl_strings_add(&texts, db_text(s, 0));
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_texts = texts;
    else
        sl_strings_fini(&texts);
    return status;
}

enum sl_status db_number(struct db_stmt *s, int64_t *ret_number, struct sl_error *e)
{
    int64_t number = db_step(s) ? db_int(s, 0) : 0;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_number = number;
    return status;
}

int64_t db_changes(struct db *db)
{
    return db->engine->changes(db);
}

enum sl_status db_exec(struct db *db, const char *sql, struct sl_error *e)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    return db->engine->exec(db, sql, e);
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

enum sl_status db_begin(struct db *db, struct sl_error *e)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    return db->engine->begin(db, true, e);
}

enum sl_status db_begin_reading(struct db *db, struct sl_error *e)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    return db->engine->begin(db, false, e);
}

enum sl_status db_commit(struct db *db, struct sl_error *e)
{
    enum sl_status status = db_run(db_prepare(db, "COMMIT"), e);
    if (status != SL_OK)
        db_rollback(db);
    return status;
}

void db_rollback(struct db *db)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    /* Some failures end the transaction by themselves; a rollback that fails leaves nothing that could be committed. */
    if (db->engine->in_transaction(db))
        (void)!db->engine->exec(db, "ROLLBACK", NULL);
}

enum sl_status db_end(struct db *db, enum sl_status status, struct sl_error *e)
{
    if (status == SL_OK)
        return db_commit(db, e);
    db_rollback(db);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct db *db_make(const struct db_engine *engine, const char *path)
{
    struct db *db = sl_new(sizeof *db);
    *db = (struct db){.magic = DB_MAGIC, .engine = engine, .path = sl_strdup(path)};
    return db;
}

enum sl_status db_recheck(struct db *db, const struct db_schema *schema, struct sl_error *e)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    return db->engine->recheck(db, schema, e);
}

bool db_is_alive(struct db *db)
{
    SL_CHECK_MAGIC(db, DB_MAGIC);
    return db->engine->is_alive(db);
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    SL_CHECK_MAGIC(db, DB_MAGIC);
    for (size_t i = 0; i < db->stmt_count; i++)
        free_stmt(db->stmts[i]);
    db->engine->disconnect(db);
    free(db->path);
    db->magic = 0;
    free(db);
}
