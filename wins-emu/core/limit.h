/*
 * limit.h - how much one source may ask for: rows P07 and P08 of rules.h, token buckets by source address.
 *
 * A fixed table of LIMIT_SOURCES_MAX sources, 256 KiB, whatever comes; a source that is not in it begins with a full bucket and
 * takes the place of the one among a few that was quiet for longest. A bucket holds what is allowed in WINS_LIMIT_SAVED_S
 * seconds. Each UDP worker has a table of its own, without a lock: a source that uses many ports is counted by several.
 */
#ifndef SL_WINS_CORE_LIMIT_H
#define SL_WINS_CORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { WINS_LIMIT_SAVED_S = 2, WINS_LIMIT_RATE_MAX = 1000000, WINS_LIMIT_SOURCES_MAX = 16384 };

/* What is limited: queries, and everything else but answers. */
enum wins_limited { WINS_LIMITED_QUERY, WINS_LIMITED_CHANGE, WINS_LIMITED_COUNT };

/* Packets a second and source; 0 is no limit. */
struct wins_limits {
    uint32_t per_s[WINS_LIMITED_COUNT];
};

struct wins_limiter;

/* An empty table; the seed, which strangers should not know, spreads the sources. Aborts without memory. */
struct wins_limiter *wins_limiter_new(uint64_t seed);
/* Frees it; NULL is accepted. */
void wins_limiter_free(struct wins_limiter *limiter);
/* True when the source may send one more packet of that kind now (monotonic milliseconds). */
bool wins_limiter_take(struct wins_limiter *limiter, const struct wins_limits *limits, enum wins_limited kind, uint32_t source,
                       int64_t now_ms);

#endif
