#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Tables and columns are read from an empty database in memory that has all migrations, in the order in which they were made,
 * which is the order in which rows may refer to one another. So whatever a migration adds is copied too.
 */
enum { SQL_MAX = 8192, COLUMNS_MAX = 32 };

struct table {
    char *name;
    struct sl_strings columns, types; /* "INTEGER", "TEXT", "BLOB" */
    struct sl_text select, insert;
    bool has_row_ids; /* "id", whose next number PostgreSQL keeps apart */
};

static void table_fini(struct table *t)
{
    free(t->name);
    sl_strings_fini(&t->columns);
    sl_strings_fini(&t->types);
    sl_text_fini(&t->select);
    sl_text_fini(&t->insert);
    *t = (struct table){0};
}

/* SELECT a, b FROM t ORDER BY 1, 2 and INSERT INTO t (a, b) VALUES (?1, ?2). */
static void write_sql(struct table *t)
{
    t->select = sl_text_new(SQL_MAX);
    t->insert = sl_text_new(SQL_MAX);
    sl_text_puts(&t->select, "SELECT ");
    sl_text_printf(&t->insert, "INSERT INTO %s (", t->name);
    for (size_t i = 0; i < t->columns.count; i++) {
        sl_text_printf(&t->select, "%s%s", i > 0 ? ", " : "", t->columns.items[i]);
        sl_text_printf(&t->insert, "%s%s", i > 0 ? ", " : "", t->columns.items[i]);
    }
    sl_text_printf(&t->select, " FROM %s", t->name);
    sl_text_puts(&t->insert, ") VALUES (");
    for (size_t i = 0; i < t->columns.count; i++)
        sl_text_printf(&t->insert, "%s?%zu", i > 0 ? ", " : "", i + 1);
    sl_text_puts(&t->insert, ")");
}

static enum sl_status read_table(struct db *model, const char *name, struct table *ret_table, struct sl_error *e)
{
    struct table t = {.name = sl_strdup(name)};
    struct db_stmt *s = db_prepare(model, "SELECT name, type FROM pragma_table_info(?1) ORDER BY cid");
    db_bind_text(s, 1, name);
    while (db_step(s)) {
        sl_strings_add(&t.columns, db_text(s, 0));
        sl_strings_add(&t.types, db_text(s, 1));
        t.has_row_ids = t.has_row_ids || (t.columns.count == 1 && strcmp(db_text(s, 0), "id") == 0);
    }
    enum sl_status status = db_done(s, e);
    sl_assert(t.columns.count <= COLUMNS_MAX);
    write_sql(&t);
    sl_assert(!sl_text_failed(&t.select) && !sl_text_failed(&t.insert));
    if (status == SL_OK)
        *ret_table = t;
    else
        table_fini(&t);
    return status;
}

static enum sl_status table_names(struct db *model, struct sl_strings *ret_names, struct sl_error *e)
{
    struct db_stmt *s =
        db_prepare(model, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY rowid");
    return db_texts(s, ret_names, e);
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

/* FNV-1a of every value of a row; rows are added up, so that their order does not matter. */
static uint64_t mix(uint64_t hash, const void *octets, size_t len)
{
    const unsigned char *o = octets;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ o[i]) * 0x100000001b3ull;
    return (hash ^ 0xff) * 0x100000001b3ull;
}

static uint64_t hash_row(const struct table *t, struct db_stmt *s)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (int i = 0; i < (int)t->columns.count; i++) {
        size_t len = 0;
        if (db_is_null(s, i)) {
            hash = mix(hash, "", 1);
        } else if (strcmp(t->types.items[i], "BLOB") == 0) {
            const void *octets = db_blob(s, i, &len);
            hash = mix(hash, octets, len);
        } else {
            const char *text = db_text(s, i);
            hash = mix(hash, text, strlen(text));
        }
    }
    return hash;
}

/* A blob is borrowed until the statement is done, as db_bind_blob wants it: each row is done before the next is read. */
static void bind_column(const struct table *t, struct db_stmt *from, struct db_stmt *to, int i)
{
    size_t len = 0;
    if (db_is_null(from, i)) {
        db_bind_null(to, i + 1);
    } else if (strcmp(t->types.items[i], "BLOB") == 0) {
        const void *octets = db_blob(from, i, &len);
        db_bind_blob(to, i + 1, octets, len);
    } else if (strcmp(t->types.items[i], "INTEGER") == 0) {
        db_bind_int(to, i + 1, db_int(from, i));
    } else {
        db_bind_text(to, i + 1, db_text(from, i));
    }
}

struct sum {
    uint64_t rows, hash;
};

static enum sl_status sum_table(struct db *db, const struct table *t, struct sum *sum, struct sl_error *e)
{
    struct db_stmt *s = db_prepare_once(db, sl_text_str(&t->select));
    while (db_step(s)) {
        sum->rows++;
        sum->hash += hash_row(t, s);
    }
    return db_done(s, e);
}

static enum sl_status insert_row(struct db *to, const struct table *t, struct db_stmt *row, struct sl_error *e)
{
    struct db_stmt *s = db_prepare_once(to, sl_text_str(&t->insert));
    for (int i = 0; i < (int)t->columns.count; i++)
        bind_column(t, row, s, i);
    return db_run(s, e);
}

/* The one row that the migrations made makes place for that of the source. */
static enum sl_status empty_table(struct db *to, const struct table *t, struct sl_error *e)
{
    char sql[256];
    snprintf(sql, sizeof sql, "DELETE FROM %s", t->name);
    return db_exec(to, sql, e);
}

static enum sl_status renumber(struct sst *to, const struct table *t, struct sl_error *e)
{
    char sql[512];
    if (to->is_file || !t->has_row_ids)
        return SL_OK;
    snprintf(sql, sizeof sql,
             "SELECT setval(pg_get_serial_sequence('%s', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM %s), false)", t->name,
             t->name);
    return db_exec(to->db, sql, e);
}

static enum sl_status copy_table(struct sst *from, struct sst *to, const struct table *t, uint64_t *rows, struct sl_error *e)
{
    struct sum source = {0}, copy = {0};
    enum sl_status status = empty_table(to->db, t, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s = db_prepare_once(from->db, sl_text_str(&t->select));
    while (status == SL_OK && db_step(s)) {
        source.rows++;
        source.hash += hash_row(t, s);
        status = insert_row(to->db, t, s, e);
    }
    status = db_done_after(s, status, e);
    if (status == SL_OK)
        status = renumber(to, t, e);
    if (status == SL_OK)
        status = sum_table(to->db, t, &copy, e);
    if (status == SL_OK && (copy.rows != source.rows || copy.hash != source.hash))
        status = sl_fail(e, SL_CORRUPT, "%s: table %s reads back otherwise than it was written", to->path, t->name);
    *rows += source.rows;
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

static enum sl_status copy_tables(struct sst *from, struct sst *to, struct db *model, uint64_t *rows, struct sl_error *e)
{
    struct sl_strings names = {0};
    enum sl_status status = table_names(model, &names, e);
    for (size_t i = 0; i < names.count && status == SL_OK; i++) {
        struct table t = {0};
        status = read_table(model, names.items[i], &t, e);
        if (status == SL_OK)
            status = copy_table(from, to, &t, rows, e);
        table_fini(&t);
    }
    sl_strings_fini(&names);
    return status;
}

static enum sl_status check_empty(struct sst *to, struct sl_error *e)
{
    struct sl_strings codes = {0};
    enum sl_status status = sst_known_sites(to, &codes, e);
    if (status == SL_OK && codes.count > 0)
        status = sl_fail(e, SL_CONFLICT, "%s holds site %s already", to->path, codes.items[0]);
    sl_strings_fini(&codes);
    return status;
}

enum sl_status sst_copy(struct sst *from, struct sst *to, uint64_t *ret_rows, struct sl_error *e)
{
    SL_CHECK_MAGIC(from, SST_MAGIC);
    SL_CHECK_MAGIC(to, SST_MAGIC);
    struct db *model = NULL;
    uint64_t rows = 0;
    enum sl_status status = db_open(":memory:", DB_CREATE, &sst_schema, &model, e);
    if (status != SL_OK)
        return status;
    status = db_begin_reading(from->db, e);
    if (status == SL_OK)
        status = db_begin(to->db, e);
    if (status == SL_OK)
        status = check_empty(to, e);
    if (status == SL_OK)
        status = copy_tables(from, to, model, &rows, e);
    status = db_end(to->db, status, e);
    db_rollback(from->db);
    db_close(model);
    if (status == SL_OK)
        *ret_rows = rows;
    return status;
}

/* ---- damage ------------------------------------------------------------------------------------------------------------- */

/* What must find nothing, and what it means; both engines understand it. */
static const struct {
    const char *sql, *text;
} rules[] = {
    {"SELECT code FROM site s WHERE (SELECT count(*) FROM mp m WHERE m.site_id = s.id AND m.is_default = 1) > 1",
     "has more than one default management point (S1.08)"},
    {"SELECT host FROM mp m WHERE NOT EXISTS (SELECT 1 FROM site s WHERE s.id = m.site_id)", "is a management point of no site"},
    {"SELECT package FROM package p WHERE NOT EXISTS (SELECT 1 FROM package_dp x WHERE x.package_id = p.id) "
     "AND p.site_id NOT IN (SELECT site_id FROM neighbour)",
     "lies on no distribution point (S2.08)"},
    {"SELECT p.package FROM package p JOIN package_dp x ON x.package_id = p.id JOIN dp d ON d.id = x.dp_id "
     "WHERE d.site_id <> p.site_id",
     "lies on a distribution point of another site"},
    {"SELECT p.package FROM package p WHERE p.sha256 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM file f WHERE f.package_id = p.id) "
     "AND p.site_id NOT IN (SELECT site_id FROM neighbour)",
     "has the hash of its files, but not the files"},
};

static enum sl_status run_check(struct sst *store, const char *sql, const char *text, struct sl_strings *findings,
                                struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, sql);
    struct sl_text line = sl_text_new(SL_ERROR_TEXT_MAX);
    while (db_step(s)) {
        if (text == NULL && strcmp(db_text(s, 0), "ok") == 0)
            continue; /* the one line of a file in order */
        sl_text_reset(&line);
        sl_text_printf(&line, "%s%s%s", db_text(s, 0), text != NULL ? " " : "", text != NULL ? text : "");
        sl_strings_add(findings, sl_text_str(&line));
    }
    sl_text_fini(&line);
    return db_done(s, e);
}

enum sl_status sst_check(struct sst *store, struct sl_strings *ret_findings, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sl_strings findings = {0};
    enum sl_status status = db_begin_reading(store->db, e);
    if (status == SL_OK && store->is_file)
        status = run_check(store, "PRAGMA integrity_check(20)", NULL, &findings, e);
    if (status == SL_OK && store->is_file)
        status = run_check(store, "PRAGMA foreign_key_check", "has a row that refers to nothing", &findings, e);
    for (size_t i = 0; i < SL_COUNT(rules) && status == SL_OK; i++)
        status = run_check(store, rules[i].sql, rules[i].text, &findings, e);
    db_rollback(store->db);
    if (status == SL_OK)
        *ret_findings = findings;
    else
        sl_strings_fini(&findings);
    return status;
}
