#include "site/publish/directory.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- whose is it -------------------------------------------------------------------------------------------------------- */

static bool is_our_class(const struct ldapc_entry *entry)
{
    return ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_SITE) ||
           ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_MANAGEMENT_POINT) ||
           ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_SERVER_LOCATOR_POINT) ||
           ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE);
}

bool pub_is_ours(const struct sm_site *site, const struct ldapc_entry *entry)
{
    const char *code = ldapc_entry_text(entry, SCHEMA_SITE_CODE), *forest = ldapc_entry_text(entry, SCHEMA_SOURCE_FOREST);
    const char *cn = ldapc_entry_text(entry, "cn");
    if (!is_our_class(entry) || code == NULL || !sl_text_iequal(code, site->code))
        return false;
    return forest ? sl_text_iequal(forest, site->forest) : cn && pub_is_our_name(site->code, cn);
}

bool pub_says_default(const struct ldapc_entry *entry)
{
    return ldapc_entry_has(entry, SCHEMA_DEFAULT_MP, "TRUE");
}

/* ---- entries by name ---------------------------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    return strcasecmp(((const struct pub_index_row *)a)->cn, ((const struct pub_index_row *)b)->cn);
}

struct pub_index pub_index_new(const struct ldapc_entries *entries)
{
    struct pub_index index = {.rows = NULL};
    size_t room = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const struct ldapc_attr *cn = ldapc_entry_attr(&entries->items[i], "cn");
        room += cn ? cn->count : 0;
    }
    index.rows = sl_new_array(room + 1, sizeof *index.rows);
    for (size_t i = 0; i < entries->count; i++) {
        const struct ldapc_attr *cn = ldapc_entry_attr(&entries->items[i], "cn");
        for (size_t v = 0; cn && v < cn->count; v++)
            index.rows[index.count++] = (struct pub_index_row){cn->values[v].data, &entries->items[i]};
    }
    qsort(index.rows, index.count, sizeof *index.rows, compare_rows);
    return index;
}

void pub_index_fini(struct pub_index *index)
{
    free(index->rows);
    *index = (struct pub_index){.rows = NULL};
}

/* Most servers give a DN back as it was written; only else both are parsed. */
static bool is_dn(const struct ldapc_entry *entry, const char *dn)
{
    return strcmp(entry->dn, dn) == 0 || ldapc_dn_equal(entry->dn, dn);
}

const struct ldapc_entry *pub_index_find(const struct pub_index *index, const char *cn, const char *dn)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcasecmp(index->rows[middle].cn, cn) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->count && strcasecmp(index->rows[low].cn, cn) == 0; low++)
        if (is_dn(index->rows[low].entry, dn))
            return index->rows[low].entry;
    return NULL;
}

/* ---- differences ------------------------------------------------------------------------------------------------------ */

static bool has_value(const struct ldapc_attr *attr, const char *text)
{
    for (size_t i = 0; attr && i < attr->count; i++)
        if (attr->values[i].len == strlen(text) && memcmp(attr->values[i].data, text, attr->values[i].len) == 0)
            return true;
    return false;
}

bool pub_is_same_attr(const struct pub_attr *wanted, const struct ldapc_attr *found)
{
    if (wanted->values.count != (found ? found->count : 0))
        return false;
    for (size_t i = 0; i < wanted->values.count; i++)
        if (!has_value(found, wanted->values.items[i]))
            return false;
    return true;
}

static void tell_found(struct sl_text *out, const struct ldapc_attr *found)
{
    for (size_t i = 0; found && i < found->count; i++) {
        sl_text_puts(out, i ? ", " : "");
        sl_text_add(out, found->values[i].data, found->values[i].len);
    }
    if (found == NULL || found->count == 0)
        sl_text_puts(out, "none");
}

static void tell_wanted(struct sl_text *out, const struct pub_attr *wanted)
{
    for (size_t i = 0; i < wanted->values.count; i++)
        sl_text_printf(out, "%s%s", i ? ", " : "", wanted->values.items[i]);
    if (wanted->values.count == 0)
        sl_text_puts(out, "none");
}

char *pub_describe(const struct pub_object *object, const struct ldapc_entry *found)
{
    struct sl_text out = sl_text_new(PUB_TEXT_MAX);
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct pub_attr *wanted = &object->attrs[i];
        const struct ldapc_attr *attr = found ? ldapc_entry_attr(found, wanted->name) : NULL;
        if (pub_is_same_attr(wanted, attr))
            continue;
        sl_text_printf(&out, "%s%s: ", out.len ? "; " : "", wanted->name);
        if (found) {
            tell_found(&out, attr);
            sl_text_puts(&out, " -> ");
        }
        tell_wanted(&out, wanted);
    }
    if (sl_text_failed(&out)) {
        sl_text_reset(&out);
        sl_text_puts(&out, "too much to show");
    }
    char *text = sl_strdup(sl_text_str(&out));
    sl_text_fini(&out);
    return text;
}

/* ---- changes ------------------------------------------------------------------------------------------------------------ */

void pub_change_fail(struct pub_change *c, enum sl_status status, const char *fmt, ...)
{
    va_list args;
    if (c->why == NULL)
        c->why = sl_new(sizeof *c->why);
    va_start(args, fmt);
    (void)sl_vfail(c->why, status, fmt, args);
    va_end(args);
    c->has_failed = true;
}

void pub_change_add(struct pub_dir *d, struct pub_change change)
{
    d->changes = sl_resize(d->changes, d->count + 1, sizeof *d->changes);
    d->changes[d->count++] = change;
}

static void compare_object(struct pub_dir *d, const struct pub_index *index, const struct pub_object *object, bool *is_planned)
{
    struct pub_change change = {.action = PUB_ADD_LINE, .object = object};
    change.found = pub_index_find(index, object->cn, object->dn);
    if (change.found)
        is_planned[change.found - d->found.items] = true;
    if (change.found && (!pub_is_ours(&d->run->site->site, change.found) ||
                         !ldapc_entry_has(change.found, "objectClass", object->class))) {
        const char *forest = ldapc_entry_text(change.found, SCHEMA_SOURCE_FOREST);
        change.action = PUB_FAILED_LINE;
        pub_change_fail(&change, SL_CONFLICT, "held by an object that is not of this site and class (source forest %s)",
                        forest ? forest : "not told");
        change.detail = sl_strdup(change.why->text);
    } else {
        change.detail = pub_describe(object, change.found);
        if (change.found)
            change.action = change.detail[0] == '\0' ? PUB_SAME_LINE : PUB_CHANGE_LINE;
    }
    pub_change_add(d, change);
}

/* Objects of ours that are no longer planned. */
static void compare_rest(struct pub_dir *d, const bool *is_planned, bool is_default)
{
    for (size_t i = 0; i < d->found.count; i++) {
        const struct ldapc_entry *entry = &d->found.items[i];
        if (!is_planned[i] && pub_says_default(entry) == is_default && pub_is_ours(&d->run->site->site, entry))
            pub_change_add(d, (struct pub_change){.action = PUB_REMOVE_LINE, .found = entry, .detail = sl_strdup("")});
    }
}

/* What still says that it is the default management point is shown first, since it goes first (S1.20). */
void pub_compare(struct pub_dir *d)
{
    struct pub_index index = pub_index_new(&d->found);
    bool *is_planned = sl_new_array(d->found.count + 1, sizeof *is_planned);
    struct pub_dir rest = {.run = d->run, .found = d->found};
    for (size_t i = 0; i < d->plan.count; i++)
        compare_object(&rest, &index, &d->plan.objects[i], is_planned);
    compare_rest(d, is_planned, true);
    for (size_t i = 0; i < rest.count; i++)
        pub_change_add(d, rest.changes[i]);
    compare_rest(d, is_planned, false);
    free(rest.changes);
    free(is_planned);
    pub_index_fini(&index);
}
