/* wins.dat of nmbd: `"NAME#1b" EXPIRY ADDRESS... FLAGS` after a version line; flags are hexadecimal with R or S behind. */
#include "common/files/reader.h"

#include <inttypes.h>
#include <string.h>

enum { FLAG_GROUP = 0x80, FLAG_NODE_SHIFT = 5, FLAG_ACTIVE = 0x04, FLAG_PERMANENT = 0x02, WORDS_MAX = FF_ADDRESSES_MAX + 2 };

static const char version_line[] = "VERSION 1";

static enum sl_status parse_name(char **p, struct ff_row *row, struct sl_error *e)
{
    char *end = strrchr(*p, '"');
    if (**p != '"' || end == *p)
        return sl_fail(e, SL_MALFORMED, "want \"NAME#XX\" EXPIRY ADDRESS... FLAGS");
    *end = '\0';
    if (nb_name_parse(*p + 1, &row->name, e) != SL_OK)
        return SL_MALFORMED;
    *p = end + 1;
    return row->name.scope_len ? sl_fail(e, SL_MALFORMED, "a scope in wins.dat") : SL_OK;
}

/* The number of up to four hexadecimal digits. */
static bool parse_hex(const char *digits, size_t len, unsigned *ret_value)
{
    char text[5] = "0000";
    uint8_t octets[2];
    size_t count;
    if (len == 0 || len > 4)
        return false;
    memcpy(text + 4 - len, digits, len);
    if (!sl_parse_hex(text, octets, sizeof octets, &count))
        return false;
    *ret_value = (unsigned)octets[0] << 8 | octets[1];
    return true;
}

/* Takes "44R"; *ret_self for the server's own names, which it registers anew at each start. */
static enum sl_status parse_flags(const char *text, struct ff_row *row, bool *ret_self, struct sl_error *e)
{
    size_t len = strlen(text) - 1;
    unsigned flags;
    if ((text[len] != 'R' && text[len] != 'S') || !parse_hex(text, len, &flags))
        return sl_fail(e, SL_MALFORMED, "\"%s\" are no flags: hexadecimal digits, then R or S", text);
    *ret_self = text[len] == 'S';
    row->node = (flags >> FLAG_NODE_SHIFT) & 3;
    if (flags & FLAG_GROUP)
        row->kind = row->address_count ? FF_SGROUP : FF_GROUP;
    else
        row->kind = row->address_count > 1 ? FF_MHOMED : FF_UNIQUE;
    row->is_static = row->expires_s == 0;
    return SL_OK;
}

static enum sl_status parse_line(char *line, struct ff_row *row, bool *ret_self, struct sl_error *e)
{
    char *words[WORDS_MAX + 1], *p = line;
    size_t count = 0;
    enum sl_status status = parse_name(&p, row, e);
    if (status != SL_OK)
        return status;
    while (count <= WORDS_MAX && (words[count] = ff_word(&p)))
        count++;
    if (count > WORDS_MAX)
        return sl_fail(e, SL_MALFORMED, "more than %d addresses", FF_ADDRESSES_MAX);
    if (count < 3)
        return sl_fail(e, SL_MALFORMED, "want an expiry, addresses and flags behind the name");
    if (!sl_parse_i64(words[0], 0, FF_TIME_MAX, &row->expires_s))
        return sl_fail(e, SL_MALFORMED, "\"%s\" is no expiry", words[0]);
    for (size_t i = 1; i + 1 < count && status == SL_OK; i++)
        status = ff_add_address(row, words[i], e);
    return status == SL_OK ? parse_flags(words[count - 1], row, ret_self, e) : status;
}

enum sl_status ff_winsdat_read(struct ff_reader *r, struct sl_error *e)
{
    bool more, versioned = false, self = false;
    enum sl_status status;
    while ((status = ff_next_line(r, &more, e)) == SL_OK && more) {
        if (r->line[0] == '\0' || r->line[0] == '#')
            continue;
        if (!versioned) {
            if (strncmp(r->line, version_line, sizeof version_line - 1) != 0)
                return sl_fail(e, SL_MALFORMED, "want \"%s ...\" in the first line", version_line);
            versioned = true;
            continue;
        }
        struct ff_row row = {0};
        status = parse_line(r->line, &row, &self, e);
        if (status == SL_OK && !self)
            status = ff_emit(r, &row, e);
        if (status != SL_OK)
            break;
    }
    if (status == SL_OK && !versioned)
        status = sl_fail(e, SL_MALFORMED, "no line \"%s ...\": not a whole wins.dat", version_line);
    return status;
}

enum sl_status ff_winsdat_write(struct sl_text *out, const struct ff_row *row, struct sl_error *e)
{
    enum sl_status status = ff_no_scope(row, e);
    if (status != SL_OK)
        return status;
    bool group = row->kind == FF_GROUP || row->kind == FF_SGROUP;
    int64_t expires_s = row->is_static ? 0 : row->expires_s;
    sl_text_puts(out, "\"");
    ff_put_name(out, &row->name);
    sl_text_printf(out, "\" %" PRId64 " ", expires_s);
    ff_put_addresses(out, row, " ");
    unsigned flags = (group ? FLAG_GROUP : 0u) | (unsigned)row->node << FLAG_NODE_SHIFT | FLAG_ACTIVE;
    sl_text_printf(out, " %xR\n", flags | (expires_s ? 0 : FLAG_PERMANENT));
    return SL_OK;
}
