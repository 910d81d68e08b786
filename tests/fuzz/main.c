/*
 * main - a fuzz target without a fuzzer: runs every file of its corpus, then mutations of them.
 *
 *     fuzz-TARGET [FILE...]     with files: only these
 *
 * The seed of the mutations is printed; SL_SEED=N repeats them. SL_FUZZ_SECONDS=N goes on for N seconds of processor time;
 * without it their number is fixed. Mutations are blind: they know nothing of what the target has seen, as libFuzzer's do.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INPUT_MAX = 2048, MUTATIONS = 200000, MUTATIONS_A_LOOK = 1000, SECONDS_MAX = 86400, CHANGES_MAX = 8, PATH_LEN = 4096 };

struct input {
    size_t len;
    uint8_t octets[INPUT_MAX];
};

static struct input read_input(const char *path)
{
    struct input in = {0};
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    in.len = fread(in.octets, 1, sizeof in.octets, f);
    fclose(f);
    return in;
}

/* In a block of exactly its length, so that a sanitizer sees each octet that is read beyond it. */
static void run(const struct input *in)
{
    uint8_t *copy = sl_new(in->len + (in->len == 0));
    memcpy(copy, in->octets, in->len);
    LLVMFuzzerTestOneInput(copy, in->len);
    free(copy);
}

static void insert(struct input *in, size_t at, uint8_t octet)
{
    if (in->len == INPUT_MAX)
        return;
    memmove(in->octets + at + 1, in->octets + at, in->len - at);
    in->octets[at] = octet;
    in->len++;
}

static void change(struct input *in, struct sl_random *r)
{
    size_t at = in->len ? sl_random_below(r, in->len) : 0;
    uint8_t octet = (uint8_t)sl_random_next(r);
    uint64_t kind = in->len ? sl_random_below(r, 6) : 3;
    if (kind == 0)
        in->octets[at] ^= (uint8_t)(1u << (octet & 7));
    else if (kind == 1)
        in->octets[at] = octet;
    else if (kind == 2)
        in->len = at;
    else if (kind == 3)
        insert(in, at, octet);
    else if (kind == 4)
        memmove(in->octets + at, in->octets + at + 1, --in->len - at);
    else
        in->octets[at] = (uint8_t)(octet & 1 ? 0xc0 : 0);
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("SL_SEED");
    uint64_t seed;
    return text && sl_parse_u64(text, UINT64_MAX, &seed) ? seed : sl_random_os_seed();
}

static uint64_t seconds_of_run(void)
{
    const char *text = getenv("SL_FUZZ_SECONDS");
    uint64_t seconds;
    return text && sl_parse_u64(text, SECONDS_MAX, &seconds) ? seconds : 0;
}

static uint64_t processor_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec;
}

/* Returns how many. */
static uint64_t mutate(const struct input *corpus, size_t count)
{
    uint64_t seed = seed_of_run();
    printf("SL_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    struct sl_random r = sl_random_seeded(seed);
    uint64_t seconds = seconds_of_run(), done = 0;
    for (; done < MUTATIONS || (seconds && (done % MUTATIONS_A_LOOK || processor_seconds() < seconds)); done++) {
        struct input in = corpus[sl_random_below(&r, count)];
        for (uint64_t n = 1 + sl_random_below(&r, CHANGES_MAX); n > 0; n--)
            change(&in, &r);
        run(&in);
    }
    return done;
}

static int run_corpus(void)
{
    const char *top = getenv("abs_top_srcdir");
    char pattern[PATH_LEN];
    snprintf(pattern, sizeof pattern, "%s/tests/fuzz/corpus/%s/*", top ? top : ".", fuzz_corpus);
    glob_t found;
    if (glob(pattern, 0, NULL, &found)) {
        printf("no corpus: %s\n", pattern);
        return 1;
    }
    struct input *corpus = sl_new_array(found.gl_pathc, sizeof *corpus);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        corpus[i] = read_input(found.gl_pathv[i]);
        run(&corpus[i]);
    }
    uint64_t mutations = mutate(corpus, found.gl_pathc);
    printf("%s: %zu files, %" PRIu64 " mutations\n", fuzz_corpus, found.gl_pathc, mutations);
    free(corpus);
    globfree(&found);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return run_corpus();
    for (int i = 1; i < argc; i++) {
        struct input in = read_input(argv[i]);
        run(&in);
    }
    return 0;
}
