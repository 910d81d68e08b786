/* The schema extension: the data against the published tables, every flavor, and reading descriptions back. */
#include "ldap-schema/schema.h"

#include "ldap-schema/names.h"
#include "tests/unit/unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct schema_attribute *attribute(const char *name)
{
    for (size_t i = 0; i < schema_attribute_count; i++) {
        if (strcmp(schema_attributes[i].name, name) == 0)
            return &schema_attributes[i];
    }
    ck_abort_msg("no attribute %s", name);
}

/* Active Directory derives the display name: hyphens dropped, first letter lower case. */
static void derive(char *out, const char *cn)
{
    size_t n = 0;

    for (; *cn != '\0'; cn++) {
        if (*cn != '-')
            out[n++] = *cn;
    }
    out[n] = '\0';
    if (out[0] >= 'A' && out[0] <= 'Z')
        out[0] = (char)(out[0] + 'a' - 'A');
}

START_TEST(fourteen_attributes_with_their_oids)
{
    size_t since_2003 = 0;
    bool seen[16] = {false};

    ck_assert_uint_eq(schema_attribute_count, 14);
    for (size_t i = 0; i < schema_attribute_count; i++) {
        const struct schema_attribute *a = &schema_attributes[i];
        const char *arc = "1.2.840.113556.1.6.29.2.1.";
        char name[64];
        uint64_t number;

        ck_assert_int_eq(strncmp(a->oid, arc, strlen(arc)), 0);
        ck_assert(sl_parse_u64(a->oid + strlen(arc), 15, &number));
        ck_assert_msg(!seen[number] && number != 13 && number > 0, "number %s", a->oid);
        seen[number] = true;
        derive(name, a->cn);
        ck_assert_str_eq(name, a->name);
        since_2003 += a->since == 2003;
        /* the ten of SMS 2003 are indexed, the four of 2007 are not */
        ck_assert_int_eq(a->indexed, a->since == 2003);
        ck_assert_int_eq(a->single, strstr(a->name, "Boundaries") == NULL);
    }
    ck_assert_uint_eq(since_2003, 10);
}
END_TEST

START_TEST(attribute_kinds)
{
    ck_assert_int_eq(attribute(SCHEMA_DEFAULT_MP)->kind, SCHEMA_KIND_BOOLEAN);
    ck_assert_int_eq(attribute(SCHEMA_DEVICE_MANAGEMENT_POINT)->kind, SCHEMA_KIND_BOOLEAN);
    ck_assert_int_eq(attribute(SCHEMA_RANGED_IP_LOW)->kind, SCHEMA_KIND_ENUMERATION);
    ck_assert_int_eq(attribute(SCHEMA_RANGED_IP_HIGH)->kind, SCHEMA_KIND_ENUMERATION);
    ck_assert_int_eq(attribute(SCHEMA_VERSION)->kind, SCHEMA_KIND_ENUMERATION);
    ck_assert_int_eq(attribute(SCHEMA_SITE_CODE)->kind, SCHEMA_KIND_TELETEX);
    int om;
    ck_assert_str_eq(schema_ad_syntax(SCHEMA_KIND_TELETEX, &om), "2.5.5.4");
    ck_assert_int_eq(om, 20);
    ck_assert_str_eq(schema_ad_syntax(SCHEMA_KIND_ENUMERATION, &om), "2.5.5.9");
    ck_assert_int_eq(om, 10);
}
END_TEST

START_TEST(four_classes_and_their_hierarchy)
{
    static const struct {
        const char *oid, *name, *sup, *superior;
    } want[] = {
        {"1.2.840.113556.1.6.29.2.2.1", "mSSMSManagementPoint", "serviceConnectionPoint", NULL},
        {"1.2.840.113556.1.6.29.2.2.2", "mSSMSSite", "top", "container"},
        {"1.2.840.113556.1.6.29.2.2.3", "mSSMSServerLocatorPoint", "serviceConnectionPoint", NULL},
        {"1.2.840.113556.1.6.29.2.2.4", "mSSMSRoamingBoundaryRange", "top", "container"},
    };

    ck_assert_uint_eq(schema_class_count, SL_COUNT(want));
    for (size_t i = 0; i < SL_COUNT(want); i++) {
        char name[64];

        ck_assert_str_eq(schema_classes[i].oid, want[i].oid);
        ck_assert_str_eq(schema_classes[i].name, want[i].name);
        ck_assert_str_eq(schema_classes[i].sup, want[i].sup);
        ck_assert_pstr_eq(schema_classes[i].superiors[0], want[i].superior);
        derive(name, schema_classes[i].cn);
        ck_assert_str_eq(name, want[i].name);
    }
}
END_TEST

static bool is_known(const char *name)
{
    if (strcmp(name, "cn") == 0)
        return true;
    for (size_t i = 0; i < schema_attribute_count; i++) {
        if (strcmp(schema_attributes[i].name, name) == 0)
            return true;
    }
    for (size_t i = 0; i < schema_base_attribute_count; i++) {
        if (strcmp(schema_base_attributes[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_allowed(const struct schema_class *c)
{
    for (const char *const *may = c->may_2003; *may != NULL; may++)
        ck_assert_msg(is_known(*may), "%s allows %s", c->name, *may);
    for (const char *const *may = c->may_2007; *may != NULL; may++)
        ck_assert_msg(is_known(*may), "%s allows %s", c->name, *may);
}

START_TEST(classes_allow_only_what_is_defined)
{
    for (size_t i = 0; i < schema_class_count; i++)
        check_allowed(&schema_classes[i]);
    for (size_t i = 0; i < schema_base_class_count; i++)
        check_allowed(&schema_base_classes[i]);
}
END_TEST

/* Superclasses are loaded before what needs them; the arc of connection points is the real one. */
START_TEST(companion_order)
{
    ck_assert_uint_eq(schema_base_class_count, 4);
    for (size_t i = 0; i < schema_base_class_count; i++) {
        bool known = strcmp(schema_base_classes[i].sup, "top") == 0;

        for (size_t j = 0; j < i; j++)
            known = known || strcmp(schema_base_classes[j].name, schema_base_classes[i].sup) == 0;
        ck_assert_msg(known, "%s comes before %s", schema_base_classes[i].name, schema_base_classes[i].sup);
    }
    ck_assert_str_eq(schema_base_classes[3].oid, "1.2.840.113556.1.5.126");
    ck_assert(schema_base_classes[1].abstract && schema_base_classes[2].abstract);
}
END_TEST

/* A line of LDIF: a comment, a change separator, or "name: value" with a name of letters. */
static bool is_ldif_line(const char *line, size_t len)
{
    size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (len == 0 || line[0] == '#' || (len == 1 && line[0] == '-'))
        return true;
    return name > 0 && name < len && line[name] == ':' && (len == name + 1 || line[name + 1] == ' ');
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        n++;
    return n;
}

static char *printed(enum schema_flavor flavor, enum schema_part part, int since)
{
    struct sl_text text = sl_text_new(SCHEMA_FILE_MAX);

    schema_print(&text, flavor, part, since);
    char *result = sl_text_take(&text);

    ck_assert_ptr_nonnull(result);
    return result;
}

START_TEST(every_ldif_flavor_is_ldif)
{
    static const enum schema_flavor flavors[] = {SCHEMA_OPENLDAP, SCHEMA_AD, SCHEMA_389DS};

    for (size_t f = 0; f < SL_COUNT(flavors); f++) {
        for (int part = SCHEMA_PART_SMS; part <= SCHEMA_PART_ALL; part++) {
            char *text = printed(flavors[f], (enum schema_part)part, SCHEMA_SINCE_2007);

            for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
                ck_assert_msg(is_ldif_line(line, strcspn(line, "\n")), "flavor %zu: %.80s", f, line);
            free(text);
        }
    }
}
END_TEST

START_TEST(counts_in_every_flavor)
{
    static const struct {
        enum schema_flavor flavor;
        const char *attribute, *class;
    } rows[] = {{SCHEMA_OPENLDAP, "olcAttributeTypes: ", "olcObjectClasses: "},
                {SCHEMA_OPENLDAP_CONF, "attributetype ", "objectclass "},
                {SCHEMA_AD, "objectClass: attributeSchema", "objectClass: classSchema"},
                {SCHEMA_389DS, "attributeTypes: ", "objectClasses: "}};

    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        char *now = printed(rows[i].flavor, SCHEMA_PART_SMS, SCHEMA_SINCE_2007),
             *old = printed(rows[i].flavor, SCHEMA_PART_SMS, SCHEMA_SINCE_2003);
        char *all = printed(rows[i].flavor, SCHEMA_PART_ALL, SCHEMA_SINCE_2007);
        bool ad = rows[i].flavor == SCHEMA_AD;

        ck_assert_uint_eq(count_of(now, rows[i].attribute), 14);
        ck_assert_uint_eq(count_of(now, rows[i].class), 4);
        ck_assert_uint_eq(count_of(old, rows[i].attribute), 10);
        ck_assert_uint_eq(count_of(old, rows[i].class), 4);
        ck_assert_ptr_null(strstr(old, "mSSMSCapabilities"));
        ck_assert_ptr_null(strstr(old, "dNSHostName"));
        ck_assert_uint_eq(count_of(all, rows[i].attribute), ad ? 14 : 27);
        ck_assert_uint_eq(count_of(all, rows[i].class), ad ? 4 : 8);
        free(now);
        free(old);
        free(all);
    }
}
END_TEST

/* Active Directory must be told twice to take definitions into use: after the attributes and after the classes. */
START_TEST(ad_updates_its_schema_between)
{
    char *text = printed(SCHEMA_AD, SCHEMA_PART_SMS, SCHEMA_SINCE_2007);
    char *first = strstr(text, "schemaUpdateNow: 1"), *class = strstr(text, "classSchema"), *last = strrchr(text, '1');

    ck_assert_uint_eq(count_of(text, "schemaUpdateNow: 1"), 2);
    ck_assert_ptr_nonnull(first);
    ck_assert(first < class && class < last);
    ck_assert_uint_eq(count_of(text, "isMemberOfPartialAttributeSet: TRUE"), 14);
    ck_assert_uint_eq(count_of(text, "possSuperiors: container"), 2);
    free(text);
}
END_TEST

START_TEST(ranged_addresses_can_be_compared)
{
    struct sl_text text = sl_text_new(SCHEMA_DEFINITION_MAX);

    schema_attribute_text(&text, attribute(SCHEMA_RANGED_IP_LOW));
    ck_assert_ptr_nonnull(strstr(sl_text_str(&text), "ORDERING integerOrderingMatch"));
    sl_text_fini(&text);
}
END_TEST

START_TEST(every_description_reads_back)
{
    for (size_t i = 0; i < schema_class_count; i++) {
        struct sl_text text = sl_text_new(SCHEMA_DEFINITION_MAX);
        struct schema_definition def;

        schema_class_text(&text, &schema_classes[i], SCHEMA_SINCE_2007);
        ck_assert_int_eq(schema_definition_parse(sl_text_str(&text), &def, NULL), SL_OK);
        ck_assert_str_eq(def.oid, schema_classes[i].oid);
        ck_assert_str_eq(def.names[0], schema_classes[i].name);
        for (const char *const *may = schema_classes[i].may_2007; *may != NULL; may++)
            ck_assert(schema_definition_allows(&def, *may));
        ck_assert(!schema_definition_allows(&def, "description"));
        schema_definition_fini(&def);
        sl_text_fini(&text);
    }
}
END_TEST

START_TEST(descriptions_of_others)
{
    static const struct {
        const char *text, *name, *may;
    } rows[] = {
        {"{12}( 2.5.6.6 NAME ( 'person' 'Mensch' ) DESC 'it''s (odd) $ MAY' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( a $ b ) )",
         "mensch", "sn"},
        {"(1.2 NAME 'x' SUP (top$other) MAY description X-ORIGIN ('user' 'defined'))", "x", "description"},
        {"( 1.2 NAME 'x' MAY(a$b))", "X", "B"},
    };
    static const char *const bad[] = {"",           "person", "( ", "( 1.2 NAME 'x", "( 1.2 NAME ( 'x'", "( 1.2 MAY ( a $",
                                      "{3 ( 1.2 )", "()("};

    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct schema_definition def;

        ck_assert_msg(schema_definition_parse(rows[i].text, &def, NULL) == SL_OK, "%s", rows[i].text);
        ck_assert_msg(schema_definition_is(&def, "9.9", rows[i].name), "%s", rows[i].text);
        ck_assert_msg(schema_definition_allows(&def, rows[i].may), "%s", rows[i].text);
        ck_assert(!schema_definition_allows(&def, "MAY"));
        schema_definition_fini(&def);
    }
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct schema_definition def;
        struct sl_error e = {0};

        ck_assert_msg(schema_definition_parse(bad[i], &def, &e) == SL_MALFORMED, "accepted: %s", bad[i]);
    }
}
END_TEST

START_TEST(extending_a_description)
{
    static const struct {
        const char *before, *after;
    } rows[] = {
        {"{0}( 1.2 NAME 'x' MAY ( a $ b ) X-Y 'MAY ( z )' )", "{0}( 1.2 NAME 'x' MAY ( a $ b $ c $ d ) X-Y 'MAY ( z )' )"},
        {"( 1.2 NAME 'x' MAY a )", "( 1.2 NAME 'x' MAY ( a $ c $ d ) )"},
        {"( 1.2 NAME 'x' SUP top )", "( 1.2 NAME 'x' SUP top MAY ( c $ d ) )"},
    };
    static const char *const more[] = {"c", "d"};

    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct sl_text out = sl_text_new(SCHEMA_DEFINITION_MAX);

        schema_definition_extend(&out, rows[i].before, more, SL_COUNT(more));
        ck_assert_str_eq(sl_text_str(&out), rows[i].after);
        sl_text_fini(&out);
    }
}
END_TEST

UNIT_MAIN("schema", fourteen_attributes_with_their_oids, attribute_kinds, four_classes_and_their_hierarchy,
          classes_allow_only_what_is_defined, companion_order, every_ldif_flavor_is_ldif, counts_in_every_flavor,
          ad_updates_its_schema_between, ranged_addresses_can_be_compared, every_description_reads_back, descriptions_of_others,
          extending_a_description)
