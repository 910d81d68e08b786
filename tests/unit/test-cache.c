/* The cache: which ranges hold an address, against a plain search; answers as octets, whole and damaged. */
#include "common/base/memory.h"
#include "common/base/random.h"
#include "locator/model/range.h"
#include "locator/source/pack.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300, RANGES = 200, LOOKUPS = 200, FOUND_MAX = 256 };

static bool is_same(const struct lm_range *a, const struct lm_range *b)
{
    return lm_key_compare(a->low, b->low) == 0 && lm_key_compare(a->high, b->high) == 0 && a->value == b->value;
}

/* Ends close together, or over all addresses, so that ranges overlap, nest, touch and cross both halves of a key. */
static struct lm_key some_address(struct sl_random *random, bool dense)
{
    uint64_t n = sl_random_next(random);
    if (dense)
        return (struct lm_key){n >> 63, n % 256 - 128};
    return n % 2 ? lm_key_ip4((uint32_t)(n >> 32)) : (struct lm_key){n, sl_random_next(random)};
}

START_TEST(ranges_are_those_of_a_plain_search)
{
    struct sl_random random = sl_random_seeded(4711);
    for (int round = 0; round < ROUNDS; round++) {
        struct lm_range ranges[RANGES], found[FOUND_MAX];
        bool dense = round % 2;
        size_t count = (size_t)(sl_random_next(&random) % RANGES);
        for (size_t i = 0; i < count; i++)
            ranges[i] = (struct lm_range){some_address(&random, dense), some_address(&random, dense), (uint32_t)i};
        struct lm_ranges *index = lm_ranges_new(ranges, count);
        for (int k = 0; k < LOOKUPS; k++) {
            struct lm_key address = k % 3 && count ? ranges[(size_t)k % count].low : some_address(&random, dense);
            address.lower += (uint64_t)(k % 2);
            size_t expected = 0, n = lm_ranges_find(index, address, found, FOUND_MAX);
            for (size_t i = 0; i < count; i++) {
                if (lm_key_compare(address, ranges[i].low) < 0 || lm_key_compare(address, ranges[i].high) > 0)
                    continue;
                expected++;
                size_t at = 0;
                while (at < n && !is_same(&found[at], &ranges[i]))
                    at++;
                ck_assert_msg(at < n, "round %d: the range of %" PRIx64 ":%" PRIx64 " is missing", round, address.upper,
                              address.lower);
            }
            ck_assert_uint_eq(n, expected);
            for (size_t i = 1; i < n; i++)
                ck_assert_int_le(lm_key_compare(found[i - 1].low, found[i].low), 0);
        }
        lm_ranges_free(index);
    }
}
END_TEST

START_TEST(more_ranges_than_room)
{
    struct lm_range ranges[10], found[3];
    for (uint32_t i = 0; i < 10; i++)
        ranges[i] = (struct lm_range){lm_key_ip4(0), lm_key_ip4(UINT32_MAX), i};
    struct lm_ranges *index = lm_ranges_new(ranges, 10);
    ck_assert_uint_eq(lm_ranges_find(index, lm_key_ip4(UINT32_MAX), found, 3), 4);
    lm_ranges_free(index);
    index = lm_ranges_new(&(struct lm_range){lm_key_ip4(5), lm_key_ip4(4), 0}, 1);
    ck_assert_uint_eq(lm_ranges_find(index, lm_key_ip4(4), found, 3), 0);
    lm_ranges_free(index);
}
END_TEST

static void fill(struct src_answer *a)
{
    src_answer_init(a);
    src_warn(a, "first");
    src_warn(a, "second");
    src_say(a, SRC_ANSWER, "what it is");
    (void)sl_text_copy(a->rule, sizeof a->rule, "Q12");
    (void)sl_text_copy(a->server, sizeof a->server, "ldap://dc1");
    (void)sl_text_copy(a->owner, sizeof a->owner, "example.org");
    (void)sl_text_copy(a->site, sizeof a->site, "PS1");
    (void)sl_text_copy(a->mp.name, sizeof a->mp.name, "mp1.example.org");
    a->mp.is_default = true;
    a->mp.https_port = 65535;
    a->mp.security_mask = INT64_MIN;
    a->mp.fsp_count = 1;
    (void)sl_text_copy(a->mp.fsps[0], sizeof a->mp.fsps[0], "fsp");
    a->trust = LM_TRUST_DIRECTORY;
    a->age_s = 7;
    a->address_count = 2;
    a->addresses[1] = UINT32_MAX;
    struct lm_object *o = lm_objects_add(&a->objects, LM_OBJECT_BOUNDARY);
    o->dn = sl_strdup("CN=x");
    sl_strings_add(&o->roaming_boundaries, "10.0.0.0");
    (void)sl_text_copy(o->boundary, sizeof o->boundary, "10.0.0.0");
    (void)lm_objects_add(&a->objects, LM_OBJECT_MP);
}

START_TEST(an_answer_comes_back_whole)
{
    struct src_answer a, b;
    struct sl_text octets = sl_text_new(1 << 20), again = sl_text_new(1 << 20);
    fill(&a);
    src_pack(&a, &octets);
    ck_assert(!sl_text_failed(&octets));
    src_answer_init(&b);
    ck_assert(src_unpack(octets.data, octets.len, &b));
    src_pack(&b, &again);
    ck_assert_uint_eq(octets.len, again.len);
    ck_assert_mem_eq(octets.data, again.data, again.len);
    ck_assert_str_eq(b.mp.name, "mp1.example.org");
    ck_assert_int_eq(b.mp.security_mask, INT64_MIN);
    ck_assert_uint_eq(b.addresses[1], UINT32_MAX);
    ck_assert_str_eq(b.warnings[1], "second");
    ck_assert_str_eq(b.objects.items[0].roaming_boundaries.items[0], "10.0.0.0");
    ck_assert_ptr_null(b.objects.items[1].dn);
    ck_assert_int_eq(b.trust, LM_TRUST_DIRECTORY);
    src_answer_fini(&a);
    src_answer_fini(&b);
    sl_text_fini(&octets);
    sl_text_fini(&again);
}
END_TEST

/* Cut anywhere it is no answer; with any octet changed it is one that can be packed again, or none. */
START_TEST(damaged_answers_are_none)
{
    struct src_answer a, b;
    struct sl_text octets = sl_text_new(1 << 20);
    struct sl_random random = sl_random_seeded(4711);
    fill(&a);
    src_pack(&a, &octets);
    for (size_t len = 0; len < octets.len; len++) {
        src_answer_init(&b);
        ck_assert_msg(!src_unpack(octets.data, len, &b), "cut at %zu", len);
        src_answer_fini(&b);
    }
    for (size_t at = 0; at < octets.len; at++) {
        char old = octets.data[at];
        octets.data[at] = (char)sl_random_next(&random);
        src_answer_init(&b);
        (void)src_unpack(octets.data, octets.len, &b);
        src_answer_fini(&b);
        octets.data[at] = old;
    }
    src_answer_fini(&a);
    sl_text_fini(&octets);
}
END_TEST

UNIT_MAIN("cache", ranges_are_those_of_a_plain_search, more_ranges_than_room, an_answer_comes_back_whole,
          damaged_answers_are_none)
