/*
 * choose.h - the choice among distribution points: at random, within the best locality (S1.16, X24, Q9, Q13).
 *
 * Local before remote before fallback; inside the best locality that has any, every candidate has the same chance. The same seed
 * and the same list, in whatever order, give the same choice. Pure, any thread.
 */
#ifndef SL_LOCATOR_MODEL_CHOOSE_H
#define SL_LOCATOR_MODEL_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

struct lm_dp {
    const char *url; /* borrowed */
    int locality;    /* 0 is best */
};

struct lm_dp_choice {
    size_t index;      /* of the chosen one */
    size_t candidates; /* the first so many of the sorted list had the same chance; 0: there was none to choose from */
};

/* Sorts the list by locality and URL, drops doubles of the best locality, and chooses. */
struct lm_dp_choice lm_choose_dp(struct lm_dp *dps, size_t count, uint64_t seed);

/*
 * The choice made `draws` times among `count` (at least 1) URLs of one locality, with the seeds from `seed` on: how often each
 * came out goes to ret_chosen[count], and the result is the chi-square of these numbers against even ones.
 */
double lm_choose_report(const char *const *urls, size_t count, uint64_t seed, uint32_t draws, uint32_t *ret_chosen);
/* What the chi-square of a fair choice exceeds once in a thousand times (Wilson and Hilferty's approximation). */
double lm_chi_square_bound(size_t degrees_of_freedom);

#endif
