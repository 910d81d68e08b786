/*
 * load.h - a load generator for the name service: a window of requests always under way, every answer checked.
 */
#ifndef SL_TESTS_BENCH_LOAD_H
#define SL_TESTS_BENCH_LOAD_H

#include "common/base/addr.h"

enum { LOAD_WINDOW = 64 };

enum load_kind {
    LOAD_ECHO,     /* a query that must come back as it is */
    LOAD_QUERY,    /* of a name that is registered */
    LOAD_REGISTER, /* of a new name */
};

struct load_result {
    uint64_t answers; /* right ones */
    uint64_t wrong;
    uint64_t repeated; /* requests that had to be sent again after a second of silence */
    double seconds;
};

/*
 * Sends `count` requests of a kind for the names first, first + 1 ... (queries start over after `names` of them) and waits for
 * their answers. Ends the program when there is no answer at all.
 */
struct load_result load_run(const struct sl_endpoint *server, enum load_kind kind, uint32_t first, uint32_t names,
                            uint64_t count);

#endif
