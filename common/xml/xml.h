/*
 * xml.h - reading and writing XML; the one place that includes libxml2, which is loaded when the first document is read. A build
 * without libxml2 writes XML and reads none.
 *
 * Reading never touches the network, expands no entity, refuses a DTD, and bounds size and depth. A document is a tree owned by
 * struct sx_doc; nodes and strings live as long as it does. Elements are found by local name, whatever their namespace.
 */
#ifndef SL_COMMON_XML_XML_H
#define SL_COMMON_XML_XML_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sx_doc;
struct sx_node;

enum { SX_INPUT_MAX = 4 << 20, SX_DEPTH_MAX = 64 };

enum sx_quirks {
    SX_STRICT = 0,
    SX_BARE_AMPERSAND = 1, /* take "&" that starts no entity for itself, as in real mSSMSCapabilities values; UTF-8 only */
};

/* Parses UTF-8, or UTF-16 by its BOM. SL_MALFORMED names the line; SL_LIMIT: longer than SX_INPUT_MAX or deeper than
 * SX_DEPTH_MAX; SL_UNSUPPORTED: libxml2 is not there. Any thread. */
enum sl_status sx_parse(const void *octets, size_t len, enum sx_quirks quirks, struct sx_doc **ret_doc,
                        struct sl_error *e) SL_MUST;
/* Frees a document with its nodes and strings; NULL is accepted. */
void sx_free(struct sx_doc *doc);
/* The document element. */
struct sx_node *sx_root(struct sx_doc *doc);
/* Local name of an element. */
const char *sx_name(const struct sx_node *node);
/* The value of an attribute, NULL when absent. Lives as long as the document. */
const char *sx_attr(struct sx_node *node, const char *name);
/* The same, but "" when it is absent or `node` is NULL. */
const char *sx_attr_text(struct sx_node *node, const char *name);
/* The text content of an element, "" when empty. Lives as long as the document. */
const char *sx_content(struct sx_node *node);
/* The first child element of this local name (NULL name: any), or NULL. */
struct sx_node *sx_child(struct sx_node *node, const char *name);
/* The next sibling element of this local name (NULL name: any), or NULL. */
struct sx_node *sx_next(struct sx_node *node, const char *name);
/* The first descendant element of this local name anywhere below, in document order, or NULL. */
struct sx_node *sx_find(struct sx_node *node, const char *name);

/* ---- writing: straight into a text builder, everything escaped --------------------------------------------------- */

/*
 * A writer keeps the names of its open elements; failure is sticky in the text builder. What XML cannot hold (control characters,
 * octets that are not UTF-8) becomes U+FFFD.
 */
struct sx_writer {
    struct sl_text *out;
    const char *open[SX_DEPTH_MAX];
    size_t depth;
    bool in_tag;
};

/* A writer that appends to `out`. */
struct sx_writer sx_write_to(struct sl_text *out);
/* Opens an element; `name` is not copied and must outlive the element (a literal). */
void sx_open(struct sx_writer *w, const char *name);
/* Adds an attribute, right after sx_open. */
void sx_put_attr(struct sx_writer *w, const char *name, const char *value);
/* Adds an attribute that is a number, likewise. */
void sx_put_number(struct sx_writer *w, const char *name, int64_t value);
/* Adds text to the innermost element. */
void sx_put_text(struct sx_writer *w, const char *text);
/* Closes the innermost element, as <a/> when it is empty. */
void sx_close(struct sx_writer *w);
/* Writes <name>text</name>. */
void sx_put_element(struct sx_writer *w, const char *name, const char *text);

#endif
