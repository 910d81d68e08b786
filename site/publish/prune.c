#include "site/publish/directory.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdlib.h>
#include <string.h>

#define CHANGED "modifyTimestamp"

static const char *text_of(const struct ldapc_entry *entry, const char *attribute)
{
    const char *text = ldapc_entry_text(entry, attribute);
    return text ? text : "";
}

static bool has(const struct sl_strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (sl_text_iequal(list->items[i], text))
            return true;
    return false;
}

/* Everything that says which site it is of: nothing else can be of a site. */
static enum sl_status read_all(struct pub_dir *d, struct ldapc_entries *ret_found, struct sl_error *e)
{
    const char *attributes[32];
    size_t count = 0;
    for (; pub_plan_attributes[count]; count++)
        attributes[count] = pub_plan_attributes[count];
    attributes[count++] = CHANGED;
    attributes[count] = NULL;
    struct sl_text filter = sl_text_new(PUB_TEXT_MAX);
    sl_text_printf(&filter, "(%s=*)", SCHEMA_SITE_CODE);
    const struct ldapc_search search = {.base = d->probe.container_dn, .scope = LDAPC_ONE_LEVEL, .attrs = attributes,
                                        .filter = sl_text_str(&filter), .classes = ldapc_published_classes,
                                        .split_by = ldapc_published_split};
    enum sl_status s = ldapc_search(d->dir, &search, d->run->deadline, ret_found, e);
    sl_text_fini(&filter);
    if (s == SL_OK && ret_found->incomplete)
        pub_warn(d->run, "%s: a limit of the server cut the list: raise it for this account", ldapc_server(d->dir));
    return s;
}

/* For each found entry the planned object that it is, or NULL. */
static const struct pub_object **match(struct pub_dir *d)
{
    const struct pub_object **planned = sl_new_array(d->found.count + 1, sizeof *planned);
    struct pub_index index = pub_index_new(&d->found);
    for (size_t i = 0; i < d->plan.count; i++) {
        const struct ldapc_entry *entry = pub_index_find(&index, d->plan.objects[i].cn, d->plan.objects[i].dn);
        if (entry)
            planned[entry - d->found.items] = &d->plan.objects[i];
    }
    pub_index_fini(&index);
    return planned;
}

/* ---- listing ------------------------------------------------------------------------------------------------------------ */

/* The boundaries of another site's object that this site has too: clients there find both. */
static void put_shared(const struct pub_dir *d, const struct ldapc_entry *entry, struct sl_text *out)
{
    const struct ldapc_attr *theirs = ldapc_entry_attr(entry, SCHEMA_ROAMING_BOUNDARIES);
    const struct pub_object *ours = &d->plan.objects[0];
    const char *before = "; shares ";
    for (size_t a = 0; theirs && a < ours->attr_count; a++) {
        if (strcmp(ours->attrs[a].name, SCHEMA_ROAMING_BOUNDARIES) != 0)
            continue;
        for (size_t v = 0; v < theirs->count; v++) {
            if (!has(&ours->attrs[a].values, theirs->values[v].data))
                continue;
            sl_text_printf(out, "%s%s", before, theirs->values[v].data);
            before = ", ";
        }
    }
}

static void list_other(struct pub_dir *d, enum pub_action action, const struct ldapc_entry *entry)
{
    struct sl_text text = sl_text_new(PUB_TEXT_MAX);
    const char *forest = text_of(entry, SCHEMA_SOURCE_FOREST);
    sl_text_printf(&text, "site %s, forest %s, changed %s", text_of(entry, SCHEMA_SITE_CODE), forest[0] ? forest : "not told",
                   text_of(entry, CHANGED));
    if (action == PUB_OTHER_SITE_LINE)
        put_shared(d, entry, &text);
    pub_line_add(d->run, action, entry->dn, "%s", sl_text_str(&text));
    sl_text_fini(&text);
}

static void list_entry(struct pub_dir *d, const struct ldapc_entry *entry, const struct pub_object *planned)
{
    const struct sm_site *site = &d->run->site->site;
    const char *code = text_of(entry, SCHEMA_SITE_CODE);
    if (pub_is_ours(site, entry) && planned) {
        char *difference = pub_describe(planned, entry);
        pub_line_add(d->run, difference[0] ? PUB_CHANGE_LINE : PUB_SAME_LINE, entry->dn, "%s", difference);
        free(difference);
    } else if (pub_is_ours(site, entry)) {
        list_other(d, PUB_STALE_LINE, entry);
    } else if (sl_text_iequal(code, site->code)) {
        list_other(d, PUB_OTHER_FOREST_LINE, entry);
    } else if (!d->run->order->is_stale || !has(&d->run->order->known, code)) {
        list_other(d, PUB_OTHER_SITE_LINE, entry);
    }
}

enum sl_status pub_list_all(struct pub_dir *d, struct sl_error *e)
{
    enum sl_status s = read_all(d, &d->found, e);
    if (s)
        return s;
    const struct pub_object **planned = match(d);
    for (size_t i = 0; i < d->found.count; i++)
        list_entry(d, &d->found.items[i], planned[i]);
    free(planned);
    return SL_OK;
}

/* ---- pruning ------------------------------------------------------------------------------------------------------------ */

/* Of a site, and where one was named of a forest, that the administrator told to prune. */
static bool is_named(const struct pub_run *run, const struct ldapc_entry *entry)
{
    const char *forest = text_of(entry, SCHEMA_SOURCE_FOREST);
    return has(&run->order->sites, text_of(entry, SCHEMA_SITE_CODE)) &&
           (run->order->forest == NULL || sl_text_iequal(run->order->forest, forest));
}

enum sl_status pub_compare_stale(struct pub_dir *d, struct sl_error *e)
{
    enum sl_status s = read_all(d, &d->found, e);
    if (s)
        return s;
    const struct pub_object **planned = match(d);
    for (size_t i = 0; i < d->found.count; i++) {
        const struct ldapc_entry *entry = &d->found.items[i];
        if (planned[i] || (!pub_is_ours(&d->run->site->site, entry) && !is_named(d->run, entry)))
            continue;
        struct sl_text text = sl_text_new(PUB_TEXT_MAX);
        sl_text_printf(&text, "site %s, changed %s", text_of(entry, SCHEMA_SITE_CODE), text_of(entry, CHANGED));
        pub_change_add(d, (struct pub_change){.action = PUB_REMOVE_LINE, .found = entry, .detail = sl_text_take(&text)});
    }
    free(planned);
    return SL_OK;
}
