/* Files of names: what is written reads the same, what is wrong is told with its line, the formats as others write them. */
#include "tests/unit/unit.h"
#include "tests/lib/alike.h"

#include "common/base/addr.h"
#include "common/base/random.h"
#include "common/files/files.h"
#include "common/files/ldif.h"
#include "common/files/zone.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 2000, TEXT_MAX = 8 << 20 };

struct found {
    size_t count;
    struct ff_row rows[ROWS];
};

static enum sl_status collect(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    struct found *found = ctx;
    ck_assert_uint_gt(place->line, 0);
    if (found->count == ROWS)
        return sl_fail(e, SL_LIMIT, "full");
    found->rows[found->count++] = *row;
    return SL_OK;
}

static const struct ff_format *format(const char *name)
{
    const struct ff_format *f = ff_format_find(name);
    ck_assert_ptr_nonnull(f);
    return f;
}

static enum sl_status read_text(const char *name, const char *text, struct found *found, struct sl_error *e)
{
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    ck_assert_ptr_nonnull(in);
    found->count = 0;
    enum sl_status status = ff_read_stream(format(name), in, "FILE", collect, found, e);
    fclose(in);
    return status;
}

/* "NAME#XX kind node static expires addresses", one a line. */
static const char *told(const struct found *found)
{
    static char text[65536];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < found->count; i++) {
        const struct ff_row *row = &found->rows[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %s %d %s %" PRId64, nb_name_text(&row->name).text,
                                 ff_kind_word(row->kind), row->node, row->is_static ? "static" : "dynamic", row->expires_s);
        for (size_t n = 0; n < row->address_count; n++)
            used += (size_t)snprintf(text + used, sizeof text - used, " %s", sl_ip4_text(row->addresses[n]).text);
        used += (size_t)snprintf(text + used, sizeof text - used, "\n");
    }
    return text;
}

static void reads(const char *name, const char *text, const char *want)
{
    struct found *found = malloc(sizeof *found);
    struct sl_error e = {0};
    enum sl_status status = read_text(name, text, found, &e);
    ck_assert_msg(status == SL_OK, "%s", sl_error_text(&e));
    ck_assert_str_eq(told(found), want);
    free(found);
}

static void refuses(const char *name, const char *text, const char *want)
{
    struct found *found = malloc(sizeof *found);
    struct sl_error e = {0};
    ck_assert_int_eq(read_text(name, text, found, &e), SL_MALFORMED);
    ck_assert_msg(strncmp(sl_error_text(&e), want, strlen(want)) == 0, "\"%s\", not \"%s\"", sl_error_text(&e), want);
    free(found);
}

/* ---- random rows ------------------------------------------------------------------------------------------------- */

static void random_name(struct sl_random *r, struct nb_name *ret_name, bool scopes)
{
    static const char plain[] = "ABCDEFGHIJ-_0123 .#\"\\,*";
    size_t len = sl_random_below(r, NB_NAME_LEN);
    bool odd = sl_random_below(r, 4) == 0;
    memset(ret_name->octets, ' ', NB_NAME_LEN);
    for (size_t i = 0; i < len; i++)
        ret_name->octets[i] = odd ? (uint8_t)sl_random_next(r) : (uint8_t)plain[sl_random_below(r, sizeof plain - 1)];
    if (sl_random_below(r, 20) == 0)
        ck_assert(nb_name_make("*", 0, ret_name));
    ret_name->octets[NB_NAME_LEN - 1] = (uint8_t)sl_random_next(r);
    ret_name->scope_len = 0;
    if (scopes && sl_random_below(r, 4) == 0)
        ret_name->scope_len = (uint8_t)snprintf(ret_name->scope, sizeof ret_name->scope, "a%c.\xff-%d",
                                                (int)(0x21 + sl_random_below(r, 13)), (int)sl_random_below(r, 1000));
}

static struct ff_row random_row(struct sl_random *r, bool scopes)
{
    struct ff_row row = {.kind = (enum ff_kind)sl_random_below(r, FF_KIND_COUNT), .node = (uint8_t)sl_random_below(r, 4),
                         .is_static = sl_random_below(r, 2) == 0};
    random_name(r, &row.name, scopes);
    row.expires_s = row.is_static ? 0 : (int64_t)(1 + sl_random_below(r, 1u << 31));
    row.address_count = row.kind == FF_GROUP ? 0 : 1;
    if (row.kind == FF_SGROUP || row.kind == FF_MHOMED)
        row.address_count = (uint8_t)(1 + sl_random_below(r, FF_ADDRESSES_MAX));
    for (size_t i = 0; i < row.address_count; i++)
        row.addresses[i] = (uint32_t)(1 + sl_random_below(r, UINT32_MAX - 1));
    return row;
}

/* What files.h says that a format keeps of a row; false when it has no place for it. */
static bool kept(const char *name, struct ff_row *row)
{
    bool winsdat = strcmp(name, "winsdat") == 0, lmhosts = strcmp(name, "lmhosts") == 0, netsh = strcmp(name, "netsh") == 0;
    if ((winsdat || lmhosts) && row->name.scope_len)
        return false;
    if (lmhosts && row->kind == FF_GROUP)
        return false;
    if (netsh && memchr(row->name.scope, '"', row->name.scope_len))
        return false;
    if (winsdat && row->kind == FF_MHOMED && row->address_count == 1)
        row->kind = FF_UNIQUE;
    if (netsh && row->node == 2)
        row->node = 3;
    if (netsh)
        row->expires_s = 0;
    if (lmhosts) {
        row->is_static = true;
        row->expires_s = 0;
        row->node = 3;
    }
    return true;
}

static uint64_t seed(void)
{
    const char *text = getenv("SL_SEED");
    uint64_t value;
    if (!text || !sl_parse_u64(text, UINT64_MAX, &value))
        value = sl_random_os_seed();
    printf("SL_SEED=%" PRIu64 "\n", value);
    fflush(stdout);
    return value;
}

/* LMHOSTS has one address a line: a list joins them. */
static void check_same(const struct ff_list *list, const struct found *want)
{
    struct ff_row row;
    struct ff_place place;
    ck_assert_uint_eq(ff_list_count(list), want->count);
    for (size_t i = 0; i < want->count; i++) {
        bool same = false;
        for (size_t at = 0; at < want->count && !same; at++) {
            ff_list_get(list, at, &row, &place);
            same = alike_rows(&row, &want->rows[i]);
        }
        ck_assert_msg(same, "row %zu, %s %s, came back changed", i, nb_name_text(&want->rows[i].name).text,
                      ff_kind_word(want->rows[i].kind));
    }
}

static bool is_new(const struct found *found, const struct ff_row *row)
{
    for (size_t i = 0; i < found->count; i++)
        if (nb_name_equal(&found->rows[i].name, &row->name))
            return false;
    return true;
}

static void round_trip(const struct ff_format *f)
{
    struct sl_random r = sl_random_seeded(seed());
    struct found *want = calloc(1, sizeof *want);
    struct sl_text text = sl_text_new(TEXT_MAX);
    struct ff_list *list = ff_list_new();
    struct sl_error e;
    sl_text_puts(&text, f->head);
    for (int i = 0; i < ROWS / 2; i++) {
        struct ff_row row = random_row(&r, true);
        for (size_t a = 0; a < row.address_count; a++)
            row.addresses[a] = (row.addresses[a] & 0xffffff00) | (uint32_t)(a + 1);
        if (!is_new(want, &row))
            continue;
        size_t before = text.len;
        enum sl_status status = ff_write(f, &text, &row, &e);
        bool keeps = kept(f->name, &row);
        ck_assert_int_eq(status, keeps ? SL_OK : SL_UNSUPPORTED);
        if (keeps)
            want->rows[want->count++] = row;
        else
            ck_assert_uint_eq(text.len, before);
    }
    ck_assert(!sl_text_failed(&text));
    ck_assert_uint_gt(want->count, 100);
    FILE *in = fmemopen(text.data, text.len, "r");
    enum sl_status status = ff_read_stream(f, in, "FILE", ff_list_add, list, &e);
    ck_assert_msg(status == SL_OK, "%s: %s", f->name, sl_error_text(&e));
    fclose(in);
    ck_assert_int_eq(ff_list_join(list, &e), SL_OK);
    check_same(list, want);
    ff_list_free(list);
    sl_text_fini(&text);
    free(want);
}

START_TEST(every_format_reads_what_it_wrote)
{
    for (size_t i = 0; i < FF_FORMAT_COUNT; i++)
        round_trip(&ff_formats[i]);
}
END_TEST

/* ---- the formats as others write them ----------------------------------------------------------------------------- */

START_TEST(formats_are_told_by_file_names)
{
    ck_assert_str_eq(ff_format_of("/var/lib/samba/wins.dat")->name, "winsdat");
    ck_assert_str_eq(ff_format_of("LMHOSTS")->name, "lmhosts");
    ck_assert_str_eq(ff_format_of("lmhosts.sam")->name, "lmhosts");
    ck_assert_str_eq(ff_format_of("a.b/names.CSV")->name, "csv");
    ck_assert_ptr_null(ff_format_of("names.csv/other"));
    ck_assert_ptr_null(ff_format_find("xml"));
}
END_TEST

START_TEST(wins_dat_of_nmbd)
{
    reads("winsdat",
          "VERSION 1 0\n# a comment\n"
          "\"AURELIA#00\" 1125117925 192.168.8.6 44R\n"
          "\"MY HOST.X#20\" 0 10.0.0.1 10.0.0.2 66R\r\n"
          "\"WORKGROUP#1e\" 1125117925 0.0.0.0 e4R\n"
          "\"OLDGROUP#00\" 1125117925 255.255.255.255 c4R\n"
          "\"WORKGROUP#1c\" 1125117925 10.0.0.1 10.0.0.9 e4R\n"
          "\"SELF#00\" 0 10.0.0.1 66S\n\"N#1\"#00\" 1125117925 10.0.0.5 64R\n",
          "AURELIA#00 unique 2 dynamic 1125117925 192.168.8.6\n"
          "MY\\x20HOST\\x2eX#20 mhomed 3 static 0 10.0.0.1 10.0.0.2\n"
          "WORKGROUP#1E group 3 dynamic 1125117925\n"
          "OLDGROUP#00 group 2 dynamic 1125117925\n"
          "WORKGROUP#1C sgroup 3 dynamic 1125117925 10.0.0.1 10.0.0.9\n"
          "N\\x231\"#00 unique 3 dynamic 1125117925 10.0.0.5\n");
}
END_TEST

/* 5.2: nmbd writes names as clients sent them, and letters of code page 850 in UTF-8; flags are two columns wide. */
START_TEST(wins_dat_with_raw_names_5_2)
{
    reads("winsdat",
          "VERSION 1 0\n"
          "\"A\\B\x01\x7f#20\" 1125117925 10.0.0.1  4R\n"
          "\"M\xc3\x9cLLER#00\" 1125117925 10.0.0.2 64R\n"
          "\"\xe2\x95\x90\xc2\xa0\xff#03\" 1125117925 10.0.0.3 64R\n"
          "\"C\nD\n#20\" 1125117925 10.0.0.4 64R\n"
          "\"E\\x41\\\\x4#20\" 1125117925 10.0.0.5 64R\n",
          "A\\x5cB\\x01\\x7f#20 unique 0 dynamic 1125117925 10.0.0.1\n"
          "M\\x9aLLER#00 unique 3 dynamic 1125117925 10.0.0.2\n"
          "\\xcd\\xff\\xff#03 unique 3 dynamic 1125117925 10.0.0.3\n"
          "C\\x0aD\\x0a#20 unique 3 dynamic 1125117925 10.0.0.4\n"
          "EA\\x5c\\x5cx4#20 unique 3 dynamic 1125117925 10.0.0.5\n");
    refuses("winsdat", "VERSION 1 0\n\"A\n", "FILE:3: the name in the line before");
    refuses("winsdat", "VERSION 1 0\n\"A\nB 0 1.2.3.4 44R\n", "FILE:3: want \"NAME#XX\"");
}
END_TEST

START_TEST(wins_dat_bad_lines)
{
    refuses("winsdat", "\"A#00\" 0 1.2.3.4 44R\n", "FILE:1: want \"VERSION 1");
    refuses("winsdat", "VERSION 2 0\n", "FILE:1: want \"VERSION 1");
    refuses("winsdat", "VERSION 1 0\nA#00 0 1.2.3.4 44R\n", "FILE:2: want \"NAME#XX\"");
    refuses("winsdat", "VERSION 1 0\n\n\"A#00 0 1.2.3.4 44R\n", "FILE:3: want \"NAME#XX\"");
    refuses("winsdat", "VERSION 1 0\n\"A\" 0 1.2.3.4 44R\n", "FILE:2: NetBIOS name \"A\"");
    refuses("winsdat", "VERSION 1 0\n\"A#00.SCOPE\" 0 1.2.3.4 44R\n", "FILE:2: a scope");
    refuses("winsdat", "VERSION 1 0\n\"A#00\" -1 1.2.3.4 44R\n", "FILE:2: \"-1\" is no expiry");
    refuses("winsdat", "VERSION 1 0\n\"A#00\" 0 44R\n", "FILE:2: want an expiry");
    refuses("winsdat", "VERSION 1 0\n\"A#00\" 0 1.2.3.400 44R\n", "FILE:2: \"1.2.3.400\" is not an IPv4");
    refuses("winsdat", "VERSION 1 0\n\"A#00\" 0 0.0.0.0 44R\n", "FILE:2: A#00 has no address");
    refuses("winsdat", "VERSION 1 0\n\"A#00\" 0 1.2.3.4 44\n", "FILE:2: \"44\" are no flags");
    refuses("winsdat", "VERSION 1 0\n\"A#00\" 0 1.2.3.4 -4R\n", "FILE:2: \"-4R\" are no flags");
}
END_TEST

START_TEST(lmhosts_keywords)
{
    reads("lmhosts",
          "# a comment\n10.0.0.1\tdc1  #PRE #DOM:lab # the controller\n"
          "10.0.0.2 \"MP_PS1         \\0x1a\" #PRE\n"
          "10.0.0.3 \"router\" #MH\n"
          "10.0.0.4 farm#20 #SG\n"
          "10.0.0.5 \"app\\0x14\"\n10.0.0.5 \"appname         \\0x15\"\n",
          "DC1#00 unique 3 static 0 10.0.0.1\nDC1#03 unique 3 static 0 10.0.0.1\nDC1#20 unique 3 static 0 10.0.0.1\n"
          "LAB#1C sgroup 3 static 0 10.0.0.1\n"
          "MP_PS1#1A unique 3 static 0 10.0.0.2\n"
          "router#00 mhomed 3 static 0 10.0.0.3\nrouter#03 mhomed 3 static 0 10.0.0.3\nrouter#20 mhomed 3 static 0 10.0.0.3\n"
          "FARM#20 sgroup 3 static 0 10.0.0.4\n"
          "app#14 unique 3 static 0 10.0.0.5\nappname#15 unique 3 static 0 10.0.0.5\n");
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    reads("lmhosts", "\xef\xbb\xbf" "10.0.0.1 A#20\n", "A#20 unique 3 static 0 10.0.0.1\n");
    reads("netsh", "\xef\xbb\xbf# dump\r\nadd name name=A endchar=20 ip={10.0.0.1}\r\n", "A#20 unique 1 static 0 10.0.0.1\n");
    refuses("lmhosts", "10.0.0.1 A#20\n\xef\xbb\xbf" "10.0.0.2 B#20\n", "FILE:2: ");
}
END_TEST

START_TEST(lmhosts_bad_lines)
{
    refuses("lmhosts", "10.0.0.1\n", "FILE:1: no name");
    refuses("lmhosts", "10.0.0.1 #PRE\n", "FILE:1: no name");
    refuses("lmhosts", "\nhost 10.0.0.1\n", "FILE:2: \"host\" is not an IPv4");
    refuses("lmhosts", "10.0.0.1 \"A\n", "FILE:1: the name has no closing quote");
    refuses("lmhosts", "10.0.0.1 \"12345678901234567\"\n", "FILE:1: a quoted name has at most 16");
    refuses("lmhosts", "10.0.0.1 \"1234567890123456\\0x20\"\n", "FILE:1: a quoted name has at most 16");
    refuses("lmhosts", "10.0.0.1 ANAMEOFSIXTEENOC\n", "FILE:1: \"ANAMEOFSIXTEENOC\" is longer than 15");
    refuses("lmhosts", "10.0.0.1 A B\n", "FILE:1: \"B\" is no keyword");
    refuses("lmhosts", "#INCLUDE other\n", "FILE:1: #INCLUDE in a stream");
    refuses("lmhosts", "#END_ALTERNATE\n", "FILE:1: #END_ALTERNATE without");
    refuses("lmhosts", "#BEGIN_ALTERNATE\n#BEGIN_ALTERNATE\n", "FILE:2: #BEGIN_ALTERNATE inside");
    refuses("lmhosts", "#BEGIN_ALTERNATE\n\n", "FILE:3: the block of #BEGIN_ALTERNATE has no end");
}
END_TEST

START_TEST(netsh_scripts)
{
    reads("netsh",
          "rem static names\n@echo off\nnetsh wins server 192.0.2.1\n"
          "netsh wins server \\\\wins1 add name Name=MP_PS1 EndChar=1A rectype=0 ip={192.0.2.10}\n"
          "add name name=\"MY HOST\" endchar=0x20 group=3 node=2 ip={10.0.0.1, 10.0.0.2}\n"
          "add name name=LAB group=4 ip=10.0.0.9\n"
          "add name name=GRP endchar=0 group=1 ip={10.0.0.9}\n"
          "add name name=S endchar=20 scope=a.b rectype=1 node=0 ip={10.0.0.3}\n"
          "add name name=PC ip={10.0.0.4}\nadd partner server=192.0.2.2 type=2\n"
          "add name Name=\"N\" Scope= EndChar=20 RecType=0 Group=0 NodeType=0 IP={10.0.0.5}\n"
          "add name \"A=B\" \"\" 1b 1 0 2 {10.0.0.6}\n",
          "MP_PS1#1A unique 1 static 0 192.0.2.10\n"
          "MY\\x20HOST#20 mhomed 3 static 0 10.0.0.1 10.0.0.2\n"
          "LAB#1C sgroup 1 static 0 10.0.0.9\n"
          "GRP#00 group 1 static 0\n"
          "S#20.a.b unique 0 dynamic 0 10.0.0.3\n"
          "PC#00 unique 1 static 0 10.0.0.4\nPC#03 unique 1 static 0 10.0.0.4\nPC#20 unique 1 static 0 10.0.0.4\n"
          "N#20 unique 0 static 0 10.0.0.5\nA=B#1B unique 3 dynamic 0 10.0.0.6\n");
}
END_TEST

START_TEST(netsh_bad_lines)
{
    refuses("netsh", "format c:\n", "FILE:1: \"format\" is no command");
    refuses("netsh", "\nadd name PC 20 ip={1.2.3.4}\n", "FILE:2: \"add name\" without tags needs all");
    refuses("netsh", "\nadd name PC 20 {1.2.3.4}\n", "FILE:2: \"add name\" without tags needs all");
    refuses("netsh", "add name name=PC 20 ip={1.2.3.4}\n", "FILE:1: \"20\" is no parameter");
    refuses("netsh", "add name name=PC\n", "FILE:1: \"add name\" needs name= and ip=");
    refuses("netsh", "add name name=PC endchar=1234 ip=1.2.3.4\n", "FILE:1: NetBIOS name");
    refuses("netsh", "add name name=PC ip=1.2.3.4 name=OTHER\n", "FILE:1: name= stands there twice");
    refuses("netsh", "add name name=PC group=5 ip=1.2.3.4\n", "FILE:1: group=5: want 0 to 4");
    refuses("netsh", "add name name=PC group=1 ip=1.2.3.4\n", "FILE:1: a group needs endchar=");
    refuses("netsh", "add name name=PC scope=x ip=1.2.3.4\n", "FILE:1: a name with a scope needs endchar=");
    refuses("netsh", "add name name=PC endchar=00 ip={}\n", "FILE:1: PC#00 has no address");
    refuses("netsh", "add name name=PC endchar=00 ip={1.2.3.4,5.6.7.8}\n", "FILE:1: PC#00 is unique and has 2");
    refuses("netsh", "add name name=ANAMEOFSIXTEENOC ip={1.2.3.4}\n", "FILE:1: \"ANAMEOFSIXTEENOC\" is longer");
}
END_TEST

START_TEST(csv_columns_and_quotes)
{
    reads("csv",
          "addresses,name,kind,static,node,expires\r\n\"10.0.0.1 10.0.0.2\",\"A\"\"B,C#20\",mhomed,false,M,77\r\n"
          "255.255.255.255,G#00,group,true,B,0\r\n",
          "A\"B,C#20 mhomed 2 dynamic 77 10.0.0.1 10.0.0.2\nG#00 group 0 static 0\n");
}
END_TEST

START_TEST(csv_bad_lines)
{
    static const char head[] = "name,kind,node,static,expires,addresses\n";
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"A#00,unique,H,true,0\n", "FILE:2: 6 fields are wanted"},   {"A#00,unique,H,true,0,1.2.3.4,x\n", "FILE:2: more than 6"},
        {"A#00,single,H,true,0,1.2.3.4\n", "FILE:2: \"single\" is"}, {"A#00,unique,X,true,0,1.2.3.4\n", "FILE:2: \"X\" is no n"},
        {"A#00,unique,H,yes,0,1.2.3.4\n", "FILE:2: \"yes\" is no"},  {"A#00,unique,H,true,x,1.2.3.4\n", "FILE:2: \"x\" is no t"},
        {"\"A#00,unique\n", "FILE:2: a quoted field does not end"},  {"\"A#00\"x,unique\n", "FILE:2: something stands between"},
        {"A,unique,H,true,0,1.2.3.4\n", "FILE:2: NetBIOS name"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s", head, cases[i].line);
        refuses("csv", text, cases[i].want);
    }
    refuses("csv", "name,kind\n", "FILE:1: want the header");
    refuses("csv", "name,name,kind,node,static,expires\n", "FILE:1: want the header");
}
END_TEST

START_TEST(json_array_and_lines)
{
    static const char one[] = "{\"name\":\"A\\\\x20\\u0042#20\",\"kind\":\"mhomed\",\"node\":\"M\",\"static\":false,"
                              "\"expires\":77,\n \"addresses\": [\"10.0.0.1\", \"10.0.0.2\"]}";
    static const char want[] = "A\\x20B#20 mhomed 2 dynamic 77 10.0.0.1 10.0.0.2\n"
                               "A\\x20B#20 mhomed 2 dynamic 77 10.0.0.1 10.0.0.2\n";
    char text[1024];
    snprintf(text, sizeof text, "[\n%s ,\n%s\n]\n", one, one);
    reads("json", text, want);
    snprintf(text, sizeof text, "%s\n%s\n", one, one);
    reads("json", text, want);
    reads("json", "[ ]\n", "");
}
END_TEST

START_TEST(json_bad_input)
{
    refuses("json", "[\n{\n\"name\":\"A#00\",\"extra\":1}]", "FILE:3: \"extra\" is no key");
    refuses("json", "{\"name\":\"A#00\"}", "FILE:1: a row has name, kind");
    refuses("json", "{\"name\" \"A#00\"}", "FILE:1: want ':', not '\"'");
    refuses("json", "{\"name\":\"A#00\n\"}", "FILE:1: a string that does not end");
    refuses("json", "{\"name\":\"A\\n#00\"}", "FILE:1: a string that does not end in its line, or an escape");
    refuses("json", "{\"addresses\":[\"1.2.3.4\"", "FILE:2: want ']', not the end");
    refuses("json", "{\"static\":}", "FILE:1: want a value");
    refuses("json", "[] x", "FILE:1: something stands behind");
    refuses("json", "7\n", "FILE:1: want '{', not '7'");
}
END_TEST

START_TEST(limits_of_lines)
{
    char *text = malloc(FF_LINE_MAX + 64);
    memset(text, '#', FF_LINE_MAX);
    sl_text_copy(text + FF_LINE_MAX, 64, "\n10.0.0.1 A#20\n");
    reads("lmhosts", text, "A#20 unique 3 static 0 10.0.0.1\n");
    memset(text, '#', FF_LINE_MAX + 1);
    sl_text_copy(text + FF_LINE_MAX + 1, 63, "\n");
    refuses("lmhosts", text, "FILE:1: the line is longer than 4096");
    free(text);
    FILE *in = fmemopen((char[]){"# \0 x"}, 5, "r");
    struct sl_error e;
    ck_assert_int_eq(ff_read_stream(format("lmhosts"), in, "FILE", ff_list_add, NULL, &e), SL_MALFORMED);
    ck_assert_str_eq(sl_error_text(&e), "FILE:1: an octet 00 in a text file (UTF-16 is not read)");
    fclose(in);
}
END_TEST

/* ---- other files -------------------------------------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

static enum sl_status read_file(const char *folder, const char *name, struct found *found, struct sl_error *e)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    found->count = 0;
    return ff_read(format("lmhosts"), path, collect, found, NULL, e);
}

static void remove_folder(const char *folder, const char *const *names, size_t count)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    rmdir(folder);
}

START_TEST(lmhosts_includes)
{
    static const char *const names[] = {"top", "more", "loop", "none", "bad"};
    char folder[] = "/tmp/test-files-XXXXXX";
    struct found *found = calloc(1, sizeof *found);
    struct sl_error e = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file(folder, "top",
               "10.0.0.1 A#20\n#BEGIN_ALTERNATE\n#INCLUDE missing\n#INCLUDE more\n#INCLUDE loop\n#END_ALTERNATE\n"
               "10.0.0.3 C#20\n");
    write_file(folder, "more", "10.0.0.2 B#20\n");
    write_file(folder, "loop", "#INCLUDE loop\n");
    write_file(folder, "none", "#BEGIN_ALTERNATE\n#INCLUDE missing\n#END_ALTERNATE\n");
    write_file(folder, "bad", "\n#INCLUDE none\n");
    ck_assert_int_eq(read_file(folder, "top", found, &e), SL_OK);
    ck_assert_str_eq(told(found),
                     "A#20 unique 3 static 0 10.0.0.1\nB#20 unique 3 static 0 10.0.0.2\nC#20 unique 3 static 0 10.0.0.3\n");
    ck_assert_int_eq(read_file(folder, "loop", found, &e), SL_MALFORMED);
    ck_assert_ptr_nonnull(strstr(sl_error_text(&e), "more than 8 deep"));
    ck_assert_int_eq(read_file(folder, "bad", found, &e), SL_MALFORMED);
    ck_assert_ptr_nonnull(strstr(sl_error_text(&e), "/bad:2: "));
    ck_assert_ptr_nonnull(strstr(sl_error_text(&e), "/none:3: none of the alternates"));
    ck_assert_int_eq(read_file(folder, "missing", found, &e), SL_IO);
    remove_folder(folder, names, SL_COUNT(names));
    free(found);
}
END_TEST

/* ---- lists -------------------------------------------------------------------------------------------------------- */

START_TEST(lists_join_rows_of_one_name)
{
    struct sl_error e = {0};
    struct ff_row row;
    struct ff_place place;
    struct ff_list *list = ff_list_new();
    static char text[] = "10.0.0.2 G#1C #SG\n10.0.0.1 A#20\n10.0.0.1 G#1C #SG\n10.0.0.1 A#20\n";
    FILE *in = fmemopen(text, strlen(text), "r");
    ck_assert_int_eq(ff_read_stream(format("lmhosts"), in, "FILE", ff_list_add, list, &e), SL_OK);
    fclose(in);
    ck_assert_int_eq(ff_list_join(list, &e), SL_OK);
    ck_assert_uint_eq(ff_list_count(list), 2);
    ff_list_get(list, 0, &row, &place);
    ck_assert_str_eq(nb_name_text(&row.name).text, "A#20");
    ck_assert_uint_eq(place.line, 2);
    ff_list_get(list, 1, &row, &place);
    ck_assert_uint_eq(row.address_count, 2);
    ck_assert_uint_eq(row.addresses[0], 0x0a000002);
    ff_list_free(list);
}
END_TEST

START_TEST(lists_refuse_what_contradicts_itself)
{
    struct sl_error e = {0};
    struct ff_list *list = ff_list_new();
    static char text[] = "10.0.0.1 A#20\n10.0.0.2 A#20\n";
    FILE *in = fmemopen(text, strlen(text), "r");
    ck_assert_int_eq(ff_read_stream(format("lmhosts"), in, "FILE", ff_list_add, list, &e), SL_OK);
    fclose(in);
    ck_assert_int_eq(ff_list_join(list, &e), SL_CONFLICT);
    ck_assert_str_eq(sl_error_text(&e), "FILE:2: A#20 does not go together with FILE:1");
    ff_list_free(list);
    list = ff_list_new();
    struct ff_row row = {.kind = FF_SGROUP, .is_static = true, .address_count = 1};
    for (unsigned i = 1; i <= FF_ADDRESSES_MAX + 1; i++) {
        row.addresses[0] = i;
        ck_assert_int_eq(nb_name_parse("G#1C", &row.name, &e), SL_OK);
        ck_assert_int_eq(ff_list_add(list, &row, &(struct ff_place){"FILE", i}, &e), SL_OK);
    }
    ck_assert_int_eq(ff_list_join(list, &e), SL_LIMIT);
    ck_assert_str_eq(sl_error_text(&e), "FILE:26: G#1C has more than 25 addresses");
    ff_list_free(list);
}
END_TEST

struct seen {
    char text[256];
    struct ff_zone_record record;
};

static enum sl_status see_entry(void *ctx, const struct ff_ldif_entry *entry, struct sl_error *e)
{
    struct seen *seen = ctx;
    (void)e;
    ck_assert_str_eq(entry->dn, "CN=a,DC=b");
    for (size_t i = 0; i < entry->count; i++)
        snprintf(seen->text + strlen(seen->text), sizeof seen->text - strlen(seen->text), "%s=%s|", entry->values[i].attr,
                 entry->values[i].data);
    return SL_OK;
}

START_TEST(ldif_is_read_as_it_was_written)
{
    static const char *const values[] = {"plain", " blank first", "blank last ", ":colon", "<less",
                                         "two\nlines", "\xc3\xa4", "", "a", "ab"};
    struct sl_text text = sl_text_new(4096), expected = sl_text_new(4096);
    struct seen seen = {.text = ""};
    struct sl_error e = {0};
    bool cut;
    ff_ldif_put(&text, "dn", "CN=a,DC=b", strlen("CN=a,DC=b"));
    for (size_t i = 0; i < SL_COUNT(values); i++) {
        ff_ldif_put(&text, "x", values[i], strlen(values[i]));
        sl_text_printf(&expected, "x=%s|", values[i]);
    }
    sl_text_puts(&text, "\n");
    FILE *in = fmemopen(text.data, text.len, "r");
    ck_assert_msg(ff_ldif_read_stream(in, "it", see_entry, &seen, &cut, &e) == SL_OK, "%s", e.text);
    ck_assert_str_eq(seen.text, sl_text_str(&expected));
    fclose(in);
    sl_text_fini(&text);
    sl_text_fini(&expected);
}
END_TEST

static enum sl_status see_record(void *ctx, const struct ff_zone_record *record, struct sl_error *e)
{
    struct seen *seen = ctx;
    (void)e;
    seen->record = *record;
    return SL_OK;
}

START_TEST(a_zone_record_is_read_as_it_was_written)
{
    const struct ff_zone_record record = {.owner = "_mssms_mp_lab._tcp.example.org", .ttl_s = 14400, .type = FF_ZONE_SRV,
                                          .target = "mp1.example.org", .port = 8080};
    struct sl_text text = sl_text_new(4096);
    struct seen seen = {.text = ""};
    struct sl_error e = {0};
    ff_zone_put_srv(&text, &record);
    FILE *in = fmemopen(text.data, text.len, "r");
    ck_assert_msg(ff_zone_read_stream(in, "it", see_record, &seen, &e) == SL_OK, "%s", e.text);
    ck_assert_str_eq(seen.record.owner, record.owner);
    ck_assert_str_eq(seen.record.target, record.target);
    ck_assert_int_eq(seen.record.ttl_s, record.ttl_s);
    ck_assert_uint_eq(seen.record.port, record.port);
    fclose(in);
    sl_text_fini(&text);
}
END_TEST

UNIT_MAIN("files", every_format_reads_what_it_wrote, formats_are_told_by_file_names, wins_dat_of_nmbd, wins_dat_bad_lines,
          wins_dat_with_raw_names_5_2, lmhosts_keywords, a_byte_order_mark_is_passed_over, lmhosts_bad_lines, netsh_scripts,
          netsh_bad_lines, csv_columns_and_quotes, csv_bad_lines, json_array_and_lines, json_bad_input, limits_of_lines,
          lmhosts_includes, lists_join_rows_of_one_name, lists_refuse_what_contradicts_itself, ldif_is_read_as_it_was_written,
          a_zone_record_is_read_as_it_was_written)
