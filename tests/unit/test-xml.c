/*
 * XML is read without network, entities and DTD, within bounds; what is written is read back as it was.
 */
#include "common/xml/xml.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct sx_doc *parsed(const char *text, enum sx_quirks quirks)
{
    struct sx_doc *doc = NULL;
    struct sl_error e = {0};
    enum sl_status status = sx_parse(text, strlen(text), quirks, &doc, &e);
    ck_assert_msg(status == SL_OK, "%s: %s", text, e.text);
    return doc;
}

static void refused(const void *octets, size_t len, enum sx_quirks quirks, enum sl_status want, const char *part)
{
    struct sx_doc *doc = NULL;
    struct sl_error e = {0};
    ck_assert_int_eq(sx_parse(octets, len, quirks, &doc, &e), want);
    ck_assert_ptr_null(doc);
    ck_assert_msg(strstr(e.text, part) != NULL, "\"%s\" should name \"%s\"", e.text, part);
}

static void refused_text(const char *text, enum sl_status want, const char *part)
{
    refused(text, strlen(text), SX_STRICT, want, part);
}

START_TEST(walks_elements_by_local_name)
{
    struct sx_doc *doc =
        parsed("<?xml version=\"1.0\"?><r xmlns:m=\"urn:x\"><!-- c --><m:a k=\"v&amp;w\">one</m:a><b/><a>two<i>x</i>"
               "three</a><c><d><e>deep</e></d></c></r>",
               SX_STRICT);
    struct sx_node *root = sx_root(doc), *a = sx_child(root, "a");
    ck_assert_str_eq(sx_name(root), "r");
    ck_assert_str_eq(sx_content(a), "one");
    ck_assert_str_eq(sx_attr(a, "k"), "v&w");
    ck_assert_ptr_null(sx_attr(a, "none"));
    ck_assert_str_eq(sx_name(sx_next(a, NULL)), "b");
    ck_assert_str_eq(sx_content(sx_next(a, NULL)), "");
    ck_assert_str_eq(sx_content(sx_next(a, "a")), "twothree");
    ck_assert_str_eq(sx_content(sx_find(root, "e")), "deep");
    ck_assert_ptr_null(sx_find(root, "nowhere"));
    ck_assert_ptr_null(sx_child(root, "e"));
    sx_free(doc);
    sx_free(NULL);
}
END_TEST

START_TEST(reads_cdata_and_character_references)
{
    struct sx_doc *doc = parsed("<r><a>x<![CDATA[<&>]]>y</a><b>&#65;&#x42;&lt;</b></r>", SX_STRICT);
    ck_assert_str_eq(sx_content(sx_child(sx_root(doc), "a")), "x<&>y");
    ck_assert_str_eq(sx_content(sx_child(sx_root(doc), "b")), "AB<");
    sx_free(doc);
}
END_TEST

START_TEST(reads_utf16_with_bom)
{
    static const char text[] = "<r><a>MP</a></r>";
    char wide[2 + 2 * sizeof text] = {'\xff', '\xfe'};
    for (size_t i = 0; text[i]; i++)
        wide[2 + 2 * i] = text[i];
    struct sx_doc *doc = NULL;
    ck_assert_int_eq(sx_parse(wide, 2 * sizeof text, SX_STRICT, &doc, NULL), SL_OK);
    ck_assert_str_eq(sx_content(sx_child(sx_root(doc), "a")), "MP");
    sx_free(doc);
}
END_TEST

START_TEST(refuses_dtd_and_entities)
{
    refused_text("<!DOCTYPE r><r/>", SL_MALFORMED, "document type");
    refused_text("<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><r>&e;</r>", SL_MALFORMED, "document type");
    refused_text("<!DOCTYPE r SYSTEM \"http://127.0.0.1:9/x.dtd\"><r/>", SL_MALFORMED, "document type");
    refused_text("<r>&unknown;</r>", SL_MALFORMED, "line 1");
}
END_TEST

START_TEST(names_the_line_of_a_mistake)
{
    refused_text("<r>\n<a>\n</b></r>", SL_MALFORMED, "line 3");
    refused_text("", SL_MALFORMED, "XML");
    refused_text("not xml", SL_MALFORMED, "line 1");
    refused("<r>\0</r>", 8, SX_STRICT, SL_MALFORMED, "line 1");
    refused_text("<r>\xff\xff</r>", SL_MALFORMED, "line 1");
    refused_text("<r/><r/>", SL_MALFORMED, "line 1");
}
END_TEST

static char *nested(size_t depth)
{
    struct sl_text text = sl_text_new(1 << 20);
    for (size_t i = 0; i < depth; i++)
        sl_text_puts(&text, "<a>");
    for (size_t i = 0; i < depth; i++)
        sl_text_puts(&text, "</a>");
    return sl_text_take(&text);
}

START_TEST(bounds_depth_and_size)
{
    char *text = nested(SX_DEPTH_MAX), *deeper = nested(SX_DEPTH_MAX + 1), *deepest = nested(50000);
    sx_free(parsed(text, SX_STRICT));
    refused_text(deeper, SL_LIMIT, "deeper than 64");
    refused_text(deepest, SL_LIMIT, "deeper than 64");
    free(text);
    free(deeper);
    free(deepest);
    char *large = calloc(1, SX_INPUT_MAX + 1);
    refused(large, SX_INPUT_MAX + 1, SX_STRICT, SL_LIMIT, "longer than");
    free(large);
}
END_TEST

START_TEST(takes_bare_ampersands_on_request)
{
    static const char text[] = "<c a=\"x&y\">a & b&&amp;&#38;&#x26;&foo; &;&#; &#xg;&lt;<![CDATA[&]]><!-- & --></c>";
    refused_text(text, SL_MALFORMED, "line 1");
    struct sx_doc *doc = parsed(text, SX_BARE_AMPERSAND);
    ck_assert_str_eq(sx_content(sx_root(doc)), "a & b&&&&&foo; &;&#; &#xg;<&");
    ck_assert_str_eq(sx_attr(sx_root(doc), "a"), "x&y");
    sx_free(doc);
    refused("<c>&", 4, SX_BARE_AMPERSAND, SL_MALFORMED, "line 1");
    refused("<c><![CDATA[&", 13, SX_BARE_AMPERSAND, SL_MALFORMED, "line 1");
}
END_TEST

START_TEST(writes_what_it_reads)
{
    static const char nasty[] = "a<b>&\"'\t\r\n\xc3\xa9 ]]>";
    struct sl_text text = sl_text_new(4096);
    struct sx_writer w = sx_write_to(&text);
    sx_open(&w, "r");
    sx_open(&w, "empty");
    sx_put_attr(&w, "k", nasty);
    sx_close(&w);
    sx_put_element(&w, "t", nasty);
    sx_put_element(&w, "bad", "\x01|\xff|\xef\xbf\xbf");
    sx_close(&w);
    ck_assert_ptr_nonnull(strstr(text.data, "<empty k=\""));
    ck_assert_ptr_nonnull(strstr(text.data, "\"/><t>"));
    struct sx_doc *doc = parsed(text.data, SX_STRICT);
    ck_assert_str_eq(sx_attr(sx_child(sx_root(doc), "empty"), "k"), nasty);
    ck_assert_str_eq(sx_content(sx_child(sx_root(doc), "t")), nasty);
    ck_assert_str_eq(sx_content(sx_child(sx_root(doc), "bad")), "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd");
    sx_free(doc);
    sl_text_fini(&text);
}
END_TEST

START_TEST(a_full_builder_stays_failed)
{
    struct sl_text text = sl_text_new(8);
    struct sx_writer w = sx_write_to(&text);
    sx_put_element(&w, "name", "longer than eight");
    ck_assert(sl_text_failed(&text));
    sl_text_fini(&text);
}
END_TEST

UNIT_MAIN("xml", walks_elements_by_local_name, reads_cdata_and_character_references, reads_utf16_with_bom,
          refuses_dtd_and_entities, names_the_line_of_a_mistake, bounds_depth_and_size, takes_bare_ampersands_on_request,
          writes_what_it_reads, a_full_builder_stays_failed)
