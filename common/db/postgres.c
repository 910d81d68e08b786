#include "common/db/postgres.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/db/pgtext.h"
#include "common/db/private.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_MAX = 32,
    NUMBER_SIZE = 24,
    READS_MAX = 4,
    KEEPALIVE_S = 5,
    ANSWER_MS = DB_PG_STATEMENT_MS + 5000,
    /* pg_type.oid */
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25,
};

/* A connection: what identifies it, how it waits, and how many statements it has prepared. */
struct pg_conn {
    PGconn *pq;
    struct db_patience patience;
    struct sl_error silence; /* why it is of no use any more: an answer that comes yet would be taken for another one's */
    uint64_t lock;
    unsigned prepared;
    int64_t changes;
};

struct param {
    Oid type;
    char *text; /* of DB_TEXT and DB_INT */
    const char *octets;
    int len;
    int is_binary;
};

struct pg_stmt {
    char *sql; /* with $N */
    char name[NUMBER_SIZE];
    bool is_prepared;
    int param_count;
    struct param params[DB_PG_PARAMS_MAX];
    PGresult *result;
    int row; /* the current one */
    unsigned char *blobs[COLUMNS_MAX]; /* of the row, those that were asked for */
};

/* ---- errors ----------------------------------------------------------------------------------------------------------- */

/* SQLSTATE, or the beginning of it, and what it means to us; the first that fits. */
static const struct {
    const char *state;
    enum sl_status status;
} states[] = {
    {"08", SL_UNREACHABLE}, {"57P", SL_UNREACHABLE}, {"57014", SL_TIMEOUT}, {"55P03", SL_TIMEOUT}, {"40", SL_TIMEOUT},
    {"23", SL_CONFLICT},    {"25006", SL_DENIED},    {"28", SL_DENIED},     {"42501", SL_DENIED},  {"53", SL_IO},
    {"58", SL_IO},          {"XX", SL_CORRUPT},      {"54", SL_LIMIT},
};

static enum sl_status status_of(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && i < SL_COUNT(states); i++)
        if (strncmp(sqlstate, states[i].state, strlen(states[i].state)) == 0)
            return states[i].status;
    return SL_INTERNAL;
}

/* The server's words on one line. */
static void one_line(char *out, size_t size, const char *text)
{
    size_t len = strcspn(text, "\n");
    sl_text_escape(out, size, text, len);
}

static enum sl_status fail_result(const struct db *db, const PGresult *result, struct sl_error *e)
{
    const struct pg_conn *conn = db->conn;
    char line[SL_ERROR_TEXT_MAX];
    bool lost = PQstatus(conn->pq) != CONNECTION_OK;
    if (conn->silence.status != SL_OK)
        return sl_fail(e, conn->silence.status, "%s: %s", db->path, conn->silence.text);
    const char *primary = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    one_line(line, sizeof line, primary != NULL ? primary : PQerrorMessage(conn->pq));
    return sl_fail(e, lost ? SL_UNREACHABLE : status_of(state), "%s: %s", db->path, line);
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------------- */

static struct sl_deadline patience_of(const struct pg_conn *conn)
{
    struct sl_deadline deadline = sl_deadline_in(conn->patience.answer_ms > 0 ? conn->patience.answer_ms : ANSWER_MS);
    deadline.cancel = conn->patience.cancel;
    return deadline;
}

/* True when the socket is ready; false, and why is noted, when nobody wants to wait any longer. */
static bool await(struct pg_conn *conn, short events, struct sl_deadline deadline)
{
    int64_t since_ms = sl_clock_mono_ms();
    while (!sl_deadline_passed(deadline)) {
        struct pollfd p[] = {{.fd = PQsocket(conn->pq), .events = events},
                             {.fd = sl_deadline_fd(deadline), .events = POLLIN}};
        if (poll(p, SL_COUNT(p), sl_deadline_left_ms(deadline)) > 0 && p[0].revents != 0)
            return true;
    }
    bool is_canceled = sl_deadline_canceled(deadline);
    (void)!sl_fail(&conn->silence, is_canceled ? SL_UNREACHABLE : SL_TIMEOUT, "%s after %" PRId64 " ms without an answer",
                   is_canceled ? "given up" : "silent", sl_clock_mono_ms() - since_ms);
    return false;
}

/* Waits until PQgetResult need not; false when the server stays silent. */
static bool is_answered(struct pg_conn *conn)
{
    for (;;) {
        int unsent = PQflush(conn->pq);
        if (unsent < 0 || (unsent == 0 && !PQisBusy(conn->pq)))
            return true;
        if (!await(conn, unsent > 0 ? POLLIN | POLLOUT : POLLIN, patience_of(conn)))
            return false;
        if (PQconsumeInput(conn->pq) == 0)
            return true;
    }
}

/* What came of the commands just `sent`: the last result, NULL when there is none. */
static PGresult *result_of(struct pg_conn *conn, int sent)
{
    PGresult *last = NULL;
    while (sent == 1 && is_answered(conn)) {
        PGresult *next = PQgetResult(conn->pq);
        if (next == NULL)
            return last;
        PQclear(last);
        last = next;
    }
    PQclear(last);
    return NULL;
}

/* ---- the engine ------------------------------------------------------------------------------------------------------- */

static void note_result(struct db_stmt *s, const PGresult *result)
{
    struct sl_error e = {0};
    if (fail_result(s->db, result, &e) != SL_OK)
        db_note(s, &e);
}

/* The types of the parameters are only known when it is first carried out. */
static void pg_prepare(struct db_stmt *s)
{
    struct pg_conn *conn = s->db->conn;
    struct pg_stmt *stmt = sl_new(sizeof *stmt);
    *stmt = (struct pg_stmt){.row = -1};
    stmt->sql = db_pg_statement(s->sql, &stmt->param_count);
    if (!s->is_once)
        snprintf(stmt->name, sizeof stmt->name, "s%u", conn->prepared++);
    s->handle = stmt;
}

static void pg_bind(struct db_stmt *s, int index, const struct db_value *v)
{
    struct pg_stmt *stmt = s->handle;
    sl_assert(index >= 1 && index <= stmt->param_count);
    struct param *p = &stmt->params[index - 1];
    free(p->text);
    *p = (struct param){0};
    if (v->kind == DB_INT) {
        char number[NUMBER_SIZE];
        snprintf(number, sizeof number, "%" PRId64, v->number);
        *p = (struct param){.type = OID_INT8, .text = sl_strdup(number)};
    } else if (v->kind == DB_TEXT) {
        *p = (struct param){.type = OID_TEXT, .text = sl_strdup(v->octets)};
    } else if (v->kind == DB_BLOB) {
        *p = (struct param){.type = OID_BYTEA, .octets = v->octets, .len = (int)v->len, .is_binary = 1};
    }
    if (p->text != NULL)
        p->octets = p->text;
}

static PGresult *execute(struct pg_conn *conn, struct pg_stmt *stmt)
{
    Oid types[DB_PG_PARAMS_MAX];
    const char *values[DB_PG_PARAMS_MAX];
    int lengths[DB_PG_PARAMS_MAX], formats[DB_PG_PARAMS_MAX];
    for (int i = 0; i < stmt->param_count; i++) {
        types[i] = stmt->params[i].type;
        values[i] = stmt->params[i].octets;
        lengths[i] = stmt->params[i].len;
        formats[i] = stmt->params[i].is_binary;
    }
    if (conn->silence.status != SL_OK)
        return NULL;
    if (stmt->name[0] == '\0')
        return result_of(conn, PQsendQueryParams(conn->pq, stmt->sql, stmt->param_count, types, values, lengths, formats, 0));
    if (!stmt->is_prepared) {
        PGresult *result = result_of(conn, PQsendPrepare(conn->pq, stmt->name, stmt->sql, stmt->param_count, types));
        if (!succeeded(result))
            return result;
        PQclear(result);
        stmt->is_prepared = true;
    }
    return result_of(conn, PQsendQueryPrepared(conn->pq, stmt->name, stmt->param_count, values, lengths, formats, 0));
}

static bool pg_step(struct db_stmt *s)
{
    struct pg_stmt *stmt = s->handle;
    struct pg_conn *conn = s->db->conn;
    if (stmt->result == NULL) {
        stmt->result = execute(conn, stmt);
        if (!succeeded(stmt->result)) {
            note_result(s, stmt->result);
            return false;
        }
        uint64_t changes = 0;
        conn->changes = sl_parse_u64(PQcmdTuples(stmt->result), INT64_MAX, &changes) ? (int64_t)changes : 0;
    }
    return ++stmt->row < PQntuples(stmt->result);
}

static bool pg_is_null(struct db_stmt *s, int column)
{
    const struct pg_stmt *stmt = s->handle;
    return PQgetisnull(stmt->result, stmt->row, column) != 0;
}

static const char *pg_text(struct db_stmt *s, int column)
{
    const struct pg_stmt *stmt = s->handle;
    return pg_is_null(s, column) ? NULL : PQgetvalue(stmt->result, stmt->row, column);
}

static int64_t pg_int(struct db_stmt *s, int column)
{
    int64_t value = 0;
    const char *text = pg_text(s, column);
    return text != NULL && sl_parse_i64(text, INT64_MIN, INT64_MAX, &value) ? value : 0;
}

static const void *pg_blob(struct db_stmt *s, int column, size_t *ret_len)
{
    struct pg_stmt *stmt = s->handle;
    const char *text = pg_text(s, column);
    sl_assert(column < COLUMNS_MAX);
    PQfreemem(stmt->blobs[column]);
    stmt->blobs[column] = text != NULL ? PQunescapeBytea((const unsigned char *)text, ret_len) : NULL;
    return stmt->blobs[column];
}

static void pg_reset(struct db_stmt *s)
{
    struct pg_stmt *stmt = s->handle;
    for (int i = 0; i < stmt->param_count; i++) {
        free(stmt->params[i].text);
        stmt->params[i] = (struct param){0};
    }
    for (int i = 0; i < COLUMNS_MAX; i++) {
        PQfreemem(stmt->blobs[i]);
        stmt->blobs[i] = NULL;
    }
    PQclear(stmt->result);
    stmt->result = NULL;
    stmt->row = -1;
}

static void pg_finalize(struct db_stmt *s)
{
    struct pg_stmt *stmt = s->handle;
    if (stmt == NULL)
        return;
    pg_reset(s);
    free(stmt->sql);
    free(stmt);
}

static int64_t pg_changes(struct db *db)
{
    const struct pg_conn *conn = db->conn;
    return conn->changes;
}

static enum sl_status pg_exec(struct db *db, const char *sql, struct sl_error *e)
{
    struct pg_conn *conn = db->conn;
    PGresult *result = conn->silence.status == SL_OK ? result_of(conn, PQsendQuery(conn->pq, sql)) : NULL;
    enum sl_status status = succeeded(result) ? SL_OK : fail_result(db, result, e);
    PQclear(result);
    return status;
}

static bool pg_in_transaction(struct db *db)
{
    const struct pg_conn *conn = db->conn;
    return PQtransactionStatus(conn->pq) != PQTRANS_IDLE;
}

static enum sl_status pg_begin(struct db *db, bool for_writing, struct sl_error *e)
{
    const struct pg_conn *conn = db->conn;
    if (!for_writing)
        return pg_exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", e);
    enum sl_status status = pg_exec(db, "BEGIN ISOLATION LEVEL READ COMMITTED", e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare(db, "SELECT pg_advisory_xact_lock(?1)");
    db_bind_int(s, 1, (int64_t)conn->lock);
    status = db_run(s, e);
    if (status != SL_OK)
        db_rollback(db);
    return status;
}

/* A server that ended says so and closes: reads what came since, so that the next statement need not be the one that fails. */
static bool pg_is_alive(struct db *db)
{
    const struct pg_conn *conn = db->conn;
    for (int i = 0; i < READS_MAX && PQstatus(conn->pq) == CONNECTION_OK; i++) {
        struct pollfd p = {.fd = PQsocket(conn->pq), .events = POLLIN};
        if (poll(&p, 1, 0) != 1 || PQconsumeInput(conn->pq) != 1)
            break;
    }
    return PQstatus(conn->pq) == CONNECTION_OK && conn->silence.status == SL_OK;
}

static void pg_disconnect(struct db *db)
{
    struct pg_conn *conn = db->conn;
    PQfinish(conn->pq);
    free(conn);
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

bool db_is_postgres(const char *path)
{
    return strncmp(path, "postgresql://", 13) == 0 || strncmp(path, "postgres://", 11) == 0;
}

static bool is_given(const PQconninfoOption *option, const char *keyword)
{
    return strcmp(option->keyword, keyword) == 0 && option->val != NULL && option->val[0] != '\0';
}

/* What is said in the URI wins, but a password is refused. Hosts and ports are "" when none are said, or addresses are. */
static enum sl_status read_uri(const char *uri, struct sl_text *hosts, struct sl_text *ports, struct sl_error *e)
{
    bool has_addresses = false;
    char *text = NULL, line[SL_ERROR_TEXT_MAX];
    PQconninfoOption *options = PQconninfoParse(uri, &text);
    enum sl_status status = SL_OK;
    if (options == NULL) {
        one_line(line, sizeof line, text != NULL ? text : "");
        status = sl_fail(e, SL_USAGE, "database URI: %s", line);
    }
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL && status == SL_OK; o++) {
        has_addresses = has_addresses || is_given(o, "hostaddr");
        if (is_given(o, "host") || is_given(o, "port"))
            sl_text_puts(is_given(o, "host") ? hosts : ports, o->val);
        if (strcmp(o->keyword, "password") == 0 && o->val != NULL)
            status = sl_fail(e, SL_USAGE, "database URI: a password in it could be read by everybody on this host; put it into "
                                          "~/.pgpass, or into the file of ?passfile=");
    }
    if (has_addresses)
        sl_text_reset(hosts);
    PQconninfoFree(options);
    PQfreemem(text);
    return status;
}

/* Where to connect to, in the time for that; empty lists where libpq knows, or is to find out. */
static enum sl_status find_hosts(const struct db *db, struct sl_deadline deadline, struct db_pg_hosts *ret_hosts,
                                 struct sl_error *e)
{
    const struct pg_conn *conn = db->conn;
    struct sl_text hosts = sl_text_new(DB_PG_HOSTS_MAX), ports = sl_text_new(DB_PG_HOSTS_MAX);
    enum sl_status status = read_uri(db->path, &hosts, &ports, e);
    if (status == SL_OK && hosts.len > 0 && conn->patience.lookup != NULL)
        status = db_pg_find_hosts(sl_text_str(&hosts), sl_text_str(&ports), conn->patience.lookup, deadline, ret_hosts, e);
    sl_text_fini(&hosts);
    sl_text_fini(&ports);
    return status;
}

static enum sl_status connect_to(struct db *db, struct sl_error *e)
{
    struct db_pg_hosts hosts = {.count = 0};
    char keepalive_s[NUMBER_SIZE], silence_ms[NUMBER_SIZE];
    struct pg_conn *conn = db->conn;
    snprintf(keepalive_s, sizeof keepalive_s, "%d", KEEPALIVE_S);
    snprintf(silence_ms, sizeof silence_ms, "%d", DB_PG_SILENCE_MS);
    const struct sl_deadline deadline = sl_deadline_min(patience_of(conn), sl_deadline_in(DB_PG_CONNECT_MS));
    enum sl_status status = find_hosts(db, deadline, &hosts, e);
    if (status != SL_OK)
        return status;
    const char *const names[] = {"tcp_user_timeout", "keepalives_idle", "fallback_application_name", "dbname", "host", "hostaddr",
                                 "port", NULL};
    const char *const values[] = {silence_ms, keepalive_s, "sitelocator", db->path, sl_text_str(&hosts.names),
                                  sl_text_str(&hosts.addresses), sl_text_str(&hosts.ports), NULL};
    conn->pq = PQconnectStartParams(names, values, 1);
    db_pg_hosts_fini(&hosts);
    PostgresPollingStatusType next = PQstatus(conn->pq) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        if (!await(conn, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return fail_result(db, NULL, e);
        next = PQconnectPoll(conn->pq);
    }
    if (next == PGRES_POLLING_OK && PQsetnonblocking(conn->pq, 1) == 0)
        return SL_OK;
    char line[SL_ERROR_TEXT_MAX];
    one_line(line, sizeof line, PQerrorMessage(conn->pq));
    bool refused = PQconnectionNeedsPassword(conn->pq) || strstr(line, "authentication failed") != NULL;
    return sl_fail(e, refused ? SL_DENIED : SL_UNREACHABLE, "%s: %s", db->path, line);
}

static enum sl_status configure(struct db *db, enum db_mode mode, struct sl_error *e)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SET client_min_messages = error; SET statement_timeout = %d; SET lock_timeout = %d; "
             "SET idle_in_transaction_session_timeout = %d; SET synchronous_commit = on; SET default_transaction_read_only = %s",
             DB_PG_STATEMENT_MS, DB_BUSY_TIMEOUT_MS, DB_PG_STATEMENT_MS, mode == DB_READ_ONLY ? "on" : "off");
    return db_exec(db, sql, e);
}

/* The version of our tables, 0 when there are none; within a transaction. */
static enum sl_status read_version(struct db *db, const struct db_schema *schema, int64_t *ret_version, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass('sitelocator_schema')");
    bool found = db_step(s);
    enum sl_status status = db_done(s, e);
    *ret_version = 0;
    if (status != SL_OK || !found)
        return status;
    s = db_prepare(db, "SELECT version FROM sitelocator_schema WHERE application_id = ?1");
    db_bind_int(s, 1, schema->application_id);
    found = db_step(s);
    *ret_version = found ? db_int(s, 0) : -1;
    status = db_done(s, e);
    if (status == SL_OK && !found)
        return sl_fail(e, SL_FOREIGN, "%s: the tables of another program of ours", db->path);
    if (status == SL_OK && (uint64_t)*ret_version > schema->migration_count)
        return sl_fail(e, SL_FOREIGN, "%s: written by a newer version (schema %" PRId64 ", this program knows %zu)", db->path,
                       *ret_version, schema->migration_count);
    return status;
}

static enum sl_status pg_recheck(struct db *db, const struct db_schema *schema, struct sl_error *e)
{
    int64_t version;
    return read_version(db, schema, &version, e);
}

static const struct db_engine postgres_engine = {
    .prepare = pg_prepare,
    .bind = pg_bind,
    .step = pg_step,
    .get_int = pg_int,
    .get_text = pg_text,
    .get_blob = pg_blob,
    .is_null = pg_is_null,
    .reset = pg_reset,
    .finalize = pg_finalize,
    .changes = pg_changes,
    .exec = pg_exec,
    .begin = pg_begin,
    .in_transaction = pg_in_transaction,
    .is_alive = pg_is_alive,
    .recheck = pg_recheck,
    .disconnect = pg_disconnect,
};

/* COLLATE NOCASE of SQLite as a collation of that name (names without quotes are lower case here). */
static const char first_tables[] =
    "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    "CREATE TABLE sitelocator_schema (application_id BIGINT PRIMARY KEY, version BIGINT NOT NULL)";

static enum sl_status mark_version(struct db *db, const struct db_schema *schema, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "INSERT INTO sitelocator_schema VALUES (?1, ?2) "
                                       "ON CONFLICT (application_id) DO UPDATE SET version = ?2");
    db_bind_int(s, 1, schema->application_id);
    db_bind_int(s, 2, (int64_t)schema->migration_count);
    return db_run(s, e);
}

/* All steps in one transaction: DDL is transactional here. */
static enum sl_status migrate(struct db *db, const struct db_schema *schema, struct sl_error *e)
{
    int64_t version = 0;
    enum sl_status status = db_begin(db, e);
    if (status != SL_OK)
        return status;
    status = read_version(db, schema, &version, e);
    if (status == SL_OK && version == 0)
        status = db_exec(db, first_tables, e);
    for (size_t i = (size_t)version; i < schema->migration_count && status == SL_OK; i++) {
        char *sql = db_pg_migration(schema->migrations[i]);
        status = db_exec(db, sql, e);
        free(sql);
        if (status != SL_OK)
            sl_fail_in(e, status, "migration to schema %zu", i + 1);
    }
    if (status == SL_OK && (size_t)version < schema->migration_count)
        status = mark_version(db, schema, e);
    if (status == SL_OK)
        return db_commit(db, e);
    db_rollback(db);
    return status;
}

static enum sl_status check_version(struct db *db, const struct db_schema *schema, struct sl_error *e)
{
    int64_t version = 0;
    enum sl_status status = read_version(db, schema, &version, e);
    if (status == SL_OK && (size_t)version < schema->migration_count)
        return sl_fail(e, SL_CONFLICT, "%s: has schema %" PRId64 " of %zu and must be opened for writing once", db->path, version,
                       schema->migration_count);
    return status;
}

enum sl_status db_open_postgres(const char *uri, enum db_mode mode, const struct db_schema *schema,
                                const struct db_patience *patience, struct db **ret_db, struct sl_error *e)
{
    struct db *db = db_make(&postgres_engine, uri);
    struct pg_conn *conn = sl_new(sizeof *conn);
    *conn = (struct pg_conn){.lock = schema->application_id};
    if (patience != NULL)
        conn->patience = *patience;
    db->conn = conn;
    enum sl_status status = connect_to(db, e);
    if (status == SL_OK)
        status = configure(db, mode, e);
    if (status == SL_OK)
        status = mode == DB_READ_ONLY ? check_version(db, schema, e) : migrate(db, schema, e);
    if (status != SL_OK) {
        db_close(db);
        return status;
    }
    *ret_db = db;
    return SL_OK;
}

enum sl_status db_pg_lock(struct db *db, int64_t key, bool *ret_taken, struct sl_error *e)
{
    sl_assert(db->engine == &postgres_engine);
    struct db_stmt *s = db_prepare(db, "SELECT CASE WHEN pg_try_advisory_lock(?1) THEN 1 ELSE 0 END");
    db_bind_int(s, 1, key);
    bool taken = db_step(s) && db_int(s, 0) == 1;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_taken = taken;
    return status;
}
