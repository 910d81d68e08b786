/*
 * db.h - SQLite, the one place that includes it.
 *
 * A struct db is one connection and serves one thread at a time. Files are opened WAL with synchronous=FULL, foreign keys
 * on, a busy timeout, and defensive mode; the schema is brought up to date by numbered migrations (PRAGMA user_version). A
 * database of a newer version, of another application or with damaged pages is refused with SL_CORRUPT.
 *
 * Statements are sticky: after the first failure every bind, step and read does nothing and db_done returns the failure.
 *
 *     struct db_stmt *s = db_prepare(db, "SELECT code FROM site WHERE id = ?1");   kept for the life of the connection
 *     db_bind_int(s, 1, id);
 *     while (db_step(s)) use(db_text(s, 0));
 *     status = db_done(s, e);                                                      resets it for the next use
 */
#ifndef SL_COMMON_DB_DB_H
#define SL_COMMON_DB_DB_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;

/* What a database of ours is: a number that marks its file and the SQL of each version, in order. */
struct db_schema {
    uint32_t application_id;
    const char *const *migrations; /* migrations[i] leads from version i to i + 1 */
    size_t migration_count;
};

enum db_mode { DB_CREATE, DB_READ_WRITE, DB_READ_ONLY };

/* Opens and migrates; ":memory:" is a private database. Errors name the file. */
enum sl_status db_open(const char *path, enum db_mode mode, const struct db_schema *schema, struct db **ret_db,
                       struct sl_error *e) SL_MUST;
/* Checkpoints, finalizes its statements and closes; NULL is accepted. */
void db_close(struct db *db);
/* Runs SQL without parameters or results. */
enum sl_status db_exec(struct db *db, const char *sql, struct sl_error *e) SL_MUST;
/* The statement of this SQL text, prepared once and cached by the address of `sql` (a string literal). Never NULL. */
struct db_stmt *db_prepare(struct db *db, const char *sql);
void db_bind_int(struct db_stmt *s, int index, int64_t value);
void db_bind_text(struct db_stmt *s, int index, const char *text); /* NULL binds NULL; copied */
void db_bind_blob(struct db_stmt *s, int index, const void *octets, size_t len); /* not copied: must live until db_done */
void db_bind_null(struct db_stmt *s, int index);
/* True when there is a row. */
bool db_step(struct db_stmt *s);
int64_t db_int(struct db_stmt *s, int column);
const char *db_text(struct db_stmt *s, int column); /* "" for NULL; valid until the next step */
const void *db_blob(struct db_stmt *s, int column, size_t *ret_len);
bool db_is_null(struct db_stmt *s, int column);
/* Ends the use of the statement and tells its first failure: SL_CONFLICT for a constraint, SL_CORRUPT, SL_DENIED, SL_IO ... */
enum sl_status db_done(struct db_stmt *s, struct sl_error *e) SL_MUST;
/* Binds nothing, steps once and ends: for statements without rows after their binds. */
enum sl_status db_run(struct db_stmt *s, struct sl_error *e) SL_MUST;
/* Rows changed by the last statement. */
int64_t db_changes(struct db *db);
/* The rowid of the last insert. */
int64_t db_last_id(struct db *db);
/* A transaction that takes the write lock at once (BEGIN IMMEDIATE). */
enum sl_status db_begin(struct db *db, struct sl_error *e) SL_MUST;
enum sl_status db_commit(struct db *db, struct sl_error *e) SL_MUST;
void db_rollback(struct db *db);

#endif
