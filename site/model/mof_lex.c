#include "site/model/mof_lex.h"

#include "site/model/mof.h"

#include <stdarg.h>
#include <string.h>

void sm_mof_lex_fail(struct mof_lex *lex, enum sl_status status, unsigned line, const char *fmt, ...)
{
    if (lex->status != SL_OK)
        return;
    va_list args;
    va_start(args, fmt);
    lex->status = sl_vfail(lex->e, status, fmt, args);
    va_end(args);
    lex->status = sl_fail_in(lex->e, status, "%s:%u", lex->name, line);
    lex->kind = MOF_END;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_sign(char c)
{
    return c == '-' || c == '+';
}

/* True when these characters come next. */
static bool sees(const struct mof_lex *lex, const char *what)
{
    size_t len = strlen(what);
    return (size_t)(lex->end - lex->at) >= len && memcmp(lex->at, what, len) == 0;
}

/* Passes one character, which may be the end of a line. */
static char pass(struct mof_lex *lex)
{
    lex->line += *lex->at == '\n';
    return *lex->at++;
}

static void pass_comment(struct mof_lex *lex)
{
    unsigned began = lex->line;
    bool one_line = sees(lex, "//");
    lex->at += 2;
    while (lex->at < lex->end && !(one_line ? *lex->at == '\n' : sees(lex, "*/")))
        pass(lex);
    if (one_line)
        return;
    if (lex->at == lex->end)
        sm_mof_lex_fail(lex, SL_MALFORMED, began, "this comment does not end");
    else
        lex->at += 2;
}

static void pass_blanks(struct mof_lex *lex)
{
    while (lex->at < lex->end && lex->status == SL_OK) {
        if (sees(lex, "//") || sees(lex, "/*"))
            pass_comment(lex);
        else if (strchr(" \t\r\n\f\v", *lex->at) != NULL && *lex->at != '\0')
            pass(lex);
        else
            return;
    }
}

/* ---- texts ------------------------------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* A character as UTF-8; \x has up to four digits, so there are none beyond U+FFFF. */
static void put_character(struct sl_text *out, unsigned c)
{
    if (c < 0x80)
        sl_text_add(out, (char[]){(char)c}, 1);
    else if (c < 0x800)
        sl_text_add(out, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))}, 2);
    else
        sl_text_add(out, (char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))}, 3);
}

static void read_hex(struct mof_lex *lex)
{
    unsigned c = 0;
    int digits = 0;
    for (; digits < 4 && lex->at < lex->end && hex_digit(*lex->at) >= 0; digits++)
        c = c << 4 | (unsigned)hex_digit(*lex->at++);
    if (digits == 0 || c == 0 || (c >= 0xd800 && c < 0xe000))
        sm_mof_lex_fail(lex, SL_MALFORMED, lex->line, "\\x needs the one to four digits of a character");
    else
        put_character(&lex->text, c);
}

static void read_escape(struct mof_lex *lex)
{
    static const char escapes[] = "\"'\\btnfr", characters[] = "\"'\\\b\t\n\f\r";
    char c = lex->at < lex->end ? *lex->at++ : '\0';
    const char *found = c != '\0' ? strchr(escapes, c) : NULL;
    if (c == 'x' || c == 'X')
        read_hex(lex);
    else if (found != NULL)
        sl_text_add(&lex->text, &characters[found - escapes], 1);
    else
        sm_mof_lex_fail(lex, SL_MALFORMED, lex->line, "a backslash stands before one of \" ' \\ b t n f r x");
}

static void read_text(struct mof_lex *lex)
{
    unsigned began = lex->line;
    lex->at++;
    while (lex->status == SL_OK && lex->at < lex->end && *lex->at != '"' && *lex->at != '\n') {
        if (*lex->at == '\\') {
            lex->at++;
            read_escape(lex);
        } else {
            sl_text_add(&lex->text, lex->at++, 1);
        }
    }
    if (lex->status == SL_OK && (lex->at == lex->end || *lex->at == '\n'))
        sm_mof_lex_fail(lex, SL_MALFORMED, began, "this text does not end on its line");
    else if (lex->status == SL_OK)
        lex->at++;
}

static void read_texts(struct mof_lex *lex)
{
    lex->kind = MOF_TEXT;
    while (lex->status == SL_OK && lex->at < lex->end && *lex->at == '"') {
        read_text(lex);
        pass_blanks(lex);
    }
}

/* ---- tokens ----------------------------------------------------------------------------------------------------------- */

static void read_word(struct mof_lex *lex, int kind)
{
    lex->kind = kind;
    while (lex->at < lex->end && (is_alpha(*lex->at) || is_digit(*lex->at)))
        sl_text_add(&lex->text, lex->at++, 1);
    if (lex->text.len == 0)
        sm_mof_lex_fail(lex, SL_MALFORMED, lex->line, "a name is wanted behind $");
}

static void read_number(struct mof_lex *lex)
{
    lex->kind = MOF_NUMBER;
    bool is_decimal = !sees(lex, "0x") && !sees(lex, "0X");
    do
        sl_text_add(&lex->text, lex->at++, 1);
    while (lex->at < lex->end && (is_alpha(*lex->at) || is_digit(*lex->at) || *lex->at == '.' ||
                                  (is_decimal && is_sign(*lex->at) && (lex->at[-1] == 'e' || lex->at[-1] == 'E'))));
}

/* 'x', the value of a char16. */
static void read_quoted(struct mof_lex *lex)
{
    lex->kind = MOF_TEXT;
    lex->at++;
    if (lex->at < lex->end && *lex->at == '\\') {
        lex->at++;
        read_escape(lex);
    } else if (lex->at < lex->end && *lex->at != '\n' && *lex->at != '\'') {
        size_t len = sl_utf8_len(lex->at, (size_t)(lex->end - lex->at));
        sl_text_add(&lex->text, lex->at, len);
        lex->at += len;
    }
    if (lex->text.len == 0 || lex->at == lex->end || *lex->at != '\'')
        sm_mof_lex_fail(lex, SL_MALFORMED, lex->line, "one character is wanted between ' and '");
    else
        lex->at++;
}

static void read_token(struct mof_lex *lex)
{
    char c = *lex->at;
    if (is_alpha(c)) {
        read_word(lex, MOF_WORD);
    } else if (c == '"') {
        read_texts(lex);
    } else if (c == '\'') {
        read_quoted(lex);
    } else if (is_digit(c) || is_sign(c) || (c == '.' && lex->end - lex->at > 1 && is_digit(lex->at[1]))) {
        read_number(lex);
    } else if (c == '$') {
        lex->at++;
        read_word(lex, MOF_ALIAS);
    } else if (c != '\0' && strchr("#[](){}:;,=", c) != NULL) {
        lex->kind = c;
        lex->at++;
    } else {
        sm_mof_lex_fail(lex, SL_MALFORMED, lex->line, "a character that has no meaning here: 0x%02x", (unsigned char)c);
    }
}

void sm_mof_lex_next(struct mof_lex *lex)
{
    lex->kind = MOF_END;
    sl_text_reset(&lex->text);
    if (lex->status != SL_OK)
        return;
    pass_blanks(lex);
    lex->token_line = lex->line;
    if (lex->status == SL_OK && lex->at < lex->end)
        read_token(lex);
    if (sl_text_failed(&lex->text))
        sm_mof_lex_fail(lex, SL_LIMIT, lex->token_line, "longer than %d octets", SM_MOF_TEXT_MAX);
}

/* What is stored must be text: no NUL, and UTF-8 throughout. */
static void check_octets(struct mof_lex *lex)
{
    unsigned line = 1;
    if (sees(lex, "\xff\xfe") || sees(lex, "\xfe\xff")) { /* whoever reads files may have it as UTF-8 before */
        sm_mof_lex_fail(lex, SL_MALFORMED, line, "the file is UTF-16; save it as UTF-8");
        return;
    }
    for (const char *at = lex->at; at < lex->end;) {
        size_t len = *at != '\0' ? sl_utf8_len(at, (size_t)(lex->end - at)) : 0;
        if (len == 0) {
            sm_mof_lex_fail(lex, SL_MALFORMED, line, "neither UTF-8 nor ASCII: 0x%02x", (unsigned char)*at);
            return;
        }
        line += *at == '\n';
        at += len;
    }
}

void sm_mof_lex_init(struct mof_lex *lex, const char *name, const char *octets, size_t len, struct sl_error *e)
{
    *lex = (struct mof_lex){
        .name = name, .at = octets, .end = octets + len, .line = 1, .text = sl_text_new(SM_MOF_TEXT_MAX), .e = e};
    if (len > SM_MOF_MAX)
        sm_mof_lex_fail(lex, SL_LIMIT, 1, "the file is larger than %d octets", SM_MOF_MAX);
    else
        check_octets(lex);
    if (lex->status == SL_OK && sees(lex, "\xef\xbb\xbf"))
        lex->at += 3;
    sm_mof_lex_next(lex);
}

void sm_mof_lex_fini(struct mof_lex *lex)
{
    sl_text_fini(&lex->text);
}
