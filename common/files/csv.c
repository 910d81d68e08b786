/* Comma-separated values after RFC 4180, with a header. */
#include "common/files/reader.h"

#include <inttypes.h>
#include <string.h>

/* The next field at *p, unquoted in place; *p is NULL behind the last one. */
static enum sl_status next_field(char **p, char **ret_field, struct sl_error *e)
{
    char *in = *p, *out = in;
    *ret_field = in;
    if (*in != '"') {
        char *comma = strchr(in, ',');
        *p = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        return SL_OK;
    }
    for (in++; *in != '"' || in[1] == '"'; in++) {
        if (!*in)
            return sl_fail(e, SL_MALFORMED, "a quoted field does not end in its line");
        in += *in == '"';
        *out++ = *in;
    }
    if (in[1] != ',' && in[1] != '\0')
        return sl_fail(e, SL_MALFORMED, "something stands between a closing quote and the comma");
    *p = in[1] ? in + 2 : NULL;
    *out = '\0';
    return SL_OK;
}

/* Which field each column holds. */
static enum sl_status parse_header(char *p, enum ff_field order[FF_FIELD_COUNT], struct sl_error *e)
{
    unsigned seen = 0;
    for (size_t column = 0; column < FF_FIELD_COUNT; column++) {
        char *name;
        if (!p)
            break;
        enum sl_status status = next_field(&p, &name, e);
        if (status != SL_OK)
            return status;
        for (order[column] = 0; order[column] < FF_FIELD_COUNT && strcmp(ff_field_names[order[column]], name) != 0;)
            order[column]++;
        seen |= 1u << order[column];
    }
    if (p || seen != (1u << FF_FIELD_COUNT) - 1)
        return sl_fail(e, SL_MALFORMED, "want the header name,kind,node,static,expires,addresses (in any order)");
    return SL_OK;
}

static enum sl_status parse_row(char *p, const enum ff_field order[FF_FIELD_COUNT], struct ff_row *row, struct sl_error *e)
{
    for (size_t column = 0; column < FF_FIELD_COUNT; column++) {
        char *field;
        if (!p)
            return sl_fail(e, SL_MALFORMED, "%d fields are wanted, there are %zu", FF_FIELD_COUNT, column);
        enum sl_status status = next_field(&p, &field, e);
        if (status == SL_OK)
            status = ff_field_set(row, order[column], field, e);
        if (status != SL_OK)
            return status;
    }
    return p ? sl_fail(e, SL_MALFORMED, "more than %d fields", FF_FIELD_COUNT) : SL_OK;
}

enum sl_status ff_csv_read(struct ff_reader *r, struct sl_error *e)
{
    enum ff_field order[FF_FIELD_COUNT];
    bool more, headed = false;
    enum sl_status status;
    while ((status = ff_next_line(r, &more, e)) == SL_OK && more) {
        struct ff_row row = {0};
        if (!headed) {
            status = parse_header(r->line, order, e);
            headed = true;
        } else if (r->line[0]) {
            status = parse_row(r->line, order, &row, e);
            if (status == SL_OK)
                status = ff_emit(r, &row, e);
        }
        if (status != SL_OK)
            break;
    }
    return status;
}

/* Names may hold a comma or a quote. */
static void put_quoted(struct sl_text *out, const char *text)
{
    if (!strpbrk(text, ",\"")) {
        sl_text_puts(out, text);
        return;
    }
    sl_text_puts(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            sl_text_puts(out, "\"");
        sl_text_add(out, c, 1);
    }
    sl_text_puts(out, "\"");
}

enum sl_status ff_csv_write(struct sl_text *out, const struct ff_row *row, struct sl_error *e)
{
    (void)e;
    put_quoted(out, nb_name_text(&row->name).text);
    sl_text_printf(out, ",%s,%s,%s,%" PRId64 ",", ff_kind_word(row->kind), ff_node_word(row->node),
                   row->is_static ? "true" : "false", row->expires_s);
    ff_put_addresses(out, row, " ");
    sl_text_puts(out, "\n");
    return SL_OK;
}
