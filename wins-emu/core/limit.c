#include "wins-emu/core/limit.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum { WAYS = 4, SETS = WINS_LIMIT_SOURCES_MAX / WAYS, SHARE = 1000 };

/* Tokens are thousandths of a packet: what one millisecond earns at one packet a second. */
struct bucket {
    uint32_t source; /* 0: free, since no packet comes from there */
    uint32_t at_ms;
    uint32_t tokens[WINS_LIMITED_COUNT];
};

struct wins_limiter {
    uint64_t seed;
    struct bucket buckets[SETS][WAYS];
};

struct wins_limiter *wins_limiter_new(uint64_t seed)
{
    struct wins_limiter *l = sl_new(sizeof *l);
    l->seed = seed | 1;
    return l;
}

void wins_limiter_free(struct wins_limiter *limiter)
{
    free(limiter);
}

/* Who has sent without a limit begins with all of it when there is one. */
static uint32_t full(const struct wins_limits *limits, int kind)
{
    uint32_t per_s = limits->per_s[kind];
    return per_s ? per_s * SHARE * WINS_LIMIT_SAVED_S : UINT32_MAX;
}

/* The bucket of a source, or the one of its set that was quiet for longest, made its own and full. */
static struct bucket *bucket_of(struct wins_limiter *l, const struct wins_limits *limits, uint32_t source, uint32_t now_ms)
{
    struct bucket *set = l->buckets[(source * UINT64_C(0x9e3779b97f4a7c15) ^ l->seed) * l->seed >> 32 & (SETS - 1)];
    struct bucket *oldest = set;
    for (struct bucket *b = set; b < set + WAYS; b++) {
        if (b->source == source)
            return b;
        if (!b->source || (oldest->source && now_ms - b->at_ms > now_ms - oldest->at_ms))
            oldest = b;
    }
    *oldest = (struct bucket){.source = source, .at_ms = now_ms};
    for (int kind = 0; kind < WINS_LIMITED_COUNT; kind++)
        oldest->tokens[kind] = full(limits, kind);
    return oldest;
}

static void earn(struct bucket *b, const struct wins_limits *limits, uint32_t now_ms)
{
    uint32_t passed_ms = now_ms - b->at_ms;
    for (int kind = 0; kind < WINS_LIMITED_COUNT; kind++) {
        uint64_t tokens = b->tokens[kind] + (uint64_t)passed_ms * limits->per_s[kind];
        b->tokens[kind] = tokens < full(limits, kind) ? (uint32_t)tokens : full(limits, kind);
    }
    b->at_ms = now_ms;
}

bool wins_limiter_take(struct wins_limiter *limiter, const struct wins_limits *limits, enum wins_limited kind, uint32_t source,
                       int64_t now_ms)
{
    if (!limits->per_s[kind] || !source)
        return true;
    struct bucket *b = bucket_of(limiter, limits, source, (uint32_t)now_ms);
    earn(b, limits, (uint32_t)now_ms);
    if (b->tokens[kind] < SHARE)
        return false;
    b->tokens[kind] -= SHARE;
    return true;
}
