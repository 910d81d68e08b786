#include "ldap-schema/schema.h"

/* One of the two tables of definitions. */
struct part {
    const char *name; /* of the schema entry of OpenLDAP */
    const char *about;
    const struct schema_attribute *attributes;
    size_t attribute_count;
    const struct schema_class *classes;
    size_t class_count;
};

static struct part part_of(enum schema_part which)
{
    if (which == SCHEMA_PART_BASE)
        return (struct part){"smsbase",
                             "Companion of the SMS schema: what Active Directory has and this directory may lack",
                             schema_base_attributes,
                             schema_base_attribute_count,
                             schema_base_classes,
                             schema_base_class_count};
    return (struct part){"sms",
                         "Schema of Systems Management Server 2003 and Configuration Manager 2007",
                         schema_attributes,
                         schema_attribute_count,
                         schema_classes,
                         schema_class_count};
}

static void print_definitions(struct sl_text *out, const struct part *part, int since, const char *attribute_word,
                              const char *class_word)
{
    for (size_t i = 0; i < part->attribute_count; i++) {
        if (part->attributes[i].since > since)
            continue;
        sl_text_printf(out, "%s ", attribute_word);
        schema_attribute_text(out, &part->attributes[i]);
        sl_text_puts(out, "\n");
    }
    for (size_t i = 0; i < part->class_count; i++) {
        sl_text_printf(out, "%s ", class_word);
        schema_class_text(out, &part->classes[i], since);
        sl_text_puts(out, "\n");
    }
}

static void print_openldap(struct sl_text *out, const struct part *part, int since)
{
    sl_text_printf(out, "# %s\ndn: cn=%s,cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: %s\n", part->about, part->name,
                   part->name);
    print_definitions(out, part, since, "olcAttributeTypes:", "olcObjectClasses:");
    sl_text_puts(out, "\n");
}

static void print_openldap_conf(struct sl_text *out, const struct part *part, int since)
{
    sl_text_printf(out, "# %s\n", part->about);
    print_definitions(out, part, since, "attributetype", "objectclass");
}

/* Active Directory takes new definitions into use only when told to. */
static void print_ad_update(struct sl_text *out)
{
    sl_text_puts(out, "dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n-\n\n");
}

static void print_ad_list(struct sl_text *out, const char *attribute, const char *const *values)
{
    for (; *values != NULL; values++)
        sl_text_printf(out, "%s: %s\n", attribute, *values);
}

static void print_ad_attribute(struct sl_text *out, const struct schema_attribute *a)
{
    int om;
    const char *syntax = schema_ad_syntax(a->kind, &om);

    sl_text_printf(
        out,
        "dn: CN=%s,CN=Schema,CN=Configuration,DC=X\nchangetype: add\nobjectClass: attributeSchema\ncn: %s\n"
        "lDAPDisplayName: %s\nattributeID: %s\nattributeSyntax: %s\noMSyntax: %d\nisSingleValued: %s\nsearchFlags: %d\n"
        "isMemberOfPartialAttributeSet: TRUE\n\n",
        a->cn, a->cn, a->name, a->oid, syntax, om, a->single ? "TRUE" : "FALSE", a->indexed);
}

static void print_ad_class(struct sl_text *out, const struct schema_class *c, int since)
{
    sl_text_printf(out,
                   "dn: CN=%s,CN=Schema,CN=Configuration,DC=X\nchangetype: add\nobjectClass: classSchema\ncn: %s\n"
                   "lDAPDisplayName: %s\ngovernsID: %s\nsubClassOf: %s\nobjectClassCategory: 1\nrDNAttID: cn\n"
                   "defaultHidingValue: TRUE\n",
                   c->cn, c->cn, c->name, c->oid, c->sup);
    print_ad_list(out, "mayContain", c->may_2003);
    if (since >= SCHEMA_SINCE_2007)
        print_ad_list(out, "mayContain", c->may_2007);
    print_ad_list(out, "possSuperiors", c->superiors);
    sl_text_printf(out, "defaultSecurityDescriptor: %s\ndefaultObjectCategory: CN=%s,CN=Schema,CN=Configuration,DC=X\n\n",
                   schema_ad_descriptor, c->cn);
}

static void print_ad(struct sl_text *out, enum schema_part which, int since)
{
    if (which == SCHEMA_PART_BASE) {
        sl_text_puts(out, "# Active Directory has all of the companion: nothing to load\n");
        return;
    }
    struct part part = part_of(SCHEMA_PART_SMS);

    sl_text_printf(
        out, "# %s\n# Replace DC=X by the forest root (ldifde -i -k -f FILE -c DC=X DC=example,DC=com); cannot be undone\n",
        part.about);
    for (size_t i = 0; i < part.attribute_count; i++) {
        if (part.attributes[i].since <= since)
            print_ad_attribute(out, &part.attributes[i]);
    }
    print_ad_update(out);
    for (size_t i = 0; i < part.class_count; i++)
        print_ad_class(out, &part.classes[i], since);
    print_ad_update(out);
}

/* The server reads all of one cn=schema entry of a file: the parts stand below one dn. */
static void print_389ds(struct sl_text *out, enum schema_part which, int since)
{
    sl_text_puts(out, "# File of a schema folder (99sms.ldif), or attributes to add to cn=schema\ndn: cn=schema\n");
    struct part base = part_of(SCHEMA_PART_BASE), sms = part_of(SCHEMA_PART_SMS);

    if (which != SCHEMA_PART_SMS)
        print_definitions(out, &base, since, "attributeTypes:", "objectClasses:");
    if (which != SCHEMA_PART_BASE)
        print_definitions(out, &sms, since, "attributeTypes:", "objectClasses:");
}

void schema_print(struct sl_text *out, enum schema_flavor flavor, enum schema_part which, int since)
{
    if (flavor == SCHEMA_AD) {
        print_ad(out, which, since);
        return;
    }
    if (flavor == SCHEMA_389DS) {
        print_389ds(out, which, since);
        return;
    }
    void (*print)(struct sl_text *, const struct part *, int) =
        flavor == SCHEMA_OPENLDAP ? print_openldap : print_openldap_conf;
    struct part base = part_of(SCHEMA_PART_BASE), sms = part_of(SCHEMA_PART_SMS);

    if (which != SCHEMA_PART_SMS)
        print(out, &base, since);
    if (which != SCHEMA_PART_BASE)
        print(out, &sms, since);
}
