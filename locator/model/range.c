#include "locator/model/range.h"

#include "common/base/memory.h"

#include <stdlib.h>

/* The middle of a part of the array is the root of a tree over it; `reach` is the greatest high end of that tree. */
struct node {
    struct lm_range range;
    struct lm_key reach;
};

struct lm_ranges {
    size_t count;
    struct node nodes[];
};

struct lm_key lm_key_ip4(uint32_t address)
{
    return (struct lm_key){0, UINT64_C(0xffff) << 32 | address};
}

struct lm_key lm_key_octets(const uint8_t octets[LM_KEY_LEN])
{
    struct lm_key key = {0, 0};
    for (size_t i = 0; i < LM_KEY_LEN / 2; i++) {
        key.upper = key.upper << 8 | octets[i];
        key.lower = key.lower << 8 | octets[LM_KEY_LEN / 2 + i];
    }
    return key;
}

int lm_key_compare(struct lm_key a, struct lm_key b)
{
    if (a.upper != b.upper)
        return a.upper < b.upper ? -1 : 1;
    return a.lower < b.lower ? -1 : a.lower > b.lower;
}

static int by_low(const void *left, const void *right)
{
    const struct lm_range *a = &((const struct node *)left)->range, *b = &((const struct node *)right)->range;
    int order = lm_key_compare(a->low, b->low);
    if (order == 0)
        order = lm_key_compare(a->high, b->high);
    return order != 0 ? order : (a->value > b->value) - (a->value < b->value);
}

static struct lm_key greater(struct lm_key a, struct lm_key b)
{
    return lm_key_compare(a, b) < 0 ? b : a;
}

/* Sets the reach of every tree within [from, to); returns that of the whole. */
static struct lm_key set_reach(struct node *nodes, size_t from, size_t to)
{
    if (from == to)
        return (struct lm_key){0, 0};
    size_t middle = from + (to - from) / 2;
    struct lm_key left = set_reach(nodes, from, middle), right = set_reach(nodes, middle + 1, to);
    nodes[middle].reach = greater(nodes[middle].range.high, greater(left, right));
    return nodes[middle].reach;
}

struct lm_ranges *lm_ranges_new(const struct lm_range *ranges, size_t count)
{
    struct lm_ranges *index = sl_new(sizeof *index + count * sizeof index->nodes[0]);
    for (size_t i = 0; i < count; i++)
        if (lm_key_compare(ranges[i].low, ranges[i].high) <= 0)
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
    struct lm_key address;
    struct lm_range *out;
    size_t max, found;
};

static void find_within(struct search *s, size_t from, size_t to)
{
    while (from < to && s->found <= s->max) {
        size_t middle = from + (to - from) / 2;
        const struct node *n = &s->nodes[middle];
        if (lm_key_compare(n->reach, s->address) < 0)
            return;
        find_within(s, from, middle);
        if (lm_key_compare(n->range.low, s->address) > 0)
            return;
        if (lm_key_compare(n->range.high, s->address) >= 0 && s->found <= s->max) {
            if (s->found < s->max)
                s->out[s->found] = n->range;
            s->found++;
        }
        from = middle + 1;
    }
}

size_t lm_ranges_find(const struct lm_ranges *index, struct lm_key address, struct lm_range *out, size_t max)
{
    struct search s = {.nodes = index->nodes, .address = address, .out = out, .max = max};
    find_within(&s, 0, index->count);
    return s.found;
}
