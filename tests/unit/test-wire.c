#include "common/base/text.h"
#include "common/wire/message.h"
#include "tests/unit/unit.h"
#include "tests/lib/alike.h"

#include <stdio.h>
#include <string.h>

/* The observed messages of the fact page, section 1.7: "<name>" stands for the 34 octets of _TORTURE- 3376<00>. */
#define LABEL "2046504645455046434645464646434546434e4341444444444448444743414141"
#define NAME LABEL "00"

struct sample {
    uint16_t id, flags;
    enum nb_section record;
    bool has_question;
    uint16_t record_type;
    uint32_t ttl_s;
    uint32_t address; /* 0: the sample has none */
    const char *hex;
};

static const struct sample samples[] = {
    {0x3acd, 0x3000, NB_SECTION_ADDITIONAL, true, NB_RR_NB, 0, 0x0a35390b,
     "3acd30000001000000000001" NAME "00200001c00c0020000100000000000660000a35390b"},
    {0x3acd, 0xb400, NB_SECTION_ANSWER, false, NB_RR_NB, 0, 0x0a35390b,
     "3acdb4000000000100000000" NAME "0020000100000000000660000a35390b"},
    {0x8723, 0x7800, NB_SECTION_ADDITIONAL, true, NB_RR_NB, 300000, 0x7f404001,
     "872378000001000000000001" NAME "00200001c00c00200001000493e0000660007f404001"},
    {0x8723, 0xad80, NB_SECTION_ANSWER, false, NB_RR_NB, 300000, 0x7f404001,
     "8723ad800000000100000000" NAME "00200001000493e0000660007f404001"},
    {0x9146, 0xbc00, NB_SECTION_ANSWER, false, NB_RR_NB, 9, 0, "9146bc000000000100000000" NAME "002000010000000900027800"},
    {0x2474, 0x0100, NB_SECTION_NONE, true, 0, 0, 0, "247401000001000000000000" NAME "00200001"},
    {0xbe4c, 0x8580, NB_SECTION_ANSWER, false, NB_RR_NB, 0, 0x0a35390b,
     "be4c85800000000100000000" NAME "0020000100000000000660000a35390b"},
    {0x14c8, 0x4000, NB_SECTION_ADDITIONAL, true, NB_RR_NB, 12345, 0x0a35390b,
     "14c840000001000000000001" NAME "00200001c00c0020000100003039000660000a35390b"},
    {0x14c8, 0xad80, NB_SECTION_ANSWER, false, NB_RR_NB, 12345, 0x0a35390b,
     "14c8ad800000000100000000" NAME "0020000100003039000660000a35390b"},
    {0x73e0, 0x8403, NB_SECTION_ANSWER, false, NB_RR_NULL, 0, 0, "73e084030000000100000000" NAME "000a0001000000000000"},
};

static size_t octets_of(const char *hex, uint8_t *out, size_t size)
{
    size_t len;
    ck_assert(sl_parse_hex(hex, out, size, &len));
    return len;
}

static struct nb_name torture_name(void)
{
    struct nb_name name;
    ck_assert(nb_name_make("_TORTURE- 3376", 0, &name));
    return name;
}

static struct nb_message parsed(const char *hex)
{
    uint8_t octets[2048];
    struct nb_message m;
    struct sl_error e;
    enum sl_status s = nb_message_parse(octets, octets_of(hex, octets, sizeof octets), &m, &e);
    ck_assert_msg(s == SL_OK, "%s: %s", hex, sl_error_text(&e));
    return m;
}

/* A message is refused, and the text says which field it is. */
static void refused(const char *hex, const char *field)
{
    uint8_t octets[2048];
    struct nb_message m;
    struct sl_error e;
    ck_assert_int_eq(nb_message_parse(octets, octets_of(hex, octets, sizeof octets), &m, &e), SL_MALFORMED);
    ck_assert_msg(strncmp(e.text, field, strlen(field)) == 0, "\"%s\" does not name \"%s\"", e.text, field);
}

/* --- messages ------------------------------------------------------------------------------------------------------- */

static void sample_read(const struct sample *want)
{
    struct nb_message m = parsed(want->hex);
    struct nb_name name = torture_name();
    ck_assert_uint_eq(m.id, want->id);
    ck_assert_uint_eq(m.flags, want->flags);
    ck_assert_int_eq(m.has_question, want->has_question);
    ck_assert_int_eq(m.record, want->record);
    ck_assert(nb_name_equal(&m.name, &name));
    if (want->record == NB_SECTION_NONE)
        return;
    ck_assert_uint_eq(m.record_type, want->record_type);
    ck_assert_uint_eq(m.ttl_s, want->ttl_s);
    if (want->address) {
        ck_assert_uint_eq(m.count, 1);
        ck_assert_uint_eq(m.addresses[0].flags, 0x6000);
        ck_assert_uint_eq(m.addresses[0].address, want->address);
    }
}

START_TEST(test_samples_are_read)
{
    for (size_t i = 0; i < SL_COUNT(samples); i++)
        sample_read(&samples[i]);
}
END_TEST

static void sample_written(const struct sample *want)
{
    uint8_t octets[2048];
    uint8_t written[NB_DATAGRAM_MAX];
    size_t len = octets_of(want->hex, octets, sizeof octets);
    struct nb_message m = parsed(want->hex);
    ck_assert_uint_eq(nb_message_build(&m, written, sizeof written), len);
    ck_assert_mem_eq(written, octets, len);
    for (size_t room = 0; room < len; room++)
        ck_assert_uint_eq(nb_message_build(&m, written, room), 0);
}

START_TEST(test_samples_are_written_octet_by_octet)
{
    for (size_t i = 0; i < SL_COUNT(samples); i++)
        sample_written(&samples[i]);
}
END_TEST

static void sample_truncated(const struct sample *want)
{
    uint8_t octets[2048];
    size_t len = octets_of(want->hex, octets, sizeof octets);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);
        struct nb_message m;
        struct sl_error e = {0};
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, octets, cut);
        ck_assert_msg(nb_message_parse(exact, cut, &m, &e) == SL_MALFORMED, "cut to %zu of %zu octets", cut, len);
        ck_assert_str_ne(e.text, "");
        free(exact);
    }
}

START_TEST(test_samples_truncated_at_every_length)
{
    for (size_t i = 0; i < SL_COUNT(samples); i++)
        sample_truncated(&samples[i]);
}
END_TEST

static void check_built(const struct nb_message *m, size_t sample)
{
    uint8_t octets[2048];
    uint8_t written[NB_DATAGRAM_MAX];
    size_t len = octets_of(samples[sample].hex, octets, sizeof octets);
    ck_assert_uint_eq(nb_message_build(m, written, sizeof written), len);
    ck_assert_mem_eq(written, octets, len);
}

START_TEST(test_samples_are_made)
{
    struct nb_message m;
    struct nb_name name = torture_name();
    struct nb_address own = {.flags = 0x6000, .address = 0x0a35390b};
    nb_make_request(&m, 0x3acd, NB_ASK_RELEASE, &name, 0, own);
    check_built(&m, 0);
    nb_make_positive(&m, NB_REPLY_RELEASE, 0, &own, 1);
    check_built(&m, 1);
    nb_make_request(&m, 0x9146, 0x7800, &name, 300000, own);
    nb_make_wack(&m, 9);
    check_built(&m, 4);
    nb_make_query(&m, 0x2474, NB_ASK_QUERY, &name, NB_RR_NB);
    check_built(&m, 5);
    nb_make_request(&m, 0x14c8, NB_ASK_REFRESH, &name, 12345, own);
    check_built(&m, 7);
    nb_make_positive(&m, NB_REPLY_REGISTER, 12345, m.addresses, m.count);
    check_built(&m, 8);
    nb_make_query(&m, 0x73e0, NB_ASK_QUERY, &name, NB_RR_NB);
    nb_make_negative(&m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
    check_built(&m, 9);
}
END_TEST

START_TEST(test_status_fits_a_datagram)
{
    static const struct nb_status_name names[NB_STATUS_NAMES_MAX];
    struct nb_message m, again;
    struct nb_name name;
    uint8_t written[NB_DATAGRAM_MAX];
    ck_assert(nb_name_make("*", 0, &name));
    nb_make_query(&m, 1, NB_ASK_STATUS, &name, NB_RR_NBSTAT);
    nb_make_status(&m, names, 2);
    ck_assert_uint_eq(nb_message_build(&m, written, sizeof written), 12 + 34 + 10 + 2 * 18 + 47);
    nb_make_query(&m, 1, NB_ASK_STATUS, &name, NB_RR_NBSTAT);
    nb_make_status(&m, names, NB_STATUS_NAMES_MAX);
    ck_assert_uint_eq(m.count, 26);
    ck_assert(m.flags & NB_TRUNCATED);
    size_t len = nb_message_build(&m, written, sizeof written);
    ck_assert_uint_gt(len, 0);
    ck_assert_int_eq(nb_message_parse(written, len, &again, NULL), SL_OK);
    ck_assert(alike_messages(&m, &again));
}
END_TEST

START_TEST(test_86_addresses_are_the_most)
{
    struct nb_address list[NB_ADDRESSES_MAX + 1] = {{0}};
    struct nb_message m;
    struct nb_name name = torture_name();
    uint8_t written[NB_DATAGRAM_MAX];
    nb_make_query(&m, 1, NB_ASK_QUERY, &name, NB_RR_NB);
    nb_make_positive(&m, NB_REPLY_QUERY, 0, list, SL_COUNT(list));
    ck_assert_uint_eq(m.count, NB_ADDRESSES_MAX);
    ck_assert_uint_eq(nb_message_build(&m, written, sizeof written), 12 + 34 + 10 + 86 * 6);
}
END_TEST

START_TEST(test_wack_of_type_null)
{
    struct nb_message m = parsed("9146bc000000000100000000" NAME "000a00010000000900027800");
    ck_assert_int_eq(m.rdata, NB_RDATA_WACK);
    ck_assert_uint_eq(m.wack_flags, 0x7800);
}
END_TEST

START_TEST(test_answer_without_question_and_record)
{
    struct nb_message m = parsed("73e084030000000000000000");
    ck_assert_int_eq(m.record, NB_SECTION_NONE);
    ck_assert(!m.has_question);
    ck_assert_uint_eq(m.name.octets[0], 0);
}
END_TEST

START_TEST(test_octets_behind_the_end_are_ignored)
{
    struct nb_message m = parsed("247401000001000000000000" NAME "00200001" "ffffff");
    ck_assert_uint_eq(m.question_type, NB_RR_NB);
}
END_TEST

START_TEST(test_wrong_counts)
{
    refused("247401000000000000000000", "QDCOUNT");
    refused("247401000002000000000000" NAME "00200001", "QDCOUNT");
    refused("24748500ffff000000000000" NAME "00200001", "QDCOUNT");
    refused("be4c85800000000200000000" NAME "0020000100000000000660000a35390b", "ANCOUNT");
    refused("be4c85800000000100010000" NAME "0020000100000000000660000a35390b", "NSCOUNT");
    refused("be4c85800000000100000001" NAME "0020000100000000000660000a35390b", "ARCOUNT");
    refused("14c840000001000000000002" NAME "00200001c00c0020000100003039000660000a35390b", "ARCOUNT");
    refused("2474", "header");
}
END_TEST

START_TEST(test_wrong_records)
{
    refused("247401000001000000000000" NAME "00200003", "question class");
    refused("be4c85800000000100000000" NAME "0020000300000000000660000a35390b", "record class");
    refused("be4c85800000000100000000" NAME "0001000100000000000660000a35390b", "record type");
    refused("be4c85800000000100000000" NAME "0020000100000000000560000a3539", "record length");
    refused("be4c85800000000100000000" NAME "000a000100000000000160", "record length");
    refused("be4c85800000000100000000" NAME "0020000100000000000760000a35390b", "record: ends");
    refused("be4c85800000000100000000" NAME "00210001000000000002" "0500", "record length");
    refused("be4c85800000000100000000" NAME "00210001000000000000", "record length");
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------------------------- */

START_TEST(test_pointers_that_loop_or_run_ahead)
{
    refused("247401000001000000000000" "c00c00200001", "question name");
    refused("247401000001000000000000" "c00e00200001" NAME, "question name");
    refused("247401000001000000000000" "c0ff00200001", "question name");
    /* The record's name points at a pointer; then at itself. */
    refused("14c840000001000000000001" NAME "00200001c0320020000100003039000660000a35390b", "record name");
    refused("8723ad800000000100000000c00e00200001000493e0000660007f404001", "record name");
    /* A name that goes on by a pointer to its own start. */
    refused("247401000001000000000000"
            LABEL "c00c00200001", "question name");
}
END_TEST

START_TEST(test_a_scope_by_pointer)
{
    uint8_t octets[256];
    struct nb_name name;
    size_t len = octets_of("0573636f706500" LABEL "c000ff", octets, sizeof octets);
    struct nb_cursor c = nb_cursor_read(octets, len);
    nb_take(&c, 7);
    nb_get_name(&c, &name);
    ck_assert(nb_cursor_ok(&c));
    ck_assert_str_eq(nb_name_text(&name).text, "_TORTURE-\\x203376#00.scope");
    ck_assert_uint_eq(nb_cursor_left(&c), 1);
}
END_TEST

START_TEST(test_names_that_are_none)
{
    static const char *const names[] = {
        "1f4650464545504643464546464643454643464341444444444448444743414141" "00", /* another length than 32 */
        "2066504645455046434645464646434546434e434144444444444844474341414100", /* small letters */
        "2051504645455046434645464646434546434e434144444444444844474341414100", /* letters beyond P */
        LABEL "40" NAME NAME,                                                    /* a label above 63 */
        LABEL "80" NAME NAME,
        LABEL "03612e6200", /* a dot and a NUL inside a scope label */
        LABEL "0361006200",
    };
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        char hex[512];
        snprintf(hex, sizeof hex, "247401000001000000000000%s00200001", names[i]);
        refused(hex, "question name");
    }
}
END_TEST

/* A name whose scope is `len` octets of labels with up to 63. */
static struct nb_name scoped(size_t len)
{
    struct nb_name name = torture_name();
    name.scope_len = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        name.scope[i] = i % 64 == 63 ? '.' : 'a';
    return name;
}

START_TEST(test_scopes_of_every_length)
{
    for (size_t len = 1; len <= NB_SCOPE_READ; len++) {
        uint8_t octets[512];
        struct nb_name name = scoped(len);
        struct nb_name again;
        struct nb_cursor c = nb_cursor_write(octets, sizeof octets);
        nb_put_name(&c, &name);
        ck_assert_int_eq(nb_cursor_ok(&c), len % 64 != 0); /* not when it ends with a dot */
        if (!nb_cursor_ok(&c))
            continue;
        ck_assert_uint_eq(c.at, 35 + len);
        c = nb_cursor_read(octets, c.at);
        nb_get_name(&c, &again);
        ck_assert(nb_cursor_ok(&c));
        ck_assert(nb_name_equal(&name, &again));
    }
}
END_TEST

START_TEST(test_a_scope_of_256_octets)
{
    uint8_t octets[512];
    struct nb_name name = scoped(NB_SCOPE_READ);
    struct nb_cursor c = nb_cursor_write(octets, sizeof octets);
    nb_put_name(&c, &name);
    c.at--;
    nb_put8(&c, 1);
    nb_put8(&c, 'b');
    nb_put8(&c, 0);
    c = nb_cursor_read(octets, c.at);
    nb_get_name(&c, &name);
    ck_assert(!nb_cursor_ok(&c));
}
END_TEST

START_TEST(test_name_texts)
{
    static const struct {
        const char *text, *back; /* back NULL: the same */
    } rows[] = {
        {"MP_PS1#1A", NULL},
        {"MP_PS1#1a", "MP_PS1#1A"},
        {"#00", NULL},
        {"*#00", NULL},
        {"*\\x20#00", NULL},
        {"A B#20", "A\\x20B#20"},
        {"HA#SH#00", "HA\\x23SH#00"},
        {"A#20#1B.a", "A\\x2320#1B.a"},
        {"A\\x2eB\\x23\\x5c#20", NULL},
        {"\\x01\\x80\\xff#BF", NULL},
        {"\\x41#00", "A#00"},
        {"123456789012345#00", NULL},
        {"HOST#00.a.scope", NULL},
        {"HOST#00.a\\x20b", NULL},
    };
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct nb_name name, again;
        struct sl_error e;
        ck_assert_msg(nb_name_parse(rows[i].text, &name, &e) == SL_OK, "%s: %s", rows[i].text, e.text);
        struct nb_name_text text = nb_name_text(&name);
        ck_assert_str_eq(text.text, rows[i].back ? rows[i].back : rows[i].text);
        ck_assert_int_eq(nb_name_parse(text.text, &again, NULL), SL_OK);
        ck_assert(nb_name_equal(&name, &again));
    }
}
END_TEST

START_TEST(test_texts_that_are_no_names)
{
    static const char *const texts[] = {
        "", "HOST", "HOST#", "HOST#1", "HOST#1G", "HOST#123", "1234567890123456#00", "HOST\\x2#00", "HOST\\q#00",
        "HOST#00.", "HOST#00..a", "HOST#00.a.", "HOST#00.a\\x00", "HOST#00.a\\x2eb", "HO\nST#00",
        "HOST#00.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        struct nb_name name;
        struct sl_error e = {0};
        ck_assert_msg(nb_name_parse(texts[i], &name, &e) == SL_USAGE, "\"%s\" was taken", texts[i]);
        ck_assert_str_ne(e.text, "");
    }
}
END_TEST

START_TEST(test_names_made)
{
    struct nb_name name;
    ck_assert(nb_name_make("MP_PS1", NB_SMS, &name));
    ck_assert_mem_eq(name.octets, "MP_PS1         \x1a", 16);
    ck_assert_uint_eq(nb_name_suffix(&name), 0x1a);
    ck_assert(!nb_name_is_wildcard(&name));
    ck_assert(nb_name_make("*", NB_MASTER_DOMAIN, &name));
    ck_assert(nb_name_is_wildcard(&name));
    ck_assert_mem_eq(name.octets, "*\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1b", 16);
    ck_assert(!nb_name_make("1234567890123456", 0, &name));
}
END_TEST

START_TEST(test_names_compare_binary)
{
    struct nb_name a, b;
    ck_assert_int_eq(nb_name_parse("HOST#00.scope", &a, NULL), SL_OK);
    ck_assert_int_eq(nb_name_parse("HOST#00.scope", &b, NULL), SL_OK);
    ck_assert(nb_name_equal(&a, &b));
    b.scope[0] = 'S';
    ck_assert(!nb_name_equal(&a, &b));
    b.scope_len = 0;
    ck_assert(!nb_name_equal(&a, &b));
    ck_assert_int_eq(nb_name_parse("host#00.scope", &b, NULL), SL_OK);
    ck_assert(!nb_name_equal(&a, &b));
}
END_TEST

UNIT_MAIN("wire", test_samples_are_read, test_samples_are_written_octet_by_octet,
          test_samples_truncated_at_every_length, test_samples_are_made, test_status_fits_a_datagram,
          test_86_addresses_are_the_most, test_wack_of_type_null, test_answer_without_question_and_record,
          test_octets_behind_the_end_are_ignored, test_wrong_counts, test_wrong_records,
          test_pointers_that_loop_or_run_ahead, test_a_scope_by_pointer, test_names_that_are_none,
          test_scopes_of_every_length, test_a_scope_of_256_octets, test_name_texts, test_texts_that_are_no_names,
          test_names_made, test_names_compare_binary)
