#include "common/files/zone.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/files/reader.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORDS_MAX = 4096, SOA_MINIMUM = 6, TTL_MAX_S = INT32_MAX };

struct zone {
    FILE *in;
    ff_zone_fn *fn;
    void *ctx;
    unsigned line, next_line; /* where the current record begins; the line after what has been read */
    struct sl_text text;      /* its words, each followed by NUL */
    size_t words[WORDS_MAX];  /* where they begin */
    size_t count;
    bool owned; /* the first word stands at the start of the line */
    char origin[FF_ZONE_NAME_MAX], owner[FF_ZONE_NAME_MAX];
    int64_t default_ttl_s, last_ttl_s, soa_ttl_s;
};

/* Types that a zone may hold besides those that are handed out. */
static const char *const other_types[] = {
    "SOA", "NS", "MX", "TXT", "PTR", "CAA", "DNAME", "DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "TLSA", "SSHFP",
    "NAPTR", "HINFO", "SPF", "LOC", "CDS", "CDNSKEY", "HTTPS", "SVCB", "URI", "CERT", "WINS", "WINSR", "WINS-R", "AFSDB", "RP",
    "KEY", "SIG", "OPENPGPKEY", "SMIMEA", "ZONEMD", "DHCID", "ATMA", "ISDN", "RT", "X25", "MB", "MG", "MR", "MINFO", "WKS"};

static const struct {
    const char *word;
    enum ff_zone_type type;
    size_t values; /* words behind the type */
} types[] = {{"A", FF_ZONE_A, 1}, {"AAAA", FF_ZONE_AAAA, 1}, {"CNAME", FF_ZONE_CNAME, 1}, {"SRV", FF_ZONE_SRV, 4}};

/* ---- words -------------------------------------------------------------------------------------------------------- */

static enum sl_status begin_word(struct zone *z, struct sl_error *e)
{
    if (z->count == WORDS_MAX)
        return sl_fail(e, SL_LIMIT, "more than %d words in a record", WORDS_MAX);
    z->words[z->count++] = z->text.len;
    return SL_OK;
}

static void add_octet(struct zone *z, int c)
{
    char octet = (char)c;
    sl_text_add(&z->text, &octet, 1);
}

/* A quoted string, whose first quote has been read; it may go over lines only with escapes. */
static enum sl_status take_quoted(struct zone *z, struct sl_error *e)
{
    int c;
    while ((c = getc_unlocked(z->in)) != '"') {
        if (c == '\\')
            c = getc_unlocked(z->in);
        if (c == EOF || c == '\n' || c == '\0')
            return sl_fail(e, SL_MALFORMED, "a quoted string without an end");
        add_octet(z, c);
    }
    return SL_OK;
}

/* A word that begins with `c`; *ret_next is what ended it. */
static enum sl_status take_word(struct zone *z, int c, int *ret_next, struct sl_error *e)
{
    enum sl_status s = begin_word(z, e);
    for (; s == SL_OK && c != EOF && !strchr(" \t\r\n;()", c); c = getc_unlocked(z->in)) {
        if (c == '"') {
            s = take_quoted(z, e);
            continue;
        }
        if (c == '\\') {
            add_octet(z, c);
            c = getc_unlocked(z->in);
        }
        if (c == EOF || c == '\n')
            return sl_fail(e, SL_MALFORMED, "a backslash at the end of a line");
        add_octet(z, c);
    }
    add_octet(z, '\0');
    *ret_next = c;
    if (s == SL_OK && sl_text_failed(&z->text))
        s = sl_fail(e, SL_LIMIT, "a record longer than %d octets", FF_ZONE_LINE_MAX);
    return s;
}

static int skip_comment(struct zone *z)
{
    int c;
    while ((c = getc_unlocked(z->in)) != EOF && c != '\n')
        ;
    return c;
}

/* Splits the next record into words, parentheses joining its lines; *ret_more is false at the end of the file. */
static enum sl_status next_record(struct zone *z, bool *ret_more, struct sl_error *e)
{
    int depth = 0, c = getc_unlocked(z->in);
    enum sl_status s = SL_OK;
    sl_text_reset(&z->text);
    z->count = 0;
    z->line = z->next_line;
    z->owned = c != ' ' && c != '\t';
    *ret_more = c != EOF;
    while (s == SL_OK && c != EOF && !(c == '\n' && depth == 0)) {
        if (c == '\0')
            return sl_fail(e, SL_MALFORMED, "an octet 00 in a text file");
        if (c == ';') {
            c = skip_comment(z);
            continue;
        }
        if (!strchr(" \t\r\n()", c)) {
            s = take_word(z, c, &c, e);
            continue;
        }
        depth += (c == '(') - (c == ')');
        z->next_line += c == '\n';
        if (depth < 0)
            return sl_fail(e, SL_MALFORMED, "a parenthesis is closed that was not opened");
        c = getc_unlocked(z->in);
    }
    z->next_line++;
    if (s == SL_OK && ferror(z->in))
        return sl_fail(e, SL_IO, "%s", strerror(errno));
    return s == SL_OK && depth ? sl_fail(e, SL_MALFORMED, "a parenthesis is not closed") : s;
}

static const char *word(const struct zone *z, size_t at)
{
    return at < z->count ? z->text.data + z->words[at] : "";
}

/* ---- values ------------------------------------------------------------------------------------------------------- */

/* A name made absolute by the origin, without its final dot. */
static enum sl_status make_name(const struct zone *z, const char *text, char out[FF_ZONE_NAME_MAX], struct sl_error *e)
{
    size_t len = strlen(text), origin_len = strlen(z->origin);
    bool absolute = len && text[len - 1] == '.';
    bool fits;
    if (strcmp(text, "@") == 0)
        return sl_text_copy(out, FF_ZONE_NAME_MAX, z->origin) ? SL_OK : sl_fail(e, SL_LIMIT, "the name is too long");
    if (absolute)
        len--;
    fits = len + (absolute ? 0 : origin_len + 1) < FF_ZONE_NAME_MAX;
    if (!fits || (!len && !absolute))
        return sl_fail(e, SL_MALFORMED, "\"%.60s\" is no name", text);
    memcpy(out, text, len);
    out[len] = '\0';
    if (absolute || !origin_len)
        return SL_OK;
    out[len] = '.';
    memcpy(out + len + 1, z->origin, origin_len + 1);
    return SL_OK;
}

/* Seconds, as a number or with units: "3600", "1h30m", "1W". */
static bool parse_ttl(const char *text, int64_t *ret_s)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    int64_t total = 0;
    if (!isdigit((unsigned char)text[0]))
        return false;
    while (*text) {
        int64_t number = 0;
        if (!isdigit((unsigned char)*text))
            return false;
        for (; isdigit((unsigned char)*text); text++)
            if ((number = number * 10 + (*text - '0')) > TTL_MAX_S)
                return false;
        const char *unit = *text ? strchr(units, tolower((unsigned char)*text)) : units;
        if (!unit)
            return false;
        total += number * seconds[unit - units];
        text += *text != '\0';
        if (total > TTL_MAX_S)
            return false;
    }
    *ret_s = total;
    return true;
}

static bool is_in(const char *const *words, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(words[i], text) == 0)
            return true;
    return false;
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static enum sl_status directive(struct zone *z, struct sl_error *e)
{
    const char *name = word(z, 0), *value = word(z, 1);
    if (z->count != 2)
        return sl_fail(e, SL_MALFORMED, "%.20s: want one value", name);
    if (strcasecmp(name, "$ORIGIN") == 0) {
        char origin[FF_ZONE_NAME_MAX];
        enum sl_status s = make_name(z, value, origin, e);
        if (s == SL_OK)
            memcpy(z->origin, origin, sizeof origin);
        return s;
    }
    if (strcasecmp(name, "$TTL") == 0)
        return parse_ttl(value, &z->default_ttl_s) ? SL_OK : sl_fail(e, SL_MALFORMED, "$TTL: \"%.20s\" is no time", value);
    return sl_fail(e, SL_MALFORMED, "%.20s is not followed: a dump must be read as it stands", name);
}

static enum sl_status take_number(const struct zone *z, size_t at, uint16_t *ret_number, struct sl_error *e)
{
    uint64_t number;
    if (!sl_parse_u64(word(z, at), UINT16_MAX, &number))
        return sl_fail(e, SL_MALFORMED, "SRV: \"%.20s\" is not within 0 and %d", word(z, at), UINT16_MAX);
    *ret_number = (uint16_t)number;
    return SL_OK;
}

static enum sl_status take_address(const char *text, int family, char out[FF_ZONE_NAME_MAX], struct sl_error *e)
{
    uint8_t octets[16];
    if (inet_pton(family, text, octets) != 1 || !inet_ntop(family, octets, out, FF_ZONE_NAME_MAX))
        return sl_fail(e, SL_MALFORMED, "\"%.60s\" is no address", text);
    return SL_OK;
}

/* The values from word `at` on. */
static enum sl_status take_values(const struct zone *z, size_t at, struct ff_zone_record *record, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    switch (record->type) {
    case FF_ZONE_A:
        return take_address(word(z, at), AF_INET, record->target, e);
    case FF_ZONE_AAAA:
        return take_address(word(z, at), AF_INET6, record->target, e);
    case FF_ZONE_CNAME:
        return make_name(z, word(z, at), record->target, e);
    case FF_ZONE_SRV:
        s = take_number(z, at, &record->priority, e);
        if (s == SL_OK)
            s = take_number(z, at + 1, &record->weight, e);
        if (s == SL_OK)
            s = take_number(z, at + 2, &record->port, e);
        return s == SL_OK ? make_name(z, word(z, at + 3), record->target, e) : s;
    }
    return s;
}

static bool is_type_number(const char *text)
{
    uint64_t number;
    return strncasecmp(text, "TYPE", 4) == 0 && sl_parse_u64(text + 4, UINT16_MAX, &number);
}

/* Skips time, class and age in front of the type, in whatever order; returns where the type stands. */
static size_t skip_to_type(const struct zone *z, size_t at, int64_t *ret_ttl_s)
{
    static const char *const classes[] = {"IN", "CH", "HS", "CS"};
    while (at < z->count && (strncasecmp(word(z, at), "[AGE:", 5) == 0 || is_in(classes, SL_COUNT(classes), word(z, at)) ||
                             parse_ttl(word(z, at), ret_ttl_s)))
        at++;
    return at;
}

static int64_t ttl_of(struct zone *z, int64_t own_s)
{
    if (own_s >= 0)
        z->last_ttl_s = own_s;
    else if (z->default_ttl_s >= 0)
        return z->default_ttl_s;
    return z->last_ttl_s >= 0 ? z->last_ttl_s : z->soa_ttl_s;
}

static enum sl_status take_record(struct zone *z, struct sl_error *e)
{
    struct ff_zone_record record = {.ttl_s = FF_ZONE_TTL_UNKNOWN, .line = z->line};
    enum sl_status s = z->owned ? make_name(z, word(z, 0), z->owner, e) : SL_OK;
    if (s != SL_OK)
        return s;
    size_t at = skip_to_type(z, z->owned, &record.ttl_s);
    const char *type = word(z, at);
    record.ttl_s = ttl_of(z, record.ttl_s);
    memcpy(record.owner, z->owner, sizeof record.owner);
    for (size_t i = 0; i < SL_COUNT(types); i++) {
        if (strcasecmp(types[i].word, type) != 0)
            continue;
        if (z->count - at - 1 != types[i].values)
            return sl_fail(e, SL_MALFORMED, "%s: want %zu value%s", type, types[i].values, types[i].values > 1 ? "s" : "");
        record.type = types[i].type;
        s = take_values(z, at + 1, &record, e);
        return s == SL_OK ? z->fn(z->ctx, &record, e) : s;
    }
    if (strcasecmp(type, "SOA") == 0)
        (void)parse_ttl(word(z, at + 1 + SOA_MINIMUM), &z->soa_ttl_s);
    if (is_in(other_types, SL_COUNT(other_types), type) || is_type_number(type))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "\"%.40s\" is no type of a record", type);
}

static enum sl_status read_all(struct zone *z, struct sl_error *e)
{
    bool more;
    enum sl_status s;
    while ((s = next_record(z, &more, e)) == SL_OK && more) {
        if (z->count)
            s = z->owned && word(z, 0)[0] == '$' ? directive(z, e) : take_record(z, e);
        if (s != SL_OK)
            break;
    }
    return s;
}

enum sl_status ff_zone_read_stream(FILE *in, const char *name, ff_zone_fn *fn, void *ctx, struct sl_error *e)
{
    struct zone *z = malloc(sizeof *z);
    if (!z)
        return sl_fail(e, SL_NOMEM, "%s", name);
    *z = (struct zone){.in = in, .fn = fn, .ctx = ctx, .next_line = 1, .text = sl_text_new(FF_ZONE_LINE_MAX),
                       .default_ttl_s = FF_ZONE_TTL_UNKNOWN, .last_ttl_s = FF_ZONE_TTL_UNKNOWN, .soa_ttl_s = FF_ZONE_TTL_UNKNOWN};
    enum sl_status s = read_all(z, e);
    if (s != SL_OK)
        s = sl_fail_in(e, s, "%s:%u", name, z->line);
    sl_text_fini(&z->text);
    free(z);
    return s;
}

enum sl_status ff_zone_read(const char *path, ff_zone_fn *fn, void *ctx, struct sl_error *e)
{
    FILE *in;
    enum sl_status s = sl_file_open(path, &in, e);
    if (s != SL_OK)
        return s;
    s = ff_zone_read_stream(in, path, fn, ctx, e);
    fclose(in);
    return s;
}
