/*
 * schema_plan.h - what a directory lacks of the schema, and loading it piece by piece.
 *
 * The pieces are the attributes and classes of the extension and, outside Active Directory, of its companion. A piece that is
 * there is never touched, whoever loaded it (Debian's msuser schema has most of the companion); a class of the extension that
 * lacks attributes (SMS 2003) is extended in place.
 *
 *   OpenLDAP          cn=smsbase and cn=sms below cn=schema,cn=config; the account must be allowed to write there
 *   Active Directory  attributeSchema and classSchema entries below schemaNamingContext, schemaUpdateNow after each kind
 *   389 DS            attributeTypes and objectClasses of cn=schema
 */
#ifndef SL_SITE_CLI_SCHEMA_PLAN_H
#define SL_SITE_CLI_SCHEMA_PLAN_H

#include "ldap-schema/schema.h"
#include "locator/net/ldapc.h"

enum { SCTL_PIECES_MAX = 48 };

enum sctl_piece_action { SCTL_LOAD_ATTRIBUTE, SCTL_LOAD_CLASS, SCTL_EXTEND_CLASS };

struct sctl_piece {
    enum sctl_piece_action action;
    bool base;                                /* of the companion */
    const struct schema_attribute *attribute; /* SCTL_LOAD_ATTRIBUTE */
    const struct schema_class *class;         /* the other two */
    struct sl_strings lacking;                /* SCTL_EXTEND_CLASS: attributes to allow */
    char *there;                              /* SCTL_EXTEND_CLASS: its description, in Active Directory its DN */
    bool done;
};

struct sctl_plan {
    struct sctl_piece pieces[SCTL_PIECES_MAX]; /* in the order of loading */
    size_t count;
};

/*
 * Compares a directory with the schema; `probe` is a probe of it. SL_DENIED when its schema may not be read. A kind of server
 * that cannot be changed over LDAP here gives a plan all the same; loading it then fails. Release with sctl_plan_fini.
 */
enum sl_status sctl_plan_make(struct ldapc *dir, const struct ldapc_probe *probe, int since, struct sl_deadline deadline,
                              struct sctl_plan *ret_plan, struct sl_error *e) SL_MUST;
/* Loads the pieces and marks those that are done; stops at the first failure. */
enum sl_status sctl_plan_load(struct ldapc *dir, const struct ldapc_probe *probe, int since, struct sl_deadline deadline,
                              struct sctl_plan *plan, struct sl_error *e) SL_MUST;
/* Frees a plan. */
void sctl_plan_fini(struct sctl_plan *plan);

#endif
