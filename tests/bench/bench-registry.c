/*
 * The registry's figures beside a baseline in the same run: a table of rows, each with what it must reach.
 *
 *     bench-registry WINSD WINSCTL SLOWSYNC.so SAMBA.sh [ROWS]
 *
 * Short runs of the two sides alternate and a ratio is the median over the pairs, so that other work on the machine meets both.
 * Unless a row says otherwise 64 requests are under way, winsd has one worker, and every answer is checked. Exit code 1 when an
 * answer was wrong, or a server that is installed did not start or died; never because of a speed.
 */
#include "config.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/db/db.h"
#include "tests/bench/bench.h"
#include "tests/bench/programs.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the rows ---- */

enum { QUERIES = 50000, QUERY_PAIRS = 25, SAMBA_PAIRS = 5 };

static double query_cpu(struct bench *b, enum place place, enum place against)
{
    const struct side left = {place, LOAD_QUERY, QUERIES, LOAD_WINDOW};
    const struct side right = {against, against == ECHO ? LOAD_ECHO : LOAD_QUERY, QUERIES, LOAD_WINDOW};
    return bench_ratio(b, &left, &right, QUERY_PAIRS, bench_cpu);
}

static double query_1k(struct bench *b)
{
    return query_cpu(b, WINSD_1K, ECHO);
}

static double query_100k(struct bench *b)
{
    return query_cpu(b, WINSD_100K, ECHO);
}

static double query_1m(struct bench *b)
{
    return query_cpu(b, WINSD_1M, ECHO);
}

static double new_echo(struct bench *b)
{
    const struct side left = {WINSD_100K, LOAD_REGISTER, 4000, LOAD_WINDOW}, right = {ECHO, LOAD_ECHO, QUERIES, LOAD_WINDOW};
    return bench_ratio(b, &left, &right, SAMBA_PAIRS, bench_cpu);
}

static double query_flat(struct bench *b)
{
    return query_cpu(b, WINSD_1M, WINSD_1K);
}

static double against_samba(struct bench *b, enum load_kind kind, uint64_t ours, enum place samba, uint64_t theirs)
{
    return bench_ratio(b, &(struct side){WINSD_100K, kind, ours, LOAD_WINDOW}, &(struct side){samba, kind, theirs, LOAD_WINDOW},
                 SAMBA_PAIRS, bench_rate);
}

static double query_nmbd(struct bench *b)
{
    return against_samba(b, LOAD_QUERY, 100000, NMBD, 10000);
}

static double mix_nmbd(struct bench *b)
{
    return against_samba(b, LOAD_MIX, 100000, NMBD, 5000);
}

static double mix_ad(struct bench *b)
{
    return against_samba(b, LOAD_MIX, 100000, AD, 3000);
}

static double new_nmbd(struct bench *b)
{
    return against_samba(b, LOAD_REGISTER, 8000, NMBD, 2000);
}

static double new_ad(struct bench *b)
{
    return against_samba(b, LOAD_REGISTER, 8000, AD, 1000);
}

static double new_flat(struct bench *b)
{
    const struct side few = {WINSD_1K, LOAD_REGISTER, 2000, LOAD_WINDOW}, many = {WINSD_1M, LOAD_REGISTER, 2000, LOAD_WINDOW};
    return bench_ratio(b, &few, &many, 15, bench_rate);
}

static double slow_sync(struct bench *b)
{
    enum { RUNS = 3, WINDOW = 256, NAMES = 10000 };
    double rates[RUNS];
    if (!bench_need(b, WINSD_SLOW))
        return NAN;
    for (size_t i = 0; i < RUNS; i++)
        rates[i] = bench_measure(b, &(struct side){WINSD_SLOW, LOAD_REGISTER, NAMES, WINDOW}).rate;
    return bench_median(rates, RUNS);
}

/* Commits a second, each of one row as large as a registration's. */
static double commit_rate(struct db *db, uint64_t *number, unsigned count)
{
    int64_t start_us = sl_clock_mono_us();
    for (unsigned i = 0; i < count; i++) {
        uint8_t key[16] = {0}, data[64] = {0};
        memcpy(key, number, sizeof *number);
        (*number)++;
        sl_assert(db_begin(db, NULL) == SL_OK);
        struct db_stmt *s = db_prepare(db, "REPLACE INTO record (name, data) VALUES (?1, ?2)");
        db_bind_blob(s, 1, key, sizeof key);
        db_bind_blob(s, 2, data, sizeof data);
        sl_assert(db_run(s, NULL) == SL_OK && db_commit(db, NULL) == SL_OK);
    }
    return count * 1e6 / (double)(sl_clock_mono_us() - start_us);
}

static double one_at_a_time(struct bench *b)
{
    enum { RUNS = 15, COUNT = 200 };
    static const char *const migrations[] = {"CREATE TABLE record (name BLOB NOT NULL PRIMARY KEY, data BLOB) WITHOUT ROWID"};
    static const struct db_schema schema = {0x62656e63, migrations, SL_COUNT(migrations)};
    char path[SERVER_FOLDER_MAX];
    struct db *db;
    double ratios[RUNS], ours[RUNS], theirs[RUNS], trips[RUNS];
    uint64_t number = 0;
    if (!bench_need(b, WINSD_1K))
        return NAN;
    snprintf(path, sizeof path, "%s/commit.db", b->folder);
    sl_assert(db_open(path, DB_CREATE, &schema, &db, NULL) == SL_OK);
    for (size_t i = 0; i < RUNS; i++) {
        theirs[i] = 1e6 / commit_rate(db, &number, COUNT);
        ours[i] = 1e6 / bench_measure(b, &(struct side){WINSD_1K, LOAD_REGISTER, COUNT, 1}).rate;
        trips[i] = 1e6 / bench_measure(b, &(struct side){WINSD_1K, LOAD_QUERY, COUNT, 1}).rate;
        ratios[i] = ours[i] / theirs[i];
    }
    db_close(db);
    snprintf(b->note, BENCH_NOTE_MAX, "%.0f against %.0f us; a query there and back takes %.0f us", bench_median(ours, RUNS),
             bench_median(theirs, RUNS), bench_median(trips, RUNS));
    return bench_median(ratios, RUNS);
}

enum { STEADY_S = 3, STEADY_QUERIES = 20000, STEADY_NEW = 5000 };

/* New names from a process of its own, at their own pace. */
static pid_t start_new_names(struct server *s)
{
    const struct load_plan plan = {.kind = LOAD_REGISTER, .first = s->fresh, .names = STEADY_NEW * STEADY_S};
    s->fresh += plan.names;
    pid_t pid = fork();
    sl_assert(pid >= 0);
    if (pid)
        return pid;
    struct load_steady r = load_at_rate(&s->endpoint, &plan, STEADY_NEW, STEADY_S);
    _exit(r.wrong || !r.answers ? EXIT_FAILURE : EXIT_SUCCESS);
}

static double p99_of_queries(struct bench *b, bool beside_new_names)
{
    struct server *s = &b->servers[WINSD_100K];
    const uint32_t names = bench_names(WINSD_100K);
    const struct load_plan plan = {.kind = LOAD_QUERY, .names = names - names / BENCH_MIXED_OF};
    pid_t pid = beside_new_names ? start_new_names(s) : 0;
    struct load_steady r = load_at_rate(&s->endpoint, &plan, STEADY_QUERIES, STEADY_S);
    int state = 0;
    if (pid)
        waitpid(pid, &state, 0);
    if (r.wrong || !r.answers || state) {
        fprintf(stderr, "steady rate: %llu wrong answers\n", (unsigned long long)r.wrong);
        exit(EXIT_FAILURE);
    }
    if (r.lost)
        fprintf(stderr, "steady rate: %llu requests lost\n", (unsigned long long)r.lost);
    return r.p99_us;
}

static double p99_beside(struct bench *b)
{
    enum { RUNS = 5 };
    double ratios[RUNS], alone[RUNS], beside[RUNS];
    if (!bench_need(b, WINSD_100K))
        return NAN;
    for (size_t i = 0; i < RUNS; i++) {
        alone[i] = p99_of_queries(b, false);
        beside[i] = p99_of_queries(b, true);
        ratios[i] = beside[i] / alone[i];
    }
    snprintf(b->note, BENCH_NOTE_MAX, "%.0f against %.0f us", bench_median(beside, RUNS), bench_median(alone, RUNS));
    return bench_median(ratios, RUNS);
}

static double memory(struct bench *b)
{
    return bench_need(b, WINSD_1M) ? server_memory_mib(&b->servers[WINSD_1M]) : NAN;
}

static double start_1m(struct bench *b)
{
    enum { RUNS = 3 };
    double seconds[RUNS];
    struct sl_error e;
    if (!bench_need(b, WINSD_1M))
        return NAN;
    for (size_t i = 0; i < RUNS; i++) {
        server_stop(&b->servers[WINSD_1M]);
        int64_t start_us = sl_clock_mono_us();
        bench_start(b, WINSD_1M);
        if (server_wait(&b->servers[WINSD_1M], BENCH_START_LIMIT_S, &e) != SL_OK) {
            fprintf(stderr, "winsd-1m: %s\n", sl_error_text(&e));
            exit(EXIT_FAILURE);
        }
        seconds[i] = (double)(sl_clock_mono_us() - start_us) / 1e6;
    }
    return bench_median(seconds, RUNS);
}

/* A server with a new, empty database; false with a note when it does not start. */
static bool start_anew(struct bench *b, enum place place)
{
    struct server *s = &b->servers[place];
    struct sl_error e;
    if (!s->pid)
        return bench_need(b, place);
    server_stop(s);
    server_remove(s->folder);
    sl_assert(mkdir(s->folder, 0755) == 0);
    bench_start(b, place);
    if (server_wait(s, BENCH_START_LIMIT_S, &e) == SL_OK)
        return true;
    fprintf(stderr, "%s: %s\n", bench_place_name(place), sl_error_text(&e));
    exit(EXIT_FAILURE);
}

static double import_1m(struct bench *b)
{
    enum { RUNS = 3, NAMES = 1000000 };
    double seconds[RUNS];
    char path[SERVER_FOLDER_MAX];
    snprintf(path, sizeof path, "%s/wins.dat", b->folder);
    program_write_winsdat(path, NAMES);
    for (size_t i = 0; i < RUNS; i++) {
        if (!start_anew(b, WINSD_EMPTY))
            return NAN;
        struct program_import r = program_import(b->winsctl, &b->servers[WINSD_EMPTY], path, NAMES);
        if (!r.complete || !r.progress) {
            fprintf(stderr, "import: %s\n", r.complete ? "no progress was told" : "not all names were taken");
            exit(EXIT_FAILURE);
        }
        seconds[i] = r.seconds;
    }
    server_stop(&b->servers[WINSD_EMPTY]);
    snprintf(b->note, BENCH_NOTE_MAX, "wins.dat in no order, progress told");
    return bench_median(seconds, RUNS);
}

enum { SMB_RUNS = 5, SMB_SECONDS = 3 };

/* Ours on port 137: nmbd, which takes that port of every address, ends; no row from here on needs it. */
static bool need_137(struct bench *b)
{
    server_stop(&b->servers[NMBD]);
    if (!b->servers[WINSD_137].pid)
        servers_await_port(bench_address(WINSD_137));
    return bench_need(b, WINSD_137);
}

/* The ratio of two such figures, or NAN with a note when there is no smbtorture. */
static double smb_ratio(struct bench *b, double *ratios, double *ours, double *theirs)
{
    double ratio = bench_median(ratios, SMB_RUNS);
    if (isnan(ratio))
        snprintf(b->note, BENCH_NOTE_MAX, "smbtorture: not installed");
    else
        snprintf(b->note, BENCH_NOTE_MAX, "%.0f/s against %.0f/s", bench_median(ours, SMB_RUNS), bench_median(theirs, SMB_RUNS));
    return ratio;
}

/* The figure of so many smbtortures at once of ours by that of the domain controller, each with 100 k names. */
static double smbtorture(struct bench *b, const char *test, unsigned clients)
{
    double ratios[SMB_RUNS], ours[SMB_RUNS], theirs[SMB_RUNS];
    if (!need_137(b) || !bench_need(b, AD))
        return NAN;
    for (size_t i = 0; i < SMB_RUNS; i++) {
        ours[i] = program_smbtorture(&b->servers[WINSD_137], test, clients, SMB_SECONDS);
        theirs[i] = program_smbtorture(&b->servers[AD], test, clients, SMB_SECONDS);
        ratios[i] = ours[i] / theirs[i];
    }
    return smb_ratio(b, ratios, ours, theirs);
}

/* By nmbd's, which cannot run beside another server of port 137: all of its runs come first. */
static double smb_nmbd(struct bench *b)
{
    static const char test[] = "nbt.bench.namequery";
    double ratios[SMB_RUNS], ours[SMB_RUNS], theirs[SMB_RUNS];
    if (!bench_need(b, NMBD))
        return NAN;
    for (size_t i = 0; i < SMB_RUNS; i++)
        theirs[i] = program_smbtorture(&b->servers[NMBD], test, 1, SMB_SECONDS);
    if (!need_137(b))
        return NAN;
    for (size_t i = 0; i < SMB_RUNS; i++) {
        ours[i] = program_smbtorture(&b->servers[WINSD_137], test, 1, SMB_SECONDS);
        ratios[i] = ours[i] / theirs[i];
    }
    return smb_ratio(b, ratios, ours, theirs);
}

static double smb_bench(struct bench *b)
{
    return smbtorture(b, "nbt.bench.namequery", 1);
}

static double smb_bench_four(struct bench *b)
{
    return smbtorture(b, "nbt.bench.namequery", 4);
}

static double smb_bench_wins(struct bench *b)
{
    return smbtorture(b, "nbt.bench-wins.wins", 1);
}

/* Rows in the order of their runs. */
static const struct row {
    const char *name, *how;
    double (*measure)(struct bench *b); /* NAN when it cannot be measured here; the note says why */
    double bound; /* NAN: none, only told */
    bool least; /* the bound is a least, else a most */
    const char *unit;
} rows[] = {
    {"query-1k", "CPU for a query, 1 k names, by a bare echo", query_1k, 1.25, false, "x"},
    {"query-100k", "CPU for a query, 100 k names, by a bare echo", query_100k, 1.25, false, "x"},
    {"query-1m", "CPU for a query, 1 M names, by a bare echo", query_1m, 1.25, false, "x"},
    {"query-flat", "CPU for a query, 1 M names by 1 k names", query_flat, 1.25, false, "x"},
    {"query-nmbd", "queries/s, 100 k names, by nmbd", query_nmbd, 15, true, "x"},
    {"new-echo", "CPU for a new name, 100 k names, by a bare echo", new_echo, NAN, false, "x"},
    {"new-ad", "new names/s beside 100 k, by Samba AD DC", new_ad, 40, true, "x"},
    {"new-nmbd", "new names/s beside 100 k, by nmbd", new_nmbd, 12, true, "x"},
    {"mix-ad", "90 queries, 7 refreshes, 2 new, 1 release, by AD DC", mix_ad, 20, true, "x"},
    {"mix-nmbd", "90 queries, 7 refreshes, 2 new, 1 release, by nmbd", mix_nmbd, 20, true, "x"},
    {"new-flat", "new names/s beside 1 k by that beside 1 M", new_flat, 1.5, false, "x"},
    {"one", "one registration at a time by one synced SQLite commit", one_at_a_time, 1.5, false, "x"},
    {"slow-sync", "new names/s, each sync +5 ms, 256 under way", slow_sync, 5000, true, "/s"},
    {"p99", "p99 of 20 000 queries/s beside 5 000 new/s by alone", p99_beside, 3, false, "x"},
    {"memory", "resident memory with 1 M names", memory, 112, false, "MiB"},
    {"start", "start with 1 M names to the first answer", start_1m, 1, false, "s"},
    {"import", "winsctl import of 1 M wins.dat lines", import_1m, 10, false, "s"},
    {"smb-nmbd", "queries/s of smbtorture nbt.bench, by nmbd", smb_nmbd, 1, true, "x"},
    {"smb-bench", "queries/s of smbtorture nbt.bench, by AD DC", smb_bench, 1, true, "x"},
    {"smb-bench-4", "queries/s of four smbtorture nbt.bench at once, by AD DC", smb_bench_four, 1, true, "x"},
    {"smb-wins", "queries/s of smbtorture nbt.bench-wins, by AD DC", smb_bench_wins, 1, true, "x"},
};

static enum verdict verdict_on(const struct row *row, double value)
{
    if (isnan(value))
        return LEFT_OUT;
    if (isnan(row->bound))
        return TOLD;
    return (row->least ? value >= row->bound : value <= row->bound) ? MET : MISSED;
}

static void print(struct bench *b, const struct row *row, double value)
{
    static const char *const words[VERDICT_COUNT] = {"met", "MISSED", "-", "LEFT OUT"};
    enum verdict verdict = verdict_on(row, value);
    char measured[32] = "-", bound[32] = "-";
    if (!isnan(value))
        snprintf(measured, sizeof measured, "%.*f %s", value < 100 ? 2 : 0, value, row->unit);
    if (!isnan(row->bound))
        snprintf(bound, sizeof bound, "%s %g %s", row->least ? ">=" : "<=", row->bound, row->unit);
    printf("%-11s  %-57s  %-12s  %-12s  %-8s  %s\n", row->name, row->how, bound, measured, words[verdict], b->note);
    b->verdicts[verdict]++;
    fflush(stdout);
}

static struct bench bench; /* for the way out, which exit() takes too */

static void clean_up(void)
{
    bench_stop_all(&bench);
    server_remove(bench.folder);
}

static const struct row *row_of(const char *name, size_t len)
{
    for (size_t i = 0; i < SL_COUNT(rows); i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

/* The rows of a list with blanks between them, all of an empty one; false when one is not known. */
static bool choose(const char *list, bool chosen[SL_COUNT(rows)])
{
    size_t words = 0;
    for (const char *at = list + strspn(list, " "); *at; at += strspn(at, " "), words++) {
        size_t len = strcspn(at, " ");
        const struct row *row = row_of(at, len);
        if (!row) {
            fprintf(stderr, "no row \"%.*s\"\n", (int)len, at);
            return false;
        }
        chosen[row - rows] = true;
        at += len;
    }
    for (size_t i = 0; i < SL_COUNT(rows); i++)
        chosen[i] = chosen[i] || !words;
    return true;
}

static void run_rows(const bool chosen[SL_COUNT(rows)])
{
    printf("%-11s  %-57s  %-12s  %-12s  %-8s\n", "row", "what", "must be", "measured", "verdict");
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        if (!chosen[i])
            continue;
        bench.note[0] = '\0';
        double value = rows[i].measure(&bench);
        print(&bench, &rows[i], value);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: %s WINSD WINSCTL SLOWSYNC.so SAMBA.sh [ROWS]\n", argv[0]);
        return 2;
    }
    bool chosen[SL_COUNT(rows)] = {false};
    if (!choose(argc > 5 ? argv[5] : "", chosen))
        return 2;
    struct sl_error e;
    bench = (struct bench){.winsd = argv[1], .winsctl = argv[2], .slowsync = argv[3], .samba = argv[4],
                           .folder = "/tmp/bench-registry-XXXXXX"};
    if (servers_isolate(&e) != SL_OK) {
        fprintf(stderr, "%s\n", sl_error_text(&e));
        return EXIT_FAILURE;
    }
    sl_assert(mkdtemp(bench.folder));
    atexit(clean_up);
    run_rows(chosen);
    printf("%zu met, %zu missed, %zu told, %zu left out%s\n", bench.verdicts[MET], bench.verdicts[MISSED], bench.verdicts[TOLD],
           bench.verdicts[LEFT_OUT], bench.broken ? "; BROKEN: a server did not start" : "");
    return bench.broken ? EXIT_FAILURE : EXIT_SUCCESS;
}
