/*
 * The bottom: text and its limits, escaping, numbers, frames, addresses, options, random numbers, status tables.
 */
#include "common/base/addr.h"
#include "common/base/cancel.h"
#include "common/base/clock.h"
#include "common/base/frame.h"
#include "common/base/lazy.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/option.h"
#include "common/base/random.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

START_TEST(text_grows_up_to_its_limit)
{
    struct sl_text t = sl_text_new(300);
    ck_assert_str_eq(sl_text_str(&t), "");
    sl_text_expect(&t, 20);
    ck_assert_str_eq(sl_text_str(&t), "");
    for (int i = 0; i < 30; i++)
        sl_text_printf(&t, "%s%08d", "ab", i);
    ck_assert_uint_eq(t.len, 300);
    ck_assert(!sl_text_failed(&t));
    ck_assert_uint_eq(strlen(t.data), 300);
    sl_text_puts(&t, "x");
    ck_assert(sl_text_failed(&t));
    sl_text_puts(&t, "");
    ck_assert(sl_text_failed(&t));
    ck_assert_ptr_null(sl_text_take(&t));
    sl_text_add(&t, "a\0b", 3);
    char *taken = sl_text_take(&t);
    ck_assert_mem_eq(taken, "a\0b", 4);
    free(taken);
    taken = sl_text_take(&t);
    ck_assert_str_eq(taken, "");
    free(taken);
    sl_text_add(&t, "x", SIZE_MAX);
    ck_assert(sl_text_failed(&t));
    sl_text_reset(&t);
    ck_assert(!sl_text_failed(&t));
    sl_text_fini(&t);
}
END_TEST

START_TEST(json_is_always_valid)
{
    static const char nasty[] = "q\"b\\\n\x01\x7f\xc2\x9b\xc3\xa9\xff\xc0\xaf\xed\xa0\x80\xf0\x9f\x98\x80\xf5\xe2\x82";
    struct sl_text t = sl_text_new(1000);
    sl_text_json(&t, nasty, sizeof nasty - 1);
    ck_assert_str_eq(sl_text_str(&t),
                     "\"q\\\"b\\\\\\u000a\\u0001\\u007f\\u009b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                     "\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    sl_text_fini(&t);
}
END_TEST

START_TEST(text_is_utf8_to_its_end_or_not)
{
    static const char *const good[] = {"", "a/b.exe", "\xc3\xa9", "\xf0\x9f\x98\x80"};
    static const char *const bad[] = {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5", "\xc3\xa9\x80"};
    for (size_t i = 0; i < SL_COUNT(good); i++)
        ck_assert_msg(sl_is_utf8(good[i]), "%zu", i);
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(!sl_is_utf8(bad[i]), "%zu", i);
}
END_TEST

START_TEST(escaping_leaves_nothing_to_a_terminal)
{
    char out[64];
    sl_text_escape(out, sizeof out, "a\x1b[1m\x7f\xc2\x9b\xff\xc3\xa9", 11);
    ck_assert_str_eq(out, "a\\x1b[1m\\x7f\\xc2\\x9b\\xff\xc3\xa9");
    sl_text_escape(out, 6, "abc\x01", 4);
    ck_assert_str_eq(out, "abc");
    sl_text_escape(out, 1, "abc", 3);
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(numbers_are_whole_or_refused)
{
    static const char *const bad[] = {"", " 1", "1 ", "+1", "0x10", "1e3", "-", "--1", "99999999999999999999"};
    int64_t i = 7;
    uint64_t u = 7;
    for (size_t k = 0; k < SL_COUNT(bad); k++) {
        ck_assert_msg(!sl_parse_i64(bad[k], INT64_MIN, INT64_MAX, &i), "\"%s\"", bad[k]);
        ck_assert_msg(!sl_parse_u64(bad[k], UINT64_MAX, &u), "\"%s\"", bad[k]);
    }
    ck_assert(!sl_parse_u64("-1", UINT64_MAX, &u));
    ck_assert(!sl_parse_u64("256", 255, &u));
    ck_assert(!sl_parse_i64("-6", -5, 5, &i));
    ck_assert_int_eq(i, 7);
    ck_assert_uint_eq(u, 7);
    ck_assert(sl_parse_u64("18446744073709551615", UINT64_MAX, &u));
    ck_assert_uint_eq(u, UINT64_MAX);
    ck_assert(sl_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i));
    ck_assert_int_eq(i, INT64_MIN);
}
END_TEST

START_TEST(durations_have_units)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0}, {"250ms", 250}, {"2s", 2000}, {"10m", 600000}, {"3h", 10800000}, {"6d", 518400000}, {"7", 7000}};
    static const char *const bad[] = {"", "s", "-1s", "1.5s", "1 s", "1S", "1w", "9999999999999d", "ms"};
    int64_t ms = 5;
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        ck_assert(sl_parse_duration_ms(good[i].text, &ms));
        ck_assert_int_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(!sl_parse_duration_ms(bad[i], &ms), "\"%s\"", bad[i]);
}
END_TEST

START_TEST(small_text_helpers)
{
    uint8_t octets[4] = {9, 9, 9, 9};
    size_t len = 0;
    char out[4], upper[] = "aZ\xc3\xa9_9";
    ck_assert(sl_parse_hex("00fFA5", octets, sizeof octets, &len));
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(octets, "\x00\xff\xa5\x09", 4);
    ck_assert(!sl_parse_hex("0", octets, sizeof octets, &len));
    ck_assert(!sl_parse_hex("0g", octets, sizeof octets, &len));
    ck_assert(!sl_parse_hex("0011223344", octets, sizeof octets, &len));
    ck_assert(sl_text_copy(out, sizeof out, "abc"));
    ck_assert(!sl_text_copy(out, sizeof out, "abcd"));
    ck_assert_str_eq(out, "abc");
    ck_assert(sl_text_copy(out, sizeof out, NULL));
    ck_assert_str_eq(out, "");
    ck_assert(sl_text_iequal("Mp_ABC", "mP_abc"));
    ck_assert(!sl_text_iequal("abc", "abcd"));
    ck_assert(!sl_text_iequal("\xc3\xa9", "\xc3\x89"));
    sl_text_upper(upper);
    ck_assert_str_eq(upper, "AZ\xc3\xa9_9");
}
END_TEST

/* ---- errors, status, log ----------------------------------------------------------------------------------------- */

START_TEST(errors_carry_their_place)
{
    struct sl_error e = {0};
    ck_assert_int_eq(sl_fail(&e, SL_IO, "disk\n%s", "full"), SL_IO);
    ck_assert_str_eq(sl_error_text(&e), "disk\\x0afull");
    ck_assert_int_eq(sl_fail_in(&e, e.status, "file %d", 7), SL_IO);
    ck_assert_str_eq(sl_error_text(&e), "file 7: disk\\x0afull");
    ck_assert_int_eq(sl_fail(NULL, SL_DENIED, "nobody listens"), SL_DENIED);
    struct sl_error bare = {.status = SL_TIMEOUT};
    ck_assert_str_eq(sl_error_text(&bare), "deadline passed");
    char large[2000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    sl_fail(&e, SL_IO, "%s", large);
    ck_assert_uint_lt(strlen(e.text), sizeof e.text);
}
END_TEST

START_TEST(outcomes_are_the_contract)
{
    static const struct {
        const char *word;
        int code;
    } contract[] = {{"ok", 0},        {"negative", 1}, {"usage", 2},    {"unreachable", 3}, {"untrusted", 4},
                    {"degraded", 5},  {"denied", 6},   {"conflict", 7}, {"partial", 8},     {"internal", 70}};
    ck_assert_uint_eq(SL_COUNT(contract), SL_OUTCOME_COUNT);
    for (size_t i = 0; i < SL_COUNT(contract); i++) {
        enum sl_outcome o = sl_outcome_parse(contract[i].word);
        ck_assert_int_ne(o, SL_OUTCOME_COUNT);
        ck_assert_str_eq(sl_outcome_word(o), contract[i].word);
        ck_assert_int_eq(sl_outcome_exit(o), contract[i].code);
        ck_assert_uint_gt(strlen(sl_outcome_text(o)), 0);
    }
    ck_assert_int_eq(sl_outcome_parse("no such word"), SL_OUTCOME_COUNT);
    for (enum sl_status s = 0; s < SL_STATUS_COUNT; s++) {
        ck_assert_uint_gt(strlen(sl_status_text(s)), 0);
        ck_assert_int_eq(sl_status_outcome(s) == SL_OUTCOME_OK, s == SL_OK);
    }
    ck_assert_int_eq(sl_status_outcome(SL_DENIED), SL_OUTCOME_DENIED);
    ck_assert_int_eq(sl_status_outcome(SL_TIMEOUT), SL_OUTCOME_UNREACHABLE);
}
END_TEST

START_TEST(log_values_cannot_forge_a_line)
{
    ck_assert_str_eq(SL_LOG_TEXT("plain"), "plain");
    ck_assert_str_eq(SL_LOG_TEXT(""), "\"\"");
    ck_assert_str_eq(SL_LOG_TEXT(NULL), "\"\"");
    ck_assert_str_eq(SL_LOG_TEXT("a b=\"c\""), "\"a b=\\\"c\\\"\"");
    ck_assert_str_eq(SL_LOG_TEXT("x\ny"), "\"x\\x0ay\"");
    char large[2000];
    memset(large, '"', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    size_t len = strlen(SL_LOG_TEXT(large));
    ck_assert_uint_lt(len, SL_LOG_VALUE_MAX);
}
END_TEST

/* ---- frames ------------------------------------------------------------------------------------------------------ */

START_TEST(frames_round_trip)
{
    struct sl_text t = sl_text_new(1 << 16);
    struct sl_frame *f = sl_new(sizeof *f);
    size_t used = 0;
    sl_frame_put(&t, SL_FRAME_ROW, (const char *[]){"one", "", NULL}, 3);
    sl_frame_put(&t, SL_FRAME_END, NULL, 0);
    for (size_t cut = 0; cut < t.len - 5; cut++) {
        ck_assert_int_eq(sl_frame_get(t.data, cut, f, &used, NULL), SL_OK);
        ck_assert_uint_eq(used, 0);
    }
    ck_assert_int_eq(sl_frame_get(t.data, t.len, f, &used, NULL), SL_OK);
    ck_assert_uint_eq(used, t.len - 5);
    ck_assert_int_eq(f->kind, SL_FRAME_ROW);
    ck_assert_uint_eq(f->count, 3);
    ck_assert_str_eq(f->strings[0], "one");
    ck_assert_str_eq(f->strings[1], "");
    ck_assert_str_eq(f->strings[2], SL_FRAME_NULL);
    ck_assert_int_eq(sl_frame_get(t.data + used, 5, f, &used, NULL), SL_OK);
    ck_assert_int_eq(f->kind, SL_FRAME_END);
    ck_assert_uint_eq(f->count, 0);
    sl_text_fini(&t);
    free(f);
}
END_TEST

START_TEST(bad_frames_are_refused)
{
    static const struct {
        const char *octets;
        size_t len;
    } bad[] = {{"\0\0\0\0Q", 5},    {"\0\x10\0\x01Q", 5}, {"\xff\xff\xff\xffQ", 5},
               {"\0\0\0\x02Qx", 6}, {"\0\0\0\x01\0", 5},  {"\0\0\0\x01z", 5}};
    struct sl_frame *f = sl_new(sizeof *f);
    size_t used;
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(sl_frame_get(bad[i].octets, bad[i].len, f, &used, NULL) == SL_MALFORMED, "case %zu", i);
    char *many = sl_new(SL_FRAME_STRINGS_MAX + 6);
    memcpy(many, "\0\0\x10\x02Q", 5);
    ck_assert_int_eq(sl_frame_get(many, SL_FRAME_STRINGS_MAX + 6, f, &used, NULL), SL_MALFORMED);
    many[3] = '\x01';
    ck_assert_int_eq(sl_frame_get(many, SL_FRAME_STRINGS_MAX + 5, f, &used, NULL), SL_OK);
    ck_assert_uint_eq(f->count, SL_FRAME_STRINGS_MAX);
    free(many);
    char *huge = sl_new(SL_FRAME_MAX + 1);
    memset(huge, 'x', SL_FRAME_MAX);
    struct sl_text t = sl_text_new(SIZE_MAX / 2);
    sl_frame_put(&t, SL_FRAME_ROW, (const char *const *)&huge, 1);
    ck_assert(sl_text_failed(&t));
    sl_text_fini(&t);
    free(huge);
    free(f);
}
END_TEST

/* ---- addresses --------------------------------------------------------------------------------------------------- */

START_TEST(endpoints_are_parsed_and_written)
{
    static const struct {
        const char *text, *want;
    } good[] = {{"1.2.3.4", "1.2.3.4:42"}, {"1.2.3.4:80", "1.2.3.4:80"}, {"::1", "[::1]:42"}, {"[::1]", "[::1]:42"},
                {"[fe80::1]:65535", "[fe80::1]:65535"}, {"0.0.0.0:0", "0.0.0.0:0"}};
    static const char *const bad[] = {"",          "host", "1.2.3",  "1.2.3.4.5", "01.2.3.4", "1.2.3.4:", "1.2.3.4:65536",
                                      "1.2.3.4:x", "[::1", "[::1]x", "[]:80",     ":80",      "1.2.3.4 "};
    struct sl_endpoint ep;
    struct sl_error e;
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        ck_assert_int_eq(sl_endpoint_parse(good[i].text, 42, &ep, NULL), SL_OK);
        ck_assert_str_eq(sl_endpoint_text(&ep).text, good[i].want);
    }
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        ck_assert_msg(sl_endpoint_parse(bad[i], 42, &ep, &e) == SL_USAGE, "\"%s\"", bad[i]);
        ck_assert_ptr_nonnull(strstr(e.text, bad[i]));
    }
}
END_TEST

START_TEST(hosts_are_names_or_addresses)
{
    static const char *const good[] = {"mp1", "MP_1.example.org", "a-b.c", "1a.org", "10.0.0.1", "::1", "2001:db8::1", "3com"};
    static const char *const bad[] = {
        "",    " ",   "a b",    "a\nb", "\033[31m", "u@h",   "a/b",   "-a",    "a-",        "a.-b", "a..b", ".a", "a.",
        "a,b", "::1]", "[::1]", "[::1", "::zz",     "a%20b", "a\\b", "1.2.3", "999.1.1.1", "1.2.3.4.5", "12345", "fe80::1%lo",
        "h\303\244", "a:80",
    };
    char label[SL_LABEL_MAX + 2], host[SL_HOST_MAX + 2];
    size_t at = 0;
    for (size_t i = 0; i < SL_COUNT(good); i++)
        ck_assert_msg(sl_is_host(good[i]), "\"%s\"", good[i]);
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(!sl_is_host(bad[i]), "\"%s\"", bad[i]);
    memset(label, 'a', sizeof label);
    label[SL_LABEL_MAX + 1] = '\0';
    ck_assert(!sl_is_host(label));
    label[SL_LABEL_MAX] = '\0';
    ck_assert(sl_is_host(label));
    for (size_t i = 0; i <= SL_HOST_MAX; i++)
        host[i] = i % 2 ? '.' : 'a';
    host[SL_HOST_MAX + 1] = '\0';
    host[SL_HOST_MAX] = 'a';
    ck_assert(!sl_is_host(host));
    host[SL_HOST_MAX] = '\0';
    ck_assert(sl_is_host(host));
    ck_assert(!sl_is_host_name("ab.c d", &at));
    ck_assert_uint_eq(at, 4);
}
END_TEST

START_TEST(endpoints_compare)
{
    struct sl_endpoint a = sl_endpoint_ip4(0x01020304, 80), b = a, v6;
    uint32_t ip = 0;
    ck_assert(sl_endpoint_equal(&a, &b));
    sl_endpoint_set_port(&b, 81);
    ck_assert(!sl_endpoint_equal(&a, &b));
    ck_assert_uint_eq(sl_endpoint_port(&b), 81);
    ck_assert_uint_eq(sl_endpoint_ip4_of(&a), 0x01020304);
    ck_assert_int_eq(sl_endpoint_parse("::", 80, &v6, NULL), SL_OK);
    ck_assert(!sl_endpoint_equal(&a, &v6));
    ck_assert(sl_endpoint_is_wildcard(&v6));
    ck_assert_uint_eq(sl_endpoint_ip4_of(&v6), 0);
    ck_assert(!sl_endpoint_is_wildcard(&a));
    ck_assert(sl_ip4_parse("255.0.1.2", &ip));
    ck_assert_uint_eq(ip, 0xff000102);
    ck_assert_str_eq(sl_ip4_text(ip).text, "255.0.1.2");
    ck_assert(!sl_ip4_parse("1.2.3.256", &ip));
}
END_TEST

/* ---- options ----------------------------------------------------------------------------------------------------- */

struct values {
    bool flag;
    char *text;
    struct sl_strings list;
    int64_t number, ms;
    int word;
};

static const char *const words[] = {"red", "green", NULL};
static const struct sl_option rows[] = {
    {.name = "flag", .type = SL_OPT_FLAG, .offset = offsetof(struct values, flag)},
    {.name = "text", .type = SL_OPT_STRING, .offset = offsetof(struct values, text), .fallback = "t"},
    {.name = "list", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, list), .fallback = "first"},
    {.name = "number", .type = SL_OPT_INT, .offset = offsetof(struct values, number), .min = -2, .max = 9, .fallback = "3"},
    {.name = "ms", .type = SL_OPT_DURATION, .offset = offsetof(struct values, ms), .fallback = "2s"},
    {.name = "word", .type = SL_OPT_WORD, .offset = offsetof(struct values, word), .words = words, .fallback = "green"},
};

static enum sl_status set(struct values *v, const char *name, const char *text, struct sl_error *e)
{
    size_t i = 0;
    while (strcmp(rows[i].name, name) != 0)
        i++;
    return sl_option_set(&rows[i], v, text, e);
}

START_TEST(options_have_types_defaults_and_bounds)
{
    struct values v;
    struct sl_error e = {0};
    memset(&v, 0xff, sizeof v);
    sl_options_init(rows, SL_COUNT(rows), &v);
    ck_assert(!v.flag);
    ck_assert_str_eq(v.text, "t");
    ck_assert_str_eq(v.list.items[0], "first");
    ck_assert_int_eq(v.number, 3);
    ck_assert_int_eq(v.ms, 2000);
    ck_assert_int_eq(v.word, 1);
    ck_assert_int_eq(set(&v, "flag", NULL, &e), SL_OK);
    ck_assert(v.flag);
    ck_assert_int_eq(set(&v, "text", "u", &e), SL_OK);
    ck_assert_str_eq(v.text, "u");
    ck_assert_int_eq(set(&v, "list", "a", &e), SL_OK);
    ck_assert_int_eq(set(&v, "list", "b", &e), SL_OK);
    ck_assert_uint_eq(v.list.count, 2);
    ck_assert_str_eq(v.list.items[0], "a");
    ck_assert_int_eq(set(&v, "number", "-2", &e), SL_OK);
    ck_assert_int_eq(set(&v, "number", "-3", &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "number: -3 is outside -2 to 9"));
    ck_assert_int_eq(set(&v, "number", "x", &e), SL_USAGE);
    ck_assert_int_eq(v.number, -2);
    ck_assert_int_eq(set(&v, "ms", "1x", &e), SL_USAGE);
    ck_assert_int_eq(set(&v, "word", "blue", &e), SL_USAGE);
    ck_assert_int_eq(set(&v, "word", "red", &e), SL_OK);
    ck_assert_int_eq(v.word, 0);
    sl_options_fini(rows, SL_COUNT(rows), &v);
    ck_assert_ptr_null(v.text);
}
END_TEST

START_TEST(a_default_is_replaced_once_only)
{
    struct values v;
    sl_options_init(rows, SL_COUNT(rows), &v);
    ck_assert_int_eq(set(&v, "list", "first", NULL), SL_OK);
    ck_assert_int_eq(set(&v, "list", "second", NULL), SL_OK);
    ck_assert_uint_eq(v.list.count, 2);
    sl_options_fini(rows, SL_COUNT(rows), &v);
}
END_TEST

/* ---- random, clock, memory --------------------------------------------------------------------------------------- */

START_TEST(random_numbers_repeat_for_a_seed)
{
    struct sl_random a = sl_random_seeded(42), b = sl_random_seeded(42), c = sl_random_seeded(43);
    bool differs = false;
    unsigned counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t n = sl_random_next(&a);
        ck_assert_uint_eq(n, sl_random_next(&b));
        differs |= n != sl_random_next(&c);
        counts[sl_random_below(&a, 7)]++;
        sl_random_below(&b, 7);
    }
    ck_assert(differs);
    for (size_t i = 0; i < SL_COUNT(counts); i++)
        ck_assert_msg(counts[i] > 9500 && counts[i] < 10500, "%zu: %u", i, counts[i]);
    ck_assert_uint_eq(sl_random_below(&a, 1), 0);
    uint64_t first = sl_random_os_seed(), second = sl_random_os_seed();
    ck_assert_uint_ne(first, second);
}
END_TEST

START_TEST(the_published_xoshiro_sequence)
{
    struct sl_random r = {{1, 2, 3, 4}};
    static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
    for (size_t i = 0; i < SL_COUNT(want); i++)
        ck_assert_uint_eq(sl_random_next(&r), want[i]);
}
END_TEST

START_TEST(deadlines_run_out)
{
    struct sl_deadline soon = sl_deadline_in(0), later = sl_deadline_in(60000);
    ck_assert(sl_deadline_passed(soon));
    ck_assert_int_eq(sl_deadline_left_ms(soon), 0);
    ck_assert(!sl_deadline_passed(later));
    ck_assert_int_gt(sl_deadline_left_ms(later), 50000);
    ck_assert_int_eq(sl_deadline_min(later, soon).at_ms, soon.at_ms);
    ck_assert_int_gt(sl_deadline_left_ms(sl_deadline_in(INT64_MAX / 2)), 0);
    ck_assert_int_gt(sl_clock_real_s(), 1600000000);
}
END_TEST

START_TEST(a_deadline_passes_when_its_wish_is_told)
{
    struct sl_cancel wish;
    ck_assert_int_eq(sl_cancel_init(&wish, NULL), SL_OK);
    struct sl_deadline plain = sl_deadline_in(60000), early = plain;
    early.cancel = &wish;
    struct sl_deadline both[] = {early, sl_deadline_min(plain, early), sl_deadline_min(early, sl_deadline_in(30000))};
    struct pollfd heard = {.fd = sl_deadline_fd(early), .events = POLLIN};
    ck_assert_int_eq(sl_deadline_fd(plain), -1);
    for (size_t i = 0; i < SL_COUNT(both); i++)
        ck_assert(!sl_deadline_passed(both[i]) && !sl_deadline_canceled(both[i]));
    ck_assert_int_eq(poll(&heard, 1, 0), 0);
    sl_cancel_tell(&wish);
    sl_cancel_tell(&wish);
    for (size_t i = 0; i < SL_COUNT(both); i++)
        ck_assert(sl_deadline_passed(both[i]) && sl_deadline_canceled(both[i]));
    ck_assert_int_eq(poll(&heard, 1, 0), 1);
    ck_assert(!sl_deadline_passed(plain) && !sl_deadline_canceled(plain));
    sl_cancel_fini(&wish);
}
END_TEST

/* Counts in the table itself, the only thing that the library's start function may touch. */
static struct lazy_math {
    double (*cos)(double);
    int started;
} lazy_math;

static void start_math(void)
{
    lazy_math.started++;
}

START_TEST(a_library_is_loaded_once_or_named_in_the_error)
{
    static const struct sl_lazy_symbol good[] = {{"cos", offsetof(struct lazy_math, cos)}};
    static const struct sl_lazy_symbol lacking[] = {{"cos", offsetof(struct lazy_math, cos)}, {"no_such_function", 0}};
    struct sl_lazy library = SL_LAZY("libm.so.6", good, &lazy_math, start_math);
    struct sl_lazy incomplete = SL_LAZY("libm.so.6", lacking, &lazy_math, start_math);
    struct sl_lazy absent = SL_LAZY("libnosuch.so.9", good, &lazy_math, start_math);
    struct sl_error e = {.status = SL_OK};
    ck_assert_int_eq(sl_lazy_need(&absent, &e), SL_UNSUPPORTED);
    ck_assert_msg(strstr(e.text, "libnosuch.so.9 cannot be loaded") != NULL, "%s", e.text);
    ck_assert_int_eq(sl_lazy_need(&incomplete, &e), SL_UNSUPPORTED);
    ck_assert_str_eq(e.text, "the library libm.so.6 has no no_such_function");
    ck_assert_int_eq(lazy_math.started, 0);
    ck_assert_int_eq(sl_lazy_need(&library, &e), SL_OK);
    ck_assert_int_eq(sl_lazy_need(&library, &e), SL_OK);
    ck_assert_int_eq(lazy_math.started, 1);
    ck_assert(lazy_math.cos(0.0) > 0.99);
}
END_TEST

START_TEST(memory_is_zeroed_and_copied)
{
    int *numbers = sl_new_array(100, sizeof *numbers);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(numbers[i], 0);
    numbers = sl_resize(numbers, 200, sizeof *numbers);
    ck_assert_int_eq(numbers[99], 0);
    free(numbers);
    char *copy = sl_strdup("text");
    ck_assert_str_eq(copy, "text");
    free(copy);
    ck_assert_ptr_null(sl_strdup(NULL));
}
END_TEST

START_TEST(a_log_that_nobody_reads_stops_nobody)
{
    int pipe_fds[2], kept = dup(STDERR_FILENO);
    char text[1 << 13] = "";
    ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    while (write(pipe_fds[1], text, sizeof text) > 0)
        continue;
    ck_assert_int_eq(fcntl(pipe_fds[1], F_SETFL, 0), 0);
    dup2(pipe_fds[1], STDERR_FILENO);
    for (int i = 0; i < 5; i++)
        sl_log(SL_LOG_WARNING, "lost", "number=%d", i); /* would never return */
    while (read(pipe_fds[0], text, sizeof text) > 0)
        continue;
    sl_log(SL_LOG_WARNING, "told", "number=%d", 7);
    dup2(kept, STDERR_FILENO);
    ssize_t len = read(pipe_fds[0], text, sizeof text - 1);
    ck_assert_int_gt(len, 0);
    text[len] = '\0';
    ck_assert_msg(strstr(text, " warning log-lost lines=5\n"), "%s", text);
    ck_assert_ptr_nonnull(strstr(text, " warning told number=7\n"));
    ck_assert_ptr_null(strstr(text, "number=0"));
    close(kept);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

UNIT_MAIN("base", text_grows_up_to_its_limit, json_is_always_valid, text_is_utf8_to_its_end_or_not,
          escaping_leaves_nothing_to_a_terminal,
          numbers_are_whole_or_refused, durations_have_units, small_text_helpers, errors_carry_their_place,
          outcomes_are_the_contract, log_values_cannot_forge_a_line, a_log_that_nobody_reads_stops_nobody,
          frames_round_trip, bad_frames_are_refused,
          endpoints_are_parsed_and_written, hosts_are_names_or_addresses,
          endpoints_compare, options_have_types_defaults_and_bounds,
          a_default_is_replaced_once_only, random_numbers_repeat_for_a_seed, the_published_xoshiro_sequence, deadlines_run_out,
          a_deadline_passes_when_its_wish_is_told, a_library_is_loaded_once_or_named_in_the_error, memory_is_zeroed_and_copied)
