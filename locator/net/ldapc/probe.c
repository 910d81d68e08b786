#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"
#include "ldap-schema/schema.h"

#include <stdlib.h>
#include <string.h>

#define OID_ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

enum { DN_MAX = 4096, LIST_TEXT_MAX = 300 };

static const struct {
    const char *oid;
    unsigned bit;
} controls[] = {
    {"1.3.6.1.4.1.4203.1.9.1.1", LDAPC_CONTROL_SYNC},  {"1.2.840.113556.1.4.528", LDAPC_CONTROL_NOTIFY},
    {"1.2.840.113556.1.4.841", LDAPC_CONTROL_DIRSYNC}, {"2.16.840.1.113730.3.4.3", LDAPC_CONTROL_PSEARCH},
    {"1.2.840.113556.1.4.319", LDAPC_CONTROL_PAGED},   {"1.3.6.1.1.21.1", LDAPC_CONTROL_TXN},
};

static const struct {
    const char *word, *name;
} servers[] = {
    [LDAPC_SERVER_OTHER] = {"other", "LDAP server"},
    [LDAPC_SERVER_OPENLDAP] = {"openldap", "OpenLDAP"},
    [LDAPC_SERVER_AD] = {"ad", "Active Directory"},
    [LDAPC_SERVER_389DS] = {"389ds", "389 Directory Server"},
};

const char *ldapc_server_kind_word(enum ldapc_server_kind kind)
{
    return servers[kind].word;
}

const char *ldapc_schema_word(enum ldapc_schema schema)
{
    static const char *const words[] = {[LDAPC_SCHEMA_UNKNOWN] = "unknown",
                                        [LDAPC_SCHEMA_NONE] = "none",
                                        [LDAPC_SCHEMA_PARTLY] = "partly",
                                        [LDAPC_SCHEMA_2003] = "sms2003",
                                        [LDAPC_SCHEMA_EXTENDED] = "extended"};

    return words[schema];
}

const char *ldapc_container_word(enum ldapc_container container)
{
    static const char *const words[] = {[LDAPC_CONTAINER_NOT_ASKED] = "not-asked",
                                        [LDAPC_CONTAINER_PRESENT] = "present",
                                        [LDAPC_CONTAINER_ABSENT] = "absent",
                                        [LDAPC_CONTAINER_UNREADABLE] = "unreadable"};

    return words[container];
}

/* ---- rootDSE -------------------------------------------------------------------------------------------------------- */

static enum ldapc_server_kind kind_of_root(const struct ldapc_entry *root)
{
    const char *vendor = ldapc_entry_text(root, "vendorName");

    if (ldapc_entry_has(root, "supportedCapabilities", OID_ACTIVE_DIRECTORY))
        return LDAPC_SERVER_AD;
    if (ldapc_entry_has(root, "objectClass", "OpenLDAProotDSE") ||
        ldapc_entry_has(root, "structuralObjectClass", "OpenLDAProotDSE"))
        return LDAPC_SERVER_OPENLDAP;
    if (vendor != NULL && strstr(vendor, "389") != NULL)
        return LDAPC_SERVER_389DS;
    return LDAPC_SERVER_OTHER;
}

static enum sl_status read_root(struct ldapc *dir, struct sl_deadline deadline, struct ldapc_entries *ret_entries,
                                struct sl_error *e)
{
    static const char *const attrs[] = {"*", "+", NULL};
    enum sl_status s = ldapc_read(dir, "", attrs, deadline, ret_entries, e);

    if (s == SL_OK && ret_entries->count == 0) {
        ldapc_entries_fini(ret_entries);
        dir->kind = LDAPC_DENIED;
        return sl_fail(e, SL_DENIED, "%s: its rootDSE may not be read", ldapc_server(dir));
    }
    return s;
}

static void list_contexts(const struct ldapc_attr *contexts, char *out, size_t size)
{
    struct sl_text list = sl_text_new(size);

    for (size_t i = 0; i < contexts->count; i++)
        sl_text_printf(&list, "%s\"%s\"", i > 0 ? ", " : "", contexts->values[i].data);
    sl_text_copy(out, size, sl_text_str(&list));
    sl_text_fini(&list);
}

/* defaultNamingContext, or the only naming context. */
static enum sl_status base_of_root(struct ldapc *dir, const struct ldapc_entry *root, struct sl_error *e)
{
    const struct ldapc_attr *contexts = ldapc_entry_attr(root, "namingContexts");
    const char *base = ldapc_entry_text(root, "defaultNamingContext");
    char list[LIST_TEXT_MAX];

    if (base == NULL && contexts != NULL && contexts->count == 1)
        base = contexts->values[0].data;
    if (base != NULL) {
        dir->base = sl_strdup(base);
        return SL_OK;
    }
    if (contexts == NULL || contexts->count == 0)
        return sl_fail(e, SL_USAGE, "%s: its rootDSE names no naming context: give the base DN", ldapc_server(dir));
    list_contexts(contexts, list, sizeof list);
    return sl_fail(e, SL_USAGE, "%s: several naming contexts, give one as the base DN: %s", ldapc_server(dir), list);
}

/* The base that needs no question, if any. */
static bool base_is_known(struct ldapc *dir)
{
    const char *given = dir->uri.base != NULL ? dir->uri.base : dir->options.base;

    if (dir->base == NULL && given != NULL)
        dir->base = sl_strdup(given);
    return dir->base != NULL;
}

enum sl_status ldapc_base(struct ldapc *dir, struct sl_deadline deadline, const char **ret_dn, struct sl_error *e)
{
    struct ldapc_entries root = {0};
    enum sl_status s = SL_OK;

    if (!base_is_known(dir)) {
        s = read_root(dir, deadline, &root, e);
        if (s == SL_OK)
            s = base_of_root(dir, &root.items[0], e);
        ldapc_entries_fini(&root);
    }
    if (s == SL_OK)
        *ret_dn = dir->base;
    return s;
}

enum sl_status ldapc_container(struct ldapc *dir, struct sl_deadline deadline, const char **ret_dn, struct sl_error *e)
{
    const char *base;
    enum sl_status s = ldapc_base(dir, deadline, &base, e);

    if (s != SL_OK)
        return s;
    if (dir->container == NULL) {
        struct sl_text dn = sl_text_new(DN_MAX);

        sl_text_printf(&dn, "%s%s%s", dir->options.container, dir->options.container[0] != '\0' && base[0] != '\0' ? "," : "",
                       base);
        dir->container = sl_text_take(&dn);
        sl_text_fini(&dn);
    }
    if (dir->container == NULL)
        return sl_fail(e, SL_LIMIT, "%s: the DN of the container is longer than %d octets", ldapc_server(dir), DN_MAX);
    *ret_dn = dir->container;
    return SL_OK;
}

static void take_root(struct ldapc_probe *probe, const struct ldapc_entry *root)
{
    const struct ldapc_attr *contexts = ldapc_entry_attr(root, "namingContexts");
    const char *vendor = ldapc_entry_text(root, "vendorName");

    probe->kind = kind_of_root(root);
    probe->vendor = sl_strdup(vendor != NULL ? vendor : servers[probe->kind].name);
    probe->subschema_dn = sl_strdup(ldapc_entry_text(root, "subschemaSubentry"));
    probe->schema_context = sl_strdup(ldapc_entry_text(root, "schemaNamingContext"));
    for (size_t i = 0; contexts != NULL && i < contexts->count; i++)
        sl_strings_add(&probe->naming_contexts, contexts->values[i].data);
    for (size_t i = 0; i < SL_COUNT(controls); i++) {
        if (ldapc_entry_has(root, "supportedControl", controls[i].oid) ||
            ldapc_entry_has(root, "supportedExtension", controls[i].oid))
            probe->controls |= controls[i].bit;
    }
}

/* ---- schema --------------------------------------------------------------------------------------------------------- */

static void note_lacking(struct ldapc_probe *probe, const struct schema_class *class, const char *attribute)
{
    struct sl_text text = sl_text_new(LIST_TEXT_MAX);

    sl_text_printf(&text, "%s/%s", class->name, attribute);
    sl_strings_add(&probe->lacking, sl_text_str(&text));
    sl_text_fini(&text);
}

static bool came_2007(const char *attribute)
{
    for (size_t i = 0; i < schema_attribute_count; i++) {
        if (sl_text_iequal(schema_attributes[i].name, attribute))
            return schema_attributes[i].since == SCHEMA_SINCE_2007;
    }
    return false;
}

/* True when the class names the attribute among those that Configuration Manager 2007 added. */
static bool class_added_2007(const char *class_slash_attribute)
{
    for (size_t i = 0; i < schema_class_count; i++) {
        size_t len = strlen(schema_classes[i].name);

        if (strncmp(class_slash_attribute, schema_classes[i].name, len) != 0 || class_slash_attribute[len] != '/')
            continue;
        for (const char *const *may = schema_classes[i].may_2007; *may != NULL; may++) {
            if (strcmp(*may, class_slash_attribute + len + 1) == 0)
                return true;
        }
    }
    return false;
}

/* The verdict on what is missing. */
static enum ldapc_schema schema_of(const struct ldapc_probe *probe)
{
    bool only_2007 = true;

    if (probe->missing_classes.count == schema_class_count)
        return LDAPC_SCHEMA_NONE;
    if (probe->missing_classes.count > 0)
        return LDAPC_SCHEMA_PARTLY;
    if (probe->missing_attributes.count == 0 && probe->lacking.count == 0)
        return LDAPC_SCHEMA_EXTENDED;
    for (size_t i = 0; i < probe->missing_attributes.count; i++)
        only_2007 = only_2007 && came_2007(probe->missing_attributes.items[i]);
    for (size_t i = 0; i < probe->lacking.count; i++)
        only_2007 = only_2007 && class_added_2007(probe->lacking.items[i]);
    return only_2007 ? LDAPC_SCHEMA_2003 : LDAPC_SCHEMA_PARTLY;
}

static void note_lacking_of(struct ldapc_probe *probe, const struct ldapc_subschema *sub, const struct schema_class *class)
{
    const char *const *const lists[] = {class->may_2003, class->may_2007};

    for (size_t l = 0; l < SL_COUNT(lists); l++) {
        for (const char *const *may = lists[l]; *may != NULL; may++) {
            if (strcmp(*may, "cn") != 0 && !ldapc_subschema_allows(sub, class->oid, class->name, *may))
                note_lacking(probe, class, *may);
        }
    }
}

static void compare_schema(struct ldapc_probe *probe, const struct ldapc_subschema *sub)
{
    for (size_t i = 0; i < schema_attribute_count; i++) {
        if (!ldapc_subschema_has_attribute(sub, schema_attributes[i].oid, schema_attributes[i].name))
            sl_strings_add(&probe->missing_attributes, schema_attributes[i].name);
    }
    for (size_t i = 0; i < schema_class_count; i++) {
        if (ldapc_subschema_class(sub, schema_classes[i].oid, schema_classes[i].name) == NULL)
            sl_strings_add(&probe->missing_classes, schema_classes[i].name);
        else
            note_lacking_of(probe, sub, &schema_classes[i]);
    }
}

/*
 * Where the subschema may not be read, a compare of the rootDSE tells whether a class is known: undefined in OpenLDAP is
 * invalidAttributeSyntax (21). It says nothing elsewhere, so only that answer counts.
 */
static enum ldapc_schema hint_by_compare(struct ldapc *dir, struct sl_deadline deadline)
{
    size_t unknown = 0, known = 0;

    for (size_t i = 0; i < schema_class_count; i++) {
        bool same;

        if (ldapc_compare(dir, "", "objectClass", schema_classes[i].name, deadline, &same, NULL) == SL_OK)
            known++;
        else if (ldapc_kind(dir) == LDAPC_SCHEMA)
            unknown++;
    }
    if (unknown == schema_class_count)
        return LDAPC_SCHEMA_NONE;
    return unknown > 0 && known > 0 ? LDAPC_SCHEMA_PARTLY : LDAPC_SCHEMA_UNKNOWN;
}

static enum sl_status probe_schema(struct ldapc *dir, struct sl_deadline deadline, struct ldapc_probe *probe,
                                   struct sl_error *e)
{
    struct ldapc_subschema *sub;
    enum sl_status s = ldapc_subschema_read(dir, probe, deadline, &sub, e);

    if (s != SL_OK)
        return s;
    if (sub != NULL) {
        compare_schema(probe, sub);
        probe->schema = schema_of(probe);
    } else if (probe->kind == LDAPC_SERVER_OPENLDAP) {
        probe->schema = hint_by_compare(dir, deadline);
    }
    ldapc_subschema_free(sub);
    return SL_OK;
}

/* ---- container ------------------------------------------------------------------------------------------------------ */

/* Reads only whether an entry can be seen: present, absent (32), or not readable. Other failures are returned. */
static enum sl_status see(struct ldapc *dir, const char *dn, struct sl_deadline deadline, enum ldapc_container *ret_seen,
                          char **why, struct sl_error *e)
{
    static const char *const none[] = {"1.1", NULL};
    struct ldapc_entries found = {0};
    struct sl_error problem = {0};
    enum sl_status s = ldapc_read(dir, dn, none, deadline, &found, &problem);

    free(*why);
    *why = NULL;
    if (s == SL_OK)
        *ret_seen = found.count > 0     ? LDAPC_CONTAINER_PRESENT
                    : found.base_absent ? LDAPC_CONTAINER_ABSENT
                                        : LDAPC_CONTAINER_UNREADABLE;
    else if (dir->kind == LDAPC_DENIED)
        *ret_seen = LDAPC_CONTAINER_UNREADABLE;
    else
        return sl_fail(e, s, "%s", problem.text);
    if (s != SL_OK)
        *why = sl_strdup(problem.text);
    ldapc_entries_fini(&found);
    return SL_OK;
}

/* The naming context that holds a DN, or NULL. */
static const char *context_of(const struct ldapc_probe *probe, const char *dn)
{
    for (; dn != NULL; dn = ldapc_dn_parent(dn)) {
        for (size_t i = 0; i < probe->naming_contexts.count; i++) {
            if (ldapc_dn_equal(dn, probe->naming_contexts.items[i]))
                return probe->naming_contexts.items[i];
        }
    }
    return NULL;
}

static void say_container(const struct ldapc *dir, struct ldapc_probe *probe, const char *dn, const char *what)
{
    struct sl_text text = sl_text_new(2 * DN_MAX);

    sl_text_printf(&text, "%s: \"%s\": %s", ldapc_server(dir), dn, what);
    free(probe->container_why);
    probe->container_why = sl_strdup(sl_text_str(&text));
    sl_text_fini(&text);
}

/* Code 32 may mean hidden: only where the base or its naming context can be seen, or the base is not served, is it absent. */
static enum sl_status judge_absent(struct ldapc *dir, struct sl_deadline deadline, struct ldapc_probe *probe,
                                   struct sl_error *e)
{
    const char *context = context_of(probe, probe->base_dn);
    const char *const above[] = {probe->base_dn, context};

    if (context == NULL && probe->naming_contexts.count > 0) {
        say_container(dir, probe, probe->base_dn, "this base is in none of the naming contexts of the server");
        return SL_OK;
    }
    for (size_t i = 0; i < SL_COUNT(above) && above[i] != NULL; i++) {
        enum ldapc_container seen;
        char *why = NULL;
        enum sl_status s = see(dir, above[i], deadline, &seen, &why, e);

        free(why);
        if (s != SL_OK)
            return s;
        if (seen == LDAPC_CONTAINER_PRESENT) {
            say_container(dir, probe, i == 0 ? probe->container_dn : probe->base_dn, "no such entry");
            return SL_OK;
        }
    }
    probe->container = LDAPC_CONTAINER_UNREADABLE;
    return SL_OK;
}

static enum sl_status probe_container(struct ldapc *dir, struct sl_deadline deadline, struct ldapc_probe *probe,
                                      struct sl_error *e)
{
    enum sl_status s = see(dir, probe->container_dn, deadline, &probe->container, &probe->container_why, e);

    if (s == SL_OK && probe->container == LDAPC_CONTAINER_ABSENT)
        s = judge_absent(dir, deadline, probe, e);
    if (s == SL_OK && probe->container == LDAPC_CONTAINER_UNREADABLE && probe->container_why == NULL)
        say_container(dir, probe, probe->container_dn, "this account may see nothing there");
    return s;
}

static enum sl_status probe_names(struct ldapc *dir, enum ldapc_probe_what what, const struct ldapc_entry *root,
                                  struct ldapc_probe *probe, struct sl_error *e)
{
    const char *container;
    enum sl_status s = base_is_known(dir) ? SL_OK : base_of_root(dir, root, e);

    if (s == SL_OK)
        s = ldapc_container(dir, sl_deadline_in(0), &container, e);
    if (s == SL_OK) {
        probe->base_dn = sl_strdup(dir->base);
        probe->container_dn = sl_strdup(container);
    }
    return what == LDAPC_PROBE_SCHEMA ? SL_OK : s;
}

enum sl_status ldapc_probe(struct ldapc *dir, enum ldapc_probe_what what, struct sl_deadline deadline,
                           struct ldapc_probe *ret_probe, struct sl_error *e)
{
    struct ldapc_probe probe = {0};
    struct ldapc_entries root = {0};
    enum sl_status s = read_root(dir, deadline, &root, e);

    if (s == SL_OK) {
        take_root(&probe, &root.items[0]);
        s = probe_names(dir, what, &root.items[0], &probe, e);
    }
    ldapc_entries_fini(&root);
    if (s == SL_OK)
        s = probe_schema(dir, deadline, &probe, e);
    if (s == SL_OK && what == LDAPC_PROBE_ALL)
        s = probe_container(dir, deadline, &probe, e);
    if (s == SL_OK)
        *ret_probe = probe;
    else
        ldapc_probe_fini(&probe);
    return s;
}

void ldapc_probe_fini(struct ldapc_probe *probe)
{
    free(probe->vendor);
    free(probe->base_dn);
    free(probe->container_dn);
    free(probe->subschema_dn);
    free(probe->schema_context);
    free(probe->container_why);
    sl_strings_fini(&probe->naming_contexts);
    sl_strings_fini(&probe->missing_classes);
    sl_strings_fini(&probe->missing_attributes);
    sl_strings_fini(&probe->lacking);
    *probe = (struct ldapc_probe){0};
}
