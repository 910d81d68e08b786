/*
 * load.h - a load generator for the name service: requests always under way or at a steady rate, every answer checked.
 *
 * The request number n is for the name BENCH-n, which belongs to the address 10.0.0.0 + n.
 */
#ifndef SL_TESTS_BENCH_LOAD_H
#define SL_TESTS_BENCH_LOAD_H

#include "common/base/addr.h"

enum { LOAD_WINDOW = 64, LOAD_WINDOW_MAX = 256 };

enum load_kind {
    LOAD_ECHO,     /* a query that must come back as it is */
    LOAD_QUERY,    /* of a name that is registered */
    LOAD_REGISTER, /* of a new name */
    LOAD_REFRESH,  /* by its holder */
    LOAD_RELEASE,  /* by its holder */
    LOAD_MIX,      /* 90 queries, 7 refreshes, 2 new names and 1 release in each hundred */
};

struct load_plan {
    enum load_kind kind;
    uint32_t first, names;   /* the numbers, used one after another, over and over */
    uint32_t fresh, doomed;  /* of LOAD_MIX: the first new number; the first to be released */
    uint64_t count;          /* of requests */
    unsigned window;         /* under way at any time */
};

struct load_result {
    uint64_t answers; /* right ones */
    uint64_t wrong;
    uint64_t repeated; /* requests that had to be sent again after a second of silence */
    double seconds;
};

/* Carries the plan out and waits for all answers. Ends the program when there is no answer at all. */
struct load_result load_run(const struct sl_endpoint *server, const struct load_plan *plan);

struct load_steady {
    uint64_t answers; /* right ones */
    uint64_t wrong, lost;
    double p50_us, p99_us; /* from the moment when a request was due to its answer */
};

/* The kind and numbers of the plan, `rate` requests a second whatever comes back, for so many seconds. */
struct load_steady load_at_rate(const struct sl_endpoint *server, const struct load_plan *plan, unsigned rate, unsigned seconds);

#endif
