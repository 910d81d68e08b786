/*
 * bench.h - the servers of a bench with all their names, and how two of them are compared.
 */
#ifndef SL_TESTS_BENCH_BENCH_H
#define SL_TESTS_BENCH_BENCH_H

#include "tests/bench/load.h"
#include "tests/bench/servers.h"

enum {
    BENCH_PAIRS_MAX = 31,
    BENCH_NOTE_MAX = 160,
    BENCH_MIXED_OF = 10, /* nine tenths of the names are asked for and refreshed by a mix, the last tenth is released */
    BENCH_START_LIMIT_S = 300,
};

enum place { ECHO, WINSD_1K, WINSD_100K, WINSD_1M, WINSD_SLOW, WINSD_EMPTY, WINSD_137, NMBD, AD, PLACE_COUNT };

enum verdict { MET, MISSED, TOLD, LEFT_OUT, VERDICT_COUNT };

struct bench {
    const char *winsd, *winsctl, *slowsync, *samba;
    char folder[SERVER_FOLDER_MAX / 2];
    struct server servers[PLACE_COUNT];
    char missing[PLACE_COUNT][BENCH_NOTE_MAX]; /* why a server cannot be had */
    char note[BENCH_NOTE_MAX];                 /* of the row at hand */
    bool broken;                               /* a server that is installed did not start */
    size_t verdicts[VERDICT_COUNT];            /* rows, by verdict */
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

/* How many names the server of a place has at least, and what it is called. */
uint32_t bench_names(enum place place);
const char *bench_place_name(enum place place);
/* The address at whose port 137 it serves, NULL for one of any port. */
const char *bench_address(enum place place);
/* Starts the server of a place on what is in its folder; it may not answer yet. */
void bench_start(struct bench *b, enum place place);
/* The server runs with all its names; false, with a note, when it cannot be had. */
bool bench_need(struct bench *b, enum place place);
/* Ends all servers. */
void bench_stop_all(struct bench *b);
/* Runs one side once. A wrong answer ends the program. */
struct sample bench_measure(struct bench *b, const struct side *side);
/* The middle of the values, which it sorts. */
double bench_median(double *values, size_t count);
/* One value of a sample, for bench_ratio. */
double bench_rate(struct sample s);
double bench_cpu(struct sample s);
/* Runs both sides in turn, so many pairs of them: the median of `value` of the left by that of the right; NAN, with a note, when
 * a server cannot be had. */
double bench_ratio(struct bench *b, const struct side *left, const struct side *right, size_t pairs,
                   double (*value)(struct sample s));

#endif
