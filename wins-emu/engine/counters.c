#include "wins-emu/engine/counters.h"

#include "common/base/assert.h"

static const struct {
    const char *name;
    const char *help;
} rows[] = {
#define ENG_COUNTER(name, help) {#name, help},
#include "wins-emu/engine/counters.def"
#undef ENG_COUNTER
};

void eng_counters_add(struct eng_counters *sum, const struct eng_counters *block)
{
    for (size_t i = 0; i < ENG_COUNTER_COUNT; i++)
        sum->counts[i] += __atomic_load_n(&block->counts[i], __ATOMIC_RELAXED);
    for (size_t i = 0; i < WINS_RULE_COUNT; i++)
        sum->rules[i] += __atomic_load_n(&block->rules[i], __ATOMIC_RELAXED);
}

const char *eng_counter_name(enum eng_counter counter)
{
    sl_assert(counter < ENG_COUNTER_COUNT);
    return rows[counter].name;
}

const char *eng_counter_help(enum eng_counter counter)
{
    sl_assert(counter < ENG_COUNTER_COUNT);
    return rows[counter].help;
}
