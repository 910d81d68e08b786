/*
 * schema.h - the schema extension as data, and its text in the dialect of each directory server.
 *
 * Everything comes from attributes.def, classes.def and base.def. All objects are constant and live for ever; any thread.
 */
#ifndef SL_LDAP_SCHEMA_SCHEMA_H
#define SL_LDAP_SCHEMA_SCHEMA_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>

#define SCHEMA_MS "1.2.840.113556.1"
#define SCHEMA_ARC SCHEMA_MS ".6.29.2"

enum { SCHEMA_LIST_MAX = 12, SCHEMA_FILE_MAX = 1 << 16, SCHEMA_DEFINITION_MAX = 1 << 14 };

enum { SCHEMA_SINCE_2003 = 2003, SCHEMA_SINCE_2007 = 2007 };

/* id, attributeSyntax and oMSyntax of Active Directory, then for others: equality, ordering, substrings, LDAP syntax */
#define SCHEMA_KIND_TABLE(X)                                                                                           \
    X(TELETEX, "2.5.5.4", 20, "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch", "15")         \
    X(UNICODE, "2.5.5.12", 64, "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch", "15")        \
    X(BOOLEAN, "2.5.5.8", 1, "booleanMatch", NULL, NULL, "7")                                                          \
    X(ENUMERATION, "2.5.5.9", 10, "integerMatch", "integerOrderingMatch", NULL, "27")                                  \
    X(INTEGER, "2.5.5.9", 2, "integerMatch", "integerOrderingMatch", NULL, "27")                                       \
    X(DN, "2.5.5.1", 127, "distinguishedNameMatch", NULL, NULL, "12")

enum schema_kind {
#define SCHEMA_KIND_ENUM(id, ad, om, equality, ordering, substr, syntax) SCHEMA_KIND_##id,
    SCHEMA_KIND_TABLE(SCHEMA_KIND_ENUM)
#undef SCHEMA_KIND_ENUM
};

enum schema_part { SCHEMA_PART_SMS, SCHEMA_PART_BASE, SCHEMA_PART_ALL };

enum schema_flavor { SCHEMA_OPENLDAP, SCHEMA_OPENLDAP_CONF, SCHEMA_AD, SCHEMA_389DS };

/* The words of enum schema_part and enum schema_flavor, NULL-terminated. */
extern const char *const schema_part_words[];
extern const char *const schema_flavor_words[];

struct schema_attribute {
    const char *oid;
    const char *cn; /* in Active Directory; NULL in the companion */
    const char *name;
    enum schema_kind kind;
    bool single;
    bool indexed;
    int since; /* 2003 or 2007 */
};

struct schema_class {
    const char *oid;
    const char *cn; /* in Active Directory; NULL in the companion */
    const char *name;
    const char *sup;
    bool abstract;
    const char *must; /* one attribute or NULL */
    const char *superiors[SCHEMA_LIST_MAX]; /* NULL-terminated, as the next two */
    const char *may_2003[SCHEMA_LIST_MAX];
    const char *may_2007[SCHEMA_LIST_MAX];
};

/* The 14 attributes and 4 classes of the extension, then the companion in the order it is loaded. */
extern const struct schema_attribute schema_attributes[];
extern const size_t schema_attribute_count;
extern const struct schema_class schema_classes[];
extern const size_t schema_class_count;
extern const struct schema_attribute schema_base_attributes[];
extern const size_t schema_base_attribute_count;
extern const struct schema_class schema_base_classes[];
extern const size_t schema_base_class_count;

/*
 * Writes a schema file: OpenLDAP cn=config LDIF or slapd.conf form, Active Directory LDIF (naming suffix DC=X, as ldifde -c
 * takes it), 389 Directory Server LDIF. `since` 2003 leaves out what Configuration Manager 2007 added. The companion is part
 * of Active Directory: there SCHEMA_PART_BASE writes only a comment saying so.
 */
void schema_print(struct sl_text *out, enum schema_flavor flavor, enum schema_part part, int since);

/* Appends the RFC 4512 description of an attribute: "( 1.2.840... NAME 'mSSMSSiteCode' ... )". */
void schema_attribute_text(struct sl_text *out, const struct schema_attribute *attribute);
/* Appends the RFC 4512 description of a class. */
void schema_class_text(struct sl_text *out, const struct schema_class *class, int since);
/* The Active Directory form of a syntax. */
const char *schema_ad_syntax(enum schema_kind kind, int *ret_om_syntax);
/* The security descriptor that new objects of the classes get in Active Directory: any authenticated user reads. */
extern const char schema_ad_descriptor[];

/* What a directory says about one of its attributes or classes (RFC 4512 section 4.1), as far as it is needed here. */
struct schema_definition {
    char *words; /* owned */
    const char *oid;
    const char *names[SCHEMA_LIST_MAX]; /* NULL-terminated */
    const char **may;                   /* MUST and MAY together, NULL-terminated, owned */
};

/*
 * Parses a description, also with the {n} prefix of cn=config; SL_MALFORMED when it is none. Release with
 * schema_definition_fini.
 */
enum sl_status schema_definition_parse(const char *text, struct schema_definition *ret_def, struct sl_error *e) SL_MUST;
/* Frees a parsed description. */
void schema_definition_fini(struct schema_definition *def);
/* True when the description is of the thing with this OID, or bears this name (ASCII case ignored). */
bool schema_definition_is(const struct schema_definition *def, const char *oid, const char *name);
/* True when the class itself (not its superclasses) names the attribute under MUST or MAY. */
bool schema_definition_allows(const struct schema_definition *def, const char *attribute);
/*
 * Appends to `out` the description of a class with more attributes under MAY; everything else of it stays. `text` must be
 * one that schema_definition_parse accepts.
 */
void schema_definition_extend(struct sl_text *out, const char *text, const char *const *attributes, size_t count);

#endif
