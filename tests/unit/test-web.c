/* What part of a file a request asks for (RFC 9110). */
#include "site/http/file.h"
#include "tests/unit/unit.h"

static const struct {
    const char *header;
    uint64_t size;
    enum web_part part;
    uint64_t first, count;
} rows[] = {
    {NULL, 10, WEB_WHOLE, 0, 0},
    {"bytes=0-9", 10, WEB_PART, 0, 10},
    {"bytes=2-3", 10, WEB_PART, 2, 2},
    {"bytes=9-", 10, WEB_PART, 9, 1},
    {"bytes=9-99", 10, WEB_PART, 9, 1},
    {"bytes=10-", 10, WEB_NO_PART, 0, 0},
    {"bytes=-3", 10, WEB_PART, 7, 3},
    {"bytes=-30", 10, WEB_PART, 0, 10},
    {"bytes=-0", 10, WEB_NO_PART, 0, 0},
    {"bytes=0-0", 0, WEB_NO_PART, 0, 0},
    {"bytes=-1", 0, WEB_NO_PART, 0, 0},
    {"bytes=3-2", 10, WEB_WHOLE, 0, 0},
    {"bytes=1-2,4-5", 10, WEB_WHOLE, 0, 0},
    {"bytes=-", 10, WEB_WHOLE, 0, 0},
    {"bytes=", 10, WEB_WHOLE, 0, 0},
    {"bytes=+1-2", 10, WEB_WHOLE, 0, 0},
    {"bytes=1-2x", 10, WEB_WHOLE, 0, 0},
    {"bytes 1-2", 10, WEB_WHOLE, 0, 0},
    {"lines=1-2", 10, WEB_WHOLE, 0, 0},
    {"bytes=18446744073709551615-18446744073709551615", 10, WEB_NO_PART, 0, 0},
    {"bytes=18446744073709551616-", 10, WEB_WHOLE, 0, 0},
    {"bytes=0-18446744073709551615", UINT64_MAX, WEB_PART, 0, UINT64_MAX},
};

START_TEST(range_header)
{
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        uint64_t first = 0, count = 0;
        ck_assert_msg(web_range(rows[i].header, rows[i].size, &first, &count) == rows[i].part, "row %zu", i);
        ck_assert_msg(first == rows[i].first && count == rows[i].count, "row %zu", i);
    }
}
END_TEST

START_TEST(entity_tags)
{
    ck_assert(!web_has_etag(NULL, "\"a\""));
    ck_assert(!web_has_etag("", "\"a\""));
    ck_assert(web_has_etag("\"a\"", "\"a\""));
    ck_assert(web_has_etag("\"b\", W/\"a\"", "\"a\""));
    ck_assert(web_has_etag("*", "\"a\""));
    ck_assert(!web_has_etag("\"ab\"", "\"a\""));
    ck_assert(!web_has_etag("a", "\"a\""));
}
END_TEST

UNIT_MAIN("web", range_header, entity_tags)
