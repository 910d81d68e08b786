/*
 * The database door: settings, identity, migrations, statements that remember their first failure, several openers.
 */
#include "common/base/cancel.h"
#include "common/base/clock.h"
#include "common/db/db.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const steps[] = {
    "CREATE TABLE site (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, note BLOB, CONSTRAINT code_is_short CHECK "
    "(length(code) = 3))",
    "CREATE TABLE mp (id INTEGER PRIMARY KEY, site INTEGER NOT NULL REFERENCES site (id)); CREATE INDEX mp_site ON mp (site)",
};
static const struct db_schema first_schema = {0x53490001, steps, 1};
static const struct db_schema schema = {0x53490001, steps, 2};

static char folder[] = "/tmp/test-db-XXXXXX";
static char path[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.db", folder);
}

static void teardown(void)
{
    static const char *const names[] = {"x.db", "x.db-wal", "x.db-shm"};
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        unlink(name);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    memset(folder + sizeof folder - 7, 'X', 6);
}

static struct db *opened(enum db_mode mode, const struct db_schema *s)
{
    struct db *db = NULL;
    struct sl_error e = {0};
    enum sl_status status = db_open(path, mode, s, &db, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
    return db;
}

static void refused(enum db_mode mode, const struct db_schema *s, enum sl_status want, const char *part)
{
    struct db *db = NULL;
    struct sl_error e = {0};
    ck_assert_int_eq(db_open(path, mode, s, &db, &e), want);
    ck_assert_ptr_null(db);
    ck_assert_msg(strstr(e.text, path) && strstr(e.text, part), "\"%s\" should name \"%s\" and \"%s\"", e.text, path, part);
}

static void run(struct db *db, const char *sql)
{
    struct sl_error e = {0};
    enum sl_status status = db_exec(db, sql, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
}

static int64_t number(struct db *db, const char *sql)
{
    struct db_stmt *s = db_prepare(db, sql);
    ck_assert(db_step(s));
    int64_t value = db_int(s, 0);
    ck_assert_int_eq(db_done(s, NULL), SL_OK);
    return value;
}

static enum sl_status add_site(struct db *db, const char *code, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "INSERT INTO site (code) VALUES (?1)");
    db_bind_text(s, 1, code);
    return db_run(s, e);
}

static void *tell_soon(void *wish)
{
    (void)poll(NULL, 0, 300);
    sl_cancel_tell(wish);
    return NULL;
}

START_TEST(waits_for_a_lock_until_it_is_told_to_give_up)
{
    pthread_t teller;
    setup();
    struct db *holder = opened(DB_CREATE, &schema), *waiter = opened(DB_READ_WRITE, &schema);
    struct sl_cancel wish;
    ck_assert_int_eq(sl_cancel_init(&wish, NULL), SL_OK);
    ck_assert_int_eq(db_begin(holder, NULL), SL_OK);
    db_heed(waiter, &wish);
    int64_t start_ms = sl_clock_mono_ms();
    ck_assert_int_eq(pthread_create(&teller, NULL, tell_soon, &wish), 0);
    ck_assert_int_eq(db_begin(waiter, NULL), SL_TIMEOUT);
    int64_t waited_ms = sl_clock_mono_ms() - start_ms;
    ck_assert_msg(waited_ms >= 290 && waited_ms < 3000, "%lld ms", (long long)waited_ms);
    pthread_join(teller, NULL);
    db_rollback(holder);
    db_close(waiter);
    db_close(holder);
    sl_cancel_fini(&wish);
    teardown();
}
END_TEST

START_TEST(is_opened_for_durability)
{
    setup();
    struct db *db = opened(DB_CREATE, &schema);
    struct db_stmt *s = db_prepare(db, "PRAGMA journal_mode");
    ck_assert(db_step(s));
    ck_assert_str_eq(db_text(s, 0), "wal");
    ck_assert_int_eq(db_done(s, NULL), SL_OK);
    ck_assert_int_eq(number(db, "PRAGMA synchronous"), 2);
    ck_assert_int_eq(number(db, "PRAGMA foreign_keys"), 1);
    ck_assert_int_eq(number(db, "PRAGMA application_id"), 0x53490001);
    ck_assert_int_eq(number(db, "PRAGMA user_version"), 2);
    ck_assert_int_ne(db_exec(db, "PRAGMA writable_schema = ON; DELETE FROM sqlite_master", NULL), SL_OK);
    db_close(db);
    db_close(NULL);
    teardown();
}
END_TEST

START_TEST(migrates_and_keeps_what_is_there)
{
    setup();
    struct db *db = opened(DB_CREATE, &first_schema);
    ck_assert_int_eq(add_site(db, "ABC", NULL), SL_OK);
    db_close(db);
    refused(DB_READ_ONLY, &schema, SL_CONFLICT, "schema 1 of 2");
    db = opened(DB_READ_WRITE, &schema);
    ck_assert_int_eq(number(db, "PRAGMA user_version"), 2);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM site"), 1);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM mp"), 0);
    db_close(db);
    refused(DB_READ_WRITE, &first_schema, SL_FOREIGN, "newer version");
    teardown();
}
END_TEST

START_TEST(a_failed_migration_leaves_nothing)
{
    static const char *const bad_steps[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"};
    const struct db_schema bad = {0x53490001, bad_steps, 2}, good = {0x53490001, bad_steps, 1};
    setup();
    refused(DB_CREATE, &bad, SL_INTERNAL, "migration to schema 2");
    struct db *db = opened(DB_READ_WRITE, &good);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'b'"), 0);
    db_close(db);
    teardown();
}
END_TEST

START_TEST(what_is_not_ours_stays_as_it_is)
{
    const struct db_schema other = {0x4f544852, steps, 2};
    char octets[64] = {0};
    setup();
    refused(DB_READ_WRITE, &schema, SL_IO, "No such file");
    db_close(opened(DB_CREATE, &other));
    refused(DB_CREATE, &schema, SL_FOREIGN, "another program");
    ck_assert_int_eq(truncate(path, 0), 0);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++)
        fputs("this is a text and not a database\n", file);
    fclose(file);
    refused(DB_CREATE, &schema, SL_CORRUPT, "not a database");
    file = fopen(path, "r");
    ck_assert_uint_eq(fread(octets, 1, 33, file), 33);
    fclose(file);
    ck_assert_str_eq(octets, "this is a text and not a database");
    teardown();
}
END_TEST

START_TEST(damage_is_told)
{
    setup();
    struct db *db = opened(DB_CREATE, &schema);
    run(db, "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO site (code) SELECT i "
            "FROM n");
    db_close(db);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    FILE *file = fopen(path, "r+");
    fseek(file, 4096, SEEK_SET);
    for (long at = 4096; at < st.st_size; at++)
        fputc(0x5a, file);
    fclose(file);
    db = opened(DB_READ_WRITE, &schema);
    struct sl_error e = {0};
    struct db_stmt *s = db_prepare(db, "SELECT id, code FROM site");
    while (db_step(s))
        ck_assert_int_ge(db_int(s, 0), 0);
    ck_assert_int_eq(db_done(s, &e), SL_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    db_close(db);
    teardown();
}
END_TEST

START_TEST(values_come_back_as_they_went_in)
{
    struct db *db = NULL;
    ck_assert_int_eq(db_open(":memory:", DB_CREATE, &schema, &db, NULL), SL_OK);
    run(db, "CREATE TABLE v (i, t, b, n, e)");
    struct db_stmt *s = db_prepare(db, "INSERT INTO v VALUES (?1, ?2, ?3, ?4, ?5)");
    db_bind_int(s, 1, INT64_MIN);
    db_bind_text(s, 2, "x'; DROP TABLE v; --");
    db_bind_blob(s, 3, "\0\x01\0", 3);
    db_bind_null(s, 4);
    db_bind_blob(s, 5, "", 0);
    ck_assert_int_eq(db_run(s, NULL), SL_OK);
    ck_assert_int_eq(db_changes(db), 1);
    s = db_prepare(db, "SELECT i, t, b, n, e FROM v");
    size_t len = 9;
    ck_assert(db_step(s));
    ck_assert_int_eq(db_int(s, 0), INT64_MIN);
    ck_assert_str_eq(db_text(s, 1), "x'; DROP TABLE v; --");
    ck_assert_mem_eq(db_blob(s, 2, &len), "\0\x01\0", 3);
    ck_assert_uint_eq(len, 3);
    ck_assert(db_is_null(s, 3));
    ck_assert_str_eq(db_text(s, 3), "");
    ck_assert_ptr_null(db_blob(s, 3, &len));
    ck_assert(!db_is_null(s, 4));
    ck_assert(!db_step(s));
    ck_assert_int_eq(db_done(s, NULL), SL_OK);
    db_close(db);
}
END_TEST

START_TEST(a_statement_remembers_its_first_failure)
{
    static const char select[] = "SELECT code FROM site";
    struct db *db = NULL;
    struct sl_error e = {0};
    ck_assert_int_eq(db_open(":memory:", DB_CREATE, &schema, &db, NULL), SL_OK);
    ck_assert_int_eq(add_site(db, "ABC", NULL), SL_OK);
    ck_assert_int_eq(add_site(db, "ABC", &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, "UNIQUE constraint failed: site.code"));
    ck_assert_int_eq(add_site(db, "ABCD", &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, "code_is_short"));
    ck_assert_int_eq(db_exec(db, "INSERT INTO mp (site) VALUES (99)", &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, "FOREIGN KEY"));
    ck_assert_int_eq(add_site(db, "DEF", NULL), SL_OK);

    struct db_stmt *s = db_prepare(db, select);
    db_bind_int(s, 7, 1);
    ck_assert(!db_step(s));
    ck_assert_str_eq(db_text(s, 0), "");
    ck_assert_int_eq(db_done(s, &e), SL_INTERNAL);
    ck_assert_ptr_eq(db_prepare(db, select), s);
    struct sl_strings codes = {0};
    ck_assert_int_eq(db_texts(s, &codes, NULL), SL_OK);
    ck_assert_uint_eq(codes.count, 2);
    ck_assert_str_eq(codes.items[1], "DEF");
    sl_strings_fini(&codes);

    s = db_prepare(db, "SELECT x FROM nowhere");
    ck_assert_int_eq(db_texts(s, &codes, &e), SL_INTERNAL);
    ck_assert_uint_eq(codes.count, 0);
    s = db_prepare(db, "SELECT x FROM nowhere");
    ck_assert(!db_step(s));
    ck_assert_int_eq(db_int(s, 0), 0);
    ck_assert_int_eq(db_done(s, &e), SL_INTERNAL);
    ck_assert_ptr_nonnull(strstr(e.text, "nowhere"));
    db_close(db);
}
END_TEST

START_TEST(a_transaction_is_all_or_nothing)
{
    setup();
    struct db *db = opened(DB_CREATE, &schema), *other = opened(DB_READ_WRITE, &schema);
    ck_assert_int_eq(db_begin(db, NULL), SL_OK);
    ck_assert_int_eq(add_site(db, "ABC", NULL), SL_OK);
    ck_assert_int_eq(number(other, "SELECT count(*) FROM site"), 0);
    db_rollback(db);
    db_rollback(db);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM site"), 0);
    ck_assert_int_eq(db_begin(db, NULL), SL_OK);
    ck_assert_int_eq(add_site(db, "ABC", NULL), SL_OK);
    ck_assert_int_eq(db_commit(db, NULL), SL_OK);
    ck_assert_int_eq(number(other, "SELECT count(*) FROM site"), 1);
    ck_assert_int_ne(db_commit(db, NULL), SL_OK);
    db_close(db);
    db_close(other);
    teardown();
}
END_TEST

START_TEST(a_deferred_constraint_fails_the_commit)
{
    struct db *db = NULL;
    struct sl_error e = {0};
    ck_assert_int_eq(db_open(":memory:", DB_CREATE, &schema, &db, NULL), SL_OK);
    run(db, "CREATE TABLE late (site REFERENCES site (id) DEFERRABLE INITIALLY DEFERRED)");
    ck_assert_int_eq(db_begin(db, NULL), SL_OK);
    run(db, "INSERT INTO late VALUES (5)");
    ck_assert_int_eq(db_commit(db, &e), SL_CONFLICT);
    ck_assert_int_eq(db_begin(db, NULL), SL_OK);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM late"), 0);
    db_rollback(db);
    db_close(db);
}
END_TEST

START_TEST(read_only_is_denied_writing)
{
    struct sl_error e = {0};
    setup();
    db_close(opened(DB_CREATE, &schema));
    struct db *db = opened(DB_READ_ONLY, &schema);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM site"), 0);
    ck_assert_int_eq(add_site(db, "ABC", &e), SL_DENIED);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    db_close(db);
    teardown();
}
END_TEST

/* Opens, migrates and adds its own hundred rows, each in a transaction; 0 when all went well. */
static int open_and_add(int process)
{
    struct db *db = NULL;
    struct sl_error e = {0};
    if (db_open(path, DB_CREATE, &schema, &db, &e) != SL_OK) {
        fprintf(stderr, "process %d: %s\n", process, e.text);
        return 1;
    }
    for (int i = 0; i < 100; i++) {
        char code[16];
        snprintf(code, sizeof code, "%c%02d", 'A' + process, i);
        if (add_site(db, code, NULL) != SL_OK)
            return 2;
    }
    db_close(db);
    return 0;
}

START_TEST(several_processes_may_open_and_write)
{
    enum { PROCESSES = 6 };
    setup();
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            _exit(open_and_add(i));
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    struct db *db = opened(DB_READ_WRITE, &schema);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM site"), 100 * PROCESSES);
    db_close(db);
    teardown();
}
END_TEST

START_TEST(a_backup_is_whole_and_overwrites_nothing)
{
    char copy[80];
    struct sl_error e;
    setup();
    snprintf(copy, sizeof copy, "%s.copy", path);
    struct db *db = opened(DB_CREATE, &schema), *reader = opened(DB_READ_ONLY, &schema);
    ck_assert_int_eq(db_exec(db, "INSERT INTO site (code) VALUES ('PS1')", NULL), SL_OK);
    ck_assert_int_eq(db_begin(db, NULL), SL_OK);
    ck_assert_int_eq(db_exec(db, "INSERT INTO site (code) VALUES ('PS2')", NULL), SL_OK); /* not committed: not in it */
    ck_assert_int_eq(db_backup(reader, copy, NULL, &e), SL_OK);
    ck_assert_int_eq(db_commit(db, NULL), SL_OK);
    ck_assert_int_eq(db_backup(reader, copy, NULL, &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, copy));
    ck_assert_int_ne(db_backup(reader, "/nowhere/at/all.db", NULL, &e), SL_OK);
    db_close(reader);
    db_close(db);
    ck_assert_int_eq(rename(copy, path), 0); /* no other file is needed beside it */
    db = opened(DB_READ_WRITE, &schema);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM site"), 1);
    db_close(db);
    teardown();
}
END_TEST

UNIT_MAIN("db", a_backup_is_whole_and_overwrites_nothing, is_opened_for_durability, migrates_and_keeps_what_is_there,
          a_failed_migration_leaves_nothing, what_is_not_ours_stays_as_it_is, damage_is_told, values_come_back_as_they_went_in,
          a_statement_remembers_its_first_failure, a_transaction_is_all_or_nothing, a_deferred_constraint_fails_the_commit,
          read_only_is_denied_writing, waits_for_a_lock_until_it_is_told_to_give_up, several_processes_may_open_and_write)
