/*
 * A directory in memory, behind the same searches as a server. Only what the dump shows is said: a search at an entry of which
 * the dump has nothing at, below or above fails, since the dump does not reach there.
 */
#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OID_ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

enum { CONTEXTS_MAX = 16, ROOT_ATTRS = 4 };

struct ldapc_dump {
    struct ldapc_entries entries;
    char **names; /* of the entries, in normal form */
    /* the rootDSE, made from what the dump shows */
    struct ldapc_entry root;
    struct ldapc_attr root_attrs[ROOT_ATTRS];
    struct ldapc_value contexts[CONTEXTS_MAX], subschema, schema, capability;
};

/* ---- names in normal form, where a comma is always a border ------------------------------------------------------------ */

/* True when `name` is `above`, or below it. */
static bool is_within(const char *name, const char *above)
{
    size_t len = strlen(name), above_len = strlen(above);

    if (above_len == 0)
        return true;
    return len >= above_len && strcmp(name + len - above_len, above) == 0 &&
           (len == above_len || name[len - above_len - 1] == ',');
}

static const char *parent_of(const char *name)
{
    const char *comma = strchr(name, ',');

    return comma != NULL ? comma + 1 : "";
}

/* What stands behind the container in a name, which is the base; NULL when the container is not in it. */
static const char *base_in(const char *name, const char *container)
{
    size_t len = strlen(container);

    for (const char *at = name; len > 0 && *at != '\0'; at = parent_of(at)) {
        if (strncmp(at, container, len) == 0 && at[len] == ',')
            return at + len + 1;
    }
    return NULL;
}

/* The end of a DN as it stands in the dump, of as many parts as `name` has. */
static const char *tail_of(const char *dn, const char *name)
{
    size_t parts = 0, wanted = 0;

    for (const char *at = dn; at != NULL; at = ldapc_dn_parent(at))
        parts++;
    for (const char *at = name; *at != '\0'; at = parent_of(at))
        wanted++;
    for (; parts > wanted; parts--)
        dn = ldapc_dn_parent(dn);
    return dn;
}

/* ---- the rootDSE ---------------------------------------------------------------------------------------------------- */

static void add_context(struct ldapc_dump *dump, const char *dn)
{
    struct ldapc_attr *contexts = &dump->root_attrs[0];

    for (size_t i = 0; i < contexts->count; i++) {
        if (ldapc_dn_equal(contexts->values[i].data, dn))
            return;
    }
    if (contexts->count < CONTEXTS_MAX)
        contexts->values[contexts->count++] = (struct ldapc_value){.data = dn, .len = strlen(dn)};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Entries without a parent in the dump. */
static void add_tops(struct ldapc_dump *dump)
{
    size_t count = dump->entries.count;
    char **sorted = sl_new_array(count + 1, sizeof *sorted);

    memcpy(sorted, dump->names, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (size_t i = 0; i < count; i++) {
        const char *parent = parent_of(dump->names[i]);

        if (dump->names[i][0] != '\0' && bsearch(&parent, sorted, count, sizeof *sorted, compare_names) == NULL)
            add_context(dump, dump->entries.items[i].dn);
    }
    free(sorted);
}

/* The base is what the container stands in; where it is nowhere to be seen, the one top of the dump. */
static void find_contexts(struct ldapc_dump *dump, const char *container)
{
    char *name = ldapc_dn_normal(container);
    const char *last = NULL;

    for (size_t i = 0; i < dump->entries.count; i++) {
        const char *base = base_in(dump->names[i], name);

        if (base != NULL && (last == NULL || strcmp(base, last) != 0))
            add_context(dump, tail_of(dump->entries.items[i].dn, base));
        last = base != NULL ? base : last;
    }
    free(name);
    if (dump->root_attrs[0].count > 0)
        return;
    add_tops(dump);
    if (dump->root_attrs[0].count > 1)
        dump->root_attrs[0].count = 0;
}

static void set_root(struct ldapc_dump *dump, size_t at, const char *name, struct ldapc_value *value, const char *text)
{
    *value = (struct ldapc_value){.data = text, .len = strlen(text)};
    dump->root_attrs[at] = (struct ldapc_attr){.name = name, .values = value, .count = 1};
}

/* A dump that holds a schema shows whether it is extended: a subschema entry, or the schema of an Active Directory. */
static void find_schema(struct ldapc_dump *dump)
{
    for (size_t i = 0; i < dump->entries.count; i++) {
        const struct ldapc_entry *entry = &dump->entries.items[i];

        if (ldapc_entry_attr(entry, "objectClasses") != NULL)
            set_root(dump, 1, "subschemaSubentry", &dump->subschema, entry->dn);
        if (!ldapc_entry_has(entry, "objectClass", "classSchema") || ldapc_dn_parent(entry->dn) == NULL)
            continue;
        set_root(dump, 2, "schemaNamingContext", &dump->schema, ldapc_dn_parent(entry->dn));
        set_root(dump, 3, "supportedCapabilities", &dump->capability, OID_ACTIVE_DIRECTORY);
    }
}

static void make_root(struct ldapc_dump *dump, const char *container)
{
    for (size_t i = 0; i < ROOT_ATTRS; i++)
        dump->root_attrs[i].name = "";
    dump->root_attrs[0] = (struct ldapc_attr){.name = "namingContexts", .values = dump->contexts};
    dump->root = (struct ldapc_entry){.dn = "", .attrs = dump->root_attrs, .count = ROOT_ATTRS};
    find_contexts(dump, container);
    find_schema(dump);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

void ldapc_dump_free(struct ldapc_dump *dump)
{
    if (dump == NULL)
        return;
    for (size_t i = 0; i < dump->entries.count; i++)
        free(dump->names[i]);
    free(dump->names);
    ldapc_entries_fini(&dump->entries);
    free(dump);
}

enum sl_status ldapc_dump_new(struct ldapc_entries *entries, const char *container, struct ldapc_dump **ret_dump,
                              const char **ret_bad_dn)
{
    struct ldapc_dump *dump = sl_new(sizeof *dump);
    size_t count = entries->count;

    dump->names = sl_new_array(count + 1, sizeof *dump->names);
    for (size_t i = 0; i < count; i++) {
        dump->names[i] = ldapc_dn_normal(entries->items[i].dn);
        if (dump->names[i] == NULL) {
            *ret_bad_dn = entries->items[i].dn;
            ldapc_dump_free(dump);
            return SL_MALFORMED;
        }
        dump->entries.count = i + 1;
    }
    dump->entries = *entries;
    *entries = (struct ldapc_entries){0};
    make_root(dump, container);
    *ret_dump = dump;
    return SL_OK;
}

/* ---- searching ------------------------------------------------------------------------------------------------------ */

static bool in_scope(const char *name, const char *base, enum ldapc_scope scope)
{
    if (scope == LDAPC_BASE)
        return strcmp(name, base) == 0;
    if (scope == LDAPC_ONE_LEVEL)
        return name[0] != '\0' && strcmp(parent_of(name), base) == 0;
    return is_within(name, base);
}

/* The entry is copied without its values, which stay those of the dump. */
static bool add_found(struct ldapc_entries *found, const struct ldapc_entry *entry)
{
    struct ldapc_entry *next = ldapc_entries_next(found);

    if (next == NULL)
        return false;
    *next = *entry;
    found->count++;
    return true;
}

struct seen {
    bool at_or_below, above;
};

static enum sl_status collect(const struct ldapc_dump *dump, const struct ldapc_search *search, const char *base,
                              struct ldapc_entries *found, struct seen *seen, struct sl_error *e)
{
    const char *filter = search->filter != NULL ? search->filter : "(objectClass=*)";
    bool all = strcmp(filter, "(objectClass=*)") == 0, matches = true;
    size_t max = search->max_entries > 0 ? search->max_entries : LDAPC_ENTRIES_MAX;

    for (size_t i = 0; i < dump->entries.count; i++) {
        const char *name = dump->names[i];

        seen->at_or_below = seen->at_or_below || is_within(name, base);
        seen->above = seen->above || is_within(base, name);
        if (!in_scope(name, base, search->scope))
            continue;
        if (!all && !ldapc_filter_matches(filter, &dump->entries.items[i], &matches))
            return sl_fail(e, SL_INTERNAL, "the filter %.100s cannot be judged", filter);
        if (matches && found->count == max)
            found->incomplete = true;
        else if (matches && !add_found(found, &dump->entries.items[i]))
            return sl_fail(e, SL_NOMEM, "result too large");
    }
    return SL_OK;
}

static enum sl_status search_root(const struct ldapc_dump *dump, struct ldapc_entries *found, struct sl_error *e)
{
    if (dump->root_attrs[0].count == 0)
        return sl_fail(e, SL_UNREACHABLE, "the dump holds nothing at or below the container and shows no base DN: name it");
    return add_found(found, &dump->root) ? SL_OK : sl_fail(e, SL_NOMEM, "rootDSE");
}

static enum sl_status search_tree(const struct ldapc_dump *dump, const struct ldapc_search *search, struct ldapc_entries *found,
                                  struct sl_error *e)
{
    char *base = ldapc_dn_normal(search->base);
    struct seen seen = {.at_or_below = false};
    enum sl_status s = base != NULL ? collect(dump, search, base, found, &seen, e) : sl_fail(e, SL_USAGE, "not a DN");

    free(base);
    if (s == SL_OK && !seen.at_or_below && !seen.above)
        return sl_fail(e, SL_UNREACHABLE, "the dump holds nothing at, below or above it");
    found->base_absent = !seen.at_or_below;
    /* an entry that shows only through those below it is there, though it cannot be read */
    if (s == SL_OK && search->scope == LDAPC_BASE && found->count == 0 && seen.at_or_below &&
        !add_found(found, &(struct ldapc_entry){.dn = search->base}))
        return sl_fail(e, SL_NOMEM, "result too large");
    return s;
}

enum sl_status ldapc_dump_search(struct ldapc *dir, const struct ldapc_search *search, struct ldapc_entries *ret_entries,
                                 struct sl_error *e)
{
    struct ldapc_entries found = {0};
    bool root = search->base == NULL || search->base[0] == '\0';
    enum sl_status s = root && search->scope == LDAPC_BASE ? search_root(dir->dump, &found, e)
                                                           : search_tree(dir->dump, search, &found, e);

    dir->kind = s == SL_OK ? LDAPC_FINE : LDAPC_UNREACHABLE;
    dir->code = 0;
    if (s != SL_OK) {
        ldapc_entries_fini(&found);
        return sl_fail_in(e, s, "%s: search \"%s\"", ldapc_server(dir), root ? "" : search->base);
    }
    found.incomplete = found.incomplete || dir->dump->entries.incomplete;
    *ret_entries = found;
    return SL_OK;
}
