#include "ldap-schema/schema.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A token is a word, a quoted string, or one of ( ) $; NULL is the end. Words are cut out of `at` in place. */
struct scanner {
    char *at;
    char held; /* the delimiter that ended the last word */
};

static const char *next_token(struct scanner *s)
{
    char c = s->held != 0 ? s->held : *s->at;

    for (; c == ' ' || c == '\t' || c == '\n'; c = *s->at) {
        s->at++;
        s->held = 0;
    }
    if (c == '\0')
        return NULL;
    if (c == '(' || c == ')' || c == '$') {
        s->at++;
        s->held = 0;
        return c == '(' ? "(" : c == ')' ? ")" : "$";
    }
    if (c == '\'') {
        char *start = ++s->at;
        char *end = strchr(start, '\'');

        s->held = 0;
        if (end == NULL)
            return NULL;
        *end = '\0';
        s->at = end + 1;
        return start;
    }
    char *start = s->at;

    s->at += strcspn(start, " \t\n()$'");
    s->held = *s->at;
    *s->at = '\0';
    return start;
}

/* Calls take for "x" or each of "( x $ y )". */
static bool take_list(struct scanner *s, void (*take)(struct schema_definition *, const char *), struct schema_definition *def)
{
    const char *token = next_token(s);

    if (token == NULL)
        return false;
    if (strcmp(token, "(") != 0) {
        take(def, token);
        return true;
    }
    while ((token = next_token(s)) != NULL && strcmp(token, ")") != 0) {
        if (strcmp(token, "$") != 0)
            take(def, token);
    }
    return token != NULL;
}

static void take_name(struct schema_definition *def, const char *name)
{
    size_t n = 0;

    while (def->names[n] != NULL)
        n++;
    if (n + 1 < SCHEMA_LIST_MAX)
        def->names[n] = name;
}

static void take_may(struct schema_definition *def, const char *name)
{
    size_t n = 0;

    while (def->may[n] != NULL)
        n++;
    def->may = sl_resize(def->may, n + 2, sizeof *def->may);
    def->may[n] = name;
    def->may[n + 1] = NULL;
}

static void take_nothing(struct schema_definition *def, const char *word)
{
    (void)def;
    (void)word;
}

static bool parse_fields(struct scanner *s, struct schema_definition *def)
{
    const char *token;

    while ((token = next_token(s)) != NULL) {
        bool fine = true;

        if (strcmp(token, ")") == 0)
            return true;
        if (strcmp(token, "NAME") == 0)
            fine = take_list(s, take_name, def);
        else if (strcmp(token, "MUST") == 0 || strcmp(token, "MAY") == 0)
            fine = take_list(s, take_may, def);
        else if (strcmp(token, "SUP") == 0 || strncmp(token, "X-", 2) == 0)
            fine = take_list(s, take_nothing, def);
        if (!fine)
            return false;
    }
    return false;
}

/* Skips the "{n}" in front of the values of cn=config. */
static char *without_order(char *text)
{
    char *end = text[0] == '{' ? strchr(text, '}') : NULL;

    return end != NULL ? end + 1 : text;
}

enum sl_status schema_definition_parse(const char *text, struct schema_definition *ret_def, struct sl_error *e)
{
    struct schema_definition def = {.words = sl_strdup(text), .may = sl_new_array(1, sizeof *def.may)};
    struct scanner s = {.at = without_order(def.words)};
    const char *open = next_token(&s);

    if (open != NULL && strcmp(open, "(") == 0)
        def.oid = next_token(&s);
    if (def.oid == NULL || !parse_fields(&s, &def)) {
        schema_definition_fini(&def);
        return sl_fail(e, SL_MALFORMED, "schema description \"%.60s\": not of the form ( OID ... )", text);
    }
    *ret_def = def;
    return SL_OK;
}

void schema_definition_fini(struct schema_definition *def)
{
    free(def->words);
    free(def->may);
    *def = (struct schema_definition){0};
}

bool schema_definition_is(const struct schema_definition *def, const char *oid, const char *name)
{
    if (strcmp(def->oid, oid) == 0)
        return true;
    for (size_t i = 0; def->names[i] != NULL; i++) {
        if (sl_text_iequal(def->names[i], name))
            return true;
    }
    return false;
}

bool schema_definition_allows(const struct schema_definition *def, const char *attribute)
{
    for (size_t i = 0; def->may[i] != NULL; i++) {
        if (sl_text_iequal(def->may[i], attribute))
            return true;
    }
    return false;
}

/* The octet after the next word "MAY" outside quotes; NULL when there is none. */
static const char *after_may(const char *text)
{
    bool quoted = false;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            quoted = !quoted;
        else if (!quoted && at > text && strchr(" )", at[-1]) != NULL && strncmp(at, "MAY", 3) == 0 &&
                 strchr(" (", at[3]) != NULL)
            return at + 3;
    }
    return NULL;
}

void schema_definition_extend(struct sl_text *out, const char *text, const char *const *attributes, size_t count)
{
    const char *may = after_may(text), *word = may != NULL ? may + strspn(may, " ") : NULL;
    const char *cut; /* the new names go before this octet */
    const char *before = " $ ", *after = "";

    if (may == NULL) {
        cut = strrchr(text, ')');
        sl_text_add(out, text, (size_t)(cut - text));
        before = "MAY ( ";
        after = " ) ";
    } else if (*word == '(') {
        for (cut = word + strcspn(word, ")"); cut[-1] == ' '; cut--)
            ;
        sl_text_add(out, text, (size_t)(cut - text));
    } else {
        cut = word + strcspn(word, " )");
        sl_text_add(out, text, (size_t)(word - text));
        sl_text_puts(out, "( ");
        sl_text_add(out, word, (size_t)(cut - word));
        after = " )";
    }
    for (size_t i = 0; i < count; i++)
        sl_text_printf(out, "%s%s", i == 0 ? before : " $ ", attributes[i]);
    sl_text_puts(out, after);
    sl_text_puts(out, cut);
}
