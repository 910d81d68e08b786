/*
 * schema.h - the verbs of sitectl that concern a directory's schema; they need neither a site nor a daemon.
 *
 *   schema print      writes a schema file for a kind of server
 *   schema check URI  tells whether a directory is extended and its container can be read; ok, or negative with the reason
 *                     schema-not-extended, schema-partly-extended or container-absent, denied with container-unreadable,
 *                     unreachable with could-not-ask
 *   schema apply URI  shows what is missing and loads it with --apply; a second run changes nothing
 *
 * The program's verb table takes all three: `static const struct cli_verb verbs[] = {..., SCTL_SCHEMA_VERBS};`
 */
#ifndef SL_SITE_CLI_SCHEMA_H
#define SL_SITE_CLI_SCHEMA_H

#include "common/cli/cli.h"
#include "locator/net/ldapc.h"

/* Values of schema print. */
struct sctl_schema_print_values {
    int flavor; /* enum schema_flavor */
    int part;   /* enum schema_part */
    int since;  /* 0: 2007, 1: 2003 */
};

/* Values of schema check and schema apply. */
struct sctl_schema_values {
    struct ldapc_options ldap;
    int since; /* as above; apply only */
    bool apply;
};

enum { SCTL_SCHEMA_PRINT_OPTIONS = 3, SCTL_SCHEMA_CHECK_OPTIONS = 10, SCTL_SCHEMA_APPLY_OPTIONS = 12 };

extern const struct sl_option sctl_schema_print_options[SCTL_SCHEMA_PRINT_OPTIONS];
extern const struct sl_option sctl_schema_check_options[SCTL_SCHEMA_CHECK_OPTIONS];
extern const struct sl_option sctl_schema_apply_options[SCTL_SCHEMA_APPLY_OPTIONS];

/* The verbs; they answer through call->doc. */
enum sl_outcome sctl_schema_print(struct cli_call *call);
enum sl_outcome sctl_schema_check(struct cli_call *call);
enum sl_outcome sctl_schema_apply(struct cli_call *call);

#define SCTL_SCHEMA_VERBS                                                                                              \
    {.name = "schema print", .args = "", .summary = "Write the schema for a kind of directory server",                 \
     .options = sctl_schema_print_options, .option_count = SCTL_SCHEMA_PRINT_OPTIONS,                                  \
     .values_size = sizeof(struct sctl_schema_print_values), .run = sctl_schema_print,                                 \
     .examples = {"sitectl schema print --flavor openldap --part all", "Write an LDIF file for cn=config, companion and all",\
                  "sitectl schema print --flavor ad", "Write the LDIF file for Active Directory"}},                    \
    {.name = "schema check", .args = "URI", .min_args = 1, .max_args = 1,                                              \
     .summary = "Tell whether a directory has the schema and a readable container",                                    \
     .options = sctl_schema_check_options, .option_count = SCTL_SCHEMA_CHECK_OPTIONS,                                  \
     .values_size = sizeof(struct sctl_schema_values), .run = sctl_schema_check,                                       \
     .examples = {"sitectl schema check ldap://ldap.example.com/dc=example,dc=com --container ou=Sites",               \
                  "Tell whether sites can be published there"}},                                                       \
    {.name = "schema apply", .args = "URI", .min_args = 1, .max_args = 1,                                              \
     .summary = "Show what a directory lacks of the schema, and load it with --apply",                                 \
     .options = sctl_schema_apply_options, .option_count = SCTL_SCHEMA_APPLY_OPTIONS,                                  \
     .values_size = sizeof(struct sctl_schema_values), .run = sctl_schema_apply,                                       \
     .examples = {"sitectl schema apply ldapi:/// --sasl external", "Show what the slapd on this machine lacks",       \
                  "sitectl schema apply ldapi:/// --sasl external --apply", "Load it, as root"}}

#endif
