#include "locator/model/choose.h"

#include "common/base/random.h"

#include <stdlib.h>
#include <string.h>

static int by_locality_and_url(const void *left, const void *right)
{
    const struct lm_dp *a = left, *b = right;
    if (a->locality != b->locality)
        return a->locality < b->locality ? -1 : 1;
    return strcmp(a->url, b->url);
}

struct lm_dp_choice lm_choose_dp(struct lm_dp *dps, size_t count, uint64_t seed)
{
    struct lm_dp_choice choice = {0, 0};
    if (!count)
        return choice;
    qsort(dps, count, sizeof *dps, by_locality_and_url);
    for (size_t i = 0; i < count && dps[i].locality == dps[0].locality; i++)
        if (!i || strcmp(dps[i].url, dps[choice.candidates - 1].url) != 0)
            dps[choice.candidates++] = dps[i];
    struct sl_random random = sl_random_seeded(seed);
    choice.index = (size_t)sl_random_below(&random, choice.candidates);
    return choice;
}
