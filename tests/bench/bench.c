#include "config.h"

#include "tests/bench/bench.h"

#include "common/base/assert.h"
#include "tests/bench/echo.h"
#include "tests/bench/load.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const double LEAST_CPU_US = 0.1; /* for an answer; less is that of the shell before Samba */

static const struct place_row {
    const char *name, *address;
    uint32_t names;
} places[PLACE_COUNT] = {
    [ECHO] = {"echo", NULL, 1000},
    [WINSD_1K] = {"winsd-1k", NULL, 1000},
    [WINSD_100K] = {"winsd-100k", NULL, 100000},
    [WINSD_1M] = {"winsd-1m", NULL, 1000000},
    [WINSD_SLOW] = {"winsd-slow", NULL, 1000},
    [WINSD_EMPTY] = {"winsd-empty", NULL, 0},
    [WINSD_137] = {"winsd-137", "127.0.0.8", 100000},
    [NMBD] = {"nmbd", "127.0.0.2", 100000},
    [AD] = {"ad", "127.0.0.3", 100000},
};

/* ---- servers ---- */

struct sample bench_measure(struct bench *b, const struct side *side)
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
        plan.names = names - names / BENCH_MIXED_OF;
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

void bench_start(struct bench *b, enum place place)
{
    struct server *s = &b->servers[place];
    s->last_signal = SIGKILL;
    if (place == ECHO)
        s->pid = echo_start(&s->endpoint);
    else if (place == NMBD || place == AD)
        server_start_samba(s, b->samba, places[place].name, places[place].address);
    else
        server_start_winsd(s, b->winsd, places[place].address, place == WINSD_SLOW ? b->slowsync : NULL);
}

static void fill(struct bench *b, enum place place)
{
    fprintf(stderr, "%s: registering %u names\n", places[place].name, places[place].names);
    bench_measure(b, &(struct side){place, LOAD_REGISTER, places[place].names, LOAD_WINDOW});
    b->servers[place].doomed = places[place].names - places[place].names / BENCH_MIXED_OF;
}

/* The domain controller syncs several times for each name: it is filled without syncs (a switch of its database library), then
 * started again with them. */
static enum sl_status start_filled(struct bench *b, enum place place, struct sl_error *e)
{
    struct server *s = &b->servers[place];
    if (place == AD)
        sl_assert(setenv("TDB_NO_FSYNC", "1", 1) == 0);
    bench_start(b, place);
    unsetenv("TDB_NO_FSYNC");
    enum sl_status status = server_wait(s, BENCH_START_LIMIT_S, e);
    if (status != SL_OK || place == ECHO || places[place].names == 0)
        return status;
    fill(b, place);
    if (place != AD)
        return SL_OK;
    server_stop(s);
    bench_start(b, place);
    return server_wait(s, BENCH_START_LIMIT_S, e);
}

/* The server runs with all its names; false, with a note, when it cannot be had. */
bool bench_need(struct bench *b, enum place place)
{
    struct server *s = &b->servers[place];
    if (!s->pid && !b->missing[place][0]) {
        struct sl_error e;
        sl_assert(snprintf(s->folder, sizeof s->folder, "%s/%s", b->folder, places[place].name) < (int)sizeof s->folder);
        sl_assert(mkdir(s->folder, 0755) == 0);
        enum sl_status status = start_filled(b, place, &e);
        b->broken = b->broken || (status != SL_OK && status != SL_UNSUPPORTED);
        if (status != SL_OK)
            snprintf(b->missing[place], BENCH_NOTE_MAX, "%s: %.100s", places[place].name, sl_error_text(&e));
    }
    memcpy(b->note, b->missing[place], BENCH_NOTE_MAX);
    return !b->missing[place][0];
}

void bench_stop_all(struct bench *b)
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

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double bench_rate(struct sample s)
{
    return s.rate;
}

double bench_cpu(struct sample s)
{
    return s.cpu_us;
}

/* What one side did: median rate, and processor time where it is ours to know. */
static void tell(char *out, size_t size, const struct sample *samples, size_t count)
{
    double rates[BENCH_PAIRS_MAX], cpus[BENCH_PAIRS_MAX];
    for (size_t i = 0; i < count; i++) {
        rates[i] = samples[i].rate;
        cpus[i] = samples[i].cpu_us;
    }
    double cpu_us = bench_median(cpus, count);
    int len = snprintf(out, size, "%.0f/s", bench_median(rates, count));
    if (cpu_us >= LEAST_CPU_US)
        snprintf(out + len, size - (size_t)len, " %.2f us", cpu_us);
}

/* The median of `value` of one side by that of the other. */
double bench_ratio(struct bench *b, const struct side *left, const struct side *right, size_t pairs,
                    double (*value)(struct sample s))
{
    double ratios[BENCH_PAIRS_MAX];
    struct sample lefts[BENCH_PAIRS_MAX], rights[BENCH_PAIRS_MAX];
    char here[BENCH_NOTE_MAX / 2], there[BENCH_NOTE_MAX / 2];
    sl_assert(pairs <= BENCH_PAIRS_MAX);
    if (!bench_need(b, left->place) || !bench_need(b, right->place))
        return NAN;
    for (size_t i = 0; i < pairs; i++) {
        lefts[i] = bench_measure(b, left);
        rights[i] = bench_measure(b, right);
        ratios[i] = value(lefts[i]) / value(rights[i]);
    }
    tell(here, sizeof here, lefts, pairs);
    tell(there, sizeof there, rights, pairs);
    snprintf(b->note, BENCH_NOTE_MAX, "%.*s against %.*s", BENCH_NOTE_MAX / 2 - 8, here, BENCH_NOTE_MAX / 2 - 8, there);
    return bench_median(ratios, pairs);
}

uint32_t bench_names(enum place place)
{
    return places[place].names;
}

const char *bench_place_name(enum place place)
{
    return places[place].name;
}

const char *bench_address(enum place place)
{
    return places[place].address;
}
