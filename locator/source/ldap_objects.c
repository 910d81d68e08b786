#include "locator/source/ldap.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdio.h>
#include <string.h>

/*
 * All fourteen attributes, where they come from and when they changed. Boundaries do without the first, which is a kilobyte for
 * each of the many.
 */
static const char *const attrs[] = {
    SRC_METADATA,
    "objectClass",       SCHEMA_SITE_CODE,     SCHEMA_SITE_BOUNDARIES,  SCHEMA_ROAMING_BOUNDARIES,   SCHEMA_DEFAULT_MP,
    SCHEMA_MP_NAME,      SCHEMA_MP_ADDRESS,    SCHEMA_RANGED_IP_LOW,    SCHEMA_RANGED_IP_HIGH,       SCHEMA_ASSIGNMENT_SITE_CODE,
    SCHEMA_DEVICE_MANAGEMENT_POINT, SCHEMA_HEALTH_STATE, SCHEMA_SOURCE_FOREST, SCHEMA_CAPABILITIES,  SCHEMA_VERSION,
    SCHEMA_DNS_HOST_NAME, "modifyTimestamp",   SRC_ENTRY_CSN,           NULL};

/* The classes whose objects make a kind. */
static const struct {
    enum lm_object_kind kind;
    const char *class_name, *other_class, *words, *one;
} kinds[] = {
    {LM_OBJECT_MP, SCHEMA_CLASS_MANAGEMENT_POINT, NULL, "management points", "a management point"},
    {LM_OBJECT_SITE, SCHEMA_CLASS_SITE, NULL, "sites", "a site object"},
    {LM_OBJECT_SLP, SCHEMA_CLASS_SERVER_LOCATOR_POINT, NULL, "server locator points", "a server locator point"},
    {LM_OBJECT_BOUNDARY, SCHEMA_CLASS_SITE, SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE, "boundaries", "a boundary"},
};

static void copy_text(const struct ldapc_entry *entry, const char *attr, char *out, size_t size)
{
    const char *text = ldapc_entry_text(entry, attr);
    if (text && strlen(text) < size)
        (void)sl_text_copy(out, size, text);
}

static int64_t read_bool(const struct ldapc_entry *entry, const char *attr)
{
    const char *text = ldapc_entry_text(entry, attr);
    if (!text)
        return -1;
    return sl_text_iequal(text, "TRUE");
}

static void read_list(const struct ldapc_entry *entry, const char *attr, struct sl_strings *out)
{
    const struct ldapc_attr *values = ldapc_entry_attr(entry, attr);
    for (size_t i = 0; values && i < values->count; i++)
        sl_strings_add(out, values->values[i].data);
}

static void read_integer_address(const struct ldapc_entry *entry, const char *attr, char out[LM_ADDRESS_MAX],
                                 struct src_answer *a)
{
    uint32_t ip;
    const char *text = ldapc_entry_text(entry, attr);
    if (text && lm_range_integer(text, &ip))
        (void)sl_text_copy(out, LM_ADDRESS_MAX, sl_ip4_text(ip).text);
    else if (text)
        src_warn(a, "%s: %s: \"%.40s\" is no address", entry->dn, attr, text);
}

/* What every class may have; NULL when there is no room, or the entry names what is no host. */
static struct lm_object *add(const struct ldapc_entry *entry, enum lm_object_kind kind, const struct src_origins *origins,
                             int64_t now_s, struct src_answer *a)
{
    struct lm_mp mp;
    if (!src_ldap_mp(entry, &mp, a))
        return NULL;
    struct lm_object *o = lm_objects_add(&a->objects, kind);
    if (!o) {
        src_warn(a, "more than %d objects: the rest is left out", LM_OBJECTS_MAX);
        return NULL;
    }
    o->dn = sl_strdup(entry->dn);
    o->mp = mp;
    copy_text(entry, SCHEMA_ASSIGNMENT_SITE_CODE, o->assignment, sizeof o->assignment);
    o->age_s = src_ldap_age(entry, now_s);
    src_ldap_origin(origins, entry, o->replicated_from);
    return o;
}

static void add_boundaries(const struct ldapc_entry *entry, const char *attr, const struct src_origins *origins, int64_t now_s,
                           struct src_answer *a)
{
    const struct ldapc_attr *values = ldapc_entry_attr(entry, attr);
    for (size_t i = 0; values && i < values->count; i++) {
        struct lm_object *o = add(entry, LM_OBJECT_BOUNDARY, origins, now_s, a);
        if (!o)
            return;
        (void)sl_text_copy(o->boundary, sizeof o->boundary, values->values[i].data);
        (void)sl_text_copy(o->boundary_kind, sizeof o->boundary_kind, lm_boundary_kind(o->boundary));
    }
}

static void add_range(const struct ldapc_entry *entry, const struct src_origins *origins, int64_t now_s, struct src_answer *a)
{
    struct lm_object *o = add(entry, LM_OBJECT_BOUNDARY, origins, now_s, a);
    if (!o)
        return;
    read_integer_address(entry, SCHEMA_RANGED_IP_LOW, o->low, a);
    read_integer_address(entry, SCHEMA_RANGED_IP_HIGH, o->high, a);
    (void)sl_text_copy(o->boundary_kind, sizeof o->boundary_kind, "range");
    (void)snprintf(o->boundary, sizeof o->boundary, "%s-%s", o->low, o->high);
}

void src_ldap_objects(const struct ldapc_entry *entry, enum lm_object_kind kind, const struct src_origins *origins, int64_t now_s,
                      struct src_answer *a)
{
    if (kind == LM_OBJECT_BOUNDARY && !ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_SITE)) {
        add_range(entry, origins, now_s, a);
        return;
    }
    if (kind == LM_OBJECT_BOUNDARY) {
        add_boundaries(entry, SCHEMA_ROAMING_BOUNDARIES, origins, now_s, a);
        add_boundaries(entry, SCHEMA_SITE_BOUNDARIES, origins, now_s, a);
        return;
    }
    struct lm_object *o = add(entry, kind, origins, now_s, a);
    if (!o)
        return;
    copy_text(entry, SCHEMA_MP_NAME, o->mp_name, sizeof o->mp_name);
    o->is_default = read_bool(entry, SCHEMA_DEFAULT_MP);
    o->device = read_bool(entry, SCHEMA_DEVICE_MANAGEMENT_POINT);
    copy_text(entry, SCHEMA_HEALTH_STATE, o->health, sizeof o->health);
    (void)lm_health_guid(o->health, o->guid);
    read_list(entry, SCHEMA_SITE_BOUNDARIES, &o->site_boundaries);
    read_list(entry, SCHEMA_ROAMING_BOUNDARIES, &o->roaming_boundaries);
}

/* A boundary in both attributes of a site is one boundary. The list is sorted. */
static void drop_doubles(struct lm_objects *list)
{
    struct lm_objects kept = {list->items, 0};
    for (size_t i = 0; i < list->count; i++) {
        struct lm_object *o = &list->items[i], *last = kept.count ? &kept.items[kept.count - 1] : NULL;
        if (last && !strcmp(last->mp.site, o->mp.site) && sl_text_iequal(last->boundary, o->boundary)) {
            lm_object_fini(o);
            continue;
        }
        kept.items[kept.count++] = *o;
    }
    list->count = kept.count;
}

void src_ldap_ask_objects(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    char filter[SRC_TEXT_MAX], asked[SRC_TEXT_MAX], missing[SRC_TEXT_MAX];
    struct ldapc_entries found = {.count = 0};
    struct src_origins origins = {.asked = false};
    size_t k = 0;
    while (k < SL_COUNT(kinds) && kinds[k].kind != q->kind)
        k++;
    if (k == SL_COUNT(kinds)) {
        src_say(a, SRC_UNABLE, "no class of the schema has a %s", lm_object_word(q->kind));
        return;
    }
    const char *other = kinds[k].other_class ? kinds[k].other_class : kinds[k].class_name;
    (void)snprintf(filter, sizeof filter, "(&(%s=%s)(|(objectClass=%s)(objectClass=%s)))", SCHEMA_SITE_CODE,
                   q->site[0] ? q->site : "*", kinds[k].class_name, other);
    (void)snprintf(asked, sizeof asked, "%s%s%s", kinds[k].words, q->site[0] ? " of " : "", q->site);
    (void)snprintf(missing, sizeof missing, "%s%s%s", kinds[k].one, q->site[0] ? " of " : "", q->site);
    const char *const *wanted = attrs + (q->kind == LM_OBJECT_BOUNDARY);
    if (!src_ldap_search(dir, filter, wanted, asked, deadline, a, &found)) {
        src_ldap_say_unreadable(dir, missing, deadline, a);
        return;
    }
    src_ldap_origins_learn(dir, &found, deadline, a, &origins);
    for (size_t i = 0; i < found.count; i++)
        src_ldap_objects(&found.items[i], q->kind, &origins, q->now_s, a);
    src_ldap_origins_fini(&origins);
    lm_objects_judge(&a->objects, q->profile);
    if (q->kind == LM_OBJECT_BOUNDARY)
        drop_doubles(&a->objects);
    size_t count = a->objects.count;
    bool incomplete = found.incomplete;
    ldapc_entries_fini(&found);
    if (count)
        src_say(a, SRC_ANSWER, "%zu %s", count, asked);
    else if (incomplete)
        src_say(a, SRC_CUT, "%s: the answer was cut by a limit of the server", ldapc_server(dir));
    else
        src_ldap_say_absent(dir, missing, deadline, a);
}
