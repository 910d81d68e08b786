/*
 * wins.dat of nmbd: `"NAME#1b" EXPIRY ADDRESS... FLAGS` after a version line; flags are hexadecimal with R or S behind. nmbd
 * writes a name as it is, quotes, backslashes, control octets and line ends too, but takes the octets from 80 up for letters of
 * code page 850 and writes those in UTF-8. Here they are read so; `\xNN` is what this registry writes instead.
 */
#include "common/files/reader.h"

#include <inttypes.h>
#include <string.h>

enum {
    FLAG_GROUP = 0x80,
    FLAG_NODE_SHIFT = 5,
    FLAG_ACTIVE = 0x04,
    FLAG_PERMANENT = 0x02,
    WORDS_MAX = FF_ADDRESSES_MAX + 2,
    SPELLED_MAX = 4 * FF_LINE_MAX + 1,
    CUT_MAX = NB_NAME_LEN - 1, /* octets of a line that ends within a name */
};

static const char version_line[] = "VERSION 1";

/* What the octets 80 to ff are in code page 850. */
static const uint16_t letters[] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec,
    0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00f8,
    0x00a3, 0x00d8, 0x00d7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x00ae,
    0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x00c1, 0x00c2, 0x00c0,
    0x00a9, 0x2563, 0x2551, 0x2557, 0x255d, 0x00a2, 0x00a5, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c,
    0x00e3, 0x00c3, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x00a4, 0x00f0, 0x00d0, 0x00ca, 0x00cb,
    0x00c8, 0x0131, 0x00cd, 0x00ce, 0x00cf, 0x2518, 0x250c, 0x2588, 0x2584, 0x00a6, 0x00cc, 0x2580, 0x00d3, 0x00df,
    0x00d4, 0x00d2, 0x00f5, 0x00d5, 0x00b5, 0x00fe, 0x00de, 0x00da, 0x00db, 0x00d9, 0x00fd, 0x00dd, 0x00af, 0x00b4,
    0x00ad, 0x00b1, 0x2017, 0x00be, 0x00b6, 0x00a7, 0x00f7, 0x00b8, 0x00b0, 0x00a8, 0x00b7, 0x00b9, 0x00b3, 0x00b2,
    0x25a0, 0x00a0,
};

/* The octet that the letter at *p stands for; an octet that belongs to none of those letters stands for itself. */
static uint8_t take_octet(const char **p)
{
    const uint8_t *c = (const uint8_t *)*p;
    unsigned letter = 0, len = 1;
    if ((c[0] & 0xe0) == 0xc0 && (c[1] & 0xc0) == 0x80) {
        letter = (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
        len = 2;
    } else if ((c[0] & 0xf0) == 0xe0 && (c[1] & 0xc0) == 0x80 && (c[2] & 0xc0) == 0x80) {
        letter = (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
        len = 3;
    }
    for (size_t i = 0; len > 1 && i < SL_COUNT(letters); i++)
        if (letters[i] == letter) {
            *p += len;
            return (uint8_t)(0x80 + i);
        }
    ++*p;
    return c[0];
}

static bool is_coded(const char *p)
{
    uint8_t value;
    size_t len;
    return p[0] == '\\' && p[1] == 'x' && p[2] && p[3] && sl_parse_hex((const char[]){p[2], p[3], '\0'}, &value, 1, &len);
}

/* The text of a name as nb_name_parse takes it. */
static void spell(const char *raw, struct sl_text *out)
{
    while (*raw) {
        if (is_coded(raw)) {
            sl_text_add(out, raw, 4);
            raw += 4;
            continue;
        }
        uint8_t octet = take_octet(&raw);
        if (octet >= 0x20 && octet <= 0x7e && octet != '\\')
            sl_text_add(out, &octet, 1);
        else
            sl_text_printf(out, "\\x%02x", octet);
    }
}

static enum sl_status parse_name(char **p, struct ff_row *row, struct sl_error *e)
{
    char *end = strrchr(*p, '"');
    if (**p != '"' || end == *p)
        return sl_fail(e, SL_MALFORMED, "want \"NAME#XX\" EXPIRY ADDRESS... FLAGS");
    *end = '\0';
    struct sl_text text = sl_text_new(SPELLED_MAX);
    spell(*p + 1, &text);
    enum sl_status status = nb_name_parse(sl_text_str(&text), &row->name, e);
    sl_text_fini(&text);
    if (status != SL_OK)
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

/* A name with a line end in it goes on in the next line; true for what can only be the beginning of one. */
static bool is_cut(const char *line)
{
    return line[0] == '"' && strlen(line) <= CUT_MAX && !strchr(line + 1, '"');
}

/* The next line, with the rest of a name that was cut. */
static enum sl_status next_line(struct ff_reader *r, bool *ret_more, struct sl_error *e)
{
    char begun[FF_LINE_MAX + 2];
    enum sl_status status = ff_next_line(r, ret_more, e);
    while (status == SL_OK && *ret_more && is_cut(r->line)) {
        size_t len = strlen(r->line);
        memcpy(begun, r->line, len);
        status = ff_next_line(r, ret_more, e);
        size_t rest = strlen(r->line);
        if (status != SL_OK || !*ret_more || len + 1 + rest > FF_LINE_MAX)
            return status == SL_OK ? sl_fail(e, SL_MALFORMED, "the name in the line before has no closing quote") : status;
        memmove(r->line + len + 1, r->line, rest + 1);
        memcpy(r->line, begun, len);
        r->line[len] = '\n';
    }
    return status;
}

enum sl_status ff_winsdat_read(struct ff_reader *r, struct sl_error *e)
{
    bool more, versioned = false, self = false;
    enum sl_status status;
    while ((status = next_line(r, &more, e)) == SL_OK && more) {
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
        if (status == SL_OK && self)
            r->own++;
        else if (status == SL_OK)
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
