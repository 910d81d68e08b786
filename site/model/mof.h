/*
 * mof.h - a reader for the part of MOF (Managed Object Format, DMTF DSP0004) that hardware inventory classes use: SMS_def.mof.
 *
 *     #pragma namespace ("\\\\.\\root\\cimv2\\sms")
 *     [ SMS_Report (TRUE), SMS_Group_Name ("Disk"), SMS_Class_ID ("EXAMPLE|DISK|1.0") ]
 *     class Win32_DiskDrive : SMS_Class_Template
 *     {
 *         [SMS_Report (TRUE), key] string DeviceID;
 *         [SMS_Report (TRUE)] uint16 Capabilities[];
 *     };
 *
 * Classes with their superclass, qualifiers (without a value, with one in parentheses, with several in braces; flavors are passed
 * over), properties of every CIM type, references and arrays; default values are read and passed over. Comments, `instance of`
 * and pragmas are tolerated: of them only `#pragma namespace` means something; `include` is refused, since what it names
 * would be left out. Methods and declarations of qualifiers do not occur in such files and are refused.
 *
 * Names and keywords are compared without case. A class, property or qualifier that is there twice is refused. Errors are
 * SL_MALFORMED or SL_LIMIT and read "NAME:LINE: what". Pure; any thread.
 */
#ifndef SL_SITE_MODEL_MOF_H
#define SL_SITE_MODEL_MOF_H

#include "common/base/option.h"

enum {
    SM_MOF_MAX = 1 << 20, /* octets of a file */
    SM_MOF_TEXT_MAX = 4096, /* octets of one name, number or text */
    SM_MOF_CLASSES_MAX = 4096,
    SM_MOF_PROPERTIES_MAX = 1024, /* of one class */
    SM_MOF_QUALIFIERS_MAX = 64,   /* in one pair of brackets */
    SM_MOF_VALUES_MAX = 1024,     /* of one qualifier */
    SM_MOF_DEPTH_MAX = 32,        /* braces in an instance */
};

/* word, number of the CIM type in WMI (CIMTYPE_ENUMERATION) */
#define SM_MOF_TYPE_TABLE(X)                                                                                           \
    X(SINT16, "sint16", 2)                                                                                             \
    X(SINT32, "sint32", 3)                                                                                             \
    X(REAL32, "real32", 4)                                                                                             \
    X(REAL64, "real64", 5)                                                                                             \
    X(STRING, "string", 8)                                                                                             \
    X(BOOLEAN, "boolean", 11)                                                                                          \
    X(SINT8, "sint8", 16)                                                                                              \
    X(UINT8, "uint8", 17)                                                                                              \
    X(UINT16, "uint16", 18)                                                                                            \
    X(UINT32, "uint32", 19)                                                                                            \
    X(SINT64, "sint64", 20)                                                                                            \
    X(UINT64, "uint64", 21)                                                                                            \
    X(DATETIME, "datetime", 101)                                                                                       \
    X(REFERENCE, "ref", 102)                                                                                           \
    X(CHAR16, "char16", 103)

enum sm_mof_type {
#define SM_MOF_TYPE_ENUM(name, word, number) SM_MOF_##name,
    SM_MOF_TYPE_TABLE(SM_MOF_TYPE_ENUM)
#undef SM_MOF_TYPE_ENUM
        SM_MOF_TYPE_COUNT
};

/* A qualifier; values as they mean: texts unescaped, numbers as written, words (TRUE) in capitals. No value means TRUE. */
struct sm_mof_qualifier {
    char *name;
    struct sl_strings values;
};

struct sm_mof_qualifiers {
    struct sm_mof_qualifier *items;
    size_t count;
};

struct sm_mof_property {
    unsigned line;
    enum sm_mof_type type;
    bool is_array;
    char *name;
    struct sm_mof_qualifiers qualifiers;
};

struct sm_mof_class {
    unsigned line;
    char *namespace; /* "root\cimv2\sms", without a machine; "root\cimv2" when the file says nothing */
    char *name;
    char *super; /* NULL for none */
    struct sm_mof_qualifiers qualifiers;
    struct sm_mof_property *properties;
    size_t property_count;
};

struct sm_mof {
    struct sm_mof_class *classes; /* in the order of the file */
    size_t class_count;
};

/* Reads a file's octets; `name` is for the errors. Freed by sm_mof_free. */
enum sl_status sm_mof_read(const char *name, const char *octets, size_t len, struct sm_mof **ret_mof, struct sl_error *e) SL_MUST;
/* Frees it and all it owns; NULL is accepted. */
void sm_mof_free(struct sm_mof *mof);
/* The first value of a qualifier, "TRUE" for one without a value, NULL when it is not there. */
const char *sm_mof_qualifier(const struct sm_mof_qualifiers *qualifiers, const char *name);
/* True when a qualifier is there and TRUE. */
bool sm_mof_is(const struct sm_mof_qualifiers *qualifiers, const char *name);

#endif
