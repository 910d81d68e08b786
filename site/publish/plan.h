/*
 * plan.h - what a site is in a directory: its objects with their names, classes and attributes, and how they differ from what is
 * there. Pure: no input or output. Formats: sms.md 2 and its decisions Q1 to Q4.
 *
 *   SMS-Site-<code>                  mSSMSSite: codes, subnets (network address), AD sites and IPv6 prefixes
 *   SMS-MP-<code>-<FQDN, upper case> mSSMSManagementPoint, one per management point; Q4 when that is longer than 64 characters
 *   SMS-SLP-<code>-<FQDN, upper case> mSSMSServerLocatorPoint, in the site that has the one of the hierarchy
 *   SMS-<code>-<low>-<high>          mSSMSRoamingBoundaryRange, one per range; two when it crosses 128.0.0.0 (signed integers)
 */
#ifndef SL_SITE_PUBLISH_PLAN_H
#define SL_SITE_PUBLISH_PLAN_H

#include "common/base/option.h"
#include "site/model/site.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PUB_CN_MAX = 64, /* characters of a cn in Active Directory */
    PUB_ATTRS_MAX = 10,
    PUB_TEXT_MAX = 1 << 16,
};

/* An attribute that we own: without values it must not be there. */
struct pub_attr {
    const char *name;
    struct sl_strings values;
};

struct pub_object {
    const char *class;
    char *cn;
    char *dn;
    struct pub_attr attrs[PUB_ATTRS_MAX];
    size_t attr_count;
};

/* In the order of writing: a management point that is no longer the default comes before the one that is. */
struct pub_plan {
    struct pub_object *objects;
    size_t count;
    struct sl_strings warnings; /* names that had to be shortened (Q4) */
};

/* True when the directory takes this attribute in an object of this class. */
typedef bool pub_allows_fn(const char *class, const char *attribute, void *ctx);

/* The plan of a site below `container_dn`; attributes that the schema does not allow are left out. Freed by pub_plan_fini. */
void pub_plan_make(const struct sm_snapshot *site, const char *container_dn, pub_allows_fn *allows, void *ctx,
                   struct pub_plan *ret_plan);
/* Frees what a plan owns. */
void pub_plan_fini(struct pub_plan *plan);
/* The names of all attributes that a plan may hold, NULL-terminated, for reading back. */
extern const char *const pub_plan_attributes[];
/* The mSSMSCapabilities document of a management point (Q1), malloc'd. */
char *pub_capabilities(const struct sm_snapshot *site, const struct sm_mp *mp);
/* The cn of a site system, `kind` "MP" or "SLP"; *ret_shortened tells that Q4 had to be used. malloc'd. */
char *pub_host_cn(const char *kind, const char *code, const char *host, bool *ret_shortened);
/* True when a cn has the form that we give to objects of this site. */
bool pub_is_our_name(const char *code, const char *cn);

#endif
