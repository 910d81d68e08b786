/*
 * The registry's figures beside a baseline in the same run: a table of rows, each with what it must reach.
 *
 *     bench-registry WINSD SLOWSYNC.so SAMBA.sh [ROW]
 *
 * Short runs of the two sides alternate and a ratio is the median over the pairs, so that other work on the machine meets both.
 * Unless a row says otherwise 64 requests are under way, winsd has one worker, and every answer is checked. Exit code 1 when an
 * answer was wrong or a server died, never because of a speed.
 */
#include "config.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/db/db.h"
#include "tests/bench/echo.h"
#include "tests/bench/load.h"
#include "tests/bench/servers.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum place { ECHO, WINSD_1K, WINSD_100K, WINSD_1M, WINSD_SLOW, NMBD, AD, PLACE_COUNT };

enum {
    PAIRS_MAX = 31,
    NOTE_MAX = 160,
    MIXED_OF = 10, /* nine tenths of the names are asked for and refreshed by a mix, the last tenth is released */
    START_LIMIT_S = 120,
};

struct bench {
    const char *winsd, *slowsync, *samba;
    char folder[SERVER_FOLDER_MAX / 2];
    struct server servers[PLACE_COUNT];
    char missing[PLACE_COUNT][NOTE_MAX]; /* why a server cannot be had */
    char note[NOTE_MAX];                 /* of the row at hand */
};

/* One side of a comparison. */
struct side {
    enum place place;
    enum load_kind kind;
    uint64_t count;
    unsigned window;
};

struct sample {
    double rate;   /* answers a second */
    double cpu_us; /* of the server, for each answer */
};

static const struct place_row {
    const char *name, *address;
    uint32_t names;
} places[PLACE_COUNT] = {
    [ECHO] = {"echo", NULL, 1000},
    [WINSD_1K] = {"winsd-1k", NULL, 1000},
    [WINSD_100K] = {"winsd-100k", NULL, 100000},
    [WINSD_1M] = {"winsd-1m", NULL, 1000000},
    [WINSD_SLOW] = {"winsd-slow", NULL, 1000},
    [NMBD] = {"nmbd", "127.0.0.2", 100000},
    [AD] = {"ad", "127.0.0.3", 100000},
};

/* ---- servers ---- */

static struct sample measure(struct bench *b, const struct side *side)
{
    struct server *s = &b->servers[side->place];
    uint32_t names = places[side->place].names;
    struct load_plan plan = {.kind = side->kind, .names = names, .count = side->count, .window = side->window};
    plan.fresh = s->fresh;
    plan.doomed = s->doomed;
    if (side->kind == LOAD_REGISTER) {
        plan.first = s->fresh;
        plan.names = (uint32_t)side->count;
        s->fresh += (uint32_t)side->count;
    } else if (side->kind == LOAD_MIX) {
        plan.names = names - names / MIXED_OF;
        s->fresh += (uint32_t)side->count / 50;
        s->doomed += (uint32_t)side->count / 100;
    }
    double before = server_cpu_s(s);
    struct load_result r = load_run(&s->endpoint, &plan);
    if (r.wrong || r.answers != side->count) {
        fprintf(stderr, "%s: %llu wrong answers\n", places[side->place].name, (unsigned long long)r.wrong);
        exit(EXIT_FAILURE);
    }
    if (r.repeated)
        fprintf(stderr, "%s: %llu requests repeated\n", places[side->place].name, (unsigned long long)r.repeated);
    return (struct sample){(double)side->count / r.seconds, (server_cpu_s(s) - before) * 1e6 / (double)side->count};
}

static void start(struct bench *b, enum place place)
{
    struct server *s = &b->servers[place];
    s->last_signal = SIGKILL;
    if (place == ECHO)
        s->pid = echo_start(&s->endpoint);
    else if (place == NMBD || place == AD)
        server_start_samba(s, b->samba, places[place].name, places[place].address);
    else
        server_start_winsd(s, b->winsd, place == WINSD_SLOW ? b->slowsync : NULL);
}

static void fill(struct bench *b, enum place place)
{
    fprintf(stderr, "%s: registering %u names\n", places[place].name, places[place].names);
    measure(b, &(struct side){place, LOAD_REGISTER, places[place].names, LOAD_WINDOW});
    b->servers[place].doomed = places[place].names - places[place].names / MIXED_OF;
}

/* The domain controller syncs several times for each name: it is filled without syncs (a switch of its database library), then
 * started again with them. */
static enum sl_status start_filled(struct bench *b, enum place place, struct sl_error *e)
{
    struct server *s = &b->servers[place];
    if (place == AD)
        sl_assert(setenv("TDB_NO_FSYNC", "1", 1) == 0);
    start(b, place);
    unsetenv("TDB_NO_FSYNC");
    enum sl_status status = server_wait(s, START_LIMIT_S, e);
    if (status != SL_OK || place == ECHO)
        return status;
    fill(b, place);
    if (place != AD)
        return SL_OK;
    server_stop(s);
    start(b, place);
    return server_wait(s, START_LIMIT_S, e);
}

/* The server runs with all its names; false, with a note, when it cannot be had. */
static bool need(struct bench *b, enum place place)
{
    struct server *s = &b->servers[place];
    if (!s->pid && !b->missing[place][0]) {
        struct sl_error e;
        sl_assert(snprintf(s->folder, sizeof s->folder, "%s/%s", b->folder, places[place].name) < (int)sizeof s->folder);
        sl_assert(mkdir(s->folder, 0755) == 0);
        if (start_filled(b, place, &e) != SL_OK)
            snprintf(b->missing[place], NOTE_MAX, "%s: %.100s", places[place].name, sl_error_text(&e));
    }
    memcpy(b->note, b->missing[place], NOTE_MAX);
    return !b->missing[place][0];
}

static void stop_all(struct bench *b)
{
    for (size_t i = 0; i < PLACE_COUNT; i++)
        server_stop(&b->servers[i]);
}

/* ---- comparing ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double rate_of(struct sample s)
{
    return s.rate;
}

static double cpu_of(struct sample s)
{
    return s.cpu_us;
}

/* What one side did: median rate and processor time. */
static void tell(char *out, size_t size, const struct sample *samples, size_t count)
{
    double rates[PAIRS_MAX], cpus[PAIRS_MAX];
    for (size_t i = 0; i < count; i++) {
        rates[i] = samples[i].rate;
        cpus[i] = samples[i].cpu_us;
    }
    snprintf(out, size, "%.0f/s %.2f us", median(rates, count), median(cpus, count));
}

/* The median of `value` of one side by that of the other. */
static double ratio(struct bench *b, const struct side *left, const struct side *right, size_t pairs,
                    double (*value)(struct sample s))
{
    double ratios[PAIRS_MAX];
    struct sample lefts[PAIRS_MAX], rights[PAIRS_MAX];
    char here[NOTE_MAX / 2], there[NOTE_MAX / 2];
    sl_assert(pairs <= PAIRS_MAX);
    if (!need(b, left->place) || !need(b, right->place))
        return NAN;
    for (size_t i = 0; i < pairs; i++) {
        lefts[i] = measure(b, left);
        rights[i] = measure(b, right);
        ratios[i] = value(lefts[i]) / value(rights[i]);
    }
    tell(here, sizeof here, lefts, pairs);
    tell(there, sizeof there, rights, pairs);
    snprintf(b->note, NOTE_MAX, "%.*s against %.*s", NOTE_MAX / 2 - 8, here, NOTE_MAX / 2 - 8, there);
    return median(ratios, pairs);
}

/* ---- the rows ---- */

enum { QUERIES = 50000, QUERY_PAIRS = 25, SAMBA_PAIRS = 5 };

static double query_cpu(struct bench *b, enum place place, enum place against)
{
    const struct side left = {place, LOAD_QUERY, QUERIES, LOAD_WINDOW};
    const struct side right = {against, against == ECHO ? LOAD_ECHO : LOAD_QUERY, QUERIES, LOAD_WINDOW};
    return ratio(b, &left, &right, QUERY_PAIRS, cpu_of);
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
    return ratio(b, &left, &right, SAMBA_PAIRS, cpu_of);
}

static double query_flat(struct bench *b)
{
    return query_cpu(b, WINSD_1M, WINSD_1K);
}

static double against_samba(struct bench *b, enum load_kind kind, uint64_t ours, enum place samba, uint64_t theirs)
{
    return ratio(b, &(struct side){WINSD_100K, kind, ours, LOAD_WINDOW}, &(struct side){samba, kind, theirs, LOAD_WINDOW},
                 SAMBA_PAIRS, rate_of);
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
    return ratio(b, &few, &many, 15, rate_of);
}

static double slow_sync(struct bench *b)
{
    enum { RUNS = 3, WINDOW = 256, NAMES = 10000 };
    double rates[RUNS];
    if (!need(b, WINSD_SLOW))
        return NAN;
    for (size_t i = 0; i < RUNS; i++)
        rates[i] = measure(b, &(struct side){WINSD_SLOW, LOAD_REGISTER, NAMES, WINDOW}).rate;
    return median(rates, RUNS);
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
    double ratios[RUNS], ours[RUNS], theirs[RUNS];
    uint64_t number = 0;
    if (!need(b, WINSD_1K))
        return NAN;
    snprintf(path, sizeof path, "%s/commit.db", b->folder);
    sl_assert(db_open(path, DB_CREATE, &schema, &db, NULL) == SL_OK);
    for (size_t i = 0; i < RUNS; i++) {
        theirs[i] = 1e6 / commit_rate(db, &number, COUNT);
        ours[i] = 1e6 / measure(b, &(struct side){WINSD_1K, LOAD_REGISTER, COUNT, 1}).rate;
        ratios[i] = ours[i] / theirs[i];
    }
    db_close(db);
    snprintf(b->note, NOTE_MAX, "%.0f against %.0f us", median(ours, RUNS), median(theirs, RUNS));
    return median(ratios, RUNS);
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
    const struct load_plan plan = {.kind = LOAD_QUERY, .names = places[WINSD_100K].names - places[WINSD_100K].names / MIXED_OF};
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
    if (!need(b, WINSD_100K))
        return NAN;
    for (size_t i = 0; i < RUNS; i++) {
        alone[i] = p99_of_queries(b, false);
        beside[i] = p99_of_queries(b, true);
        ratios[i] = beside[i] / alone[i];
    }
    snprintf(b->note, NOTE_MAX, "%.0f against %.0f us", median(beside, RUNS), median(alone, RUNS));
    return median(ratios, RUNS);
}

static double memory(struct bench *b)
{
    return need(b, WINSD_1M) ? server_memory_mib(&b->servers[WINSD_1M]) : NAN;
}

static double start_1m(struct bench *b)
{
    enum { RUNS = 3 };
    double seconds[RUNS];
    struct sl_error e;
    if (!need(b, WINSD_1M))
        return NAN;
    for (size_t i = 0; i < RUNS; i++) {
        server_stop(&b->servers[WINSD_1M]);
        int64_t start_us = sl_clock_mono_us();
        start(b, WINSD_1M);
        if (server_wait(&b->servers[WINSD_1M], START_LIMIT_S, &e) != SL_OK) {
            fprintf(stderr, "winsd-1m: %s\n", sl_error_text(&e));
            exit(EXIT_FAILURE);
        }
        seconds[i] = (double)(sl_clock_mono_us() - start_us) / 1e6;
    }
    return median(seconds, RUNS);
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
};

static const char *verdict_on(const struct row *row, double value)
{
    if (isnan(value))
        return "LEFT OUT";
    if (isnan(row->bound))
        return "-";
    return (row->least ? value >= row->bound : value <= row->bound) ? "ok" : "MISSED";
}

static void print(const struct row *row, double value, const char *note)
{
    char measured[32] = "-", bound[32] = "-";
    if (!isnan(value))
        snprintf(measured, sizeof measured, "%.*f %s", value < 100 ? 2 : 0, value, row->unit);
    if (!isnan(row->bound))
        snprintf(bound, sizeof bound, "%s %g %s", row->least ? ">=" : "<=", row->bound, row->unit);
    printf("%-10s  %-54s  %-12s  %-12s  %-8s  %s\n", row->name, row->how, bound, measured, verdict_on(row, value), note);
    fflush(stdout);
}

static struct bench bench; /* for the way out, which exit() takes too */

static void clean_up(void)
{
    stop_all(&bench);
    server_remove(bench.folder);
}

static bool run_rows(const char *wanted)
{
    bool found = false;
    printf("%-10s  %-54s  %-12s  %-12s  %-8s\n", "row", "what", "must be", "measured", "verdict");
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        if (wanted && strcmp(wanted, rows[i].name) != 0)
            continue;
        found = true;
        bench.note[0] = '\0';
        double value = rows[i].measure(&bench);
        print(&rows[i], value, bench.note);
    }
    return found;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s WINSD SLOWSYNC.so SAMBA.sh [ROW]\n", argv[0]);
        return 2;
    }
    struct sl_error e;
    bench = (struct bench){.winsd = argv[1], .slowsync = argv[2], .samba = argv[3], .folder = "/tmp/bench-registry-XXXXXX"};
    if (servers_isolate(&e) != SL_OK) {
        fprintf(stderr, "%s\n", sl_error_text(&e));
        return EXIT_FAILURE;
    }
    sl_assert(mkdtemp(bench.folder));
    atexit(clean_up);
    const char *wanted = argc > 4 && argv[4][0] ? argv[4] : NULL;
    if (run_rows(wanted))
        return EXIT_SUCCESS;
    fprintf(stderr, "no row \"%s\"\n", wanted);
    return 2;
}
