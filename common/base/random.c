#include "common/base/random.h"

#include "common/base/assert.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct sl_random sl_random_seeded(uint64_t seed)
{
    struct sl_random r;
    for (int i = 0; i < 4; i++)
        r.state[i] = splitmix(&seed);
    return r;
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t sl_random_next(struct sl_random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t sl_random_below(struct sl_random *r, uint64_t bound)
{
    sl_assert(bound > 0);
    uint64_t threshold = -bound % bound, x;
    do
        x = sl_random_next(r);
    while (x < threshold);
    return x % bound;
}

void sl_random_os(void *out, size_t len)
{
    char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        sl_assert(n > 0 || errno == EINTR);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

uint64_t sl_random_os_seed(void)
{
    uint64_t seed;
    sl_random_os(&seed, sizeof seed);
    return seed;
}

int64_t sl_backoff_ms(unsigned attempt, int64_t min_ms, int64_t max_ms, struct sl_random *random)
{
    int64_t ms = min_ms;
    for (unsigned i = 1; i < attempt && ms < max_ms; i++)
        ms *= 2;
    ms = ms < max_ms ? ms : max_ms;
    return ms / 2 + (int64_t)sl_random_below(random, (uint64_t)(ms - ms / 2) + 1);
}
