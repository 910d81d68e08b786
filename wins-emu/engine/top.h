/*
 * top.h - who asks most: a bounded table of the most frequent keys of an endless stream (space-saving, in small sets).
 *
 * A table belongs to one thread and takes constant time and no memory: a key finds its set by a hash, which is seeded, so that
 * nobody knows which keys meet; a key that is not in the set takes the place of the least frequent one there and inherits its
 * count. So `count` is never too small, and `count - error` never too large. Tables of several threads are added up by
 * eng_top_add.
 */
#ifndef SL_WINS_ENGINE_TOP_H
#define SL_WINS_ENGINE_TOP_H

#include <stddef.h>
#include <stdint.h>

enum {
    ENG_TOP_KEY = 32, /* octets of a key */
    ENG_TOP_WAYS = 8,
    ENG_TOP_SETS = 64,
    ENG_TOP_ROWS = ENG_TOP_WAYS * ENG_TOP_SETS,
};

struct eng_top_set {
    uint64_t hashes[ENG_TOP_WAYS]; /* 0: free */
    uint64_t counts[ENG_TOP_WAYS];
    uint64_t errors[ENG_TOP_WAYS];
    uint8_t keys[ENG_TOP_WAYS][ENG_TOP_KEY];
};

struct eng_top {
    uint64_t seed;
    uint64_t total; /* of all counts */
    struct eng_top_set sets[ENG_TOP_SETS];
};

struct eng_top_row {
    uint8_t key[ENG_TOP_KEY];
    uint64_t count, error;
};

/* An empty table. */
void eng_top_init(struct eng_top *top, uint64_t seed);
/* Counts a key of `len` octets, at most ENG_TOP_KEY; the rest of it is zero. */
void eng_top_count(struct eng_top *top, const void *key, size_t len);
/* Copies the rows of a table to *rows, which has room for ENG_TOP_ROWS; returns how many. */
size_t eng_top_rows(const struct eng_top *top, struct eng_top_row *rows);
/* Joins the rows of one key and sorts them, the most frequent first; returns how many are left. */
size_t eng_top_sort(struct eng_top_row *rows, size_t count);

#endif
