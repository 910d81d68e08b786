#include "locator/model/srv.h"

#include "common/base/random.h"

static void swap(size_t *order, size_t a, size_t b)
{
    size_t kept = order[a];
    order[a] = order[b];
    order[b] = kept;
}

/* True when record `a` is looked at before `b`: by priority, then those of weight 0 (RFC 2782, "Weight"). */
static int goes_before(const struct lm_srv *a, const struct lm_srv *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return !a->weight && b->weight;
}

static void sort(const struct lm_srv *records, size_t count, size_t *order)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
        for (size_t k = i; k && goes_before(&records[order[k]], &records[order[k - 1]]); k--)
            swap(order, k, k - 1);
    }
}

/* Where among [at, end) the running sum of weights reaches a number drawn between 0 and the whole sum, both included. */
static size_t draw(const struct lm_srv *records, const size_t *order, size_t at, size_t end, struct sl_random *random)
{
    uint64_t sum = 0, running = 0;
    for (size_t i = at; i < end; i++)
        sum += records[order[i]].weight;
    uint64_t wanted = sl_random_below(random, sum + 1);
    while ((running += records[order[at]].weight) < wanted)
        at++;
    return at;
}

void lm_srv_order(const struct lm_srv *records, size_t count, uint64_t seed, size_t *ret_order)
{
    struct sl_random random = sl_random_seeded(seed);
    sort(records, count, ret_order);
    for (size_t at = 0; at < count; at++) {
        size_t end = at;
        while (end < count && records[ret_order[end]].priority == records[ret_order[at]].priority)
            end++;
        /* moved to the front one by one, so that those of weight 0 stay in front of the rest */
        for (size_t chosen = draw(records, ret_order, at, end, &random); chosen > at; chosen--)
            swap(ret_order, chosen, chosen - 1);
    }
}
