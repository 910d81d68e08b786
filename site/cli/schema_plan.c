#include "site/cli/schema_plan.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define OPENLDAP_SCHEMA "cn=schema,cn=config"

enum { DN_MAX = 1024, VALUES_MAX = SCTL_PIECES_MAX };

static struct sctl_piece *add_piece(struct sctl_plan *plan, struct sctl_piece piece)
{
    sl_assert(plan->count < SCTL_PIECES_MAX);
    plan->pieces[plan->count] = piece;
    return &plan->pieces[plan->count++];
}

void sctl_plan_fini(struct sctl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->pieces[i].there);
        sl_strings_fini(&plan->pieces[i].lacking);
    }
    *plan = (struct sctl_plan){0};
}

/* ---- plan ----------------------------------------------------------------------------------------------------------- */

static void plan_attributes(struct sctl_plan *plan, const struct ldapc_subschema *sub,
                            const struct schema_attribute *attributes, size_t count, int since, bool base)
{
    for (size_t i = 0; i < count; i++) {
        if (attributes[i].since <= since && !ldapc_subschema_has_attribute(sub, attributes[i].oid, attributes[i].name))
            add_piece(plan, (struct sctl_piece){.action = SCTL_LOAD_ATTRIBUTE, .base = base, .attribute = &attributes[i]});
    }
}

static void list_lacking(const struct ldapc_subschema *sub, const struct schema_class *class, const char *const *may,
                         struct sl_strings *out)
{
    for (; *may != NULL; may++) {
        if (strcmp(*may, "cn") != 0 && !ldapc_subschema_allows(sub, class->oid, class->name, *may))
            sl_strings_add(out, *may);
    }
}

/* A class of the companion that is there is somebody else's: only our own are extended. */
static void plan_classes(struct sctl_plan *plan, const struct ldapc_subschema *sub, const struct schema_class *classes,
                         size_t count, int since, bool base)
{
    for (size_t i = 0; i < count; i++) {
        const char *there = ldapc_subschema_class(sub, classes[i].oid, classes[i].name);
        struct sl_strings lacking = {0};

        if (there == NULL) {
            add_piece(plan, (struct sctl_piece){.action = SCTL_LOAD_CLASS, .base = base, .class = &classes[i]});
            continue;
        }
        if (base)
            continue;
        list_lacking(sub, &classes[i], classes[i].may_2003, &lacking);
        if (since >= SCHEMA_SINCE_2007)
            list_lacking(sub, &classes[i], classes[i].may_2007, &lacking);
        if (lacking.count > 0)
            add_piece(plan,
                      (struct sctl_piece){
                          .action = SCTL_EXTEND_CLASS, .class = &classes[i], .lacking = lacking, .there = sl_strdup(there)});
    }
}

enum sl_status sctl_plan_make(struct ldapc *dir, const struct ldapc_probe *probe, int since, struct sl_deadline deadline,
                              struct sctl_plan *ret_plan, struct sl_error *e)
{
    struct ldapc_subschema *sub;
    struct sctl_plan plan = {.count = 0};
    enum sl_status s = ldapc_subschema_read(dir, probe, deadline, &sub, e);

    if (s != SL_OK)
        return s;
    if (sub == NULL)
        return sl_fail(e, SL_DENIED, "%s: this account may not read the schema", ldapc_server(dir));
    if (probe->kind != LDAPC_SERVER_AD) {
        plan_attributes(&plan, sub, schema_base_attributes, schema_base_attribute_count, since, true);
        plan_classes(&plan, sub, schema_base_classes, schema_base_class_count, since, true);
    }
    plan_attributes(&plan, sub, schema_attributes, schema_attribute_count, since, false);
    plan_classes(&plan, sub, schema_classes, schema_class_count, since, false);
    ldapc_subschema_free(sub);
    *ret_plan = plan;
    return SL_OK;
}

/* ---- values in the making ------------------------------------------------------------------------------------------- */

/* Values of one attribute of a change; the texts are owned. */
struct values {
    struct ldapc_value items[VALUES_MAX];
    size_t count;
};

static void add_value(struct values *v, struct sl_text *text)
{
    size_t len = text->len;
    char *octets = sl_text_take(text);

    sl_assert(octets != NULL && v->count < VALUES_MAX);
    v->items[v->count++] = (struct ldapc_value){.data = octets, .len = len};
}

static void values_fini(struct values *v)
{
    for (size_t i = 0; i < v->count; i++)
        free((void *)(uintptr_t)v->items[i].data);
    v->count = 0;
}

/* The descriptions of the pieces to load, in the order of the plan. */
static void collect(const struct sctl_plan *plan, enum sctl_piece_action action, bool base, int since, struct values *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct sctl_piece *piece = &plan->pieces[i];
        struct sl_text text = sl_text_new(SCHEMA_DEFINITION_MAX);

        if (piece->action != action || piece->base != base)
            continue;
        if (action == SCTL_LOAD_ATTRIBUTE)
            schema_attribute_text(&text, piece->attribute);
        else
            schema_class_text(&text, piece->class, since);
        add_value(out, &text);
    }
}

static void mark_done(struct sctl_plan *plan, enum sctl_piece_action action, bool base)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->pieces[i].action == action && plan->pieces[i].base == base)
            plan->pieces[i].done = true;
    }
}

static struct ldapc_value value_of(const char *text)
{
    return (struct ldapc_value){.data = text, .len = strlen(text)};
}

/* Replaces one description by another in one modify. */
static enum sl_status swap_description(struct ldapc *dir, const char *dn, const char *attr, const char *old,
                                       const char *const *lacking, size_t count, struct sl_deadline deadline,
                                       struct sl_error *e)
{
    struct sl_text text = sl_text_new(SCHEMA_DEFINITION_MAX);

    schema_definition_extend(&text, old, lacking, count);
    if (sl_text_failed(&text)) {
        sl_text_fini(&text);
        return sl_fail(e, SL_LIMIT, "%s: \"%s\": a class description is too long", ldapc_server(dir), dn);
    }
    struct ldapc_value before = value_of(old), after = value_of(sl_text_str(&text));
    struct ldapc_mod mods[] = {{.op = LDAPC_DELETE, .attr = attr, .values = &before, .count = 1},
                               {.op = LDAPC_ADD, .attr = attr, .values = &after, .count = 1}};
    enum sl_status s = ldapc_modify(dir, dn, mods, SL_COUNT(mods), deadline, e);

    sl_text_fini(&text);
    return s;
}

/* ---- OpenLDAP ------------------------------------------------------------------------------------------------------- */

/* cn=config numbers its entries: cn={4}sms. Returns the DN of the one called `name`, or NULL. */
static const char *config_entry(const struct ldapc_entries *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *cn = ldapc_entry_text(&config->items[i], "cn");
        const char *end = cn != NULL && cn[0] == '{' ? strchr(cn, '}') : NULL;

        if (cn != NULL && strcmp(end != NULL ? end + 1 : cn, name) == 0)
            return config->items[i].dn;
    }
    return NULL;
}

/* Adds descriptions to the entry of one part, which is made when it is not there. */
static enum sl_status load_config(struct ldapc *dir, const struct ldapc_entries *config, bool base, int since,
                                  struct sl_deadline deadline, struct sctl_plan *plan, struct sl_error *e)
{
    const char *name = base ? "smsbase" : "sms", *dn = config_entry(config, name);
    struct values attributes = {.count = 0}, classes = {.count = 0};
    struct ldapc_value class = value_of("olcSchemaConfig"), cn = value_of(name);
    struct sl_text new_dn = sl_text_new(DN_MAX);
    enum sl_status s = SL_OK;

    collect(plan, SCTL_LOAD_ATTRIBUTE, base, since, &attributes);
    collect(plan, SCTL_LOAD_CLASS, base, since, &classes);
    struct ldapc_mod mods[4];
    size_t count = 0;

    if (dn == NULL) {
        mods[count++] = (struct ldapc_mod){.op = LDAPC_ADD, .attr = "objectClass", .values = &class, .count = 1};
        mods[count++] = (struct ldapc_mod){.op = LDAPC_ADD, .attr = "cn", .values = &cn, .count = 1};
    }
    if (attributes.count > 0)
        mods[count++] = (struct ldapc_mod){
            .op = LDAPC_ADD, .attr = "olcAttributeTypes", .values = attributes.items, .count = attributes.count};
    if (classes.count > 0)
        mods[count++] =
            (struct ldapc_mod){.op = LDAPC_ADD, .attr = "olcObjectClasses", .values = classes.items, .count = classes.count};
    sl_text_printf(&new_dn, "cn=%s," OPENLDAP_SCHEMA, name);
    if (attributes.count + classes.count > 0)
        s = dn == NULL ? ldapc_add(dir, sl_text_str(&new_dn), mods, count, deadline, e)
                       : ldapc_modify(dir, dn, mods, count, deadline, e);
    if (s == SL_OK) {
        mark_done(plan, SCTL_LOAD_ATTRIBUTE, base);
        mark_done(plan, SCTL_LOAD_CLASS, base);
    }
    sl_text_fini(&new_dn);
    values_fini(&attributes);
    values_fini(&classes);
    return s;
}

/* The value and the entry of cn=config that define a class, or false. */
static bool find_config_class(const struct ldapc_entries *config, const struct schema_class *class, const char **ret_dn,
                              const char **ret_text)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct ldapc_attr *list = ldapc_entry_attr(&config->items[i], "olcObjectClasses");

        for (size_t v = 0; list != NULL && v < list->count; v++) {
            struct schema_definition def;

            if (schema_definition_parse(list->values[v].data, &def, NULL) != SL_OK)
                continue;
            bool found = schema_definition_is(&def, class->oid, class->name);

            schema_definition_fini(&def);
            if (found) {
                *ret_dn = config->items[i].dn;
                *ret_text = list->values[v].data;
                return true;
            }
        }
    }
    return false;
}

static enum sl_status extend_config(struct ldapc *dir, const struct ldapc_entries *config, struct sctl_piece *piece,
                                    struct sl_deadline deadline, struct sl_error *e)
{
    const char *dn, *text;

    if (!find_config_class(config, piece->class, &dn, &text))
        return sl_fail(e, SL_CONFLICT, "%s: class %s is not defined below " OPENLDAP_SCHEMA ": extend it where it comes from",
                       ldapc_server(dir), piece->class->name);
    return swap_description(dir, dn, "olcObjectClasses", text, (const char *const *)piece->lacking.items, piece->lacking.count,
                            deadline, e);
}

static enum sl_status load_openldap(struct ldapc *dir, int since, struct sl_deadline deadline, struct sctl_plan *plan,
                                    struct sl_error *e)
{
    static const char *const attrs[] = {"cn", "olcObjectClasses", NULL};
    struct ldapc_search search = {.base = OPENLDAP_SCHEMA, .scope = LDAPC_ONE_LEVEL, .attrs = attrs};
    struct ldapc_entries config = {0};
    enum sl_status s = ldapc_search(dir, &search, deadline, &config, e);

    if (s == SL_OK && config.count == 0)
        s = sl_fail(e, SL_DENIED,
                    "%s: this account may not see " OPENLDAP_SCHEMA
                    " (use ldapi:// with --sasl external as root; a server with a "
                    "slapd.conf takes the files of schema print --flavor openldap-conf)",
                    ldapc_server(dir));
    if (s == SL_OK)
        s = load_config(dir, &config, true, since, deadline, plan, e);
    if (s == SL_OK)
        s = load_config(dir, &config, false, since, deadline, plan, e);
    for (size_t i = 0; s == SL_OK && i < plan->count; i++) {
        if (plan->pieces[i].action != SCTL_EXTEND_CLASS)
            continue;
        s = extend_config(dir, &config, &plan->pieces[i], deadline, e);
        plan->pieces[i].done = s == SL_OK;
    }
    ldapc_entries_fini(&config);
    return s;
}

/* ---- 389 Directory Server ------------------------------------------------------------------------------------------- */

static enum sl_status load_389ds(struct ldapc *dir, const char *dn, int since, struct sl_deadline deadline,
                                 struct sctl_plan *plan, struct sl_error *e)
{
    static const struct {
        enum sctl_piece_action action;
        bool base;
        const char *attr;
    } steps[] = {{SCTL_LOAD_ATTRIBUTE, true, "attributeTypes"},
                 {SCTL_LOAD_CLASS, true, "objectClasses"},
                 {SCTL_LOAD_ATTRIBUTE, false, "attributeTypes"},
                 {SCTL_LOAD_CLASS, false, "objectClasses"}};
    enum sl_status s = SL_OK;

    for (size_t i = 0; s == SL_OK && i < SL_COUNT(steps); i++) {
        struct values values = {.count = 0};

        collect(plan, steps[i].action, steps[i].base, since, &values);
        struct ldapc_mod mod = {.op = LDAPC_ADD, .attr = steps[i].attr, .values = values.items, .count = values.count};

        if (values.count > 0)
            s = ldapc_modify(dir, dn, &mod, 1, deadline, e);
        if (s == SL_OK)
            mark_done(plan, steps[i].action, steps[i].base);
        values_fini(&values);
    }
    for (size_t i = 0; s == SL_OK && i < plan->count; i++) {
        struct sctl_piece *piece = &plan->pieces[i];

        if (piece->action != SCTL_EXTEND_CLASS)
            continue;
        s = swap_description(dir, dn, "objectClasses", piece->there, (const char *const *)piece->lacking.items,
                             piece->lacking.count, deadline, e);
        piece->done = s == SL_OK;
    }
    return s;
}

/* ---- Active Directory ----------------------------------------------------------------------------------------------- */

/* An entry in the making: one value an attribute, but for lists. */
struct ad_entry {
    struct ldapc_mod mods[16];
    struct ldapc_value values[16 + 3 * SCHEMA_LIST_MAX];
    size_t count, value_count;
};

static void ad_set(struct ad_entry *entry, const char *attr, const char *value)
{
    struct ldapc_mod *last = entry->count > 0 ? &entry->mods[entry->count - 1] : NULL;

    sl_assert(entry->count < SL_COUNT(entry->mods) && entry->value_count < SL_COUNT(entry->values));
    entry->values[entry->value_count] = value_of(value);
    if (last != NULL && strcmp(last->attr, attr) == 0)
        last->count++;
    else
        entry->mods[entry->count++] =
            (struct ldapc_mod){.op = LDAPC_ADD, .attr = attr, .values = &entry->values[entry->value_count], .count = 1};
    entry->value_count++;
}

static void ad_set_list(struct ad_entry *entry, const char *attr, const char *const *values)
{
    for (; *values != NULL; values++)
        ad_set(entry, attr, *values);
}

static void ad_dn(struct sl_text *out, const char *cn, const char *context)
{
    sl_text_printf(out, "CN=%s,%s", cn, context);
}

static enum sl_status load_ad_attribute(struct ldapc *dir, const char *context, const struct schema_attribute *a,
                                        struct sl_deadline deadline, struct sl_error *e)
{
    struct ad_entry entry = {.count = 0};
    struct sl_text dn = sl_text_new(DN_MAX), number = sl_text_new(16);
    int om;

    ad_dn(&dn, a->cn, context);
    ad_set(&entry, "objectClass", "attributeSchema");
    ad_set(&entry, "cn", a->cn);
    ad_set(&entry, "lDAPDisplayName", a->name);
    ad_set(&entry, "attributeID", a->oid);
    ad_set(&entry, "attributeSyntax", schema_ad_syntax(a->kind, &om));
    sl_text_printf(&number, "%d", om);
    ad_set(&entry, "oMSyntax", sl_text_str(&number));
    ad_set(&entry, "isSingleValued", a->single ? "TRUE" : "FALSE");
    ad_set(&entry, "searchFlags", a->indexed ? "1" : "0");
    ad_set(&entry, "isMemberOfPartialAttributeSet", "TRUE");
    enum sl_status s = ldapc_add(dir, sl_text_str(&dn), entry.mods, entry.count, deadline, e);

    sl_text_fini(&dn);
    sl_text_fini(&number);
    return s;
}

static enum sl_status load_ad_class(struct ldapc *dir, const char *context, const struct schema_class *c, int since,
                                    struct sl_deadline deadline, struct sl_error *e)
{
    struct ad_entry entry = {.count = 0};
    struct sl_text dn = sl_text_new(DN_MAX);

    ad_dn(&dn, c->cn, context);
    ad_set(&entry, "objectClass", "classSchema");
    ad_set(&entry, "cn", c->cn);
    ad_set(&entry, "lDAPDisplayName", c->name);
    ad_set(&entry, "governsID", c->oid);
    ad_set(&entry, "subClassOf", c->sup);
    ad_set(&entry, "objectClassCategory", "1");
    ad_set(&entry, "rDNAttID", "cn");
    ad_set(&entry, "defaultHidingValue", "TRUE");
    ad_set_list(&entry, "mayContain", c->may_2003);
    if (since >= SCHEMA_SINCE_2007)
        ad_set_list(&entry, "mayContain", c->may_2007);
    ad_set_list(&entry, "possSuperiors", c->superiors);
    ad_set(&entry, "defaultSecurityDescriptor", schema_ad_descriptor);
    ad_set(&entry, "defaultObjectCategory", sl_text_str(&dn));
    enum sl_status s = ldapc_add(dir, sl_text_str(&dn), entry.mods, entry.count, deadline, e);

    sl_text_fini(&dn);
    return s;
}

static enum sl_status extend_ad_class(struct ldapc *dir, const struct sctl_piece *piece, struct sl_deadline deadline,
                                      struct sl_error *e)
{
    struct ldapc_value values[2 * SCHEMA_LIST_MAX];
    struct ldapc_mod mod = {.op = LDAPC_ADD, .attr = "mayContain", .values = values, .count = piece->lacking.count};

    for (size_t i = 0; i < piece->lacking.count; i++)
        values[i] = value_of(piece->lacking.items[i]);
    return ldapc_modify(dir, piece->there, &mod, 1, deadline, e);
}

/* New definitions count only when the server was told to read its schema again. */
static enum sl_status update_ad(struct ldapc *dir, struct sl_deadline deadline, struct sl_error *e)
{
    struct ldapc_value one = value_of("1");
    struct ldapc_mod mod = {.op = LDAPC_ADD, .attr = "schemaUpdateNow", .values = &one, .count = 1};

    return ldapc_modify(dir, "", &mod, 1, deadline, e);
}

static enum sl_status load_ad_piece(struct ldapc *dir, const char *context, const struct sctl_piece *piece, int since,
                                    struct sl_deadline deadline, struct sl_error *e)
{
    if (piece->action == SCTL_LOAD_ATTRIBUTE)
        return load_ad_attribute(dir, context, piece->attribute, deadline, e);
    if (piece->action == SCTL_LOAD_CLASS)
        return load_ad_class(dir, context, piece->class, since, deadline, e);
    return extend_ad_class(dir, piece, deadline, e);
}

/* The plan has attributes before classes: between them, and at the end, the server reads its schema again. */
static enum sl_status load_ad(struct ldapc *dir, const char *context, int since, struct sl_deadline deadline,
                              struct sctl_plan *plan, struct sl_error *e)
{
    enum sl_status s = SL_OK;

    for (size_t i = 0; s == SL_OK && i < plan->count; i++) {
        struct sctl_piece *piece = &plan->pieces[i];
        bool last = i + 1 == plan->count || (piece->action == SCTL_LOAD_ATTRIBUTE && piece[1].action != SCTL_LOAD_ATTRIBUTE);

        s = load_ad_piece(dir, context, piece, since, deadline, e);
        piece->done = s == SL_OK;
        if (s == SL_OK && last)
            s = update_ad(dir, deadline, e);
    }
    return s;
}

enum sl_status sctl_plan_load(struct ldapc *dir, const struct ldapc_probe *probe, int since, struct sl_deadline deadline,
                              struct sctl_plan *plan, struct sl_error *e)
{
    switch (probe->kind) {
    case LDAPC_SERVER_OPENLDAP:
        return load_openldap(dir, since, deadline, plan, e);
    case LDAPC_SERVER_AD:
        return load_ad(dir, probe->schema_context, since, deadline, plan, e);
    case LDAPC_SERVER_389DS:
        return load_389ds(dir, probe->subschema_dn, since, deadline, plan, e);
    case LDAPC_SERVER_OTHER:
        break;
    }
    return sl_fail(e, SL_UNSUPPORTED, "%s: %s is not a server whose schema can be loaded here: load the file of schema print",
                   ldapc_server(dir), probe->vendor);
}
