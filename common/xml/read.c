#include "config.h"

#include "common/xml/xml.h"

#include "common/base/assert.h"
#include "common/base/lazy.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#define DOC_MAGIC 0x5c0c0001u

/* As long as fewer octets are left, libxml2 looks for more input before every step. */
enum { ENTITY_MAX = 12, AMP_LEN = 5, AHEAD = 256, ATTR_FIELDS = 5, BLOCK_SIZE = 4096 };

/* ---- what is used of libxml2 ---------------------------------------------------------------------------------------- */

#define XML_TABLE(X)                                                                                                   \
    X(CtxtGetLastError)                                                                                                \
    X(CtxtReadMemory)                                                                                                  \
    X(FreeDoc)                                                                                                         \
    X(FreeParserCtxt)                                                                                                  \
    X(InitParser)                                                                                                      \
    X(NewParserCtxt)                                                                                                   \
    X(StopParser)

struct xml {
#define XML_MEMBER(name) __typeof__(&xml##name) name;
    XML_TABLE(XML_MEMBER)
#undef XML_MEMBER
};

static const struct sl_lazy_symbol xml_symbols[] = {
#define XML_SYMBOL(name) {"xml" #name, offsetof(struct xml, name)},
    XML_TABLE(XML_SYMBOL)
#undef XML_SYMBOL
};

static struct xml xml; /* global: constant once the library is loaded */

static void start_xml(void)
{
    xml.InitParser();
}

static struct sl_lazy library = SL_LAZY(LIBXML_SONAME, xml_symbols, &xml, start_xml); /* global: one for the process */

/* ---- documents ------------------------------------------------------------------------------------------------------ */

/* Memory that is freed at once. */
struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) char octets[];
};

struct attr {
    struct attr *next;
    const char *name, *value;
};

/* A stretch of text between two elements, references or sections. */
struct piece {
    struct piece *next;
    size_t len;
    char text[];
};

struct sx_node {
    const char *name;
    struct attr *attrs, *last_attr;
    struct sx_node *parent, *next, *child, *last_child;
    struct piece *text, *last_text; /* at the end of the element one at most */
};

struct sx_doc {
    uint32_t magic;
    struct block *blocks;
    struct sx_node *root;
};

/* NULL without memory. */
static void *take(struct sx_doc *doc, size_t size)
{
    size_t align = _Alignof(max_align_t), room = (size + align - 1) / align * align;
    struct block *b = doc->blocks;
    if (!b || b->size - b->used < room) {
        size_t wanted = room > BLOCK_SIZE ? room : BLOCK_SIZE;
        b = malloc(sizeof *b + wanted);
        if (!b)
            return NULL;
        *b = (struct block){.next = doc->blocks, .size = wanted};
        doc->blocks = b;
    }
    void *taken = b->octets + b->used;
    b->used += room;
    return taken;
}

static const char *take_text(struct sx_doc *doc, const char *text, size_t len)
{
    char *copy = take(doc, len + 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

void sx_free(struct sx_doc *doc)
{
    if (!doc)
        return;
    SL_CHECK_MAGIC(doc, DOC_MAGIC);
    while (doc->blocks) {
        struct block *b = doc->blocks;
        doc->blocks = b->next;
        free(b);
    }
    doc->magic = 0;
    free(doc);
}

/* ---- bare ampersands --------------------------------------------------------------------------------------------- */

/* True when a character reference or one of the five entities of XML stands at `p`. */
static bool is_entity(const char *p, size_t left)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (size_t i = 0; i < SL_COUNT(known); i++)
        if (left >= strlen(known[i]) && memcmp(p, known[i], strlen(known[i])) == 0)
            return true;
    const char *end = memchr(p, ';', left < ENTITY_MAX ? left : ENTITY_MAX);
    if (!end || end < p + 3 || p[1] != '#')
        return false;
    bool hex = p[2] == 'x';
    size_t from = hex ? 3 : 2, len = (size_t)(end - p) - from;
    const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
    for (size_t i = 0; i < len; i++)
        if (!strchr(digits, p[from + i]) || !p[from + i])
            return false;
    return len > 0;
}

/* The length of a section at `p` in which "&" means itself anyway, 0 when there is none. */
static size_t literal_section(const char *p, size_t left)
{
    static const char *const pairs[][2] = {{"<![CDATA[", "]]>"}, {"<!--", "-->"}};
    for (size_t i = 0; i < SL_COUNT(pairs); i++) {
        size_t open = strlen(pairs[i][0]);
        if (left < open || memcmp(p, pairs[i][0], open) != 0)
            continue;
        for (size_t at = open; at + 3 <= left; at++)
            if (memcmp(p + at, pairs[i][1], 3) == 0)
                return at + 3;
        return left;
    }
    return 0;
}

static void escape_bare(struct sl_text *out, const char *p, size_t len)
{
    for (size_t at = 0, run; at < len; at += run) {
        run = literal_section(p + at, len - at);
        if (run == 0) {
            bool bare = p[at] == '&' && !is_entity(p + at, len - at);
            sl_text_add(out, bare ? "&amp;" : p + at, bare ? AMP_LEN : 1);
            run = 1;
            continue;
        }
        sl_text_add(out, p + at, run);
    }
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

/* A document while libxml2 parses it; ctxt->_private points here. */
struct making {
    struct sx_doc *doc;
    struct sx_node *open; /* the innermost element */
    size_t depth;
    enum sl_status status; /* why we stopped */
};

/* Called by libxml2 with its parser: stops it. */
static void stop(xmlParserCtxt *parser, enum sl_status status)
{
    struct making *m = parser->_private;
    m->status = status;
    xml.StopParser(parser);
}

static void on_dtd(void *ctx, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    stop(ctx, SL_MALFORMED);
}

static struct sx_node *new_node(struct making *m, const char *name)
{
    struct sx_node *n = take(m->doc, sizeof *n), *parent = m->open;
    if (!n)
        return NULL;
    *n = (struct sx_node){.name = take_text(m->doc, name, strlen(name)), .parent = parent};
    if (!parent)
        m->doc->root = n;
    else if (parent->last_child)
        parent->last_child->next = n;
    else
        parent->child = n;
    if (parent)
        parent->last_child = n;
    return n->name ? n : NULL;
}

static bool add_attr(struct sx_doc *doc, struct sx_node *n, const xmlChar *name, const xmlChar *value, const xmlChar *end)
{
    struct attr *a = take(doc, sizeof *a);
    if (!a)
        return false;
    *a = (struct attr){.name = take_text(doc, (const char *)name, strlen((const char *)name)),
                       .value = take_text(doc, (const char *)value, (size_t)(end - value))};
    if (n->last_attr)
        n->last_attr->next = a;
    else
        n->attrs = a;
    n->last_attr = a;
    return a->name && a->value;
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count, const xmlChar **ns,
                     int attr_count, int defaulted, const xmlChar **attrs)
{
    xmlParserCtxt *parser = ctx;
    struct making *m = parser->_private;
    (void)prefix;
    (void)uri;
    (void)ns_count;
    (void)ns;
    (void)defaulted;
    if (m->depth >= SX_DEPTH_MAX) {
        stop(parser, SL_LIMIT);
        return;
    }
    struct sx_node *n = new_node(m, (const char *)name);
    for (int i = 0; n && i < attr_count; i++)
        if (!add_attr(m->doc, n, attrs[ATTR_FIELDS * i], attrs[ATTR_FIELDS * i + 3], attrs[ATTR_FIELDS * i + 4]))
            n = NULL;
    if (!n) {
        stop(parser, SL_NOMEM);
        return;
    }
    m->open = n;
    m->depth++;
}

static struct piece *new_piece(struct sx_doc *doc, size_t len)
{
    struct piece *p = take(doc, sizeof *p + len + 1);
    if (p) {
        *p = (struct piece){.len = len};
        p->text[len] = '\0';
    }
    return p;
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
    xmlParserCtxt *parser = ctx;
    struct making *m = parser->_private;
    struct sx_node *n = m->open;
    if (!n)
        return;
    struct piece *p = new_piece(m->doc, (size_t)len);
    if (!p) {
        stop(parser, SL_NOMEM);
        return;
    }
    memcpy(p->text, text, (size_t)len);
    if (n->last_text)
        n->last_text->next = p;
    else
        n->text = p;
    n->last_text = p;
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    xmlParserCtxt *parser = ctx;
    struct making *m = parser->_private;
    struct sx_node *n = m->open;
    size_t len = 0;
    (void)name;
    (void)prefix;
    (void)uri;
    m->open = n->parent;
    m->depth--;
    if (n->text == n->last_text)
        return;
    for (const struct piece *p = n->text; p; p = p->next)
        len += p->len;
    struct piece *whole = new_piece(m->doc, len);
    if (!whole) {
        stop(parser, SL_NOMEM);
        return;
    }
    len = 0;
    for (const struct piece *p = n->text; p; len += p->len, p = p->next)
        memcpy(whole->text + len, p->text, p->len);
    n->text = n->last_text = whole;
}

static enum sl_status fail_parse(xmlParserCtxt *parser, enum sl_status why, struct sl_error *e)
{
    const xmlError *last = xml.CtxtGetLastError(parser);
    if (why == SL_MALFORMED)
        return sl_fail(e, SL_MALFORMED, "XML: a document type declaration is not accepted");
    if (why == SL_LIMIT)
        return sl_fail(e, SL_LIMIT, "XML: deeper than %d elements", SX_DEPTH_MAX);
    if (why == SL_NOMEM || (last && last->code == XML_ERR_NO_MEMORY))
        return sl_fail(e, SL_NOMEM, "XML: out of memory");
    if (!last || last->code == XML_ERR_OK)
        return sl_fail(e, SL_MALFORMED, "XML: no document");
    size_t len = last->message ? strcspn(last->message, "\n") : 0;
    return sl_fail(e, SL_MALFORMED, "XML, line %d: %.*s", last->line, (int)len, last->message ? last->message : "");
}

/* libxml2 tells what it reads instead of making a tree of it. */
static enum sl_status parse_into(struct making *m, const void *octets, size_t len, struct sl_error *e)
{
    xmlParserCtxt *parser = xml.NewParserCtxt();
    if (!parser)
        return sl_fail(e, SL_NOMEM, "XML: out of memory");
    parser->_private = m;
    *parser->sax = (xmlSAXHandler){.initialized = XML_SAX2_MAGIC,
                                   .internalSubset = on_dtd,
                                   .startElementNs = on_start,
                                   .endElementNs = on_end,
                                   .characters = on_text,
                                   .ignorableWhitespace = on_text};
    /* NOENT: "&amp;" in a value becomes what it means; without a DTD there are no other entities. */
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_NOENT;
    xml.FreeDoc(xml.CtxtReadMemory(parser, len ? octets : "", (int)len, NULL, NULL, options));
    bool is_good = parser->wellFormed && m->status == SL_OK && m->doc->root;
    enum sl_status status = is_good ? SL_OK : fail_parse(parser, m->status, e);
    xml.FreeParserCtxt(parser);
    return status;
}

static enum sl_status parse_octets(const void *octets, size_t len, struct sx_doc **ret_doc, struct sl_error *e)
{
    struct making m = {.doc = calloc(1, sizeof *m.doc)};
    if (!m.doc)
        return sl_fail(e, SL_NOMEM, "XML: out of memory");
    m.doc->magic = DOC_MAGIC;
    enum sl_status status = parse_into(&m, octets, len, e);
    if (status == SL_OK)
        *ret_doc = m.doc;
    else
        sx_free(m.doc);
    return status;
}

static const char blanks[AHEAD] = {[0 ... AHEAD - 1] = ' '}; /* they may follow a document */

enum sl_status sx_parse(const void *octets, size_t len, enum sx_quirks quirks, struct sx_doc **ret_doc, struct sl_error *e)
{
    enum sl_status status = sl_lazy_need(&library, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "XML");
    if (len > SX_INPUT_MAX)
        return sl_fail(e, SL_LIMIT, "XML: longer than %d octets", SX_INPUT_MAX);
    if (!len || memchr(octets, '\0', len)) /* UTF-16 */
        return parse_octets(octets, len, ret_doc, e);
    struct sl_text text = sl_text_new(SX_INPUT_MAX * AMP_LEN + AHEAD);
    sl_text_expect(&text, len + AHEAD);
    if (quirks & SX_BARE_AMPERSAND)
        escape_bare(&text, octets, len);
    else
        sl_text_add(&text, octets, len);
    sl_text_add(&text, blanks, sizeof blanks);
    status = sl_text_failed(&text) ? sl_fail(e, SL_NOMEM, "XML: out of memory") : parse_octets(text.data, text.len, ret_doc, e);
    sl_text_fini(&text);
    return status;
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

struct sx_node *sx_root(struct sx_doc *doc)
{
    SL_CHECK_MAGIC(doc, DOC_MAGIC);
    return doc->root;
}

const char *sx_name(const struct sx_node *node)
{
    return node->name;
}

const char *sx_attr(struct sx_node *node, const char *name)
{
    for (const struct attr *a = node->attrs; a; a = a->next)
        if (strcmp(a->name, name) == 0)
            return a->value;
    return NULL;
}

const char *sx_attr_text(struct sx_node *node, const char *name)
{
    const char *value = node ? sx_attr(node, name) : NULL;
    return value ? value : "";
}

const char *sx_content(struct sx_node *node)
{
    return node->text ? node->text->text : "";
}

static struct sx_node *from(struct sx_node *node, const char *name)
{
    while (node && name && strcmp(node->name, name) != 0)
        node = node->next;
    return node;
}

struct sx_node *sx_child(struct sx_node *node, const char *name)
{
    return from(node->child, name);
}

struct sx_node *sx_next(struct sx_node *node, const char *name)
{
    return from(node->next, name);
}

/* The depth is bounded by the parser. */
struct sx_node *sx_find(struct sx_node *node, const char *name)
{
    for (struct sx_node *child = sx_child(node, NULL); child; child = sx_next(child, NULL)) {
        if (strcmp(sx_name(child), name) == 0)
            return child;
        struct sx_node *below = sx_find(child, name);
        if (below)
            return below;
    }
    return NULL;
}
