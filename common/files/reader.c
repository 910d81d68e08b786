#include "common/files/reader.h"

#include "common/base/addr.h"
#include "common/base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* name, extension, file name, head */
#define FORMAT_TABLE(X)                                                                                                \
    X(winsdat, ".dat", "wins.dat", "VERSION 1 0\n")                                                                    \
    X(lmhosts, ".sam", "lmhosts", "")                                                                                  \
    X(netsh, ".cmd", NULL, "")                                                                                         \
    X(csv, ".csv", NULL, "name,kind,node,static,expires,addresses\n")                                                  \
    X(json, ".json", NULL, "")
#define FORMAT_ROW(name, extension, file_name, head) {#name, extension, file_name, head, ff_##name##_read, ff_##name##_write},
#define FORMAT_WORD(name, ...) #name,

const struct ff_format ff_formats[FF_FORMAT_COUNT] = {FORMAT_TABLE(FORMAT_ROW)};
const char *const ff_format_words[FF_FORMAT_COUNT + 1] = {FORMAT_TABLE(FORMAT_WORD)};

static const char *const kind_words[FF_KIND_COUNT] = {"unique", "group", "sgroup", "mhomed"};
static const char *const node_words[] = {"B", "P", "M", "H"};

static const uint32_t BROADCAST = 0xffffffff;

/* ---- the table --------------------------------------------------------------------------------------------------- */

const struct ff_format *ff_format_find(const char *name)
{
    for (size_t i = 0; i < FF_FORMAT_COUNT; i++)
        if (strcmp(ff_formats[i].name, name) == 0)
            return &ff_formats[i];
    return NULL;
}

const struct ff_format *ff_format_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path, *dot = strrchr(last, '.');
    for (size_t i = 0; i < FF_FORMAT_COUNT; i++) {
        const struct ff_format *f = &ff_formats[i];
        if ((f->file_name && sl_text_iequal(f->file_name, last)) || (f->extension && dot && sl_text_iequal(f->extension, dot)))
            return f;
    }
    return NULL;
}

const char *ff_kind_word(enum ff_kind kind)
{
    return kind_words[kind];
}

static int word_in(const char *const *words, size_t count, const char *word)
{
    size_t i = sl_word_find(words, count, word);
    return i < count ? (int)i : -1;
}

int ff_kind_parse(const char *word)
{
    return word_in(kind_words, SL_COUNT(kind_words), word);
}

int ff_node_parse(const char *word)
{
    return word_in(node_words, SL_COUNT(node_words), word);
}

const char *ff_node_word(uint8_t node)
{
    return node_words[node & 3];
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Editors of Windows begin a text with a byte order mark. */
static size_t drop_mark(const struct ff_reader *r, char *line, size_t len)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (r->place.line != 1 || len < sizeof mark || memcmp(line, mark, sizeof mark) != 0)
        return len;
    memmove(line, line + sizeof mark, len - sizeof mark);
    return len - sizeof mark;
}

/* Where in an object of JSON we are; told of one character after the other. */
struct json_place {
    bool quoted, escaped;
};

/* True for the bracket that ends an object. */
static bool ends_object(struct json_place *at, int c)
{
    bool escaped = at->escaped;
    at->escaped = at->quoted && c == '\\' && !escaped;
    if (c == '"' && !escaped)
        at->quoted = !at->quoted;
    return c == '}' && !at->quoted;
}

/* To the end of the line, or with `objects` of the object. */
static enum sl_status next_part(struct ff_reader *r, bool objects, bool *ret_more, struct sl_error *e)
{
    struct json_place at = {0};
    size_t len = 0;
    int c;
    r->place.line += !r->within;
    r->within = false;
    while (!r->within && (c = getc_unlocked(r->in)) != EOF && c != '\n') {
        if (c == '\0')
            return sl_fail(e, SL_MALFORMED, "an octet 00 in a text file (UTF-16 is not read)");
        if (len > FF_LINE_MAX)
            return sl_fail(e, SL_MALFORMED, "the line is longer than %d octets", FF_LINE_MAX);
        r->line[len++] = (char)c;
        r->within = objects && ends_object(&at, c);
    }
    if (c == EOF && ferror(r->in))
        return sl_fail(e, SL_IO, "%s", strerror(errno));
    if (len > 0 && r->line[len - 1] == '\r')
        len--;
    if (len > FF_LINE_MAX)
        return sl_fail(e, SL_MALFORMED, "the line is longer than %d octets", FF_LINE_MAX);
    len = drop_mark(r, r->line, len);
    r->line[len] = '\0';
    *ret_more = c != EOF || len > 0;
    return SL_OK;
}

enum sl_status ff_next_line(struct ff_reader *r, bool *ret_more, struct sl_error *e)
{
    return next_part(r, false, ret_more, e);
}

enum sl_status ff_next_object(struct ff_reader *r, bool *ret_more, struct sl_error *e)
{
    return next_part(r, true, ret_more, e);
}

/* Makes the row what files.h says of its kind. */
static enum sl_status check_row(struct ff_row *row, struct sl_error *e)
{
    if (row->kind == FF_GROUP)
        row->address_count = 0;
    else if (row->address_count == 0)
        return sl_fail(e, SL_MALFORMED, "%s has no address", nb_name_text(&row->name).text);
    else if (row->kind == FF_UNIQUE && row->address_count > 1)
        return sl_fail(e, SL_MALFORMED, "%s is unique and has %d addresses", nb_name_text(&row->name).text, row->address_count);
    if (row->is_static)
        row->expires_s = 0;
    return SL_OK;
}

enum sl_status ff_emit(struct ff_reader *r, struct ff_row *row, struct sl_error *e)
{
    enum sl_status status = check_row(row, e);
    return status == SL_OK ? r->fn(r->ctx, row, &r->place, e) : status;
}

enum sl_status ff_emit_machine(struct ff_reader *r, const char *text, const struct ff_row *row, struct sl_error *e)
{
    static const uint8_t types[] = {NB_WORKSTATION, 0x03, NB_SERVER};
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        struct ff_row one = *row;
        if (!nb_name_make(text, types[i], &one.name))
            return sl_fail(e, SL_MALFORMED, "\"%s\" is longer than %d octets", text, NB_NAME_LEN - 1);
        enum sl_status status = ff_emit(r, &one, e);
        if (status != SL_OK)
            return status;
    }
    return SL_OK;
}

/* An error inside an included file shows the way to it. */
static enum sl_status read_all(struct ff_reader *r, struct sl_error *e)
{
    enum sl_status status = r->format->read(r, e);
    return status == SL_OK ? SL_OK : sl_fail_in(e, status, "%s:%u", r->place.file, r->place.line);
}

enum sl_status ff_read_stream(const struct ff_format *format, FILE *in, const char *name, ff_row_fn *fn, void *ctx,
                              struct sl_error *e)
{
    struct ff_reader r = {.format = format, .in = in, .place = {.file = name}, .standalone = true, .fn = fn, .ctx = ctx};
    return read_all(&r, e);
}

enum sl_status ff_read(const struct ff_format *format, const char *path, ff_row_fn *fn, void *ctx, uint64_t *ret_own,
                       struct sl_error *e)
{
    bool piped = strcmp(path, "-") == 0;
    struct ff_reader r = {.format = format, .in = stdin, .place = {.file = piped ? "standard input" : path}, .standalone = piped,
                          .fn = fn, .ctx = ctx};
    enum sl_status status = piped ? SL_OK : sl_file_open(path, &r.in, e);
    if (status != SL_OK)
        return status;
    status = read_all(&r, e);
    if (!piped)
        fclose(r.in);
    if (status == SL_OK && ret_own)
        *ret_own = r.own;
    return status;
}

enum sl_status ff_include(const struct ff_reader *outer, const char *path, struct sl_error *e)
{
    if (outer->depth + 1 == FF_INCLUDE_DEPTH)
        return sl_fail(e, SL_MALFORMED, "files include each other more than %d deep", FF_INCLUDE_DEPTH);
    struct ff_reader *r = malloc(sizeof *r);
    if (!r)
        return sl_fail(e, SL_NOMEM, "%s", path);
    *r = (struct ff_reader){.format = outer->format, .place = {.file = path}, .depth = outer->depth + 1, .fn = outer->fn,
                            .ctx = outer->ctx};
    enum sl_status status = sl_file_open(path, &r->in, e);
    if (status == SL_OK)
        status = read_all(r, e);
    if (r->in)
        fclose(r->in);
    free(r);
    return status;
}

enum sl_status ff_add_address(struct ff_row *row, const char *text, struct sl_error *e)
{
    uint32_t address;
    if (!sl_ip4_parse(text, &address))
        return sl_fail(e, SL_MALFORMED, "\"%s\" is not an IPv4 address", text);
    if (row->address_count == FF_ADDRESSES_MAX)
        return sl_fail(e, SL_MALFORMED, "more than %d addresses", FF_ADDRESSES_MAX);
    if (address != 0 && address != BROADCAST)
        row->addresses[row->address_count++] = address;
    return SL_OK;
}

char *ff_word(char **p)
{
    char *word = *p + strspn(*p, " \t");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " \t");
    *p = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

enum sl_status ff_write(const struct ff_format *format, struct sl_text *out, const struct ff_row *row, struct sl_error *e)
{
    return format->write(out, row, e);
}

void ff_put_bare_name(struct sl_text *out, const struct nb_name *name)
{
    /* Blanks at the end are padding; "*" alone reads as padded with NULs. */
    size_t len = NB_NAME_LEN - 1;
    bool wildcard = nb_name_is_wildcard(name);
    while (len > 0 && name->octets[len - 1] == (wildcard ? '\0' : ' '))
        len--;
    for (size_t i = 0; i < len; i++) {
        uint8_t octet = name->octets[i];
        if (octet >= 0x20 && octet <= 0x7e && !strchr("#\"\\", octet))
            sl_text_add(out, &octet, 1);
        else
            sl_text_printf(out, "\\x%02x", octet);
    }
    if (len == 1 && name->octets[0] == '*' && !wildcard)
        sl_text_puts(out, "\\x20");
}

void ff_put_name(struct sl_text *out, const struct nb_name *name)
{
    ff_put_bare_name(out, name);
    sl_text_printf(out, "#%02x", nb_name_suffix(name));
}

void ff_put_addresses(struct sl_text *out, const struct ff_row *row, const char *separator)
{
    if (row->kind == FF_GROUP)
        sl_text_puts(out, sl_ip4_text(BROADCAST).text);
    for (size_t i = 0; i < row->address_count; i++) {
        sl_text_puts(out, i ? separator : "");
        sl_text_puts(out, sl_ip4_text(row->addresses[i]).text);
    }
}

enum sl_status ff_no_scope(const struct ff_row *row, struct sl_error *e)
{
    if (row->name.scope_len == 0)
        return SL_OK;
    return sl_fail(e, SL_UNSUPPORTED, "%s: the format has no scopes", nb_name_text(&row->name).text);
}

/* ---- fields of csv and json --------------------------------------------------------------------------------------- */

const char *const ff_field_names[FF_FIELD_COUNT] = {"name", "kind", "node", "static", "expires", "addresses"};

static enum sl_status set_addresses(struct ff_row *row, char *text, struct sl_error *e)
{
    for (char *word = ff_word(&text); word; word = ff_word(&text)) {
        enum sl_status status = ff_add_address(row, word, e);
        if (status != SL_OK)
            return status;
    }
    return SL_OK;
}

static enum sl_status set_word(int found, const char *what, const char *text, int *ret_value, struct sl_error *e)
{
    if (found < 0)
        return sl_fail(e, SL_MALFORMED, "\"%s\" is no %s", text, what);
    *ret_value = found;
    return SL_OK;
}

enum sl_status ff_field_set(struct ff_row *row, enum ff_field field, char *text, struct sl_error *e)
{
    static const char *const truths[] = {"false", "true"};
    int value = 0;
    enum sl_status status = SL_OK;
    switch (field) {
    case FF_F_NAME:
        return nb_name_parse(text, &row->name, e) == SL_OK ? SL_OK : SL_MALFORMED;
    case FF_F_KIND:
        status = set_word(ff_kind_parse(text), "kind", text, &value, e);
        row->kind = (enum ff_kind)value;
        return status;
    case FF_F_NODE:
        status = set_word(ff_node_parse(text), "node", text, &value, e);
        row->node = (uint8_t)value;
        return status;
    case FF_F_STATIC:
        status = set_word(word_in(truths, SL_COUNT(truths), text), "truth", text, &value, e);
        row->is_static = value != 0;
        return status;
    case FF_F_EXPIRES:
        return sl_parse_i64(text, 0, FF_TIME_MAX, &row->expires_s) ? SL_OK : sl_fail(e, SL_MALFORMED, "\"%s\" is no time", text);
    case FF_F_ADDRESSES:
        return set_addresses(row, text, e);
    case FF_FIELD_COUNT:
        break;
    }
    return sl_fail(e, SL_INTERNAL, "no such field");
}

enum sl_status ff_row_of_cells(const char *const cells[FF_CELLS], struct ff_row *ret_row, struct sl_error *e)
{
    struct ff_row row = {0};
    char text[FF_LINE_MAX];
    for (size_t i = 0; i < FF_FIELD_COUNT; i++) {
        if (!cells[i] || !sl_text_copy(text, sizeof text, cells[i]))
            return sl_fail(e, SL_MALFORMED, "the field %s is missing or too long", ff_field_names[i]);
        for (char *p = text; *p; p++)
            if (*p == '\n')
                *p = ' ';
        enum sl_status status = ff_field_set(&row, (enum ff_field)i, text, e);
        if (status != SL_OK)
            return status;
    }
    enum sl_status status = check_row(&row, e);
    if (status == SL_OK)
        *ret_row = row;
    return status;
}
