/*
 * A configuration file fills the same values as the command line; a mistake names file and line and changes nothing.
 */
#include "common/conf/conf.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

struct values {
    char *db;
    struct sl_strings listen;
    int64_t workers, interval_ms;
    int level;
    bool strict;
    char *secret;
};

static const char *const levels[] = {"low", "high", NULL};
static const struct sl_option rows[] = {
    {.name = "db-file", .type = SL_OPT_STRING, .offset = offsetof(struct values, db), .fallback = "/default",
     .flags = SL_OPT_IN_FILE},
    {.name = "listen", .type = SL_OPT_STRINGS, .offset = offsetof(struct values, listen), .fallback = "any",
     .flags = SL_OPT_IN_FILE},
    {.name = "workers", .type = SL_OPT_INT, .offset = offsetof(struct values, workers), .min = 1, .max = 64, .fallback = "2",
     .flags = SL_OPT_IN_FILE},
    {.name = "interval", .type = SL_OPT_DURATION, .offset = offsetof(struct values, interval_ms), .min = 1000, .max = 60000,
     .fallback = "5s", .flags = SL_OPT_IN_FILE},
    {.name = "level", .type = SL_OPT_WORD, .offset = offsetof(struct values, level), .words = levels, .flags = SL_OPT_IN_FILE},
    {.name = "strict", .type = SL_OPT_FLAG, .offset = offsetof(struct values, strict), .flags = SL_OPT_IN_FILE},
    {.name = "secret", .type = SL_OPT_STRING, .offset = offsetof(struct values, secret)},
};

#define TEMPLATE "/tmp/test-conf-XXXXXX"
static char path[] = TEMPLATE;

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fwrite(text, 1, len, file);
    fclose(file);
}

static void setup(struct values *v)
{
    memcpy(path, TEMPLATE, sizeof path);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    sl_options_init(rows, SL_COUNT(rows), v);
}

static void teardown(struct values *v)
{
    unlink(path);
    sl_options_fini(rows, SL_COUNT(rows), v);
}

static enum sl_status load(const char *text, struct values *v, struct sl_error *e)
{
    write_file(text, strlen(text));
    return conf_load(path, rows, SL_COUNT(rows), v, NULL, NULL, e);
}

START_TEST(fills_every_type)
{
    struct values v;
    struct sl_error e = {0};
    setup(&v);
    enum sl_status status = load("# comment\ndb_file = \"/var/x.db\"\nlisten = {\"1.2.3.4\", \"[::1]:42\"}\nworkers = 7\n"
                                 "interval = \"10s\"\n"
                                 "level = \"high\"\nstrict = true\n", &v, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
    ck_assert_str_eq(v.db, "/var/x.db");
    ck_assert_uint_eq(v.listen.count, 2);
    ck_assert_str_eq(v.listen.items[0], "1.2.3.4");
    ck_assert_str_eq(v.listen.items[1], "[::1]:42");
    ck_assert_int_eq(v.workers, 7);
    ck_assert_int_eq(v.interval_ms, 10000);
    ck_assert_int_eq(v.level, 1);
    ck_assert(v.strict);
    teardown(&v);
}
END_TEST

START_TEST(comments_end_where_they_should)
{
    struct values v;
    struct sl_error e = {0};
    setup(&v);
    enum sl_status status = load("workers=3#x\n/* level = low */ level /**/=/* */high // strict = true\n"
                                 "db_file = \"/a#b//c/*d*/\\\"#\" # \"\nlisten = {'#1', a//b, /* \" */ \"c\" }", &v, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
    ck_assert_int_eq(v.workers, 3);
    ck_assert_int_eq(v.level, 1);
    ck_assert(!v.strict);
    ck_assert_str_eq(v.db, "/a#b//c/*d*/\"#");
    ck_assert_uint_eq(v.listen.count, 3);
    ck_assert_str_eq(v.listen.items[0], "#1");
    ck_assert_str_eq(v.listen.items[1], "a//b");
    ck_assert_str_eq(v.listen.items[2], "c");
    teardown(&v);
}
END_TEST

START_TEST(an_option_is_set_once_and_lists_are_added_to)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"listen = {\"a\"}\nworkers = 3\nlisten = {\"b\"}\n", ":3: listen is set already in line 1"},
        {"listen = {\"a\"} listen={}", ":1: listen is set already in line 1"},
        {"\nworkers = 3\n# workers = 4\nworkers = 5\n", ":4: workers is set already in line 2"},
        {"strict = true\nstrict = false\n", ":2: strict is set already in line 1"},
    };
    struct values v;
    struct sl_error e = {0};
    setup(&v);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        ck_assert_int_eq(load(cases[i].text, &v, &e), SL_USAGE);
        ck_assert_msg(strstr(e.text, cases[i].told), "%s", e.text);
    }
    ck_assert_int_eq(v.workers, 2);
    ck_assert_int_eq(load("listen = {\"a\"}\ndb_file = \"listen = x\"\nlisten += {\"b\"}\nlisten+={c}\n", &v, &e), SL_OK);
    ck_assert_uint_eq(v.listen.count, 3);
    teardown(&v);
}
END_TEST

START_TEST(leaves_defaults_alone)
{
    struct values v;
    struct sl_error e = {0};
    setup(&v);
    ck_assert_int_eq(load("", &v, &e), SL_OK);
    ck_assert_int_eq(load("strict = false\n", &v, &e), SL_OK);
    ck_assert_str_eq(v.db, "/default");
    ck_assert_uint_eq(v.listen.count, 1);
    ck_assert_int_eq(v.workers, 2);
    ck_assert(!v.strict);
    teardown(&v);
}
END_TEST

static bool is_workers(const char *option, void *ctx)
{
    ++*(int *)ctx;
    return strcmp(option, "workers") == 0;
}

START_TEST(the_command_line_wins)
{
    struct values v;
    int asked = 0;
    setup(&v);
    v.workers = 5;
    static const char text[] = "workers = 7\nlevel = \"high\"\n";
    write_file(text, strlen(text));
    ck_assert_int_eq(conf_load(path, rows, SL_COUNT(rows), &v, is_workers, &asked, NULL), SL_OK);
    ck_assert_int_eq(v.workers, 5);
    ck_assert_int_eq(v.level, 1);
    ck_assert_int_eq(asked, 2);
    teardown(&v);
}
END_TEST

START_TEST(a_mistake_names_file_and_line)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"workers = 3\nnone = 1\n", ":2: ", "none"},
        {"\n\nworkers = \"x\"\n", ":3: ", "workers"},
        {"workers = 3\nworkers = 65\n", ":2: ", "outside 1 to 64"},
        {"interval = \"100ms\"\n", ":1: ", "outside 1000 to 60000 ms"},
        {"interval = \"soon\"\n", ":1: ", "not a duration"},
        {"level = \"middle\"\n", ":1: ", "middle"},
        {"strict = maybe\n", ":1: ", "strict"},
        {"secret = \"x\"\n", ":1: ", "secret"},
        {"workers 3\n", ":1: ", "equal sign"},
        {"include(\"/etc/passwd\")\n", ":1: ", "include"},
        {"# one\n#\n\nnone = 1 # two\n", ":4: ", "none"},
        {"// one\n/* two\n * three */ workers = 2\nnone = 1\n", ":4: ", "none"},
        {"db_file = \"a # \\\" /* b\" # c\nnone = '#' /* */\n", ":2: ", "none"},
        {"# one\nworkers = 3 /* two *\nworkers = 4\n", ":2: ", "has no end"},
        {"workers = 3\n/*", ":2: ", "has no end"},
        {"workers = 3\ndb_file = \"x\\", ":2: ", "end of file"},
        {"db_file = 'x\\", ":1: ", "unterminated string"},
    };
    struct values v;
    setup(&v);
    fflush(stdout);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_error e = {0};
        ck_assert_int_eq(load(cases[i].text, &v, &e), SL_USAGE);
        ck_assert_msg(strncmp(e.text, path, strlen(path)) == 0 && strstr(e.text, cases[i].where) && strstr(e.text, cases[i].what),
                      "case %zu: %s", i, e.text);
        ck_assert_int_eq(v.workers, 2);
        ck_assert_uint_eq(__fpending(stdout), 0);
    }
    teardown(&v);
}
END_TEST

/* What is told of an option, until the next call. */
static const char *SL_PRINTF(3, 4) tell(const char *file, const char *name, const char *fmt, ...)
{
    static struct sl_error e;
    va_list args;
    va_start(args, fmt);
    ck_assert_int_eq(conf_wrong(file, name, &e, fmt, args), SL_USAGE);
    va_end(args);
    return e.text;
}

static const char *wrong(const char *file, const char *name)
{
    return tell(file, name, "no");
}

START_TEST(an_option_is_found_by_its_line)
{
    struct values v;
    setup(&v);
    static const char text[] = "# workers = 9\n\nlevel = \"workers = 3 \\\" workers =\"\n/* workers\n = */ my_workers = 1 "
                               "workers\n= 4\nlisten = {\"a\"}\nlisten += {\"b\"} db_file=\"x\"";
    write_file(text, sizeof text - 1);
    static const char *const places[] = {":8: no", ":7: no", ":6: no", "no", ":3: no", "no", "no"};
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        const char *told = wrong(path, rows[i].name);
        const char *place = strncmp(told, path, strlen(path)) == 0 ? told + strlen(path) : told;
        ck_assert_msg(strcmp(place, places[i]) == 0, "%s: %s", rows[i].name, told);
    }
    ck_assert_str_eq(wrong("/nowhere/x.conf", rows[0].name), "no");
    ck_assert_str_eq(wrong(NULL, rows[0].name), "no");
    teardown(&v);
}
END_TEST

START_TEST(files_that_are_none)
{
    struct values v;
    struct sl_error e = {0};
    setup(&v);
    ck_assert_int_eq(conf_load("/nowhere/x.conf", rows, SL_COUNT(rows), &v, NULL, NULL, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "/nowhere/x.conf"));
    ck_assert_int_eq(conf_load("/", rows, SL_COUNT(rows), &v, NULL, NULL, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "/: "));
    write_file("a\0b", 3);
    ck_assert_int_eq(conf_load(path, rows, SL_COUNT(rows), &v, NULL, NULL, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "not a text file"));
    char *large = malloc(2 << 20);
    memset(large, '\n', 2 << 20);
    write_file(large, 2 << 20);
    ck_assert_int_eq(conf_load(path, rows, SL_COUNT(rows), &v, NULL, NULL, &e), SL_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "longer than"));
    free(large);
    teardown(&v);
}
END_TEST

UNIT_MAIN("conf", fills_every_type, comments_end_where_they_should, leaves_defaults_alone,
          an_option_is_set_once_and_lists_are_added_to, the_command_line_wins,
          a_mistake_names_file_and_line, an_option_is_found_by_its_line, files_that_are_none)
