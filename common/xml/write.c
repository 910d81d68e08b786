#include "common/xml/xml.h"

#include "common/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* What an octet is written as; NULL when it stands for itself. Line ends and tabs survive attribute normalization as
 * references. */
static const char *form_of(char c, bool in_attr)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return in_attr ? "&quot;" : NULL;
    case '\t':
        return in_attr ? "&#9;" : NULL;
    case '\n':
        return in_attr ? "&#10;" : NULL;
    case '\r':
        return "&#13;";
    default:
        return (unsigned char)c < 0x20 ? REPLACEMENT : NULL;
    }
}

static bool is_noncharacter(const char *text, size_t len)
{
    return len == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0);
}

/* The length of what stands for itself at the beginning of a text: ASCII, most of what is ever written. */
static size_t plain_len(const char *text, size_t left)
{
    size_t n = 0;
    while (n < left && text[n] >= ' ' && text[n] < 0x7f && text[n] != '&' && text[n] != '<' && text[n] != '>' && text[n] != '"')
        n++;
    return n;
}

static void put_escaped(struct sl_text *out, const char *text, bool in_attr)
{
    size_t left = text ? strlen(text) : 0;
    while (left > 0) {
        size_t plain = plain_len(text, left);
        sl_text_add(out, text, plain);
        text += plain;
        left -= plain;
        if (left == 0)
            break;
        size_t n = sl_utf8_len(text, left);
        const char *form = n == 1 ? form_of(*text, in_attr) : n == 0 || is_noncharacter(text, n) ? REPLACEMENT : NULL;
        n = n ? n : 1;
        if (form)
            sl_text_puts(out, form);
        else
            sl_text_add(out, text, n);
        text += n;
        left -= n;
    }
}

static void end_tag(struct sx_writer *w)
{
    if (w->in_tag)
        sl_text_puts(w->out, ">");
    w->in_tag = false;
}

struct sx_writer sx_write_to(struct sl_text *out)
{
    return (struct sx_writer){.out = out};
}

void sx_open(struct sx_writer *w, const char *name)
{
    sl_assert(w->depth < SX_DEPTH_MAX);
    end_tag(w);
    w->open[w->depth++] = name;
    sl_text_puts(w->out, "<");
    sl_text_puts(w->out, name);
    w->in_tag = true;
}

void sx_put_attr(struct sx_writer *w, const char *name, const char *value)
{
    sl_assert(w->in_tag);
    sl_text_puts(w->out, " ");
    sl_text_puts(w->out, name);
    sl_text_puts(w->out, "=\"");
    put_escaped(w->out, value, true);
    sl_text_puts(w->out, "\"");
}

void sx_put_number(struct sx_writer *w, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    sx_put_attr(w, name, text);
}

void sx_put_text(struct sx_writer *w, const char *text)
{
    if (!text || !text[0])
        return;
    end_tag(w);
    put_escaped(w->out, text, false);
}

void sx_close(struct sx_writer *w)
{
    sl_assert(w->depth > 0);
    const char *name = w->open[--w->depth];
    sl_text_puts(w->out, w->in_tag ? "/>" : "</");
    if (!w->in_tag) {
        sl_text_puts(w->out, name);
        sl_text_puts(w->out, ">");
    }
    w->in_tag = false;
}

void sx_put_element(struct sx_writer *w, const char *name, const char *text)
{
    sx_open(w, name);
    sx_put_text(w, text);
    sx_close(w);
}
