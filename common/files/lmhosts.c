/* LMHOSTS as WINS servers import it: `ADDRESS NAME #KEYWORD...`. A name without a type stands for the types 00, 03 and 20. */
#include "common/files/reader.h"

#include "common/base/addr.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_LEN = 1024, NODE_H = 3, QUOTED_MAX = 64 };

/* A block of alternates: the first that can be opened counts. */
struct block {
    bool open, served;
    unsigned tried;
};

struct line {
    char *name;
    bool quoted;
    uint8_t octets[QUOTED_MAX]; /* of a quoted name */
    size_t len;
    bool typed; /* the last octet is the type */
    const char *domain;
    bool group, mhomed;
};

/* ---- lines with an address ---------------------------------------------------------------------------------------- */

static int hex(char c)
{
    uint8_t value;
    size_t len;
    return sl_parse_hex((const char[]){'0', c, '\0'}, &value, sizeof value, &len) ? value : -1;
}

/*
 * The last octet of a name of 16 is its type, and so is one that is written as a code: people count blanks wrong, and the example
 * that Windows comes with has one too many.
 */
static enum sl_status set_type(struct line *l, bool coded, struct sl_error *e)
{
    uint8_t type = l->len ? l->octets[l->len - 1] : 0;
    l->typed = coded || l->len == NB_NAME_LEN;
    if (coded) {
        l->len--;
        while (l->len >= NB_NAME_LEN && l->octets[l->len - 1] == ' ')
            l->len--;
        while (l->len < NB_NAME_LEN - 1)
            l->octets[l->len++] = ' ';
        l->octets[l->len++] = type;
    }
    return l->len <= NB_NAME_LEN ? SL_OK : sl_fail(e, SL_MALFORMED, "a quoted name has at most %d octets", NB_NAME_LEN);
}

/* `"NAME           \0x1b"`. */
static enum sl_status parse_quoted(char **p, struct line *l, struct sl_error *e)
{
    const char *c = *p + 1;
    bool coded = false;
    l->quoted = true;
    while (*c && *c != '"') {
        if (l->len == QUOTED_MAX)
            return sl_fail(e, SL_MALFORMED, "a quoted name has at most %d octets", NB_NAME_LEN);
        coded = c[0] == '\\' && c[1] == '0' && (c[2] == 'x' || c[2] == 'X') && hex(c[3]) >= 0 && hex(c[4]) >= 0;
        l->octets[l->len++] = (uint8_t)(coded ? hex(c[3]) << 4 | hex(c[4]) : *c);
        c += coded ? 5 : 1;
    }
    if (*c != '"')
        return sl_fail(e, SL_MALFORMED, "the name has no closing quote");
    *p += c + 1 - *p;
    return set_type(l, coded, e);
}

/* What stands behind the name; an unknown word that begins with # is a comment up to the end of the line. */
static enum sl_status parse_keywords(char *p, struct line *l, struct sl_error *e)
{
    for (char *word = ff_word(&p); word; word = ff_word(&p)) {
        sl_text_upper(word);
        if (strcmp(word, "#PRE") == 0)
            continue;
        if (strncmp(word, "#DOM:", 5) == 0 && word[5])
            l->domain = word + 5;
        else if (strcmp(word, "#MH") == 0)
            l->mhomed = true;
        else if (strcmp(word, "#SG") == 0 || strncmp(word, "#SG:", 4) == 0)
            l->group = true;
        else if (word[0] == '#')
            return SL_OK;
        else
            return sl_fail(e, SL_MALFORMED, "\"%s\" is no keyword", word);
    }
    return SL_OK;
}

static enum ff_kind kind_of(const struct line *l)
{
    return l->group ? FF_SGROUP : l->mhomed ? FF_MHOMED : FF_UNIQUE;
}

static enum sl_status emit_typed(struct ff_reader *r, const struct line *l, struct ff_row *row, struct sl_error *e)
{
    if (l->typed) {
        memcpy(row->name.octets, l->octets, NB_NAME_LEN);
        return ff_emit(r, row, e);
    }
    char text[NB_NAME_LEN + 1] = {0};
    memcpy(text, l->octets, l->len);
    if (strlen(text) != l->len)
        return sl_fail(e, SL_MALFORMED, "a name with an octet 00 needs all its %d octets", NB_NAME_LEN);
    return ff_emit_machine(r, text, row, e);
}

/* "NAME" or "NAME#20". */
static enum sl_status emit_plain(struct ff_reader *r, const struct line *l, struct ff_row *row, struct sl_error *e)
{
    sl_text_upper(l->name);
    if (!strchr(l->name, '#'))
        return ff_emit_machine(r, l->name, row, e);
    if (nb_name_parse(l->name, &row->name, e) != SL_OK)
        return SL_MALFORMED;
    return ff_emit(r, row, e);
}

static enum sl_status emit_line(struct ff_reader *r, const struct line *l, struct ff_row *row, struct sl_error *e)
{
    row->kind = kind_of(l);
    enum sl_status status = l->quoted ? emit_typed(r, l, row, e) : emit_plain(r, l, row, e);
    if (status != SL_OK || !l->domain)
        return status;
    row->kind = FF_SGROUP;
    if (!nb_name_make(l->domain, NB_DOMAIN_GROUP, &row->name))
        return sl_fail(e, SL_MALFORMED, "the domain \"%s\" is longer than %d octets", l->domain, NB_NAME_LEN - 1);
    return ff_emit(r, row, e);
}

static enum sl_status parse_line(struct ff_reader *r, char *p, struct sl_error *e)
{
    struct ff_row row = {.node = NODE_H, .is_static = true};
    struct line l = {0};
    enum sl_status status = ff_add_address(&row, ff_word(&p), e);
    if (status != SL_OK)
        return status;
    p += strspn(p, " \t");
    if (*p == '"')
        status = parse_quoted(&p, &l, e);
    else if (!(l.name = ff_word(&p)) || l.name[0] == '#')
        status = sl_fail(e, SL_MALFORMED, "no name behind the address");
    if (status == SL_OK)
        status = parse_keywords(p, &l, e);
    return status == SL_OK ? emit_line(r, &l, &row, e) : status;
}

/* ---- other files --------------------------------------------------------------------------------------------------- */

/* A relative path is seen from the file that names it. */
static enum sl_status resolve(const struct ff_reader *r, const char *name, char out[PATH_LEN], struct sl_error *e)
{
    const char *slash = strrchr(r->place.file, '/');
    int folder = name[0] == '/' || !slash ? 0 : (int)(slash + 1 - r->place.file);
    int len = snprintf(out, PATH_LEN, "%.*s%s", folder, r->place.file, name);
    return len < PATH_LEN ? SL_OK : sl_fail(e, SL_MALFORMED, "the path of #INCLUDE is longer than %d octets", PATH_LEN - 1);
}

static enum sl_status include(struct ff_reader *r, char *p, struct block *block, struct sl_error *e)
{
    char path[PATH_LEN];
    char *name = ff_word(&p);
    if (!name)
        return sl_fail(e, SL_MALFORMED, "#INCLUDE without a file");
    if (r->standalone)
        return sl_fail(e, SL_MALFORMED, "#INCLUDE in a stream: it is followed in files only");
    if (block->open && block->served)
        return SL_OK;
    enum sl_status status = resolve(r, name, path, e);
    if (status == SL_OK)
        status = ff_include(r, path, e);
    block->tried++;
    block->served = block->served || status == SL_OK;
    bool next = block->open && (status == SL_IO || status == SL_DENIED);
    return next ? SL_OK : status;
}

static enum sl_status end_block(struct block *block, struct sl_error *e)
{
    struct block was = *block;
    *block = (struct block){0};
    if (!was.open)
        return sl_fail(e, SL_MALFORMED, "#END_ALTERNATE without #BEGIN_ALTERNATE");
    return was.tried && !was.served ? sl_fail(e, SL_MALFORMED, "none of the alternates can be read") : SL_OK;
}

/* A line that begins with #: a directive or a comment. */
static enum sl_status directive(struct ff_reader *r, char *p, struct block *block, struct sl_error *e)
{
    char *word = ff_word(&p);
    if (sl_text_iequal(word, "#INCLUDE"))
        return include(r, p, block, e);
    if (sl_text_iequal(word, "#END_ALTERNATE"))
        return end_block(block, e);
    if (!sl_text_iequal(word, "#BEGIN_ALTERNATE"))
        return SL_OK;
    if (block->open)
        return sl_fail(e, SL_MALFORMED, "#BEGIN_ALTERNATE inside a block");
    block->open = true;
    return SL_OK;
}

enum sl_status ff_lmhosts_read(struct ff_reader *r, struct sl_error *e)
{
    struct block block = {0};
    bool more;
    enum sl_status status;
    while ((status = ff_next_line(r, &more, e)) == SL_OK && more) {
        char *p = r->line + strspn(r->line, " \t");
        if (*p == '#')
            status = directive(r, p, &block, e);
        else if (*p)
            status = parse_line(r, p, e);
        if (status != SL_OK)
            return status;
    }
    if (status == SL_OK && block.open)
        return sl_fail(e, SL_MALFORMED, "the block of #BEGIN_ALTERNATE has no end");
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void put_octet(struct sl_text *out, uint8_t octet)
{
    if (octet >= 0x20 && octet <= 0x7e && octet != '"' && octet != '\\')
        sl_text_add(out, &octet, 1);
    else
        sl_text_printf(out, "\\0x%02x", octet);
}

enum sl_status ff_lmhosts_write(struct sl_text *out, const struct ff_row *row, struct sl_error *e)
{
    static const char *const keywords[FF_KIND_COUNT] = {[FF_UNIQUE] = "", [FF_SGROUP] = " #SG", [FF_MHOMED] = " #MH"};
    enum sl_status status = ff_no_scope(row, e);
    if (status != SL_OK)
        return status;
    if (row->kind == FF_GROUP)
        return sl_fail(e, SL_UNSUPPORTED, "%s: LMHOSTS has no normal groups", nb_name_text(&row->name).text);
    for (size_t i = 0; i < row->address_count; i++) {
        sl_text_printf(out, "%s \"", sl_ip4_text(row->addresses[i]).text);
        for (size_t at = 0; at + 1 < NB_NAME_LEN; at++)
            put_octet(out, row->name.octets[at]);
        sl_text_printf(out, "\\0x%02x\"%s\n", nb_name_suffix(&row->name), keywords[row->kind]);
    }
    return SL_OK;
}
