/* The reader of a build without libxml2: there is no document, so nothing but sx_parse and sx_free is ever called. */
#include "common/xml/xml.h"

#include "common/base/assert.h"

enum sl_status sx_parse(const void *octets, size_t len, enum sx_quirks quirks, struct sx_doc **ret_doc, struct sl_error *e)
{
    (void)octets;
    (void)len;
    (void)quirks;
    (void)ret_doc;
    return sl_fail(e, SL_UNSUPPORTED, "XML: this program was built without XML (libxml2)");
}

void sx_free(struct sx_doc *doc)
{
    sl_assert(!doc);
}

struct sx_node *sx_root(struct sx_doc *doc)
{
    sl_assert(!doc);
    return NULL;
}

const char *sx_name(const struct sx_node *node)
{
    sl_assert(!node);
    return "";
}

const char *sx_attr(struct sx_node *node, const char *name)
{
    (void)name;
    sl_assert(!node);
    return NULL;
}

const char *sx_attr_text(struct sx_node *node, const char *name)
{
    (void)name;
    sl_assert(!node);
    return "";
}

const char *sx_content(struct sx_node *node)
{
    sl_assert(!node);
    return "";
}

struct sx_node *sx_child(struct sx_node *node, const char *name)
{
    (void)name;
    sl_assert(!node);
    return NULL;
}

struct sx_node *sx_next(struct sx_node *node, const char *name)
{
    return sx_child(node, name);
}

struct sx_node *sx_find(struct sx_node *node, const char *name)
{
    return sx_child(node, name);
}
