/*
 * The registry on disk: what was committed comes back, what was not does not; damaged, foreign and newer files are refused.
 */
#include "common/base/memory.h"
#include "common/db/db.h"
#include "wins-emu/store/journal.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The file as another program sees it that knows its schema. */
static const char *const none[] = {"", "", "", "", ""};
enum { SELF = 0xc0000201 };
static const struct db_schema ours = {0x57494e53, none, SL_COUNT(none)};

static char folder[] = "/tmp/test-store-XXXXXX";
static char path[64];

static void fresh_file(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < SL_COUNT(endings); i++) {
        char file[96];
        snprintf(file, sizeof file, "%s%s", path, endings[i]);
        unlink(file);
    }
}

static struct wst *open_store(void)
{
    struct wst *w = NULL;
    struct sl_error e;
    ck_assert_msg(wst_open(path, SELF, &w, &e) == SL_OK, "%s", e.text);
    return w;
}

static struct wins_record record_of(const char *text, uint64_t version)
{
    struct wins_record r = {.type = WINS_MHOMED,
                            .state = WINS_RELEASED,
                            .node = WINS_NODE_H,
                            .is_static = true,
                            .owner = SELF,
                            .version = version,
                            .expires_s = INT64_C(1) << 40,
                            .registered_by = 0xfffffffe,
                            .member_count = 2};
    memset(r.name.octets, ' ', NB_NAME_LEN);
    memcpy(r.name.octets, text, strlen(text));
    r.members[0] = (struct wins_member){0xffffffff, 1, -1};
    r.members[1] = (struct wins_member){2, 0x80000000, INT64_MAX};
    return r;
}

static void put_alone(struct wst *w, const struct wins_record *r)
{
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_put(w, r);
    wst_set_version(w, r->version);
    ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
}

struct loaded {
    size_t count;
    struct wins_record last;
};

static void note(const struct wins_record *r, void *ctx)
{
    struct loaded *l = ctx;
    l->count++;
    l->last = *r;
}

static struct loaded load(struct wst *w)
{
    struct loaded l = {0};
    ck_assert_int_eq(wst_load(w, note, &l, NULL), SL_OK);
    size_t count;
    ck_assert_int_eq(wst_count(w, &count, NULL), SL_OK);
    ck_assert_uint_eq(count, l.count);
    return l;
}

START_TEST(a_record_comes_back_whole)
{
    struct wst *w = open_store();
    struct wins_record r = record_of("NAME", UINT64_MAX);
    r.name.scope_len = 255;
    memset(r.name.scope, 'x', 255);
    put_alone(w, &r);
    wst_close(w);
    w = open_store();
    struct loaded l = load(w);
    ck_assert_uint_eq(l.count, 1);
    ck_assert_mem_eq(l.last.name.octets, r.name.octets, NB_NAME_LEN);
    ck_assert_uint_eq(l.last.name.scope_len, 255);
    ck_assert_mem_eq(l.last.name.scope, r.name.scope, 255);
    ck_assert_mem_eq(l.last.members, r.members, 2 * sizeof r.members[0]);
    ck_assert(l.last.type == r.type && l.last.state == r.state && l.last.node == r.node && l.last.is_static);
    ck_assert(l.last.owner == r.owner && l.last.version == r.version && l.last.expires_s == r.expires_s);
    ck_assert(l.last.registered_by == r.registered_by && l.last.member_count == 2);
    wst_close(w);
}
END_TEST

START_TEST(the_version_counter_is_part_of_the_batch)
{
    struct wst *w = open_store();
    ck_assert_uint_eq(wst_version(w), 0);
    struct wins_record r = record_of("NAME", 41);
    put_alone(w, &r);
    ck_assert_uint_eq(wst_version(w), 41);
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_remove(w, &r.name);
    wst_set_version(w, 42);
    ck_assert_uint_eq(wst_version(w), 41);
    wst_close(w); /* not committed */
    w = open_store();
    ck_assert_uint_eq(wst_version(w), 41);
    ck_assert_uint_eq(load(w).count, 1);
    wst_close(w);
}
END_TEST

static int64_t owner_version(uint32_t address)
{
    struct db *db;
    ck_assert_int_eq(db_open(path, DB_READ_ONLY, &ours, &db, NULL), SL_OK);
    struct db_stmt *s = db_prepare(db, "SELECT version FROM owner WHERE address = ?1");
    db_bind_int(s, 1, address);
    int64_t version = db_step(s) ? db_int(s, 0) : -1;
    ck_assert_int_eq(db_done(s, NULL), SL_OK);
    db_close(db);
    return version;
}

/* wins.md 2.11: a server that is killed goes on behind all version ids that it handed out; one that ends leaves no gap. */
START_TEST(no_version_id_is_given_twice_after_a_crash_2_11)
{
    enum { LAST = 10000 };
    for (uint64_t killed_at = 1; killed_at <= LAST; killed_at = killed_at * 3 + 1) {
        struct wst *w = open_store();
        uint64_t first = wst_version(w);
        wst_close(w);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            w = open_store();
            for (uint64_t version = first + 1; version <= first + killed_at; version++) {
                struct wins_record r = record_of("NAME", version);
                put_alone(w, &r);
            }
            _exit(wst_version(w) == first + killed_at ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        int state;
        ck_assert(waitpid(pid, &state, 0) == pid && state == 0);
        w = open_store();
        ck_assert_uint_ge(wst_version(w), first + killed_at);
        ck_assert_uint_le(wst_version(w), first + killed_at + LAST);
        uint64_t now = wst_version(w);
        struct wins_record r = record_of("NAME", now + 1);
        put_alone(w, &r);
        wst_close(w);
        w = open_store();
        ck_assert_uint_eq(wst_version(w), now + 1);
        wst_close(w);
        ck_assert_int_eq(owner_version(0), (int64_t)now + 1);
    }
}
END_TEST

/* What a lone registration costs the disk. */
START_TEST(a_registration_writes_one_page_2_12)
{
    enum { FRAME = 24 + 4096, FIRST = 50, COUNT = 100 }; /* the first frames take the place of those of the start */
    char wal[96];
    struct stat before, after;
    struct wst *w = open_store();
    snprintf(wal, sizeof wal, "%s-wal", path);
    struct wins_record r = record_of("NAME", 1);
    for (; r.version < FIRST; r.version++)
        put_alone(w, &r);
    ck_assert_int_eq(stat(wal, &before), 0);
    for (; r.version < FIRST + COUNT; r.version++)
        put_alone(w, &r);
    ck_assert_int_eq(stat(wal, &after), 0);
    ck_assert_int_eq(after.st_size - before.st_size, COUNT * FRAME);
    wst_close(w);
}
END_TEST

START_TEST(a_batch_that_fails_stores_nothing_and_the_next_works)
{
    struct wst *w = open_store();
    struct wins_record r = record_of("FIRST", 1), bad = record_of("BAD", 2);
    bad.name.octets[0] = 'X';
    put_alone(w, &r);
    struct db *other;
    ck_assert_int_eq(db_open(path, DB_READ_WRITE, &ours, &other, NULL), SL_OK);
    ck_assert_int_eq(db_exec(other, "CREATE TRIGGER no BEFORE INSERT ON record WHEN new.version = 3 BEGIN"
                                    " SELECT raise(ABORT, 'not this one'); END", NULL), SL_OK);
    db_close(other);
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_put(w, &bad);
    bad.version = 3;
    wst_put(w, &bad);
    bad.version = 4;
    wst_put(w, &bad);
    wst_set_version(w, 4);
    struct sl_error e;
    ck_assert_int_ne(wst_commit(w, &e), SL_OK);
    ck_assert_ptr_nonnull(strstr(e.text, "not this one"));
    ck_assert_uint_eq(wst_version(w), 1);
    ck_assert_uint_eq(load(w).count, 1);
    bad.version = 2;
    put_alone(w, &bad);
    ck_assert_uint_eq(load(w).count, 2);
    wst_close(w);
}
END_TEST

/* wins.md 2.7: what the scavenger counts by outlives a restart; a batch that is not committed leaves it. */
START_TEST(times_are_part_of_the_batch)
{
    struct wst *w = open_store();
    const struct wst_times times = {INT64_C(1) << 33, 5, 7}, lost = {1, 2, 3};
    ck_assert_int_eq(wst_times(w).scavenged_s, 0);
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_set_times(w, &times);
    ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_set_times(w, &lost);
    wst_close(w);
    w = open_store();
    ck_assert_int_eq(wst_times(w).scavenged_s, times.scavenged_s);
    ck_assert_int_eq(wst_times(w).serving_since_s, 5);
    ck_assert_int_eq(wst_times(w).alive_s, 7);
    wst_close(w);
}
END_TEST

/* wins.md 2.11: the highest version id of an owner outlives its records, and never goes back. */
START_TEST(owners_keep_their_highest_version)
{
    struct wst *w = open_store();
    struct wins_record r = record_of("NAME", 7);
    put_alone(w, &r);
    wst_close(w);
    w = open_store();
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_remove(w, &r.name);
    r = record_of("OTHER", 5);
    wst_put(w, &r);
    ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
    wst_close(w);
    ck_assert_int_eq(owner_version(0), 7);
    ck_assert_int_eq(owner_version(1), -1);
}
END_TEST

/* wins.md 2.11: a server that moves to another address keeps its names as its own, and goes on with its version ids. */
START_TEST(what_is_ours_stays_ours_under_a_new_address_2_11)
{
    struct wst *w = open_store();
    struct wins_record r = record_of("NAME", 7);
    bool raised;
    r.members[0].owner = SELF;
    put_alone(w, &r);
    wst_close(w);
    ck_assert_int_eq(wst_open(path, SELF + 1, &w, NULL), SL_OK);
    struct loaded l = load(w);
    ck_assert_uint_eq(l.last.owner, SELF + 1);
    ck_assert_uint_eq(l.last.members[0].owner, SELF + 1);
    ck_assert_uint_eq(l.last.members[1].owner, 0x80000000);
    ck_assert(wst_raise_version(w, &raised, NULL) == SL_OK && !raised);
    ck_assert_uint_eq(wst_version(w), 7);
    wst_close(w);
}
END_TEST

static enum sl_status reopen_after(const char *sql, struct sl_error *e)
{
    wst_close(open_store());
    struct db *db;
    ck_assert_int_eq(db_open(path, DB_READ_WRITE, &ours, &db, NULL), SL_OK);
    ck_assert_int_eq(db_exec(db, sql, NULL), SL_OK);
    db_close(db);
    struct wst *w = NULL;
    enum sl_status status = wst_open(path, SELF, &w, e);
    ck_assert(status != SL_OK || w);
    struct loaded l = {0};
    if (status == SL_OK)
        status = wst_load(w, note, &l, e);
    wst_close(w);
    return status;
}

START_TEST(newer_and_foreign_files_are_refused)
{
    struct sl_error e;
    ck_assert_int_eq(reopen_after("PRAGMA user_version = 99", &e), SL_FOREIGN);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    fresh_file();
    ck_assert_int_eq(reopen_after("PRAGMA application_id = 1", &e), SL_FOREIGN);
    ck_assert_ptr_nonnull(strstr(e.text, path));
}
END_TEST

START_TEST(damaged_rows_are_refused)
{
    static const char *const damages[] = {
        "INSERT INTO record VALUES (zeroblob(16), 4, 0, 0, 0, 0, 0, 0, 0, zeroblob(16), NULL)",
        "INSERT INTO record VALUES (zeroblob(16), 0, 3, 0, 0, 0, 0, 0, 0, zeroblob(16), NULL)",
        "INSERT INTO record VALUES (zeroblob(16), 0, 0, -1, 0, 0, 0, 0, 0, zeroblob(16), NULL)",
        "INSERT INTO record VALUES (zeroblob(16), 0, 0, 0, 0, 0, 0, 0, 0, zeroblob(26 * 16), NULL)",
        "INSERT INTO record VALUES (zeroblob(16), 0, 0, 0, 0, 0, 0, 0, 0, zeroblob(16), 7)",
        "DELETE FROM registry",
    };
    for (size_t i = 0; i < SL_COUNT(damages); i++) {
        struct sl_error e = {0};
        fresh_file();
        ck_assert_msg(reopen_after(damages[i], &e) == SL_CORRUPT, "%s: %s", damages[i], e.text);
    }
}
END_TEST

START_TEST(a_file_of_noise_is_refused_and_left_alone)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    char noise[8192];
    memset(noise, 'x', sizeof noise);
    ck_assert_int_eq(write(fd, noise, sizeof noise), sizeof noise);
    close(fd);
    struct wst *w;
    struct sl_error e;
    ck_assert_int_eq(wst_open(path, SELF, &w, &e), SL_CORRUPT);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, sizeof noise);
}
END_TEST

START_TEST(a_second_server_is_refused)
{
    struct wst *w = open_store(), *second;
    struct sl_error e;
    ck_assert_int_eq(wst_open(path, SELF, &second, &e), SL_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    wst_close(w);
    wst_close(open_store());
}
END_TEST

static struct wst_note note_of(const struct wins_record *before, const struct wins_record *after, enum wins_rule rule)
{
    struct wst_note n = {.name = after->name, .at_s = INT64_C(5000000000), .by = WST_BY_CLIENT, .source = 0x0a000001,
                         .rule = rule};
    wst_image_of(before, &n.before);
    wst_image_of(after, &n.after);
    return n;
}

struct told {
    size_t count;
    struct wst_note notes[64];
};

static void tell(const struct wst_note *n, void *ctx)
{
    struct told *told = ctx;
    ck_assert_uint_lt(told->count, SL_COUNT(told->notes));
    told->notes[told->count++] = *n;
}

static struct told history(struct wst *w, const struct nb_name *name)
{
    struct told told = {0};
    uint64_t cursor = 0;
    for (bool more = true; more;)
        ck_assert_int_eq(wst_history(w, name, &cursor, 3, tell, &told, &more, NULL), SL_OK);
    return told;
}

static void note_alone(struct wst *w, const struct wst_note *n)
{
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_note(w, n);
    ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
}

/* 2.12: what a lone registration costs the disk while the journal is full: its own page and the journal's last one. */
START_TEST(a_registration_writes_two_pages_beside_a_full_journal_2_12)
{
    enum { FRAME = 24 + 4096, KEPT = 640, COUNT = 200, CUTS_COST = COUNT / 4 };
    char wal[96];
    struct stat after;
    struct wst *w = open_store();
    snprintf(wal, sizeof wal, "%s-wal", path);
    wst_set_journal_max(w, KEPT);
    struct wins_record r = record_of("NAME", 1);
    struct wst_note n = note_of(NULL, &r, WINS_R08);
    for (int i = 0; i < KEPT; i++)
        note_alone(w, &n);
    struct db *other;
    ck_assert_int_eq(db_open(path, DB_READ_WRITE, &ours, &other, NULL), SL_OK);
    ck_assert_int_eq(db_exec(other, "PRAGMA wal_checkpoint(TRUNCATE)", NULL), SL_OK);
    db_close(other);
    for (; r.version <= COUNT; r.version++) {
        ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
        wst_put(w, &r);
        wst_note(w, &n);
        ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
    }
    ck_assert_int_eq(stat(wal, &after), 0);
    ck_assert_int_le(after.st_size / FRAME, 2 * COUNT + CUTS_COST);
    wst_close(w);
}
END_TEST

/* X16: a note comes back whole, after a restart too, oldest first; one of a batch that was not committed does not. */
START_TEST(the_journal_keeps_what_was_noted_X16)
{
    struct wst *w = open_store();
    wst_set_journal_max(w, 100);
    struct wins_record a = record_of("NAME", 7), b = record_of("OTHER", 8), c = a;
    c.state = WINS_RELEASED;
    c.version = UINT64_C(1) << 40;
    struct wst_note first = note_of(NULL, &a, WINS_R08), second = note_of(&a, &c, WINS_L08), other = note_of(NULL, &b, WINS_R08);
    second.by = WST_BY_ADMIN;
    second.rule = WINS_RULE_NONE;
    note_alone(w, &first);
    note_alone(w, &other);
    note_alone(w, &second);
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    wst_note(w, &first);
    wst_abandon(w);
    wst_close(w);
    w = open_store();
    struct told told = history(w, &a.name);
    ck_assert_uint_eq(told.count, 2);
    const struct wst_note *n = &told.notes[1];
    ck_assert(!told.notes[0].before.present && told.notes[0].rule == WINS_R08 && told.notes[0].source == 0x0a000001);
    ck_assert(n->before.present && n->before.version == 7 && n->after.version == UINT64_C(1) << 40);
    ck_assert(n->by == WST_BY_ADMIN && n->rule == WINS_RULE_NONE && n->at_s == INT64_C(5000000000));
    ck_assert(n->after.state == WINS_RELEASED && n->after.type == a.type && n->after.address_count == a.member_count);
    ck_assert_uint_eq(n->after.addresses[0], a.members[0].address);
    wst_close(w);
}
END_TEST

/* X16: the oldest notes go; 0 keeps none. */
START_TEST(the_journal_is_bounded_X16)
{
    struct wst *w = open_store();
    struct wins_record r = record_of("NAME", 7);
    struct wst_note n = note_of(NULL, &r, WINS_R08);
    wst_set_journal_max(w, 10);
    for (int i = 0; i < 25; i++) {
        n.at_s = i;
        note_alone(w, &n);
    }
    struct told told = history(w, &r.name);
    ck_assert_uint_eq(told.count, 10);
    ck_assert_int_eq(told.notes[0].at_s, 15);
    wst_set_journal_max(w, 4);
    note_alone(w, &n);
    ck_assert_uint_eq(history(w, &r.name).count, 4);
    wst_set_journal_max(w, 0);
    note_alone(w, &n);
    ck_assert_uint_eq(history(w, &r.name).count, 0);
    wst_close(w);
}
END_TEST

static void count_note(const struct wst_note *n, void *ctx)
{
    (void)n;
    ++*(uint64_t *)ctx;
}

static uint64_t notes_of(struct wst *w, const struct nb_name *name)
{
    uint64_t cursor = 0, count = 0;
    for (bool more = true; more;)
        ck_assert_int_eq(wst_history(w, name, &cursor, 100, count_note, &count, &more, NULL), SL_OK);
    return count;
}

/* X16: a bound that is lowered takes a bounded slice with each commit, and holds after enough of them; so after a restart. */
START_TEST(a_long_journal_is_cut_in_slices_X16)
{
    enum { MANY = 50000, SLICE_MAX = 6000, KEPT = 10, RESTART_AT = 3, COMMITS_MAX = MANY / 2000 };
    struct wst *w = open_store();
    struct wins_record r = record_of("NAME", 7);
    struct wst_note n = note_of(NULL, &r, WINS_R08);
    wst_set_journal_max(w, MANY);
    ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
    for (int i = 0; i < MANY; i++)
        wst_note(w, &n);
    ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
    ck_assert(!wst_journal_is_over(w));
    wst_set_journal_max(w, KEPT);
    uint64_t left = notes_of(w, &r.name);
    ck_assert_uint_eq(left, MANY);
    for (int commits = 0; wst_journal_is_over(w); commits++) {
        ck_assert_int_lt(commits, COMMITS_MAX);
        note_alone(w, &n);
        uint64_t now = notes_of(w, &r.name);
        ck_assert_uint_le(left - now, SLICE_MAX);
        left = now;
        if (commits != RESTART_AT)
            continue;
        wst_close(w);
        w = open_store();
        wst_set_journal_max(w, KEPT);
    }
    for (int i = 0; i < KEPT; i++)
        note_alone(w, &n);
    ck_assert_uint_eq(notes_of(w, &r.name), KEPT);
    wst_close(w);
}
END_TEST

/* Leaves the file as a server that was killed leaves it, with its log under another name. */
static void die_without_log(char saved[96])
{
    char log[96];
    if (fork() == 0) {
        struct wst *w = open_store();
        struct wins_record r = record_of("NAME", 7);
        put_alone(w, &r);
        _exit(0);
    }
    wait(NULL);
    snprintf(log, sizeof log, "%s-wal", path);
    snprintf(saved, 96, "%s-saved", path);
    ck_assert_int_eq(rename(log, saved), 0);
}

/* 2.12: without the log that a killed server left behind nothing starts; with it all is there; a clean end needs none. */
START_TEST(a_missing_log_is_refused_2_12)
{
    char saved[96], log[96];
    struct wst *w;
    struct sl_error e;
    wst_close(open_store());
    wst_close(open_store());
    die_without_log(saved);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(wst_open(path, SELF, &w, &e), SL_CORRUPT);
        ck_assert_ptr_nonnull(strstr(e.text, "-wal"));
    }
    snprintf(log, sizeof log, "%s-wal", path);
    ck_assert_int_eq(rename(saved, log), 0);
    w = open_store();
    ck_assert_uint_ge(wst_version(w), 7);
    wst_close(w);
}
END_TEST

/* 2.11: who goes on without the log gets version ids that were never handed out. */
START_TEST(version_ids_leap_when_a_log_is_given_up_2_11)
{
    char saved[96];
    struct sl_error e;
    die_without_log(saved);
    ck_assert_int_eq(wst_accept_missing_log(path, &e), SL_OK);
    struct wst *w = open_store();
    ck_assert_uint_gt(wst_version(w), UINT64_C(1) << 31);
    ck_assert_int_eq(wst_accept_missing_log(path, &e), SL_USAGE);
    wst_close(w);
    unlink(saved);
}
END_TEST

static void run_on_file(const char *sql)
{
    struct db *db;
    ck_assert_int_eq(db_open(path, DB_READ_WRITE, &ours, &db, NULL), SL_OK);
    ck_assert_int_eq(db_exec(db, sql, NULL), SL_OK);
    db_close(db);
}

/* 2.11: a counter below a record's version id, or what the owner table says was handed out, leaps beyond it and stays there. */
START_TEST(a_counter_that_fell_back_leaps_2_11)
{
    static const char *const damage[] = {"UPDATE registry SET version = 3",
                                         "UPDATE registry SET version = 3; DELETE FROM record"};
    for (size_t i = 0; i < SL_COUNT(damage); i++) {
        struct wins_record r = record_of("NAME", 100), other = record_of("OTHER", UINT64_C(1) << 40);
        bool raised;
        fresh_file();
        struct wst *w = open_store();
        put_alone(w, &r);
        other.owner = 1; /* whose ids are no concern of ours */
        ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
        wst_put(w, &other);
        ck_assert_int_eq(wst_commit(w, NULL), SL_OK);
        wst_close(w);
        run_on_file(damage[i]);
        w = open_store();
        load(w);
        ck_assert_int_eq(wst_raise_version(w, &raised, NULL), SL_OK);
        ck_assert(raised);
        ck_assert_uint_eq(wst_version(w), 100 + WST_VERSION_LEAP);
        wst_close(w);
        w = open_store();
        load(w);
        ck_assert_uint_eq(wst_version(w), 100 + WST_VERSION_LEAP);
        ck_assert(wst_raise_version(w, &raised, NULL) == SL_OK && !raised);
        wst_close(w);
    }
}
END_TEST

/* 2.12: nothing is acknowledged while the database or its log is not where a restart would look for it; queries need neither. */
START_TEST(files_that_are_taken_away_acknowledge_nothing_2_12)
{
    static const char *const endings[] = {"", "-wal"};
    struct wins_record r = record_of("NAME", 1);
    struct wst *w = open_store();
    put_alone(w, &r);
    for (size_t i = 0; i < SL_COUNT(endings); i++) {
        char file[96], away[96];
        struct sl_error e;
        snprintf(file, sizeof file, "%s%s", path, endings[i]);
        snprintf(away, sizeof away, "%s-away", path);
        ck_assert_int_eq(rename(file, away), 0);
        for (int twice = 0; twice < 2; twice++) { /* gone; then another one in its place */
            ck_assert_int_eq(wst_begin(w, NULL), SL_OK);
            wst_put(w, &r);
            ck_assert_int_eq(wst_commit(w, &e), SL_IO);
            ck_assert_ptr_nonnull(strstr(e.text, path));
            close(open(file, O_CREAT | O_WRONLY, 0600));
        }
        ck_assert_int_eq(rename(away, file), 0);
        r.version++;
        put_alone(w, &r);
    }
    unlink(path);
    wst_close(w);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* 2.12: a log beside an empty or missing file is not made into a new registry; a backup needs no log. */
START_TEST(a_missing_file_is_refused_and_a_backup_opens_2_12)
{
    char saved[96], log[96], copy[96];
    struct wst *w = open_store();
    struct sl_error e;
    snprintf(copy, sizeof copy, "%s-copy", path);
    ck_assert_msg(wst_backup(path, copy, &e) == SL_OK, "%s", e.text);
    wst_close(w);
    ck_assert_msg(wst_open(copy, SELF, &w, &e) == SL_OK, "%s", e.text);
    ck_assert_uint_eq(wst_version(w), WST_VERSION_LEAP);
    wst_close(w);
    unlink(copy);
    die_without_log(saved);
    snprintf(log, sizeof log, "%s-wal", path);
    ck_assert_int_eq(rename(saved, log), 0);
    unlink(path);
    ck_assert_int_eq(wst_open(path, SELF, &w, &e), SL_CORRUPT);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static void write_file(const char *file, const void *octets, size_t len)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, octets, len), (ssize_t)len);
    close(fd);
}

/* 2.12: the log that a crash has left is not put into a copy in the place of its database; both stay as they are. */
START_TEST(a_strange_log_is_refused_2_12)
{
    enum { FORMAT_AT = 18, NO_LOG = 1 };
    char saved[96], log[96], copy[96];
    unsigned char header[FORMAT_AT + 2];
    struct wins_record r = record_of("OLD", 7);
    struct sl_error e;
    struct wst *w = open_store();
    put_alone(w, &r);
    snprintf(log, sizeof log, "%s-wal", path);
    snprintf(copy, sizeof copy, "%s-copy", path);
    ck_assert_int_eq(wst_backup(path, copy, NULL), SL_OK);
    wst_close(w);
    int fd = open(copy, O_RDONLY);
    ck_assert_int_eq(read(fd, header, sizeof header), sizeof header);
    close(fd);
    ck_assert(header[FORMAT_AT] == NO_LOG && header[FORMAT_AT + 1] == NO_LOG);
    die_without_log(saved);
    ck_assert(rename(saved, log) == 0 && rename(copy, path) == 0);
    ck_assert_int_eq(wst_open(path, SELF, &w, &e), SL_CORRUPT);
    ck_assert(strstr(e.text, log) && strstr(e.text, "remove it"));
    ck_assert_int_eq(access(log, F_OK), 0);
    write_file(log, "", 0); /* an empty one is nobody's */
    w = open_store();
    ck_assert_uint_eq(load(w).count, 1);
    ck_assert_uint_ge(wst_version(w), 7 + WST_VERSION_LEAP);
    wst_close(w);
}
END_TEST

static Suite *store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *c = tcase_create("store");
    tcase_add_checked_fixture(c, fresh_file, fresh_file);
    tcase_add_test(c, a_record_comes_back_whole);
    tcase_add_test(c, the_version_counter_is_part_of_the_batch);
    tcase_add_test(c, no_version_id_is_given_twice_after_a_crash_2_11);
    tcase_add_test(c, a_registration_writes_one_page_2_12);
    tcase_add_test(c, a_registration_writes_two_pages_beside_a_full_journal_2_12);
    tcase_add_test(c, times_are_part_of_the_batch);
    tcase_add_test(c, a_batch_that_fails_stores_nothing_and_the_next_works);
    tcase_add_test(c, owners_keep_their_highest_version);
    tcase_add_test(c, what_is_ours_stays_ours_under_a_new_address_2_11);
    tcase_add_test(c, newer_and_foreign_files_are_refused);
    tcase_add_test(c, damaged_rows_are_refused);
    tcase_add_test(c, a_file_of_noise_is_refused_and_left_alone);
    tcase_add_test(c, a_second_server_is_refused);
    tcase_add_test(c, the_journal_keeps_what_was_noted_X16);
    tcase_add_test(c, the_journal_is_bounded_X16);
    tcase_add_test(c, a_long_journal_is_cut_in_slices_X16);
    tcase_add_test(c, a_missing_log_is_refused_2_12);
    tcase_add_test(c, version_ids_leap_when_a_log_is_given_up_2_11);
    tcase_add_test(c, a_counter_that_fell_back_leaps_2_11);
    tcase_add_test(c, files_that_are_taken_away_acknowledge_nothing_2_12);
    tcase_add_test(c, a_missing_file_is_refused_and_a_backup_opens_2_12);
    tcase_add_test(c, a_strange_log_is_refused_2_12);
    suite_add_tcase(suite, c);
    return suite;
}

int main(void)
{
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/wins.db", folder);
    SRunner *runner = srunner_create(store_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    rmdir(folder);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
