#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"
#include "ldap-schema/schema.h"

#include <stdlib.h>

enum { FILTER_MAX = 4096 };

struct ldapc_subschema {
    bool ad; /* items of `found` are attributeSchema and classSchema entries; else its one item is the subschema entry */
    struct ldapc_entries found;
    struct schema_definition *definitions; /* parsed values: attributes first */
    const char **texts;                    /* of the definitions */
    size_t attribute_count, count;
};

/* One search for our own names: the whole schema of an Active Directory is large. */
static enum sl_status ask_ad(struct ldapc *dir, const char *context, struct sl_deadline deadline,
                             struct ldapc_entries *ret_found, struct sl_error *e)
{
    static const char *const attrs[] = {"lDAPDisplayName", "mayContain", "systemMayContain", NULL};
    struct sl_text filter = sl_text_new(FILTER_MAX);

    sl_text_puts(&filter, "(|");
    for (size_t i = 0; i < schema_attribute_count; i++)
        sl_text_printf(&filter, "(lDAPDisplayName=%s)", schema_attributes[i].name);
    for (size_t i = 0; i < schema_class_count; i++)
        sl_text_printf(&filter, "(lDAPDisplayName=%s)", schema_classes[i].name);
    sl_text_puts(&filter, ")");
    struct ldapc_search search = {.base = context, .scope = LDAPC_ONE_LEVEL, .filter = sl_text_str(&filter), .attrs = attrs};
    enum sl_status s = ldapc_search(dir, &search, deadline, ret_found, e);

    sl_text_fini(&filter);
    return s;
}

static enum sl_status ask_subschema(struct ldapc *dir, const char *dn, struct sl_deadline deadline,
                                    struct ldapc_entries *ret_found, struct sl_error *e)
{
    static const char *const attrs[] = {"attributeTypes", "objectClasses", NULL};
    struct ldapc_search search = {.base = dn, .scope = LDAPC_BASE, .filter = "(objectClass=subschema)", .attrs = attrs};

    if (dir->dump != NULL) /* ldapsearch was perhaps told to show operational attributes only: no objectClass */
        search.filter = "(objectClasses=*)";

    return ldapc_search(dir, &search, deadline, ret_found, e);
}

static void parse_list(struct ldapc_subschema *sub, const struct ldapc_attr *list)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (schema_definition_parse(list->values[i].data, &sub->definitions[sub->count], NULL) == SL_OK)
            sub->texts[sub->count++] = list->values[i].data;
    }
}

static void parse_descriptions(struct ldapc_subschema *sub)
{
    const struct ldapc_attr *attributes = ldapc_entry_attr(&sub->found.items[0], "attributeTypes");
    const struct ldapc_attr *classes = ldapc_entry_attr(&sub->found.items[0], "objectClasses");
    size_t room = (attributes != NULL ? attributes->count : 0) + (classes != NULL ? classes->count : 0) + 1;

    sub->definitions = sl_new_array(room, sizeof *sub->definitions);
    sub->texts = sl_new_array(room, sizeof *sub->texts);
    parse_list(sub, attributes);
    sub->attribute_count = sub->count;
    parse_list(sub, classes);
}

enum sl_status ldapc_subschema_read(struct ldapc *dir, const struct ldapc_probe *probe, struct sl_deadline deadline,
                                    struct ldapc_subschema **ret_sub, struct sl_error *e)
{
    struct ldapc_subschema *sub = sl_new(sizeof *sub);
    enum sl_status s = SL_OK;

    sub->ad = probe->kind == LDAPC_SERVER_AD && probe->schema_context != NULL;
    if (sub->ad)
        s = ask_ad(dir, probe->schema_context, deadline, &sub->found, e);
    else if (probe->subschema_dn != NULL)
        s = ask_subschema(dir, probe->subschema_dn, deadline, &sub->found, e);
    bool readable = s == SL_OK && !sub->found.base_absent && (sub->ad || sub->found.count > 0);

    if (readable && !sub->ad)
        parse_descriptions(sub);
    if (!readable) {
        ldapc_subschema_free(sub);
        sub = NULL;
    }
    if (s != SL_OK && dir->ld == NULL)
        return s;
    *ret_sub = sub;
    return SL_OK;
}

void ldapc_subschema_free(struct ldapc_subschema *sub)
{
    if (sub == NULL)
        return;
    for (size_t i = 0; i < sub->count; i++)
        schema_definition_fini(&sub->definitions[i]);
    free(sub->definitions);
    free(sub->texts);
    ldapc_entries_fini(&sub->found);
    free(sub);
}

static const struct ldapc_entry *find_ad(const struct ldapc_subschema *sub, const char *name)
{
    for (size_t i = 0; i < sub->found.count; i++) {
        if (ldapc_entry_has(&sub->found.items[i], "lDAPDisplayName", name))
            return &sub->found.items[i];
    }
    return NULL;
}

/* The definition with this OID or name among [from, to), or `to`. */
static size_t find_definition(const struct ldapc_subschema *sub, size_t from, size_t to, const char *oid, const char *name)
{
    while (from < to && !schema_definition_is(&sub->definitions[from], oid, name))
        from++;
    return from;
}

bool ldapc_subschema_has_attribute(const struct ldapc_subschema *sub, const char *oid, const char *name)
{
    if (sub->ad)
        return find_ad(sub, name) != NULL;
    return find_definition(sub, 0, sub->attribute_count, oid, name) < sub->attribute_count;
}

const char *ldapc_subschema_class(const struct ldapc_subschema *sub, const char *oid, const char *name)
{
    if (sub->ad) {
        const struct ldapc_entry *entry = find_ad(sub, name);

        return entry != NULL ? entry->dn : NULL;
    }
    size_t at = find_definition(sub, sub->attribute_count, sub->count, oid, name);

    return at < sub->count ? sub->texts[at] : NULL;
}

bool ldapc_subschema_allows(const struct ldapc_subschema *sub, const char *oid, const char *name, const char *attribute)
{
    if (sub->ad) {
        const struct ldapc_entry *entry = find_ad(sub, name);

        return entry != NULL &&
               (ldapc_entry_has(entry, "mayContain", attribute) || ldapc_entry_has(entry, "systemMayContain", attribute));
    }
    size_t at = find_definition(sub, sub->attribute_count, sub->count, oid, name);

    return at < sub->count && schema_definition_allows(&sub->definitions[at], attribute);
}
