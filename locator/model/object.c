#include "locator/model/object.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/model/boundary.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *lm_object_word(enum lm_object_kind kind)
{
    static const char *const words[] = {
#define LM_OBJECT_WORD(name, word) word,
        LM_OBJECT_TABLE(LM_OBJECT_WORD)
#undef LM_OBJECT_WORD
    };
    return kind < LM_OBJECT_COUNT ? words[kind] : "";
}

struct lm_object *lm_objects_add(struct lm_objects *list, enum lm_object_kind kind)
{
    if (list->count == LM_OBJECTS_MAX)
        return NULL;
    list->items = sl_grow(list->items, list->count, sizeof *list->items);
    struct lm_object *o = &list->items[list->count++];
    o->kind = kind;
    o->mp = lm_mp_unknown();
    o->device = o->is_default = o->age_s = -1;
    return o;
}

void lm_object_fini(struct lm_object *o)
{
    free(o->dn);
    sl_strings_fini(&o->site_boundaries);
    sl_strings_fini(&o->roaming_boundaries);
}

void lm_objects_fini(struct lm_objects *list)
{
    for (size_t i = 0; i < list->count; i++)
        lm_object_fini(&list->items[i]);
    free(list->items);
    *list = (struct lm_objects){NULL, 0};
}

static int by_site_and_name(const void *left, const void *right)
{
    const struct lm_object *a = left, *b = right;
    int order = strcmp(a->mp.site, b->mp.site);
    if (!order && a->mp.is_default != b->mp.is_default)
        return a->mp.is_default ? -1 : 1;
    if (!order)
        order = strcasecmp(a->mp.name, b->mp.name);
    if (!order)
        order = strcmp(a->mp.address, b->mp.address);
    return order ? order : strcasecmp(a->boundary, b->boundary);
}

/* Of the management points of one site, from `first` on; returns how many there are. */
static size_t judge_site(struct lm_object *first, size_t left, enum lm_profile profile)
{
    size_t count = 0;
    while (count < left && !strcmp(first[count].mp.site, first->mp.site))
        count++;
    for (size_t i = 0; i < count; i++) {
        const char *why = "";
        if (i && profile != LM_CB)
            why = first[i].mp.is_default ? "second-default" : "not-default-not-in-cluster";
        if (!first->mp.is_default && profile != LM_CB)
            why = "no-default-mp";
        (void)sl_text_copy(first[i].why_unused, sizeof first[i].why_unused, why);
    }
    return count;
}

void lm_objects_judge(struct lm_objects *list, enum lm_profile profile)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, by_site_and_name);
    for (size_t i = 0; i < list->count && list->items[i].kind == LM_OBJECT_MP;)
        i += judge_site(&list->items[i], list->count - i, profile);
}

const char *lm_object_role(const struct lm_object *o)
{
    if (o->kind != LM_OBJECT_MP)
        return "";
    return o->why_unused[0] ? "extra" : o->mp.is_default ? LM_ROLE_CONTACT : "";
}

bool lm_health_guid(const char *health, char ret_guid[LM_GUID_MAX])
{
    const char *open = strchr(health, '{'), *close = open ? strchr(open, '}') : NULL;
    size_t len = close ? (size_t)(close - open) + 1 : 0;
    if (!len || len >= LM_GUID_MAX || strspn(open + 1, "0123456789abcdefABCDEF-") != len - 2)
        return false;
    memcpy(ret_guid, open, len);
    ret_guid[len] = '\0';
    return true;
}

const char *lm_site_type(const struct lm_mp *mp)
{
    if (!mp->command_site[0] || !mp->site[0])
        return "";
    if (!strcmp(mp->command_site, mp->site))
        return "primary";
    return !strcmp(mp->root_site, mp->site) ? "central" : "secondary";
}

const char *lm_boundary_kind(const char *value)
{
    struct lm_address a;
    if (lm_address_parse(value, &a, NULL) != SL_OK)
        return "ad-site";
    return a.v6 ? "ipv6-prefix" : "subnet";
}
