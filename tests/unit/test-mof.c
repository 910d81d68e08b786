/* The reader of SMS_def.mof, and the policies that are made from its classes. */
#include "site/model/policy.h"
#include "tests/unit/unit.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sm_mof *must_read(const char *text)
{
    struct sm_mof *mof = NULL;
    struct sl_error e = {0};
    enum sl_status status = sm_mof_read("f.mof", text, strlen(text), &mof, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
    return mof;
}

START_TEST(a_class_with_all_that_inventory_classes_have)
{
    struct sm_mof *mof = must_read("// a comment\n"
                                   "#pragma namespace (\"\\\\\\\\HOST\\\\root\\\\x\")\n"
                                   "[ SMS_Report(TRUE), Text(\"a\" \"\\x42\\\"\"), List{1, -2.5, \"c\"},\n"
                                   " Flag : ToSubclass Amended ]"
                                   "class A : B\n"
                                   "{\n"
                                   "  [key] string S; /* over\n"
                                   "  lines */ Uint8 Raw[16] = {1, 2};\n"
                                   "  A ref Self; boolean On = FALSE;\n"
                                   "};");
    ck_assert_uint_eq(mof->class_count, 1);
    const struct sm_mof_class *a = &mof->classes[0];
    ck_assert_str_eq(a->namespace, "root\\x");
    ck_assert_str_eq(a->name, "A");
    ck_assert_str_eq(a->super, "B");
    ck_assert_uint_eq(a->line, 4);
    ck_assert(sm_mof_is(&a->qualifiers, "sms_report") && sm_mof_is(&a->qualifiers, "Flag"));
    ck_assert_str_eq(sm_mof_qualifier(&a->qualifiers, "Text"), "aB\"");
    ck_assert_uint_eq(a->qualifiers.items[2].values.count, 3);
    ck_assert_str_eq(a->qualifiers.items[2].values.items[1], "-2.5");
    ck_assert_uint_eq(a->property_count, 4);
    ck_assert_str_eq(a->properties[0].name, "S");
    ck_assert(sm_mof_is(&a->properties[0].qualifiers, "Key") && !a->properties[0].is_array);
    ck_assert_int_eq(a->properties[1].type, SM_MOF_UINT8);
    ck_assert(a->properties[1].is_array);
    ck_assert_uint_eq(a->properties[1].line, 7);
    ck_assert_int_eq(a->properties[2].type, SM_MOF_REFERENCE);
    sm_mof_free(mof);
}
END_TEST

START_TEST(what_else_stands_in_files_of_others)
{
    static const char *const rows[] = {
        "#pragma autorecover\n#pragma classflags(\"forceupdate\")\n#pragma deleteclass(\"B\", NOFAIL)\nclass A {};",
        "class A as $A : B {};",
        "class A { char16 c = 'x'; char16 q = '\\''; char16 e = '\xc3\xa4'; };",
        "class A { real32 r = .5; real64 s = -1.5e+3; uint8 h = 0x1F; };",
        "[/*a*/X/*b*/(/*c*/TRUE/*d*/)/*e*/]//x\nclass/**/A/***/:/*//*/B/**/{/**/[/**/key/**/]/**/string/**/p/**/;/**/}/**/;/**/",
        "class A { datetime d = \"20261122100000.000000+000\"; uint8 a[] = {}; B REF r = \"B.p=\\\"x\\\"\"; };",
        "instance of P as $P { Name = \"a\" \"b\"; };\n"
        "instance of Q { Provider = $P; Inner = instance of R { a = {1, {2}}; }; }; class A {};",
    };
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct sm_mof *mof = must_read(rows[i]);
        ck_assert_uint_eq(mof->class_count, 1);
        sm_mof_free(mof);
    }
}
END_TEST

START_TEST(every_type_is_read)
{
    static const char *const words[] = {
#define TYPE_WORD(name, word, number) word,
        SM_MOF_TYPE_TABLE(TYPE_WORD)
#undef TYPE_WORD
    };
    for (int i = 0; i < SM_MOF_TYPE_COUNT; i++) {
        char text[128];
        snprintf(text, sizeof text, "class A { %s%s p; };", i == SM_MOF_REFERENCE ? "A " : "", words[i]);
        struct sm_mof *mof = must_read(text);
        ck_assert_int_eq(mof->classes[0].properties[0].type, i);
        sm_mof_free(mof);
    }
}
END_TEST

START_TEST(what_is_wrong_is_told_by_line)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"class A {\n  string s\n};", "f.mof:3: \";\" is wanted, not \"}\""},
        {"class A {\n  strange s;\n};", "f.mof:2: \"strange\" is no type"},
        {"class A {\n string s;\n\n uint8 S;\n};", "f.mof:4: property S is in line 2 already"},
        {"class A {};\nclass a {};", "f.mof:2: class a is in line 1 already"},
        {"\n[X(\"a\nb\")] class A {};", "f.mof:2: this text does not end on its line"},
        {"/* a\n\n", "f.mof:1: this comment does not end"},
        {"class A {\n", "f.mof:2: \"}\" is wanted, not the end of the file"},
        {"class A { uint32 m(); };", "f.mof:1: \";\" is wanted, not \"(\""},
        {"#pragma include(\"b.mof\")", "f.mof:1: #pragma include is not followed; put its classes here"},
        {"#pragma namespace(b)", "f.mof:1: a namespace in quotation marks is wanted, not \"b\""},
        {"[X(\"\\q\")] class A {};", "f.mof:1: a backslash stands before one of \" ' \\ b t n f r x"},
        {"[X(\"\\x0\")] class A {};", "f.mof:1: \\x needs the one to four digits of a character"},
        {"class A {};\n%", "f.mof:2: a character that has no meaning here: 0x25"},
        {"Qualifier X : string;", "f.mof:1: \"class\", \"instance\" or \"#pragma\" is wanted, not \"Qualifier\""},
        {"\n\xff\xfe", "f.mof:2: neither UTF-8 nor ASCII: 0xff"},
        {"\xff\xfe c", "f.mof:1: the file is UTF-16; save it as UTF-8"},
        {"[X,\n y, x] class A {};", "f.mof:2: qualifier x is there already"},
        {"class A {\n char16 c = 'ab'; };", "f.mof:2: one character is wanted between ' and '"},
        {"class A {\n char16 c = ''; };", "f.mof:2: one character is wanted between ' and '"},
        {"class A as B {};", "f.mof:1: an alias ($...) is wanted, not \"B\""},
        {"#pragma namespace\nclass A {};", "f.mof:2: \"(\" is wanted, not \"class\""},
        {"class A { uint8 a = 0xe+3; };", "f.mof:1: \";\" is wanted, not \"+3\""},
        {"instance of A {\n b = {1; };", "f.mof:2: \"}\" is wanted, not the end of the file"},
    };
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct sm_mof *mof = NULL;
        struct sl_error e = {0};
        ck_assert_int_eq(sm_mof_read("f.mof", rows[i].text, strlen(rows[i].text), &mof, &e), SL_MALFORMED);
        ck_assert_str_eq(e.text, rows[i].said);
    }
}
END_TEST

/* `before` NUMBER `after`, `count` times, between head and tail; without `after` there is no number. */
static enum sl_status read_repeated(const char *head, const char *before, const char *after, size_t count, const char *tail,
                                    struct sl_error *e)
{
    struct sl_text text = sl_text_new(SM_MOF_MAX + 4096);
    struct sm_mof *mof = NULL;
    sl_text_puts(&text, head);
    for (size_t i = 0; i < count; i++)
        if (after != NULL)
            sl_text_printf(&text, "%s%zu%s", before, i, after);
        else
            sl_text_puts(&text, before);
    sl_text_puts(&text, tail);
    ck_assert(!sl_text_failed(&text));
    enum sl_status status = sm_mof_read("f.mof", sl_text_str(&text), text.len, &mof, e);
    sm_mof_free(mof);
    sl_text_fini(&text);
    return status;
}

START_TEST(limits)
{
    struct sl_error e = {0};
    ck_assert_int_eq(read_repeated("", "class c", "{};", SM_MOF_CLASSES_MAX, "", &e), SL_OK);
    ck_assert_int_eq(read_repeated("", "class c", "{};", SM_MOF_CLASSES_MAX + 1, "", &e), SL_LIMIT);
    ck_assert_int_eq(read_repeated("class A {", "uint8 p", ";", SM_MOF_PROPERTIES_MAX, "};", &e), SL_OK);
    ck_assert_int_eq(read_repeated("class A {", "uint8 p", ";", SM_MOF_PROPERTIES_MAX + 1, "};", &e), SL_LIMIT);
    ck_assert_int_eq(read_repeated("[a", ",q", "", SM_MOF_QUALIFIERS_MAX, "] class A {};", &e), SL_LIMIT);
    ck_assert_int_eq(read_repeated("[a{0", ",", "", SM_MOF_VALUES_MAX, "}] class A {};", &e), SL_LIMIT);
    ck_assert_int_eq(read_repeated("instance of A ", "{", NULL, SM_MOF_DEPTH_MAX + 1, "", &e), SL_LIMIT);
    ck_assert_int_eq(read_repeated("class ", "a", NULL, SM_MOF_TEXT_MAX, " {};", &e), SL_OK);
    ck_assert_int_eq(read_repeated("class a", "a", NULL, SM_MOF_TEXT_MAX, " {};", &e), SL_LIMIT);
    ck_assert_int_eq(read_repeated("", " ", NULL, SM_MOF_MAX + 1, "", &e), SL_LIMIT);
    ck_assert_ptr_nonnull(strstr(e.text, "f.mof:1: the file is larger"));
}
END_TEST

/* ---- policies ----------------------------------------------------------------------------------------------------------- */

static const uint8_t seeds[SM_POLICY_COUNT][2][SM_GUID_SEED] = {{{1}, {2}}, {{3}, {4}}};
static char code[] = "LAB", domain[] = "example.org", host[] = "srv.example.org";
static const struct sm_site site = {.code = code, .domain = domain, .forest = domain, .server = host, .database = host};

/* Makes them again out of what `policies` holds, in its place. */
static void make(struct sm_policies *policies, const char *default_mp, const struct sm_mof *mof)
{
    struct sm_policies before = *policies;
    struct sl_error e = {0};
    enum sl_status status = sm_policies_make(&(struct sm_policy_source){&site, default_mp, mof}, &before, seeds, policies, &e);
    ck_assert_msg(status == SL_OK, "%s", e.text);
    sm_policies_fini(&before);
}

START_TEST(S1_11_the_inventory_policy_names_what_the_classes_report)
{
    struct sm_mof *mof = must_read("[SMS_Report(TRUE), SMS_Class_ID(\"E|D|1\")] class D { [SMS_Report(TRUE), key] string Id;\n"
                                   "  [SMS_Report(FALSE)] string Not; [SMS_Report(TRUE)] uint8 Size; string Never; };\n"
                                   "[SMS_Report(FALSE)] class Hidden { [SMS_Report(TRUE)] string Id; };");
    struct sm_policies policies = {0};
    make(&policies, "mp1.example.org", mof);
    const struct sm_policy *p = &policies.items[SM_POLICY_INVENTORY];
    ck_assert_str_eq(p->body,
                     "<Policy SchemaVersion=\"1.00\" PolicyID=\"{03000000-0000-4000-8000-000000000000}\" PolicyVersion=\"1.00\" "
                     "PolicyType=\"Machine\" PolicyCategory=\"HardwareInventory\" PolicySource=\"SMS:LAB\">"
                     "<instance class=\"InventoryDataItem\"><property name=\"ItemClass\"><value>D</value></property>"
                     "<property name=\"Namespace\"><value>\\\\.\\root\\cimv2</value></property>"
                     "<property name=\"ClassID\"><value>E|D|1</value></property>"
                     "<property name=\"Properties\"><value key=\"true\">Id</value><value>Size</value></property>"
                     "</instance></Policy>");
    ck_assert_uint_eq(strlen(p->sha256), 64);
    sm_policies_fini(&policies);
    sm_mof_free(mof);
}
END_TEST

START_TEST(S1_11_a_change_is_a_new_version_of_the_same_policy)
{
    struct sm_mof *one = must_read("[SMS_Report(TRUE)] class A { [key] string Id; };");
    struct sm_mof *two = must_read("[SMS_Report(TRUE)] class B { [key] string Id; };");
    struct sm_policies policies = {0};
    const struct sm_policy *settings = &policies.items[SM_POLICY_SETTINGS], *inventory = &policies.items[SM_POLICY_INVENTORY];
    char id[SM_GUID_SIZE];
    make(&policies, "mp1.example.org", NULL);
    ck_assert(settings->is_active && settings->version == 1);
    ck_assert_str_eq(inventory->id, ""); /* nothing to make it from */
    make(&policies, "mp1.example.org", one);
    ck_assert(inventory->is_active && inventory->version == 1);
    memcpy(id, inventory->id, sizeof id);
    make(&policies, "mp1.example.org", one);
    ck_assert(inventory->version == 1 && settings->version == 1);
    make(&policies, "mp2.example.org", two);
    ck_assert(inventory->version == 2 && settings->version == 2);
    ck_assert_str_eq(inventory->id, id);
    ck_assert_ptr_nonnull(strstr(inventory->body, "PolicyVersion=\"2.00\""));
    ck_assert_ptr_nonnull(strstr(settings->body, "mp2.example.org"));
    sm_policies_fini(&policies);
    sm_mof_free(one);
    sm_mof_free(two);
}
END_TEST

START_TEST(S1_26_no_default_management_point_no_policy)
{
    struct sm_policies policies = {0};
    const struct sm_policy *settings = &policies.items[SM_POLICY_SETTINGS];
    make(&policies, NULL, NULL);
    ck_assert_str_eq(settings->id, "");
    make(&policies, "mp1", NULL);
    make(&policies, NULL, NULL);
    ck_assert(!settings->is_active && settings->version == 1 && settings->body != NULL);
    make(&policies, "mp1", NULL);
    ck_assert(settings->is_active && settings->version == 1); /* the same body is the same version */
    make(&policies, NULL, NULL);
    make(&policies, "mp2", NULL);
    ck_assert(settings->is_active && settings->version == 2);
    sm_policies_fini(&policies);
}
END_TEST

START_TEST(names_of_bodies)
{
    struct sm_policy policy = {.version = 12};
    char name[SM_POLICY_NAME_SIZE], id[SM_GUID_SIZE];
    uint32_t version = 0;
#define GUID "{03000000-0000-4000-8000-000000000000}"
    static const char *const bad[] = {"",           "{}",         GUID,
                                      GUID ".",     GUID ".0_00", GUID ".1_01",
                                      GUID ".4294967296", GUID ".1_00/../x", "{0300000-00000-4000-8000-000000000000}.1"};
    sm_guid_make((const uint8_t[SM_GUID_SEED]){3}, policy.id);
    sm_policy_name(&policy, name);
    ck_assert_str_eq(name, GUID ".12_00");
    ck_assert(sm_policy_name_parse(name, id, &version) && version == 12);
    ck_assert(sm_policy_name_parse("{abcdefab-0000-4000-8000-000000000000}.7", id, &version) && version == 7);
    ck_assert_str_eq(id, "{ABCDEFAB-0000-4000-8000-000000000000}");
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_msg(!sm_policy_name_parse(bad[i], id, &version), "\"%s\" was taken", bad[i]);
}
END_TEST

UNIT_MAIN("mof", a_class_with_all_that_inventory_classes_have, what_else_stands_in_files_of_others, every_type_is_read,
          what_is_wrong_is_told_by_line, limits, S1_11_the_inventory_policy_names_what_the_classes_report,
          S1_11_a_change_is_a_new_version_of_the_same_policy, S1_26_no_default_management_point_no_policy, names_of_bodies)
