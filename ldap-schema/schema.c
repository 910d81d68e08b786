#include "ldap-schema/schema.h"

#include "ldap-schema/names.h"

#include <string.h>

const char *const schema_part_words[] = {"sms", "base", "all", NULL};
const char *const schema_flavor_words[] = {"openldap", "openldap-conf", "ad", "389ds", NULL};

/* domain admins and the system everything, authenticated users read; writes are audited */
const char schema_ad_descriptor[] = "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPLCLORC;;;AU)"
                                    "S:(AU;SAFA;WPCCDCDTSDWDWO;;;WD)";

static const struct {
    const char *ad;
    int om;
    const char *equality, *ordering, *substr, *syntax;
} kinds[] = {
#define KIND_ROW(id, ad, om, equality, ordering, substr, syntax) {ad, om, equality, ordering, substr, syntax},
    SCHEMA_KIND_TABLE(KIND_ROW)
#undef KIND_ROW
};

#define SCHEMA_LIST(...) {__VA_ARGS__}
#define VALUED_SINGLE true
#define VALUED_MULTI false
#define INDEX_INDEXED true
#define INDEX_UNINDEXED false
#define CATEGORY_ABSTRACT true
#define CATEGORY_STRUCTURAL false

#define SCHEMA_ATTRIBUTE(id, oid, cn, name, kind, valued, index, since) const char SCHEMA_##id[] = name;
#define SCHEMA_CLASS(id, oid, cn, name, sup, superiors, may_2003, may_2007) const char SCHEMA_##id[] = name;
#define SCHEMA_BASE_ATTRIBUTE(id, oid, name, kind, valued) const char SCHEMA_##id[] = name;
#define SCHEMA_BASE_CLASS(id, oid, name, sup, category, must, may) const char SCHEMA_##id[] = name;
#include "ldap-schema/attributes.def"
#include "ldap-schema/base.def"
#include "ldap-schema/classes.def"
#undef SCHEMA_ATTRIBUTE
#undef SCHEMA_CLASS
#undef SCHEMA_BASE_ATTRIBUTE
#undef SCHEMA_BASE_CLASS

const struct schema_attribute schema_attributes[] = {
#define SCHEMA_ATTRIBUTE(id, oid, cn, name, kind, valued, index, since)                                                \
    {oid, cn, name, SCHEMA_KIND_##kind, VALUED_##valued, INDEX_##index, since},
#include "ldap-schema/attributes.def"
#undef SCHEMA_ATTRIBUTE
};
const size_t schema_attribute_count = SL_COUNT(schema_attributes);

const struct schema_class schema_classes[] = {
#define SCHEMA_CLASS(id, oid, cn, name, sup, superiors, may_2003, may_2007)                                            \
    {oid, cn, name, sup, false, NULL, superiors, may_2003, may_2007},
#include "ldap-schema/classes.def"
#undef SCHEMA_CLASS
};
const size_t schema_class_count = SL_COUNT(schema_classes);

const struct schema_attribute schema_base_attributes[] = {
#define SCHEMA_BASE_ATTRIBUTE(id, oid, name, kind, valued)                                                             \
    {oid, NULL, name, SCHEMA_KIND_##kind, VALUED_##valued, false, SCHEMA_SINCE_2003},
#define SCHEMA_BASE_CLASS(id, oid, name, sup, category, must, may)
#include "ldap-schema/base.def"
#undef SCHEMA_BASE_ATTRIBUTE
#undef SCHEMA_BASE_CLASS
};
const size_t schema_base_attribute_count = SL_COUNT(schema_base_attributes);

const struct schema_class schema_base_classes[] = {
#define SCHEMA_BASE_ATTRIBUTE(id, oid, name, kind, valued)
#define SCHEMA_BASE_CLASS(id, oid, name, sup, category, must, may)                                                     \
    {oid, NULL, name, sup, CATEGORY_##category, must, {NULL}, may, {NULL}},
#include "ldap-schema/base.def"
#undef SCHEMA_BASE_ATTRIBUTE
#undef SCHEMA_BASE_CLASS
};
const size_t schema_base_class_count = SL_COUNT(schema_base_classes);

const char *schema_ad_syntax(enum schema_kind kind, int *ret_om_syntax)
{
    *ret_om_syntax = kinds[kind].om;
    return kinds[kind].ad;
}

void schema_attribute_text(struct sl_text *out, const struct schema_attribute *attribute)
{
    sl_text_printf(out, "( %s NAME '%s' EQUALITY %s", attribute->oid, attribute->name, kinds[attribute->kind].equality);
    if (kinds[attribute->kind].ordering != NULL)
        sl_text_printf(out, " ORDERING %s", kinds[attribute->kind].ordering);
    if (kinds[attribute->kind].substr != NULL)
        sl_text_printf(out, " SUBSTR %s", kinds[attribute->kind].substr);
    sl_text_printf(out, " SYNTAX 1.3.6.1.4.1.1466.115.121.1.%s%s )", kinds[attribute->kind].syntax,
                   attribute->single ? " SINGLE-VALUE" : "");
}

/* Outside Active Directory cn is mandatory, not allowed: it is left out of the list. */
static void add_may(struct sl_text *out, const char *const *names, bool *any)
{
    for (; *names != NULL; names++) {
        if (strcmp(*names, "cn") == 0)
            continue;
        sl_text_printf(out, "%s%s", *any ? " $ " : " MAY ( ", *names);
        *any = true;
    }
}

void schema_class_text(struct sl_text *out, const struct schema_class *class, int since)
{
    const char *must = class->must == NULL && class->cn != NULL && strcmp(class->sup, "top") == 0 ? "cn" : class->must;
    bool any = false;

    sl_text_printf(out, "( %s NAME '%s' SUP %s %s", class->oid, class->name, class->sup,
                   class->abstract ? "ABSTRACT" : "STRUCTURAL");
    if (must != NULL)
        sl_text_printf(out, " MUST %s", must);
    add_may(out, class->may_2003, &any);
    if (since >= SCHEMA_SINCE_2007)
        add_may(out, class->may_2007, &any);
    sl_text_puts(out, any ? " ) )" : " )");
}
