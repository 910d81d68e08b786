#include "common/files/ldif.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/files/reader.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUES_START = 64 };

/* A value of the entry being read: offsets into its octets, which still grow. */
struct slot {
    size_t attr, data, len;
};

/* What the lines up to the next empty one belong to. */
enum record { RECORD_NONE, RECORD_ENTRY, RECORD_REFERENCE, RECORD_RESULT };

struct ldif {
    FILE *in;
    const char *name;
    ff_ldif_fn *fn;
    void *ctx;
    unsigned line, next_line; /* where the current unfolded line begins, and the one after it */
    struct sl_text text;      /* the current unfolded line */
    enum record record;
    unsigned dn_line;
    struct sl_text octets; /* of the entry: its dn, then attribute and value in turn, each followed by NUL */
    struct slot *slots;
    size_t count, room;
    bool cut;
};

/* ---- lines -------------------------------------------------------------------------------------------------------- */

/* Appends a physical line without its end. */
static enum sl_status take_line(struct ldif *r, int *ret_last, struct sl_error *e)
{
    int c;
    while ((c = getc_unlocked(r->in)) != EOF && c != '\n') {
        char octet = (char)c;
        if (c == '\0')
            return sl_fail(e, SL_MALFORMED, "an octet 00 in a text file (UTF-16 is not read)");
        sl_text_add(&r->text, &octet, 1);
    }
    if (c == EOF && ferror(r->in))
        return sl_fail(e, SL_IO, "%s", strerror(errno));
    if (sl_text_failed(&r->text))
        return sl_fail(e, SL_LIMIT, "the line is longer than %d octets", FF_LDIF_LINE_MAX);
    if (r->text.len && r->text.data[r->text.len - 1] == '\r')
        r->text.data[--r->text.len] = '\0';
    r->next_line++;
    *ret_last = c;
    return SL_OK;
}

/* The next unfolded line; *ret_more is false at the end of the file. */
static enum sl_status next_line(struct ldif *r, bool *ret_more, struct sl_error *e)
{
    int last, next = EOF;
    sl_text_reset(&r->text);
    r->line = r->next_line;
    enum sl_status s = take_line(r, &last, e);
    while (s == SL_OK && last != EOF && r->text.len && (next = getc_unlocked(r->in)) == ' ')
        s = take_line(r, &last, e);
    if (s == SL_OK && last != EOF && r->text.len && next != EOF)
        (void)ungetc(next, r->in);
    *ret_more = last != EOF || r->text.len;
    return s;
}

static void skip_byte_order_mark(struct ldif *r)
{
    static const int mark[] = {0xef, 0xbb, 0xbf};
    int c = getc(r->in);
    if (c == mark[0] && (getc(r->in) != mark[1] || getc(r->in) != mark[2]))
        rewind(r->in);
    else if (c != mark[0] && c != EOF)
        (void)ungetc(c, r->in);
}

/* ---- values ------------------------------------------------------------------------------------------------------- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Decodes RFC 4648 section 4, padding required, into `out`; false on anything else. */
static bool decode_base64(const char *text, struct sl_text *out)
{
    size_t len = strlen(text), padding = 0;
    if (len % 4)
        return false;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t bits = 0;
        size_t digits = i + 4 == len ? 4 - padding : 4;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < digits ? base64_digit(text[i + k]) : 0;
            if (digit < 0)
                return false;
            bits = bits << 6 | (uint32_t)digit;
        }
        const uint8_t octets[] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
        sl_text_add(out, octets, digits - 1);
    }
    return true;
}

static bool is_attribute(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;=_*";
    return len && strspn(text, allowed) >= len;
}

/* Appends the value behind the colon at `text`, and a NUL; *ret_len is its length. */
static enum sl_status add_value(struct ldif *r, const char *text, size_t *ret_len, struct sl_error *e)
{
    size_t before = r->octets.len;
    bool coded = *text == ':';
    if (*text == '<')
        return sl_fail(e, SL_MALFORMED, "a value that stands elsewhere (\":<\"): a dump must hold its values itself");
    text += coded;
    text += strspn(text, " ");
    if (!coded)
        sl_text_puts(&r->octets, text);
    else if (!decode_base64(text, &r->octets))
        return sl_fail(e, SL_MALFORMED, "the value is not base64");
    *ret_len = r->octets.len - before;
    sl_text_add(&r->octets, "", 1);
    if (sl_text_failed(&r->octets))
        return sl_fail(e, SL_LIMIT, "the entry is longer than %d octets", FF_LDIF_ENTRY_MAX);
    return SL_OK;
}

static enum sl_status add_attribute(struct ldif *r, size_t name_len, struct sl_error *e)
{
    struct slot slot = {.attr = r->octets.len};
    if (r->count == FF_LDIF_VALUES_MAX)
        return sl_fail(e, SL_LIMIT, "the entry has more than %d values", FF_LDIF_VALUES_MAX);
    sl_text_add(&r->octets, r->text.data, name_len);
    sl_text_add(&r->octets, "", 1);
    slot.data = r->octets.len;
    enum sl_status s = add_value(r, r->text.data + name_len + 1, &slot.len, e);
    if (s != SL_OK)
        return s;
    if (r->count == r->room) {
        r->room = r->room ? r->room * 2 : VALUES_START;
        r->slots = sl_resize(r->slots, r->room, sizeof *r->slots);
    }
    r->slots[r->count++] = slot;
    return SL_OK;
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static enum sl_status end_record(struct ldif *r, struct sl_error *e)
{
    enum record ended = r->record;
    r->record = RECORD_NONE;
    if (ended != RECORD_ENTRY)
        return SL_OK;
    struct ff_ldif_value *values = sl_new_array(r->count + 1, sizeof *values);
    struct ff_ldif_entry entry = {.dn = r->octets.data, .values = values, .count = r->count, .line = r->dn_line};
    for (size_t i = 0; i < r->count; i++)
        values[i] = (struct ff_ldif_value){r->octets.data + r->slots[i].attr, r->octets.data + r->slots[i].data, r->slots[i].len};
    enum sl_status s = r->fn(r->ctx, &entry, e);
    if (s != SL_OK)
        r->line = r->dn_line;
    free(values);
    return s;
}

static enum sl_status begin_entry(struct ldif *r, const char *value, struct sl_error *e)
{
    size_t len;
    sl_text_reset(&r->octets);
    r->count = 0;
    r->dn_line = r->line;
    r->record = RECORD_ENTRY;
    enum sl_status s = add_value(r, value, &len, e);
    if (s == SL_OK && strlen(r->octets.data) != len)
        s = sl_fail(e, SL_MALFORMED, "an octet 00 in a dn");
    return s;
}

/* True when the line begins with this attribute. */
static bool is_named(const struct ldif *r, size_t name_len, const char *name)
{
    return strlen(name) == name_len && strncasecmp(r->text.data, name, name_len) == 0;
}

static enum sl_status first_line(struct ldif *r, size_t name_len, const char *value, struct sl_error *e)
{
    if (is_named(r, name_len, "dn"))
        return begin_entry(r, value, e);
    if (is_named(r, name_len, "version"))
        return strcmp(value + strspn(value, " "), "1") == 0 ? SL_OK : sl_fail(e, SL_MALFORMED, "only version 1 of LDIF is known");
    if (is_named(r, name_len, "ref"))
        r->record = RECORD_REFERENCE;
    else if (is_named(r, name_len, "search"))
        r->record = RECORD_RESULT;
    else
        return sl_fail(e, SL_MALFORMED, "an entry begins with \"dn:\"");
    return SL_OK;
}

static enum sl_status entry_line(struct ldif *r, size_t name_len, const char *value, struct sl_error *e)
{
    if (!is_named(r, name_len, "changetype"))
        return add_attribute(r, name_len, e);
    value += strspn(value, " ");
    if (sl_text_iequal(value, "add"))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "changetype %.20s: a change is no entry of a dump", value);
}

static enum sl_status parse_line(struct ldif *r, struct sl_error *e)
{
    const char *text = sl_text_str(&r->text);
    size_t name_len = strcspn(text, ":");
    if (!text[0])
        return end_record(r, e);
    if (text[0] == '#' || r->record == RECORD_REFERENCE)
        return SL_OK;
    if (text[name_len] != ':' || !is_attribute(text, name_len))
        return sl_fail(e, SL_MALFORMED, "want \"attribute: value\"");
    const char *value = text + name_len + 1;
    if (r->record == RECORD_NONE)
        return first_line(r, name_len, value, e);
    if (r->record == RECORD_ENTRY)
        return entry_line(r, name_len, value, e);
    value += strspn(value, " ");
    if (is_named(r, name_len, "result"))
        r->cut = r->cut || strncmp(value, "0 ", 2) != 0;
    return SL_OK;
}

static enum sl_status read_all(struct ldif *r, struct sl_error *e)
{
    bool more;
    enum sl_status s;
    skip_byte_order_mark(r);
    while ((s = next_line(r, &more, e)) == SL_OK && more) {
        s = parse_line(r, e);
        if (s != SL_OK)
            return s;
    }
    return s == SL_OK ? end_record(r, e) : s;
}

enum sl_status ff_ldif_read_stream(FILE *in, const char *name, ff_ldif_fn *fn, void *ctx, bool *ret_cut, struct sl_error *e)
{
    struct ldif r = {.in = in, .name = name, .fn = fn, .ctx = ctx, .next_line = 1, .text = sl_text_new(FF_LDIF_LINE_MAX),
                     .octets = sl_text_new(FF_LDIF_ENTRY_MAX)};
    enum sl_status s = read_all(&r, e);
    sl_text_fini(&r.text);
    sl_text_fini(&r.octets);
    free(r.slots);
    if (s != SL_OK)
        return sl_fail_in(e, s, "%s:%u", name, r.line);
    *ret_cut = r.cut;
    return SL_OK;
}

enum sl_status ff_ldif_read(const char *path, ff_ldif_fn *fn, void *ctx, bool *ret_cut, struct sl_error *e)
{
    FILE *in;
    enum sl_status s = sl_file_open(path, &in, e);
    if (s != SL_OK)
        return s;
    s = ff_ldif_read_stream(in, path, fn, ctx, ret_cut, e);
    fclose(in);
    return s;
}
