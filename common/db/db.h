/*
 * db.h - SQLite, the one place that includes it.
 *
 * A struct db is one connection and serves one thread at a time. Files are opened WAL with synchronous=FULL, foreign keys
 * on, a busy timeout, and defensive mode; the schema is brought up to date by numbered migrations (PRAGMA user_version). A
 * database of a newer version or of another application is refused with SL_FOREIGN and left as it was; damage is
 * SL_CORRUPT, also when it is found while reading.
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
#include "common/base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;
struct sl_cancel;

/* What a database of ours is: a number that marks its file and the SQL of each version, in order. */
struct db_schema {
    uint32_t application_id;
    const char *const *migrations; /* migrations[i] leads from version i to i + 1 */
    size_t migration_count;
};

enum db_mode { DB_CREATE, DB_READ_WRITE, DB_READ_ONLY };

/*
 * Opens and migrates; ":memory:" is a private database. DB_READ_ONLY neither migrates nor creates. Errors name the file.
 * Several processes may have one file open; each waits up to five seconds for the others' locks, then fails with SL_TIMEOUT.
 * SL_DENIED when the file may not be read or written as asked, SL_CONFLICT when a read-only database lacks migrations.
 */
enum sl_status db_open(const char *path, enum db_mode mode, const struct db_schema *schema, struct db **ret_db,
                       struct sl_error *e) SL_MUST;
/* Whoever waits for other processes' locks gives up (SL_TIMEOUT) once this is told, which must outlive the connection. */
void db_heed(struct db *db, const struct sl_cancel *cancel);
/* Finalizes its statements, checkpoints and closes; NULL is accepted. */
void db_close(struct db *db);
/* Moves everything committed from the write-ahead log into the file, which is synced. SL_TIMEOUT when a reader is in the way. */
enum sl_status db_checkpoint(struct db *db, struct sl_error *e) SL_MUST;
/* db_close leaves the write-ahead log beside the file, with what it holds. */
void db_keep_log(struct db *db);
/*
 * Makes sure that what was opened is still a database of `schema` that this program knows: one that another program has brought
 * to a newer version meanwhile is SL_FOREIGN, as db_open would say.
 */
enum sl_status db_recheck(struct db *db, const struct db_schema *schema, struct sl_error *e) SL_MUST;
/* False once the connection is lost, which a failed statement tells; a file is never lost. */
bool db_is_alive(struct db *db);
/* Runs SQL without parameters or results; several statements may stand in one text. */
enum sl_status db_exec(struct db *db, const char *sql, struct sl_error *e) SL_MUST;

/*
 * Copies the database as it is now, one consistent state, to a new file, and returns when the copy and its name are on disk.
 * Others may write meanwhile. SL_CONFLICT when `path` exists; it is not touched then. The copy is made beside it under another
 * name, so that there is never half a file under this one; its header says that there is no write-ahead log. The connection
 * does nothing else meanwhile. `last` is SQL that is run on the copy, NULL for none.
 */
enum sl_status db_backup(struct db *db, const char *path, const char *last, struct sl_error *e) SL_MUST;

/* ---- statements: used between db_prepare and db_done; the same one is not used again in between ------------------- */

/* The statement of this SQL text, prepared once and cached by the address of `sql` (a string literal). Never NULL. */
struct db_stmt *db_prepare(struct db *db, const char *sql);
/* A statement that is used once and freed by db_done; `sql`, out of our own words only, lives until then. Never NULL. */
struct db_stmt *db_prepare_once(struct db *db, const char *sql);
/* Binds an integer to the parameter ?index, counted from 1, as in all binds. */
void db_bind_int(struct db_stmt *s, int index, int64_t value);
/* Binds a copy of a text; NULL binds NULL. */
void db_bind_text(struct db_stmt *s, int index, const char *text);
/* Binds octets, which are not copied and must live until db_done. */
void db_bind_blob(struct db_stmt *s, int index, const void *octets, size_t len);
/* Binds NULL. */
void db_bind_null(struct db_stmt *s, int index);
/* True when there is a row. */
bool db_step(struct db_stmt *s);
/* The integer in a column of the row, counted from 0, as in all reads; 0 for NULL. */
int64_t db_int(struct db_stmt *s, int column);
/* The text in a column, "" for NULL; valid until the next step or read of another type. */
const char *db_text(struct db_stmt *s, int column);
/* A copy of it, NULL for NULL; the caller's to free. */
char *db_text_copy(struct db_stmt *s, int column);
/* The octets in a column, NULL with length 0 for NULL; valid until the next step. */
const void *db_blob(struct db_stmt *s, int column, size_t *ret_len);
/* True when the column holds NULL. */
bool db_is_null(struct db_stmt *s, int column);
/*
 * Ends the use of the statement and tells its first failure: SL_CONFLICT for a constraint, whose name is in the text
 * ("UNIQUE constraint failed: site.code"), SL_CORRUPT, SL_DENIED, SL_IO, SL_TIMEOUT when another process held the lock.
 */
enum sl_status db_done(struct db_stmt *s, struct sl_error *e) SL_MUST;
/* Ends it behind what its rows have led to: of two failures, `status` and the statement's, the first is told. */
enum sl_status db_done_after(struct db_stmt *s, enum sl_status status, struct sl_error *e) SL_MUST;
/* Steps once and ends: for statements without rows, after their binds. */
enum sl_status db_run(struct db_stmt *s, struct sl_error *e) SL_MUST;
/*
 * Reads every row and ends: for statements of one column of texts, after their binds. *ret_texts is new and released by
 * sl_strings_fini.
 */
enum sl_status db_texts(struct db_stmt *s, struct sl_strings *ret_texts, struct sl_error *e) SL_MUST;
/* Reads the number in the first column of the first row, 0 when there is none, and ends: for statements that find one. */
enum sl_status db_number(struct db_stmt *s, int64_t *ret_number, struct sl_error *e) SL_MUST;
/* Rows changed by the last INSERT, UPDATE or DELETE. */
int64_t db_changes(struct db *db);

/* ---- transactions ------------------------------------------------------------------------------------------------ */

/* Begins a transaction that takes the write lock at once (BEGIN IMMEDIATE). */
enum sl_status db_begin(struct db *db, struct sl_error *e) SL_MUST;
/* Begins a transaction that reads one consistent state; db_rollback ends it. */
enum sl_status db_begin_reading(struct db *db, struct sl_error *e) SL_MUST;
/* Returns when the transaction is on disk; after a failure it is rolled back. */
enum sl_status db_commit(struct db *db, struct sl_error *e) SL_MUST;
/* Undoes the transaction; nothing when there is none. */
void db_rollback(struct db *db);
/* Commits what has led to SL_OK, undoes it behind any other `status`; the failure of either. */
enum sl_status db_end(struct db *db, enum sl_status status, struct sl_error *e) SL_MUST;

#endif
