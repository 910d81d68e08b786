/*
 * object.h - the published objects of sites, decoded: the four classes and fourteen attributes of the schema (sms.md 1 and 2).
 *
 * Objects own their strings; a list owns its objects. Which attribute was absent is told by "" or -1, as in struct lm_mp.
 * Pure, any thread.
 */
#ifndef SL_LOCATOR_MODEL_OBJECT_H
#define SL_LOCATOR_MODEL_OBJECT_H

#include "common/base/option.h"
#include "locator/model/mp.h"

#include <stddef.h>
#include <stdint.h>

enum { LM_HEALTH_MAX = 256, LM_GUID_MAX = 40, LM_BOUNDARY_KIND_MAX = 16, LM_REASON_MAX = 40, LM_ORIGIN_MAX = 128 };

/* kind of object, its word */
#define LM_OBJECT_TABLE(X)                                                                                             \
    X(MP, "mp")             /* mSSMSManagementPoint */                                                                 \
    X(SITE, "site")         /* mSSMSSite */                                                                            \
    X(SLP, "slp-role")      /* mSSMSServerLocatorPoint */                                                              \
    X(BOUNDARY, "boundary") /* a value of a site's boundary attributes, or a mSSMSRoamingBoundaryRange */              \
    X(CAP, "cap")           /* a client access point: no class of the schema has it, a server locator point tells */

enum lm_object_kind {
#define LM_OBJECT_ENUM(name, word) LM_OBJECT_##name,
    LM_OBJECT_TABLE(LM_OBJECT_ENUM)
#undef LM_OBJECT_ENUM
        LM_OBJECT_COUNT
};

struct lm_object {
    enum lm_object_kind kind;
    char *dn;           /* NULL where the source has no such thing */
    struct lm_mp mp;    /* site, name, address, default, build, forest, capabilities: what its class has of them */
    char assignment[LM_CODE_SIZE]; /* mSSMSAssignmentSiteCode */
    char mp_name[LM_NAME_MAX];     /* mSSMSMPName */
    int64_t device;     /* mSSMSDeviceManagementPoint; -1 = not said */
    int64_t is_default; /* mSSMSDefaultMP; -1 = not said */
    char health[LM_HEALTH_MAX]; /* mSSMSHealthState */
    char guid[LM_GUID_MAX];     /* the site's GUID out of it */
    struct sl_strings site_boundaries, roaming_boundaries; /* mSSMSSiteBoundaries, mSSMSRoamingBoundaries */
    char boundary_kind[LM_BOUNDARY_KIND_MAX]; /* "subnet", "ipv6-prefix", "ad-site", "range" */
    char low[LM_ADDRESS_MAX], high[LM_ADDRESS_MAX]; /* mSSMSRangedIPLow and High as addresses */
    char boundary[2 * LM_NAME_MAX]; /* its value, or "LOW-HIGH" */
    char why_unused[LM_REASON_MAX]; /* of a management point that clients do not use, else "" */
    int64_t age_s;      /* -1 = not known */
    char replicated_from[LM_ORIGIN_MAX]; /* the server that took the last write: "sid 002", "dc1.example.com", a GUID, or "" */
};

struct lm_objects {
    struct lm_object *items;
    size_t count;
};

enum { LM_OBJECTS_MAX = 200000 };

/* The word of a kind: "mp". */
const char *lm_object_word(enum lm_object_kind kind);
/* Appends an object of a kind of which nothing is said; NULL beyond LM_OBJECTS_MAX. Valid until the next one is added. */
struct lm_object *lm_objects_add(struct lm_objects *list, enum lm_object_kind kind);
/* Frees what an object owns, not the object. */
void lm_object_fini(struct lm_object *o);
/* Frees the objects and empties the list. */
void lm_objects_fini(struct lm_objects *list);
/*
 * Sorts by site, default first, then name, address and boundary, and tells of each management point why clients do not use it:
 * "not-default-not-in-cluster" (S1.23), "second-default" (Q12), "no-default-mp" (S1.26, when its site has none).
 */
void lm_objects_judge(struct lm_objects *list, enum lm_profile profile);

#define LM_ROLE_CONTACT "primary-contact"
/*
 * What a management point that was judged is to clients: LM_ROLE_CONTACT, the default one (S1.07), "extra", one that they do not
 * use (S1.23), or "" when what is published tells neither, and of other objects.
 */
const char *lm_object_role(const struct lm_object *o);

/* The GUID in a health state, "P01.{8F5C...}" -> "{8F5C...}"; false when there is none. */
bool lm_health_guid(const char *health, char ret_guid[LM_GUID_MAX]);
/* "primary", "secondary" or "central" by the capabilities of a management point (sms.md 2.5), "" when they do not tell. */
const char *lm_site_type(const struct lm_mp *mp);
/* The kind of a boundary value: "subnet", "ipv6-prefix" or "ad-site". */
const char *lm_boundary_kind(const char *value);

#endif
