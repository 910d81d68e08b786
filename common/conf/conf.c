#include "common/conf/conf.h"

#include "common/base/assert.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, NUMBER_TEXT_MAX = 32 };

/* The rows that may stand in a file, and libconfuse's table made from them. */
struct table {
    const char *path;
    const struct sl_option **rows;
    cfg_opt_t *opts; /* opts[i] is rows[i]; ended by CFG_END */
    size_t count;
    struct sl_error *e;
    bool failed;
};

static _Thread_local struct table *parsing; /* global: libconfuse hands its callbacks no context; set for one parse */

static void SL_PRINTF(2, 0) on_error(cfg_t *cfg, const char *fmt, va_list args)
{
    if (parsing->failed)
        return; /* the first mistake is the one to tell */
    parsing->failed = true;
    struct sl_error text = {0};
    sl_vfail(&text, SL_USAGE, fmt, args);
    sl_fail(parsing->e, SL_USAGE, "%s:%d: %s", parsing->path, cfg ? cfg->line : 0, text.text);
}

static const struct sl_option *row_of(const cfg_opt_t *opt)
{
    for (size_t i = 0; i < parsing->count; i++)
        if (strcmp(parsing->opts[i].name, opt->name) == 0)
            return parsing->rows[i];
    return NULL;
}

/* The text of a value as it would stand on the command line. */
static const char *text_of(cfg_opt_t *opt, unsigned nth, char number[NUMBER_TEXT_MAX])
{
    if (opt->type != CFGT_INT)
        return cfg_opt_getnstr(opt, nth);
    snprintf(number, NUMBER_TEXT_MAX, "%ld", cfg_opt_getnint(opt, nth));
    return number;
}

/* Called for each value while its line is known: tries it on a scratch value. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct sl_option *row = row_of(opt);
    if (!row || row->type == SL_OPT_FLAG || cfg_opt_size(opt) == 0)
        return 0;
    union {
        char *text;
        struct sl_strings list;
        int64_t number;
        int word;
    } scratch = {0};
    struct sl_option here = *row;
    struct sl_error e = {0};
    char number[NUMBER_TEXT_MAX];
    here.offset = 0;
    enum sl_status status = sl_option_set(&here, &scratch, text_of(opt, cfg_opt_size(opt) - 1, number), &e);
    sl_options_fini(&here, 1, &scratch);
    if (status != SL_OK)
        cfg_error(cfg, "%s", sl_error_text(&e));
    return status == SL_OK ? 0 : -1;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static char *key_of(const char *name)
{
    char *key = sl_strdup(name);
    for (char *p = key; *p; p++)
        if (*p == '-')
            *p = '_';
    return key;
}

static cfg_opt_t opt_of(const struct sl_option *row)
{
    static const struct {
        cfg_type_t type;
        cfg_flag_t flags;
    } kinds[] = {
        [SL_OPT_FLAG] = {CFGT_BOOL, CFGF_NODEFAULT}, [SL_OPT_STRING] = {CFGT_STR, CFGF_NODEFAULT},
        [SL_OPT_STRINGS] = {CFGT_STR, CFGF_LIST},    [SL_OPT_INT] = {CFGT_INT, CFGF_NODEFAULT},
        [SL_OPT_DURATION] = {CFGT_STR, CFGF_NODEFAULT}, [SL_OPT_WORD] = {CFGT_STR, CFGF_NODEFAULT},
    };
    return (cfg_opt_t){.name = key_of(row->name), .type = kinds[row->type].type, .flags = kinds[row->type].flags,
                       .validcb = on_value};
}

static void table_init(struct table *t, const struct sl_option *rows, size_t count)
{
    t->rows = sl_new_array(count + 1, sizeof(*t->rows));
    t->opts = sl_new_array(count + 1, sizeof *t->opts);
    for (size_t i = 0; i < count; i++)
        if (rows[i].flags & SL_OPT_IN_FILE) {
            t->rows[t->count] = &rows[i];
            t->opts[t->count++] = opt_of(&rows[i]);
        }
    t->opts[t->count] = (cfg_opt_t)CFG_END();
}

static void table_fini(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free((char *)(uintptr_t)t->opts[i].name);
    free(t->opts);
    free(t->rows);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static enum sl_status read_file(const char *path, struct sl_text *out, struct sl_error *e)
{
    FILE *file;
    if (sl_file_open(path, &file, e) != SL_OK)
        return sl_fail_in(e, SL_USAGE, "configuration file");
    char chunk[4096];
    size_t n;
    errno = 0;
    while (!sl_text_failed(out) && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
        sl_text_add(out, chunk, n);
    int err = ferror(file) ? errno : 0;
    fclose(file);
    if (out->len && out->data[out->len - 1] == '\\') /* at the very end of a string libconfuse 3.3 would print it */
        sl_text_puts(out, " ");
    if (err)
        return sl_fail(e, SL_USAGE, "%s: %s", path, strerror(err));
    if (sl_text_failed(out))
        return sl_fail(e, SL_USAGE, "%s: longer than %d octets", path, FILE_MAX);
    if (strlen(sl_text_str(out)) != out->len)
        return sl_fail(e, SL_USAGE, "%s: not a text file", path);
    return SL_OK;
}

/* Octets of the comment that begins here, 0 for none, SIZE_MAX when it has no end; "/" within a word begins none. */
static size_t comment_len(const char *at, bool in_word)
{
    if (*at == '#' || (!in_word && strncmp(at, "//", 2) == 0))
        return strcspn(at, "\n");
    if (in_word || strncmp(at, "/*", 2) != 0)
        return 0;
    const char *end = strstr(at + 2, "*/");
    return end ? (size_t)(end + 2 - at) : SIZE_MAX;
}

/*
 * libconfuse 3.3 counts up to three lines for each comment, so that it may see none: they become blanks. Returns where a comment
 * begins that has no end, NULL when there is none.
 */
static const char *blank_comments(char *text)
{
    char quote = '\0';
    bool in_word = false;
    for (char *at = text; *at; at++) {
        if (quote) {
            at += *at == '\\' && at[1];
            quote = *at == quote && at[-1] != '\\' ? '\0' : quote;
            continue;
        }
        size_t left = comment_len(at, in_word);
        if (left == SIZE_MAX)
            return at;
        for (; left > 0; left--, at++)
            *at = *at == '\n' ? '\n' : ' ';
        if (!*at)
            return NULL;
        quote = *at == '"' || *at == '\'' ? *at : '\0';
        in_word = !strchr(" \t\r\n={}(),", *at);
    }
    return NULL;
}

static unsigned line_at(const char *text, const char *at)
{
    unsigned line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* True when the text before an "=" or "+=" ends in this key, as a word. */
static bool is_key(const char *text, const char *equals, const char *key)
{
    size_t len = strlen(key);
    equals -= equals > text && equals[-1] == '+';
    while (equals > text && strchr(" \t\r\n", equals[-1]))
        equals--;
    if ((size_t)(equals - text) < len || strncmp(equals - len, key, len) != 0)
        return false;
    return equals - len == text || strchr(" \t\r\n}\"'", equals[-(ptrdiff_t)len - 1]);
}

/* The "=" behind this key, at or after `at`, which must be outside quotes; NULL when there is none. */
static const char *find_key(const char *text, const char *at, const char *key)
{
    char quote = '\0';
    for (; *at; at++) {
        if (quote && *at == '\\' && at[1])
            at++;
        else if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '=' && is_key(text, at, key))
            return at;
    }
    return NULL;
}

/* libconfuse would drop the first value without a word; "+=" adds to it. */
static enum sl_status check_set_once(const struct table *t, const char *text, struct sl_error *e)
{
    for (size_t i = 0; i < t->count; i++) {
        const char *key = t->opts[i].name, *first = find_key(text, text, key);
        for (const char *at = first ? find_key(text, first + 1, key) : NULL; at; at = find_key(text, at + 1, key))
            if (at[-1] != '+')
                return sl_fail(e, SL_USAGE, "%s:%u: %s is set already in line %u", t->path, line_at(text, at), t->rows[i]->name,
                               line_at(text, first));
    }
    return SL_OK;
}

static enum sl_status apply_one(const struct sl_option *row, cfg_opt_t *opt, void *values, struct sl_error *e)
{
    if (row->type == SL_OPT_FLAG) {
        *(bool *)((char *)values + row->offset) = cfg_opt_getnbool(opt, 0) == cfg_true;
        return SL_OK;
    }
    for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
        char number[NUMBER_TEXT_MAX];
        enum sl_status status = sl_option_set(row, values, text_of(opt, i, number), e);
        if (status != SL_OK)
            return status;
    }
    return SL_OK;
}

static enum sl_status apply(const struct table *t, cfg_t *cfg, void *values, bool (*skip)(const char *option, void *ctx),
                            void *ctx, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < t->count && status == SL_OK; i++) {
        cfg_opt_t *opt = cfg_getopt(cfg, t->opts[i].name);
        bool given = opt && cfg_opt_size(opt) > 0;
        if (given && !(skip && skip(t->rows[i]->name, ctx)))
            status = apply_one(t->rows[i], opt, values, e);
    }
    return status;
}

/* Nothing is written to `values` before the whole file has been found good. */
static enum sl_status parse(struct table *t, char *text, void *values, bool (*skip)(const char *option, void *ctx),
                            void *ctx, struct sl_error *e)
{
    const char *endless = blank_comments(text);
    if (endless)
        return sl_fail(e, SL_USAGE, "%s:%u: the comment that begins with /* has no end", t->path, line_at(text, endless));
    cfg_t *cfg = cfg_init(t->opts, CFGF_NONE);
    sl_assert(cfg);
    cfg_set_error_function(cfg, on_error);
    parsing = t;
    int result = cfg_parse_buf(cfg, text);
    parsing = NULL;
    enum sl_status status = SL_OK;
    if (result == CFG_SUCCESS && !t->failed)
        status = check_set_once(t, text, e);
    else
        status = t->failed ? SL_USAGE : sl_fail(e, SL_USAGE, "%s:%d: cannot be understood", t->path, cfg->line);
    if (status == SL_OK)
        status = apply(t, cfg, values, skip, ctx, e);
    cfg_free(cfg);
    return status;
}

enum sl_status conf_load(const char *path, const struct sl_option *rows, size_t count, void *values,
                         bool (*skip)(const char *option, void *ctx), void *ctx, struct sl_error *e)
{
    struct table table = {.path = path, .e = e};
    struct sl_text text = sl_text_new(FILE_MAX);
    enum sl_status status = read_file(path, &text, e);
    if (status == SL_OK) {
        char *octets = sl_text_take(&text);
        table_init(&table, rows, count);
        status = parse(&table, octets, values, skip, ctx, e);
        table_fini(&table);
        free(octets);
    }
    sl_text_fini(&text);
    return status;
}

unsigned conf_line(const char *path, const char *name)
{
    struct sl_text text = sl_text_new(FILE_MAX);
    unsigned line = 0;
    if (path && read_file(path, &text, NULL) == SL_OK) {
        char *octets = sl_text_take(&text), *key = key_of(name);
        blank_comments(octets);
        const char *equals = find_key(octets, octets, key);
        line = equals ? line_at(octets, equals) : 0;
        free(key);
        free(octets);
    }
    sl_text_fini(&text);
    return line;
}

enum sl_status conf_wrong(const char *path, const char *name, struct sl_error *e, const char *fmt, va_list args)
{
    unsigned line = conf_line(path, name);
    enum sl_status status = sl_vfail(e, SL_USAGE, fmt, args);
    return line ? sl_fail_in(e, status, "%s:%u", path, line) : status;
}
