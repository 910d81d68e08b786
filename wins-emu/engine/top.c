#include "wins-emu/engine/top.h"

#include "common/base/assert.h"

#include <stdlib.h>
#include <string.h>

void eng_top_init(struct eng_top *top, uint64_t seed)
{
    memset(top, 0, sizeof *top);
    top->seed = seed;
}

/* Never 0. */
static uint64_t hash_of(uint64_t seed, const void *octets, size_t len)
{
    uint64_t words[ENG_TOP_KEY / sizeof(uint64_t)] = {0}, h = seed;
    memcpy(words, octets, len);
    for (size_t i = 0; i * sizeof *words < len; i++) {
        h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h | 1;
}

static size_t least_of(const struct eng_top_set *set)
{
    size_t least = 0;
    for (size_t i = 1; i < ENG_TOP_WAYS; i++)
        if (set->counts[i] < set->counts[least])
            least = i;
    return least;
}

void eng_top_count(struct eng_top *top, const void *octets, size_t len)
{
    sl_assert(len <= ENG_TOP_KEY);
    uint64_t hash = hash_of(top->seed, octets, len);
    struct eng_top_set *set = &top->sets[(hash >> 32) % ENG_TOP_SETS];
    top->total++;
    for (size_t i = 0; i < ENG_TOP_WAYS; i++) {
        if (set->hashes[i] == hash) {
            set->counts[i]++;
            return;
        }
    }
    size_t at = least_of(set);
    set->hashes[at] = hash;
    set->errors[at] = set->counts[at]++;
    memcpy(set->keys[at], octets, len);
    memset(set->keys[at] + len, 0, ENG_TOP_KEY - len);
}

size_t eng_top_rows(const struct eng_top *top, struct eng_top_row *rows)
{
    size_t count = 0;
    for (size_t s = 0; s < ENG_TOP_SETS; s++) {
        const struct eng_top_set *set = &top->sets[s];
        for (size_t i = 0; i < ENG_TOP_WAYS; i++) {
            if (!set->hashes[i])
                continue;
            rows[count] = (struct eng_top_row){.count = set->counts[i], .error = set->errors[i]};
            memcpy(rows[count++].key, set->keys[i], ENG_TOP_KEY);
        }
    }
    return count;
}

static int by_key(const void *a, const void *b)
{
    const struct eng_top_row *x = a, *y = b;
    return memcmp(x->key, y->key, ENG_TOP_KEY);
}

static int by_count(const void *a, const void *b)
{
    const struct eng_top_row *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : by_key(a, b);
}

size_t eng_top_sort(struct eng_top_row *rows, size_t count)
{
    size_t kept = 0;
    if (count == 0)
        return 0;
    qsort(rows, count, sizeof *rows, by_key);
    for (size_t i = 1; i < count; i++) {
        if (by_key(&rows[kept], &rows[i]) == 0) {
            rows[kept].count += rows[i].count;
            rows[kept].error += rows[i].error;
        } else {
            rows[++kept] = rows[i];
        }
    }
    qsort(rows, kept + 1, sizeof *rows, by_count);
    return kept + 1;
}
