/*
 * The texts of the policy: what is understood, what is not, and which names a pattern means. What the rows refuse is told by the
 * stories of tests/replay.
 */
#include "tests/unit/unit.h"
#include "wins-emu/core/policy.h"

#include <string.h>

static void add(struct sl_strings *list, const char *text)
{
    sl_strings_add(list, text);
}

START_TEST(P02_networks)
{
    static const char *const good[] = {"10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "10.1.2.3/32"};
    static const char *const bad[] = {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0", "x", "10.0.0.0/8 ", "1000.0.0.0/8",
                                      "10.0.0.0/8/8", "10.0.0.0/-1"};
    for (size_t i = 0; i < SL_COUNT(good); i++)
        ck_assert_int_eq(wins_policy_check_network(good[i], NULL), SL_OK);
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct sl_error e = {0};
        ck_assert_msg(wins_policy_check_network(bad[i], &e) == SL_USAGE, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(sl_error_text(&e), bad[i]));
    }
}
END_TEST

START_TEST(P04_pins)
{
    static const char *const good[] = {"MP_*#1A 10.0.0.0/8",
                                       "  *#1B\t10.0.0.1  10.0.0.2 source ", "WPAD#* 10.0.0.1", "A#B#20 10.0.0.1"};
    static const char *const bad[] = {"", "MP_*#1A", "MP_*#1A source", "MP_* 10.0.0.1", "#1A 10.0.0.1", "X#1 10.0.0.1",
                                      "X#1A 10.0.0.256", "X#1A1A 10.0.0.1", "X# 10.0.0.1"};
    for (size_t i = 0; i < SL_COUNT(good); i++)
        ck_assert_msg(wins_policy_check_pin(good[i], NULL) == SL_OK, "%s", good[i]);
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(wins_policy_check_pin(bad[i], NULL) == SL_USAGE, "%s", bad[i]);
    char long_one[2000] = "X#1A";
    for (int i = 0; i < 65; i++)
        memcpy(long_one + 4 + 9 * i, " 10.0.0.1", 10);
    ck_assert_int_eq(wins_policy_check_pin(long_one, NULL), SL_USAGE);
}
END_TEST

static bool protects(const char *pattern, const char *text)
{
    struct wins_policy_options options = {0};
    add(&options.first_owner, pattern);
    struct wins_policy *policy;
    ck_assert_int_eq(wins_policy_new(&options, &policy, NULL), SL_OK);
    struct nb_name name;
    ck_assert_int_eq(nb_name_parse(text, &name, NULL), SL_OK);
    bool yes = wins_policy_protects(policy, &name);
    wins_policy_free(policy);
    sl_strings_fini(&options.first_owner);
    return yes;
}

START_TEST(P06_patterns)
{
    static const struct {
        const char *pattern, *name;
        bool yes;
    } cases[] = {
        {"MP_*#1A", "MP_PS1#1A", true},   {"MP_*#1A", "MP_#1A", true},       {"MP_*#1A", "MP_PS1#1B", false},
        {"MP_*#1A", "mp_PS1#1A", false},  {"wPAd[#*", "WPAD[#20", true},   {"wpad[#*", "wpAd[#20", true},
        {"wpad[#*", "WPAD{#20", false},   {"wpad{#*", "WPAD[#20", false},
        {"MP_*#1A", "XMP_PS1#1A", false},  {"*#1b", "DOM#1B", true},
        {"WPAD#*", "WPAD#00", true},      {"WPAD#*", "WPADX#00", false},     {"*A*B#20", "XAYABB#20", true},
        {"*A*B#20", "XAYABC#20", false},  {"?#20", "A#20", true},            {"?#20", "AB#20", false},
        {"A#20", "A#20.SCOPE", true},     {"***#20", "ABC#20", true},        {"A?C*#20", "ABC#20", true},
        {"A*#20", "A\\x20\\x20B#20", true}, {"ABCDEFGHIJKLMNO#20", "ABCDEFGHIJKLMNO#20", true},
        {"*ABCDEFGHIJKLMN?*#20", "ABCDEFGHIJKLMNO#20", true},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        ck_assert_msg(protects(cases[i].pattern, cases[i].name) == cases[i].yes, "%s %s", cases[i].pattern, cases[i].name);
    ck_assert_int_eq(wins_policy_check_pattern("ABCDEFGHIJKLMNOP#20", NULL), SL_USAGE);
    ck_assert_int_eq(wins_policy_check_pattern("*?BCDEFGHIJKLMNOP#20", NULL), SL_USAGE);
}
END_TEST

START_TEST(P01_nothing_configured_is_no_policy)
{
    struct wins_policy_options options = {0};
    struct wins_policy *policy = (struct wins_policy *)&options;
    ck_assert_int_eq(wins_policy_new(&options, &policy, NULL), SL_OK);
    ck_assert_ptr_null(policy);
    add(&options.deny_query, "10.0.0.0/99");
    ck_assert_int_eq(wins_policy_new(&options, &policy, NULL), SL_USAGE);
    sl_strings_fini(&options.deny_query);
}
END_TEST

START_TEST(P07_the_table_is_bounded_and_fair)
{
    const struct wins_limits limits = {.per_s = {[WINS_LIMITED_CHANGE] = 5}};
    struct wins_limiter *limiter = wins_limiter_new(1);
    int taken = 0;
    for (int i = 0; i < 100; i++)
        taken += wins_limiter_take(limiter, &limits, WINS_LIMITED_CHANGE, 7, 1000);
    ck_assert_int_eq(taken, 5 * WINS_LIMIT_SAVED_S);
    /* A million others come and go; each has its own bucket, and the first one is forgotten, not blocked. */
    for (uint32_t source = 1000; source < 1001000; source++)
        ck_assert(wins_limiter_take(limiter, &limits, WINS_LIMITED_CHANGE, source, 1001));
    ck_assert(wins_limiter_take(limiter, &limits, WINS_LIMITED_CHANGE, 7, 1002));
    ck_assert(wins_limiter_take(limiter, &limits, WINS_LIMITED_QUERY, 7, 1002));
    wins_limiter_free(limiter);
}
END_TEST

START_TEST(P08_a_steady_source_gets_its_rate)
{
    const struct wins_limits limits = {.per_s = {[WINS_LIMITED_QUERY] = WINS_LIMIT_RATE_MAX}};
    struct wins_limiter *limiter = wins_limiter_new(1);
    uint64_t taken = 0;
    const int64_t begin_ms = UINT32_MAX - 2000; /* the clock of the table wraps on the way */
    for (int64_t now_ms = begin_ms; now_ms < begin_ms + 4000; now_ms++)
        for (int i = 0; i < 1100; i++)
            taken += wins_limiter_take(limiter, &limits, WINS_LIMITED_QUERY, 7, now_ms);
    ck_assert_uint_ge(taken, 4399000);
    for (int i = 0; i < 3000000; i++)
        taken += wins_limiter_take(limiter, &limits, WINS_LIMITED_QUERY, 7, begin_ms + 4000);
    ck_assert_uint_eq(taken, (uint64_t)WINS_LIMIT_RATE_MAX * (4 + WINS_LIMIT_SAVED_S));
    wins_limiter_free(limiter);
}
END_TEST

START_TEST(P07_a_limit_set_anew_begins_full)
{
    const struct wins_limits before = {.per_s = {[WINS_LIMITED_QUERY] = 100}};
    const struct wins_limits after = {.per_s = {[WINS_LIMITED_QUERY] = 100, [WINS_LIMITED_CHANGE] = 1}};
    struct wins_limiter *limiter = wins_limiter_new(1);
    int taken = 0;
    ck_assert(wins_limiter_take(limiter, &before, WINS_LIMITED_QUERY, 7, 1000));
    for (int i = 0; i < 10; i++)
        taken += wins_limiter_take(limiter, &after, WINS_LIMITED_CHANGE, 7, 1000);
    ck_assert_int_eq(taken, WINS_LIMIT_SAVED_S);
    wins_limiter_free(limiter);
}
END_TEST

static uint32_t burst_ttl_s(const struct wins_policy *policy, uint64_t granted)
{
    const struct wins_config config = wins_config_default(0x0a000035);
    struct wins_request request = {.address = 0x0a000001, .source = 0x0a000001};
    ck_assert(nb_name_make("NAME", 0x20, &request.name));
    struct wins_decision d;
    ck_assert(wins_policy_burst(policy, &request, &config, 1000, 51, granted, &d));
    ck_assert_int_eq(d.rule, WINS_B01);
    ck_assert_int_eq(d.effect, WINS_KEEP);
    return d.ttl_s;
}

START_TEST(B01_leases_grow_and_start_over)
{
    struct wins_policy_options options = {.burst = 50};
    struct wins_policy *policy;
    ck_assert_int_eq(wins_policy_new(&options, &policy, NULL), SL_OK);
    ck_assert_uint_eq(burst_ttl_s(policy, 0), 300);
    ck_assert_uint_eq(burst_ttl_s(policy, 99), 300);
    ck_assert_uint_eq(burst_ttl_s(policy, 100), 600);
    ck_assert_uint_eq(burst_ttl_s(policy, 999), 3000);
    ck_assert_uint_eq(burst_ttl_s(policy, 1000), 300);
    wins_policy_free(policy);
}
END_TEST

UNIT_MAIN("policy", B01_leases_grow_and_start_over, P07_the_table_is_bounded_and_fair,
          P07_a_limit_set_anew_begins_full, P08_a_steady_source_gets_its_rate,
          P01_nothing_configured_is_no_policy, P02_networks, P04_pins, P06_patterns)
