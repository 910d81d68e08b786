/*
 * random.h - seeded random numbers (xoshiro256**, Blackman and Vigna; seeded by splitmix64).
 *
 * Repeatable for a seed, for choices and tests; sl_random_os for identifiers that a stranger must not guess.
 * One object serves one thread.
 */
#ifndef SL_COMMON_BASE_RANDOM_H
#define SL_COMMON_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct sl_random {
    uint64_t state[4];
};

/* The generator of a seed; the same seed gives the same numbers on every machine. */
struct sl_random sl_random_seeded(uint64_t seed);
/* The next 64 random bits. */
uint64_t sl_random_next(struct sl_random *r);
/* A number in [0, bound), without bias; bound must not be 0. */
uint64_t sl_random_below(struct sl_random *r, uint64_t bound);
/* Fills a buffer from the operating system; unguessable; does not fail once the system is up. */
void sl_random_os(void *out, size_t len);
/* A seed from the operating system. */
uint64_t sl_random_os_seed(void);
/*
 * The wait in milliseconds before attempt number `attempt` (from 1) at what has failed: `min_ms`, doubled each time up to
 * `max_ms`, of which a half is left to chance.
 */
int64_t sl_backoff_ms(unsigned attempt, int64_t min_ms, int64_t max_ms, struct sl_random *random);

#endif
