#include "site/model/mof.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/model/mof_lex.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_NAMESPACE "root\\cimv2"

struct parser {
    struct mof_lex lex;
    struct sm_mof *mof;
    char *namespace;
};

static const char *const type_words[] = {
#define TYPE_WORD(name, word, number) word,
    SM_MOF_TYPE_TABLE(TYPE_WORD)
#undef TYPE_WORD
};

/* ---- life ------------------------------------------------------------------------------------------------------------- */

static void qualifiers_fini(struct sm_mof_qualifiers *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        sl_strings_fini(&list->items[i].values);
    }
    free(list->items);
    *list = (struct sm_mof_qualifiers){0};
}

static void class_fini(struct sm_mof_class *class)
{
    for (size_t i = 0; i < class->property_count; i++) {
        free(class->properties[i].name);
        qualifiers_fini(&class->properties[i].qualifiers);
    }
    free(class->properties);
    free(class->namespace);
    free(class->name);
    free(class->super);
    qualifiers_fini(&class->qualifiers);
}

void sm_mof_free(struct sm_mof *mof)
{
    if (mof == NULL)
        return;
    for (size_t i = 0; i < mof->class_count; i++)
        class_fini(&mof->classes[i]);
    free(mof->classes);
    free(mof);
}

const char *sm_mof_qualifier(const struct sm_mof_qualifiers *qualifiers, const char *name)
{
    for (size_t i = 0; i < qualifiers->count; i++) {
        const struct sm_mof_qualifier *q = &qualifiers->items[i];
        if (sl_text_iequal(q->name, name))
            return q->values.count > 0 ? q->values.items[0] : "TRUE";
    }
    return NULL;
}

bool sm_mof_is(const struct sm_mof_qualifiers *qualifiers, const char *name)
{
    const char *value = sm_mof_qualifier(qualifiers, name);
    return value != NULL && strcmp(value, "TRUE") == 0;
}

/* ---- small steps: all of them do nothing once something failed --------------------------------------------------------- */

static void describe(const struct mof_lex *lex, char *out, size_t size)
{
    struct sl_text text = sl_text_new(128);
    if (lex->kind == MOF_END)
        sl_text_puts(&text, "the end of the file");
    else if (lex->kind < MOF_WORD)
        sl_text_printf(&text, "\"%c\"", lex->kind);
    else
        sl_text_printf(&text, "\"%.64s\"", sl_text_str(&lex->text));
    (void)sl_text_copy(out, size, sl_text_str(&text));
    sl_text_fini(&text);
}

static void unexpected(struct parser *p, const char *wanted)
{
    char found[128];
    describe(&p->lex, found, sizeof found);
    sm_mof_lex_fail(&p->lex, SL_MALFORMED, p->lex.token_line, "%s is wanted, not %s", wanted, found);
}

static void too_many(struct parser *p, int max, const char *what)
{
    sm_mof_lex_fail(&p->lex, SL_LIMIT, p->lex.token_line, "more than %d %s", max, what);
}

/* Passes a token of this kind; false when another one stands there. */
static bool skip(struct parser *p, int kind)
{
    if (p->lex.kind != kind)
        return false;
    sm_mof_lex_next(&p->lex);
    return true;
}

static void expect(struct parser *p, char mark)
{
    const char wanted[] = {'"', mark, '"', '\0'};
    if (!skip(p, mark))
        unexpected(p, wanted);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->lex.kind == MOF_WORD && sl_text_iequal(sl_text_str(&p->lex.text), word);
}

static bool skip_word(struct parser *p, const char *word)
{
    if (!is_word(p, word))
        return false;
    sm_mof_lex_next(&p->lex);
    return true;
}

/* A name, never NULL: after a failure it is "". */
static char *take_name(struct parser *p, const char *what)
{
    if (p->lex.kind != MOF_WORD)
        unexpected(p, what);
    char *name = sl_strdup(p->lex.kind == MOF_WORD ? sl_text_str(&p->lex.text) : "");
    sm_mof_lex_next(&p->lex);
    return name;
}

/* ---- values and qualifiers --------------------------------------------------------------------------------------------- */

/* One value; `list` NULL: it is passed over. */
static void read_value(struct parser *p, struct sl_strings *list)
{
    struct mof_lex *lex = &p->lex;
    if (lex->kind != MOF_WORD && lex->kind != MOF_TEXT && lex->kind != MOF_NUMBER && lex->kind != MOF_ALIAS) {
        unexpected(p, "a value");
        return;
    }
    if (list != NULL && list->count == SM_MOF_VALUES_MAX) {
        too_many(p, SM_MOF_VALUES_MAX, "values");
        return;
    }
    if (list != NULL) {
        sl_strings_add(list, sl_text_str(&lex->text));
        if (lex->kind == MOF_WORD)
            sl_text_upper(list->items[list->count - 1]);
    }
    sm_mof_lex_next(lex);
}

/* "{ a, b }", which may be empty. */
static void read_values(struct parser *p, struct sl_strings *list)
{
    if (!skip(p, '}')) {
        do
            read_value(p, list);
        while (skip(p, ','));
        expect(p, '}');
    }
}

static void read_qualifier(struct parser *p, struct sm_mof_qualifiers *list)
{
    if (list->count == SM_MOF_QUALIFIERS_MAX) {
        too_many(p, SM_MOF_QUALIFIERS_MAX, "qualifiers");
        return;
    }
    list->items = sl_grow(list->items, list->count, sizeof *list->items);
    struct sm_mof_qualifier *q = &list->items[list->count++];
    unsigned line = p->lex.token_line;
    q->name = take_name(p, "the name of a qualifier");
    for (const struct sm_mof_qualifier *other = list->items; other < q; other++)
        if (sl_text_iequal(other->name, q->name))
            sm_mof_lex_fail(&p->lex, SL_MALFORMED, line, "qualifier %.64s is there already", q->name);
    if (skip(p, '(')) {
        read_value(p, &q->values);
        expect(p, ')');
    } else if (skip(p, '{')) {
        read_values(p, &q->values);
    }
    if (skip(p, ':'))
        while (skip(p, MOF_WORD)) {
        }
}

static void read_qualifiers(struct parser *p, struct sm_mof_qualifiers *list)
{
    if (!skip(p, '['))
        return;
    do
        read_qualifier(p, list);
    while (skip(p, ','));
    expect(p, ']');
}

/* ---- classes ----------------------------------------------------------------------------------------------------------- */

static enum sm_mof_type type_of(const char *word)
{
    size_t i = 0;
    while (i < SM_MOF_TYPE_COUNT && (i == SM_MOF_REFERENCE || !sl_text_iequal(type_words[i], word)))
        i++;
    return (enum sm_mof_type)i;
}

/* A CIM type, or the name of a class with "ref" behind it. */
static enum sm_mof_type read_type(struct parser *p)
{
    unsigned line = p->lex.token_line;
    char *word = take_name(p, "a type, a qualifier in \"[\", or \"}\"");
    enum sm_mof_type type = type_of(word);
    if (type == SM_MOF_TYPE_COUNT && skip_word(p, "ref"))
        type = SM_MOF_REFERENCE;
    if (type == SM_MOF_TYPE_COUNT)
        sm_mof_lex_fail(&p->lex, SL_MALFORMED, line, "\"%.64s\" is no type", word);
    free(word);
    return type;
}

static void check_property(struct parser *p, const struct sm_mof_class *class, const struct sm_mof_property *added)
{
    for (const struct sm_mof_property *q = class->properties; q < added; q++)
        if (sl_text_iequal(q->name, added->name))
            sm_mof_lex_fail(&p->lex, SL_MALFORMED, added->line, "property %.64s is in line %u already", added->name, q->line);
}

static void read_property(struct parser *p, struct sm_mof_class *class)
{
    if (class->property_count == SM_MOF_PROPERTIES_MAX) {
        too_many(p, SM_MOF_PROPERTIES_MAX, "properties");
        return;
    }
    class->properties = sl_grow(class->properties, class->property_count, sizeof *class->properties);
    struct sm_mof_property *property = &class->properties[class->property_count++];
    read_qualifiers(p, &property->qualifiers);
    property->type = read_type(p);
    property->line = p->lex.token_line;
    property->name = take_name(p, "the name of a property");
    if (skip(p, '[')) {
        property->is_array = true;
        (void)skip(p, MOF_NUMBER);
        expect(p, ']');
    }
    if (skip(p, '=')) {
        if (skip(p, '{'))
            read_values(p, NULL);
        else
            read_value(p, NULL);
    }
    expect(p, ';');
    check_property(p, class, property);
}

static void check_class(struct parser *p, const struct sm_mof_class *added)
{
    for (const struct sm_mof_class *c = p->mof->classes; c < added; c++)
        if (sl_text_iequal(c->name, added->name) && sl_text_iequal(c->namespace, added->namespace))
            sm_mof_lex_fail(&p->lex, SL_MALFORMED, added->line, "class %.64s is in line %u already", added->name, c->line);
}

/* "as $ALIAS", which may stand behind the name of a class. */
static void pass_alias(struct parser *p)
{
    if (skip_word(p, "as") && !skip(p, MOF_ALIAS))
        unexpected(p, "an alias ($...)");
}

/* Behind the word "class"; the qualifiers become its own. */
static void read_class(struct parser *p, struct sm_mof_qualifiers *qualifiers)
{
    struct sm_mof *mof = p->mof;
    if (mof->class_count == SM_MOF_CLASSES_MAX) {
        too_many(p, SM_MOF_CLASSES_MAX, "classes");
        return;
    }
    mof->classes = sl_grow(mof->classes, mof->class_count, sizeof *mof->classes);
    struct sm_mof_class *class = &mof->classes[mof->class_count++];
    class->qualifiers = *qualifiers;
    *qualifiers = (struct sm_mof_qualifiers){0};
    class->namespace = sl_strdup(p->namespace);
    class->line = p->lex.token_line;
    class->name = take_name(p, "the name of a class");
    pass_alias(p);
    if (skip(p, ':'))
        class->super = take_name(p, "the name of the superclass");
    check_class(p, class);
    expect(p, '{');
    while (p->lex.kind != '}' && p->lex.kind != MOF_END)
        read_property(p, class);
    expect(p, '}');
    expect(p, ';');
}

/* ---- what else stands in such a file ----------------------------------------------------------------------------------- */

/* "\\.\root\cimv2" and "\\HOST\root\cimv2" as "root\cimv2". */
static const char *without_machine(const char *namespace)
{
    const char *from = strncmp(namespace, "\\\\", 2) == 0 ? strchr(namespace + 2, '\\') : NULL;
    return from != NULL ? from + 1 : namespace;
}

static void read_pragma(struct parser *p)
{
    if (!skip_word(p, "pragma")) {
        unexpected(p, "\"pragma\"");
        return;
    }
    bool is_namespace = is_word(p, "namespace"), is_bare = is_word(p, "autorecover");
    if (is_word(p, "include"))
        sm_mof_lex_fail(&p->lex, SL_MALFORMED, p->lex.token_line, "#pragma include is not followed; put its classes here");
    free(take_name(p, "the name of a pragma"));
    if (is_bare)
        return;
    expect(p, '(');
    if (is_namespace && p->lex.kind == MOF_TEXT) {
        free(p->namespace);
        p->namespace = sl_strdup(without_machine(sl_text_str(&p->lex.text)));
    } else if (is_namespace) {
        unexpected(p, "a namespace in quotation marks");
    }
    do
        read_value(p, NULL);
    while (skip(p, ','));
    expect(p, ')');
    (void)skip(p, ';');
}

/* Behind the word "instance": its braces and all that is in them. */
static void pass_instance(struct parser *p)
{
    int depth = 0;
    if (!skip_word(p, "of"))
        unexpected(p, "\"of\"");
    free(take_name(p, "the name of a class"));
    pass_alias(p);
    do {
        if (p->lex.kind == '{' && ++depth > SM_MOF_DEPTH_MAX)
            too_many(p, SM_MOF_DEPTH_MAX, "braces in one another");
        else if (depth == 0)
            unexpected(p, "\"{\"");
        depth -= p->lex.kind == '}';
        sm_mof_lex_next(&p->lex);
    } while (depth > 0 && p->lex.kind != MOF_END);
    expect(p, depth == 0 ? ';' : '}');
}

static void read_item(struct parser *p)
{
    struct sm_mof_qualifiers qualifiers = {0};
    if (skip(p, '#')) {
        read_pragma(p);
        return;
    }
    read_qualifiers(p, &qualifiers);
    if (skip_word(p, "class"))
        read_class(p, &qualifiers);
    else if (skip_word(p, "instance"))
        pass_instance(p);
    else
        unexpected(p, "\"class\", \"instance\" or \"#pragma\"");
    qualifiers_fini(&qualifiers);
}

enum sl_status sm_mof_read(const char *name, const char *octets, size_t len, struct sm_mof **ret_mof, struct sl_error *e)
{
    struct parser p = {.mof = sl_new(sizeof *p.mof), .namespace = sl_strdup(DEFAULT_NAMESPACE)};
    sm_mof_lex_init(&p.lex, name, octets, len, e);
    while (p.lex.kind != MOF_END)
        read_item(&p);
    enum sl_status status = p.lex.status;
    sm_mof_lex_fini(&p.lex);
    free(p.namespace);
    if (status == SL_OK)
        *ret_mof = p.mof;
    else
        sm_mof_free(p.mof);
    return status;
}
