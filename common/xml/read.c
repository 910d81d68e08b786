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
enum { ENTITY_MAX = 12, AMP_LEN = 5, AHEAD = 256 };

/* A string that a node does not hold in one piece. */
struct joined {
    struct joined *next;
    char text[];
};

/* ---- what is used of libxml2 ---------------------------------------------------------------------------------------- */

#define XML_TABLE(X)                                                                                                   \
    X(CtxtGetLastError)                                                                                                \
    X(CtxtReadMemory)                                                                                                  \
    X(DocGetRootElement)                                                                                               \
    X(Free)                                                                                                            \
    X(FreeDoc)                                                                                                         \
    X(FreeParserCtxt)                                                                                                  \
    X(InitParser)                                                                                                      \
    X(NewParserCtxt)                                                                                                   \
    X(NodeListGetString)                                                                                               \
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

struct sx_doc {
    uint32_t magic;
    xmlDoc *tree; /* its _private points back here */
    struct joined *strings;
};

/* What our handlers need while libxml2 parses; ctxt->_private points here. */
struct watch {
    startElementNsSAX2Func start;
    bool dtd;
    bool deep;
};

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

static void on_dtd(void *ctx, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
    (void)name;
    (void)public_id;
    (void)system_id;
    xmlParserCtxt *parser = ctx;
    struct watch *watch = parser->_private;
    watch->dtd = true;
    xml.StopParser(parser);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count, const xmlChar **ns,
                     int attr_count, int defaulted, const xmlChar **attrs)
{
    xmlParserCtxt *parser = ctx;
    struct watch *watch = parser->_private;
    if (parser->nodeNr >= SX_DEPTH_MAX) {
        watch->deep = true;
        xml.StopParser(parser);
        return;
    }
    watch->start(ctx, name, prefix, uri, ns_count, ns, attr_count, defaulted, attrs);
}

static enum sl_status fail_parse(xmlParserCtxt *parser, const struct watch *watch, struct sl_error *e)
{
    if (watch->dtd)
        return sl_fail(e, SL_MALFORMED, "XML: a document type declaration is not accepted");
    if (watch->deep)
        return sl_fail(e, SL_LIMIT, "XML: deeper than %d elements", SX_DEPTH_MAX);
    const xmlError *last = xml.CtxtGetLastError(parser);
    if (!last || last->code == XML_ERR_OK)
        return sl_fail(e, SL_MALFORMED, "XML: no document");
    if (last->code == XML_ERR_NO_MEMORY)
        return sl_fail(e, SL_NOMEM, "XML: out of memory");
    size_t len = last->message ? strcspn(last->message, "\n") : 0;
    return sl_fail(e, SL_MALFORMED, "XML, line %d: %.*s", last->line, (int)len, last->message ? last->message : "");
}

static enum sl_status wrap(xmlDoc *tree, struct sx_doc **ret_doc, struct sl_error *e)
{
    struct sx_doc *doc = calloc(1, sizeof *doc);
    if (!doc) {
        xml.FreeDoc(tree);
        return sl_fail(e, SL_NOMEM, "XML: out of memory");
    }
    *doc = (struct sx_doc){.magic = DOC_MAGIC, .tree = tree};
    tree->_private = doc;
    *ret_doc = doc;
    return SL_OK;
}

static enum sl_status parse_octets(const void *octets, size_t len, struct sx_doc **ret_doc, struct sl_error *e)
{
    xmlParserCtxt *parser = xml.NewParserCtxt();
    if (!parser)
        return sl_fail(e, SL_NOMEM, "XML: out of memory");
    struct watch watch = {.start = parser->sax->startElementNs};
    parser->_private = &watch;
    parser->sax->internalSubset = on_dtd;
    parser->sax->startElementNs = on_start;
    int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
    xmlDoc *tree = xml.CtxtReadMemory(parser, len ? octets : "", (int)len, NULL, NULL, options);
    enum sl_status status;
    if (tree && parser->wellFormed && !watch.dtd && !watch.deep && xml.DocGetRootElement(tree)) {
        status = wrap(tree, ret_doc, e);
    } else {
        status = fail_parse(parser, &watch, e);
        xml.FreeDoc(tree);
    }
    xml.FreeParserCtxt(parser);
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

void sx_free(struct sx_doc *doc)
{
    if (!doc)
        return;
    SL_CHECK_MAGIC(doc, DOC_MAGIC);
    while (doc->strings) {
        struct joined *string = doc->strings;
        doc->strings = string->next;
        free(string);
    }
    xml.FreeDoc(doc->tree);
    doc->magic = 0;
    free(doc);
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

/* A struct sx_node is libxml2's node under another name. */
static xmlNode *inside(const struct sx_node *node)
{
    return (xmlNode *)(uintptr_t)node;
}

static struct sx_node *outside(xmlNode *node)
{
    return (struct sx_node *)node;
}

struct sx_node *sx_root(struct sx_doc *doc)
{
    SL_CHECK_MAGIC(doc, DOC_MAGIC);
    return outside(xml.DocGetRootElement(doc->tree));
}

const char *sx_name(const struct sx_node *node)
{
    return (const char *)inside(node)->name;
}

/* The text below a node; made once more only where it is in pieces. */
static const char *text_of(xmlDoc *tree, xmlNode *children)
{
    if (!children)
        return "";
    if (!children->next && children->type == XML_TEXT_NODE)
        return children->content ? (const char *)children->content : "";
    xmlChar *whole = xml.NodeListGetString(tree, children, 1);
    size_t len = whole ? strlen((const char *)whole) : 0;
    struct joined *kept = malloc(sizeof *kept + len + 1);
    if (kept) {
        struct sx_doc *doc = tree->_private;
        SL_CHECK_MAGIC(doc, DOC_MAGIC);
        memcpy(kept->text, whole ? (const char *)whole : "", len + 1);
        kept->next = doc->strings;
        doc->strings = kept;
    }
    (*xml.Free)(whole);
    return kept ? kept->text : "";
}

const char *sx_attr(struct sx_node *node, const char *name)
{
    for (const xmlAttr *a = inside(node)->properties; a; a = a->next)
        if (strcmp((const char *)a->name, name) == 0)
            return text_of(inside(node)->doc, a->children);
    return NULL;
}

const char *sx_content(struct sx_node *node)
{
    return text_of(inside(node)->doc, inside(node)->children);
}

static struct sx_node *from(xmlNode *node, const char *name)
{
    for (; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && (!name || strcmp((const char *)node->name, name) == 0))
            return outside(node);
    return NULL;
}

struct sx_node *sx_child(struct sx_node *node, const char *name)
{
    return from(inside(node)->children, name);
}

struct sx_node *sx_next(struct sx_node *node, const char *name)
{
    return from(inside(node)->next, name);
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
