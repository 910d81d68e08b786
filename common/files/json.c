/*
 * JSON of exactly this shape: flat objects whose values are strings, numbers, truths and, for the addresses, an array of strings;
 * one after the other or in one array. Values reach the row as the text they have in csv.
 */
#include "common/files/reader.h"

#include <inttypes.h>
#include <string.h>

enum { VALUE_MAX = 1024 };

struct json {
    struct ff_reader *r;
    char *at;
    bool over; /* the file is */
};

/* The next character that is no white space, '\0' at the end of the file. */
static enum sl_status peek(struct json *j, char *ret_c, struct sl_error *e)
{
    for (;;) {
        j->at += strspn(j->at, " \t");
        *ret_c = *j->at;
        if (*j->at || j->over)
            return SL_OK;
        bool more;
        enum sl_status status = ff_next_object(j->r, &more, e);
        if (status != SL_OK)
            return status;
        j->at = j->r->line;
        j->over = !more;
    }
}

/* Takes `want`, or fails. */
static enum sl_status take(struct json *j, char want, struct sl_error *e)
{
    char c;
    enum sl_status status = peek(j, &c, e);
    if (status != SL_OK)
        return status;
    if (c != want)
        return sl_fail(e, SL_MALFORMED, c ? "want '%c', not '%c'" : "want '%c', not the end of the file", want, c);
    j->at++;
    return SL_OK;
}

/* Takes `want` if it is next. */
static enum sl_status may_take(struct json *j, char want, bool *ret_took, struct sl_error *e)
{
    char c;
    enum sl_status status = peek(j, &c, e);
    if (status != SL_OK)
        return status;
    *ret_took = c == want;
    j->at += *ret_took;
    return SL_OK;
}

/* One character behind a backslash; names escape their odd octets themselves, so only ASCII is wanted. */
static int escaped(struct json *j)
{
    uint8_t octets[2];
    size_t len;
    char digits[5] = {0};
    char c = *j->at ? *j->at++ : '\0';
    if (c != 'u')
        return c && strchr("\"\\/", c) ? c : -1;
    memcpy(digits, j->at, strnlen(j->at, 4));
    if (!sl_parse_hex(digits, octets, sizeof octets, &len) || len != 2 || octets[0] || octets[1] < 0x20 || octets[1] > 0x7e)
        return -1;
    j->at += 4;
    return octets[1];
}

static enum sl_status take_string(struct json *j, char *out, size_t size, struct sl_error *e)
{
    size_t len = 0;
    enum sl_status status = take(j, '"', e);
    if (status != SL_OK)
        return status;
    while (*j->at != '"') {
        int c = *j->at ? (unsigned char)*j->at++ : -1;
        if (c == '\\')
            c = escaped(j);
        if (c < 0x20)
            return sl_fail(e, SL_MALFORMED, "a string that does not end in its line, or an escape that no name needs");
        if (len + 1 == size)
            return sl_fail(e, SL_MALFORMED, "a string is longer than %zu octets", size - 1);
        out[len++] = (char)c;
    }
    j->at++;
    out[len] = '\0';
    return SL_OK;
}

/* An array of strings, as one text with blanks between. */
static enum sl_status take_array(struct json *j, char *out, size_t size, struct sl_error *e)
{
    size_t len = 0;
    bool end, comma = true;
    enum sl_status status = take(j, '[', e);
    if (status == SL_OK)
        status = may_take(j, ']', &end, e);
    out[0] = '\0';
    while (status == SL_OK && !end && comma) {
        status = take_string(j, out + len, size - len, e);
        len += status == SL_OK ? strlen(out + len) : 0;
        if (status == SL_OK && len + 2 > size)
            return sl_fail(e, SL_MALFORMED, "the array is too long");
        if (status == SL_OK)
            status = may_take(j, ',', &comma, e);
        if (comma)
            out[len++] = ' ';
        out[len] = '\0';
    }
    return status == SL_OK && !end ? take(j, ']', e) : status;
}

/* A number or a truth. */
static enum sl_status take_plain(struct json *j, char *out, size_t size, struct sl_error *e)
{
    size_t len = strcspn(j->at, " \t,}]");
    if (len == 0 || len >= size)
        return sl_fail(e, SL_MALFORMED, "want a value");
    memcpy(out, j->at, len);
    out[len] = '\0';
    j->at += len;
    return SL_OK;
}

static enum sl_status take_value(struct json *j, enum ff_field field, char out[VALUE_MAX], struct sl_error *e)
{
    char c;
    enum sl_status status = peek(j, &c, e);
    if (status != SL_OK)
        return status;
    if (field == FF_F_ADDRESSES)
        return take_array(j, out, VALUE_MAX, e);
    return field == FF_F_STATIC || field == FF_F_EXPIRES ? take_plain(j, out, VALUE_MAX, e) : take_string(j, out, VALUE_MAX, e);
}

/* "key": value */
static enum sl_status take_member(struct json *j, struct ff_row *row, unsigned *seen, struct sl_error *e)
{
    char key[32], value[VALUE_MAX];
    enum ff_field field = 0;
    enum sl_status status = take_string(j, key, sizeof key, e);
    if (status != SL_OK)
        return status;
    while (field < FF_FIELD_COUNT && strcmp(ff_field_names[field], key) != 0)
        field++;
    if (field == FF_FIELD_COUNT)
        return sl_fail(e, SL_MALFORMED, "\"%s\" is no key of a row", key);
    status = take(j, ':', e);
    if (status == SL_OK)
        status = take_value(j, field, value, e);
    *seen |= 1u << field;
    return status == SL_OK ? ff_field_set(row, field, value, e) : status;
}

static enum sl_status take_object(struct json *j, struct sl_error *e)
{
    struct ff_row row = {0};
    unsigned seen = 0;
    bool comma = true;
    enum sl_status status = take(j, '{', e);
    while (status == SL_OK && comma) {
        status = take_member(j, &row, &seen, e);
        if (status == SL_OK)
            status = may_take(j, ',', &comma, e);
    }
    if (status == SL_OK)
        status = take(j, '}', e);
    if (status == SL_OK && seen != (1u << FF_FIELD_COUNT) - 1)
        return sl_fail(e, SL_MALFORMED, "a row has name, kind, node, static, expires and addresses");
    return status == SL_OK ? ff_emit(j->r, &row, e) : status;
}

/* Objects one after the other. */
static enum sl_status take_lines(struct json *j, struct sl_error *e)
{
    char c;
    enum sl_status status;
    while ((status = peek(j, &c, e)) == SL_OK && c) {
        status = take_object(j, e);
        if (status != SL_OK)
            break;
    }
    return status;
}

/* Behind its bracket. */
static enum sl_status take_list(struct json *j, struct sl_error *e)
{
    bool end, comma = true;
    enum sl_status status = may_take(j, ']', &end, e);
    while (status == SL_OK && !end && comma) {
        status = take_object(j, e);
        if (status == SL_OK)
            status = may_take(j, ',', &comma, e);
    }
    if (status == SL_OK && !end)
        status = take(j, ']', e);
    char c;
    if (status == SL_OK)
        status = peek(j, &c, e);
    return status == SL_OK && c ? sl_fail(e, SL_MALFORMED, "something stands behind the array") : status;
}

enum sl_status ff_json_read(struct ff_reader *r, struct sl_error *e)
{
    struct json j = {.r = r, .at = r->line};
    bool list;
    enum sl_status status = may_take(&j, '[', &list, e);
    if (status != SL_OK)
        return status;
    return list ? take_list(&j, e) : take_lines(&j, e);
}

enum sl_status ff_json_write(struct sl_text *out, const struct ff_row *row, struct sl_error *e)
{
    (void)e;
    const struct nb_name_text name = nb_name_text(&row->name);
    sl_text_puts(out, "{\"name\":");
    sl_text_json(out, name.text, strlen(name.text));
    sl_text_printf(out, ",\"kind\":\"%s\",\"node\":\"%s\",\"static\":%s,\"expires\":%" PRId64 ",\"addresses\":[",
                   ff_kind_word(row->kind), ff_node_word(row->node), row->is_static ? "true" : "false", row->expires_s);
    sl_text_puts(out, "\"");
    ff_put_addresses(out, row, "\",\"");
    sl_text_puts(out, "\"]}\n");
    return SL_OK;
}
