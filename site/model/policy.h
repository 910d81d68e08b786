/*
 * policy.h - the policies of a site, made from what the site database holds (S1.10, S1.11, S1.14).
 *
 * A policy has an id that nobody can guess, a version, and a body, an XML document that clients fetch from the management point.
 * sm_policies_make is pure: the same site, default management point and classes give the same bodies, and a body that differs
 * from the one before is a new version of the same policy. A site without a default management point has no policy (S1.26): what
 * was made before is kept with its version, and is not active. What an advertisement says never changes, so its policy has one
 * version for ever.
 *
 * Policies are pulled: nothing in this project sends one (S1.12).
 */
#ifndef SL_SITE_MODEL_POLICY_H
#define SL_SITE_MODEL_POLICY_H

#include "site/model/mof.h"
#include "site/model/site.h"

enum {
    SM_GUID_SIZE = 39, /* "{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}" and the NUL */
    SM_GUID_SEED = 16, /* random octets that make one */
    SM_POLICY_BODY_MAX = 900 << 10, /* octets; fits a frame of the control protocol */
    SM_POLICY_NAME_SIZE = SM_GUID_SIZE + 16,
    SM_POLICY_CATEGORY_SIZE = 32,
    SM_POLICY_POLL_MIN = 60,  /* how often clients ask for assignments (facts sms.md 10) */
    SM_POLICY_STATE_MIN = 15, /* how often they send state messages */
};

/* PolicyCategory of the policies of which there is one for each advertisement. */
#define SM_POLICY_ADVERTISEMENT "SoftwareDistribution"

/* Of the others there is one in a site: PolicyCategory, function that writes the inside of the body, needs classes */
#define SM_POLICY_TABLE(X)                                                                                             \
    X(SETTINGS, "SiteSettings", write_settings, false)                                                                 \
    X(INVENTORY, "HardwareInventory", write_inventory, true)

enum sm_policy_kind {
#define SM_POLICY_ENUM(name, category, write, classes) SM_POLICY_##name,
    SM_POLICY_TABLE(SM_POLICY_ENUM)
#undef SM_POLICY_ENUM
        SM_POLICY_COUNT
};

struct sm_policy {
    char category[SM_POLICY_CATEGORY_SIZE];
    char id[SM_GUID_SIZE];         /* "" when there is none of this kind yet */
    char assignment[SM_GUID_SIZE]; /* PolicyAssignmentID */
    uint32_t version;              /* from 1 */
    bool is_active;                /* false: kept for its version only */
    char *body;                    /* NULL when it was not asked for */
    char sha256[SM_SHA256_SIZE];   /* of the body */
};

/* One of each kind, by enum sm_policy_kind. */
struct sm_policies {
    struct sm_policy items[SM_POLICY_COUNT];
};

/* What policies are made from; borrowed. */
struct sm_policy_source {
    const struct sm_site *site;
    const char *default_mp;   /* host name; NULL: the site has none */
    const struct sm_mof *mof; /* NULL: none was imported */
};

/* The kind of a category, whatever its case; SM_POLICY_COUNT when it is none. */
enum sm_policy_kind sm_policy_kind_parse(const char *category);
/* Frees the bodies and clears. */
void sm_policies_fini(struct sm_policies *policies);
/* A GUID out of 16 random octets (RFC 4122, version 4). */
void sm_guid_make(const uint8_t seed[SM_GUID_SEED], char out[SM_GUID_SIZE]);
/*
 * The policies that follow from `source` and from what there was before; new ones get their ids out of `seeds`. The caller owns
 * the result. SL_LIMIT: a body would be larger than SM_POLICY_BODY_MAX.
 */
enum sl_status sm_policies_make(const struct sm_policy_source *source, const struct sm_policies *before,
                                const uint8_t seeds[SM_POLICY_COUNT][2][SM_GUID_SEED], struct sm_policies *ret_policies,
                                struct sl_error *e) SL_MUST;
/* What the policy of an advertisement is made from; borrowed. */
struct sm_advertised {
    const char *site; /* its code */
    const char *id, *package, *program;
    uint32_t package_version;
};

/* The policy of an advertisement (S1.14), with ids out of `seeds`; the caller frees its body. SL_LIMIT as above. */
enum sl_status sm_policy_advertise(const struct sm_advertised *of, const uint8_t seeds[2][SM_GUID_SEED],
                                   struct sm_policy *ret_policy, struct sl_error *e) SL_MUST;
/* "{guid}.1_00": the query by which a body is fetched (facts sms.md 10). */
void sm_policy_name(const struct sm_policy *policy, char out[SM_POLICY_NAME_SIZE]);
/* Reads it back, with "_00" or without; false when it is none. The GUID comes out in capitals. */
bool sm_policy_name_parse(const char *name, char ret_id[SM_GUID_SIZE], uint32_t *ret_version);

#endif
