/*
 * private.h - what the files of common/db share; nobody else includes it.
 *
 * statement.c has what all engines have in common: the cache of statements, their sticky failure, and transactions. An engine
 * (sqlite in db.c, postgres.c) has the rest behind a table of functions.
 */
#ifndef SL_COMMON_DB_PRIVATE_H
#define SL_COMMON_DB_PRIVATE_H

#include "common/base/clock.h"
#include "common/db/db.h"

#define DB_MAGIC 0xdb5e0001u
#define DB_STMT_MAGIC 0xdb5e0002u

enum {
    DB_STATEMENTS_MAX = 256, /* SQL texts are literals, so their number is known; more means that someone builds SQL */
    DB_BUSY_TIMEOUT_MS = 5000,
};

struct db_stmt {
    uint32_t magic;
    bool in_use;  /* bound or stepped, not yet done */
    bool is_once; /* not in the cache, freed by db_done */
    struct db *db;
    const char *sql;
    void *handle;            /* the engine's, NULL before it was prepared */
    struct sl_error failure; /* status SL_OK while nothing failed */
};

struct db {
    uint32_t magic;
    const struct db_engine *engine;
    void *conn; /* the engine's */
    char *path; /* for errors */
    struct sl_deadline busy; /* of the wait for other processes' locks; its cancel is db_heed's */
    struct db_stmt *stmts[DB_STATEMENTS_MAX];
    size_t stmt_count;
};

enum db_kind { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };

/* A parameter; octets are borrowed until the statement is done, text is copied. */
struct db_value {
    enum db_kind kind;
    int64_t number;
    const void *octets;
    size_t len; /* of DB_BLOB */
};

/* What an engine does. Functions with a statement are only called while nothing has failed, and fail by db_note. */
struct db_engine {
    void (*prepare)(struct db_stmt *s);
    void (*bind)(struct db_stmt *s, int index, const struct db_value *value);
    bool (*step)(struct db_stmt *s);
    int64_t (*get_int)(struct db_stmt *s, int column);
    const char *(*get_text)(struct db_stmt *s, int column); /* NULL for NULL */
    const void *(*get_blob)(struct db_stmt *s, int column, size_t *ret_len);
    bool (*is_null)(struct db_stmt *s, int column);
    void (*reset)(struct db_stmt *s);    /* for the next use; whatever has failed */
    void (*finalize)(struct db_stmt *s); /* frees the handle */
    int64_t (*changes)(struct db *db);
    enum sl_status (*exec)(struct db *db, const char *sql, struct sl_error *e);
    enum sl_status (*begin)(struct db *db, bool for_writing, struct sl_error *e);
    bool (*in_transaction)(struct db *db);
    bool (*is_alive)(struct db *db);
    enum sl_status (*recheck)(struct db *db, const struct db_schema *schema, struct sl_error *e); /* db_recheck */
    void (*disconnect)(struct db *db);
};

/* A connection of this engine, not yet connected; free by db_close. */
struct db *db_make(const struct db_engine *engine, const char *path);
/* Notes the first failure of a statement. */
void db_note(struct db_stmt *s, const struct sl_error *failure);

#endif
