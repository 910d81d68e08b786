#include "locator/model/range.h"

#include "common/base/memory.h"

#include <stdlib.h>

/* The middle of a part of the array is the root of a tree over it; `reach` is the greatest high end of that tree. */
struct node {
    struct lm_range range;
    uint32_t reach;
};

struct lm_ranges {
    size_t count;
    struct node nodes[];
};

static int by_low(const void *left, const void *right)
{
    const struct lm_range *a = &((const struct node *)left)->range, *b = &((const struct node *)right)->range;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return a->value < b->value ? -1 : a->value > b->value;
}

/* Sets the reach of every tree within [from, to); returns that of the whole. */
static uint32_t set_reach(struct node *nodes, size_t from, size_t to)
{
    if (from == to)
        return 0;
    size_t middle = from + (to - from) / 2;
    uint32_t left = set_reach(nodes, from, middle), right = set_reach(nodes, middle + 1, to);
    uint32_t reach = nodes[middle].range.high;
    reach = left > reach ? left : reach;
    reach = right > reach ? right : reach;
    nodes[middle].reach = reach;
    return reach;
}

struct lm_ranges *lm_ranges_new(const struct lm_range *ranges, size_t count)
{
    struct lm_ranges *index = sl_new(sizeof *index + count * sizeof index->nodes[0]);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].low <= ranges[i].high)
            index->nodes[index->count++].range = ranges[i];
    qsort(index->nodes, index->count, sizeof index->nodes[0], by_low);
    (void)set_reach(index->nodes, 0, index->count);
    return index;
}

void lm_ranges_free(struct lm_ranges *index)
{
    free(index);
}

struct search {
    const struct node *nodes;
    uint32_t address;
    struct lm_range *out;
    size_t max, found;
};

static void find_within(struct search *s, size_t from, size_t to)
{
    while (from < to && s->found <= s->max) {
        size_t middle = from + (to - from) / 2;
        const struct node *n = &s->nodes[middle];
        if (n->reach < s->address)
            return;
        find_within(s, from, middle);
        if (n->range.low > s->address)
            return;
        if (n->range.high >= s->address && s->found <= s->max) {
            if (s->found < s->max)
                s->out[s->found] = n->range;
            s->found++;
        }
        from = middle + 1;
    }
}

size_t lm_ranges_find(const struct lm_ranges *index, uint32_t address, struct lm_range *out, size_t max)
{
    struct search s = {.nodes = index->nodes, .address = address, .out = out, .max = max};
    find_within(&s, 0, index->count);
    return s.found;
}
