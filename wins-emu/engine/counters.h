/*
 * counters.h - what the threads of the registry count beside the engine's own statistics. One row a counter, in counters.def.
 *
 * Each UDP worker, and the writer for what it sends, has a block of its own that only it adds to, without a lock; whoever shows
 * the counters adds the blocks up. All count from the start of the process.
 */
#ifndef SL_WINS_ENGINE_COUNTERS_H
#define SL_WINS_ENGINE_COUNTERS_H

#include "wins-emu/core/rules.h"

enum eng_counter {
#define ENG_COUNTER(name, help) ENG_COUNT_##name,
#include "wins-emu/engine/counters.def"
#undef ENG_COUNTER
    ENG_COUNTER_COUNT
};

struct eng_counters {
    _Alignas(64) uint64_t counts[ENG_COUNTER_COUNT];
    uint64_t rules[WINS_RULE_COUNT]; /* of queries and of what never reached the engine */
};

/* Adds to a counter of the calling thread's own block. */
static inline void eng_count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Adds every counter of a block, which may be another thread's, to a sum. */
void eng_counters_add(struct eng_counters *sum, const struct eng_counters *block);
/* "received", and what it counts; the texts of counters.def. */
const char *eng_counter_name(enum eng_counter counter);
const char *eng_counter_help(enum eng_counter counter);

#endif
