/*
 * names.h - the names of the schema that C code uses, from the single source: SCHEMA_SITE_CODE is "mSSMSSiteCode",
 * SCHEMA_CLASS_SITE is "mSSMSSite", SCHEMA_DNS_HOST_NAME is "dNSHostName". A name may stand in a constant initialiser:
 *
 *     static const char *const attrs[] = {SCHEMA_SITE_CODE, SCHEMA_DEFAULT_MP, NULL};
 */
#ifndef SL_LDAP_SCHEMA_NAMES_H
#define SL_LDAP_SCHEMA_NAMES_H

#define SCHEMA_ATTRIBUTE(id, oid, cn, name, kind, valued, index, since) extern const char SCHEMA_##id[];
#define SCHEMA_CLASS(id, oid, cn, name, sup, superiors, may_2003, may_2007) extern const char SCHEMA_##id[];
#define SCHEMA_BASE_ATTRIBUTE(id, oid, name, kind, valued) extern const char SCHEMA_##id[];
#define SCHEMA_BASE_CLASS(id, oid, name, sup, category, must, may) extern const char SCHEMA_##id[];
#include "ldap-schema/attributes.def"
#include "ldap-schema/base.def"
#include "ldap-schema/classes.def"
#undef SCHEMA_ATTRIBUTE
#undef SCHEMA_CLASS
#undef SCHEMA_BASE_ATTRIBUTE
#undef SCHEMA_BASE_CLASS

#endif
