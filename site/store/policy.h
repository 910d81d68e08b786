/*
 * policy.h - the file SMS_def.mof of a site and the policies made from it, in the site database.
 *
 * Policies are made in the transaction of what changes them: the import of a file, the designation of a default management point
 * (sst_designate_mp), and an advertisement, whose own policy goes when it goes (sst_add_advertisement, sst_remove). Whoever
 * changes what is known of the site itself calls sst_refresh_policies afterwards.
 */
#ifndef SL_SITE_STORE_POLICY_H
#define SL_SITE_STORE_POLICY_H

#include "site/model/policy.h"
#include "site/store/client.h"

/* A file as it was imported. */
struct sst_mof {
    char *name;
    char *text;
    char sha256[SM_SHA256_SIZE]; /* of the text */
    int64_t imported_s;          /* real time */
};

/* Frees the strings and clears it. */
void sst_mof_fini(struct sst_mof *mof);
/*
 * Stores a file in the place of the one before, with its hash, and makes the policies anew, in one transaction (S1.11). The same
 * octets again are *ret_changed false, whatever the name. SL_MALFORMED and SL_LIMIT name the file and the line; nothing is
 * changed then.
 */
enum sl_status sst_import_mof(struct sst *store, const char *site, const char *name, const char *text, size_t len, int64_t now_s,
                              bool *ret_changed, struct sl_error *e) SL_MUST;
/* The file of a site; name NULL when none was imported. Freed by sst_mof_fini. */
enum sl_status sst_read_mof(struct sst *store, const char *site, struct sst_mof *ret_mof, struct sl_error *e) SL_MUST;
/* Makes the policies anew when what they are made from has changed, which *ret_changed tells. */
enum sl_status sst_refresh_policies(struct sst *store, const char *site, bool *ret_changed, struct sl_error *e) SL_MUST;

struct sst_policies {
    struct sm_policy *items;
    size_t count;
};

/* Frees the policies and clears. */
void sst_policies_fini(struct sst_policies *policies);
/*
 * The policies that a client of the site is assigned: the active ones, and of advertisements those that are for all or for its id
 * or name (S1.14). Without a client (NULL) all there are, those that are not active too. With bodies or without; freed by
 * sst_policies_fini. SL_LIMIT: more than SST_ROWS_MAX.
 */
enum sl_status sst_policies(struct sst *store, const char *site, const struct sst_client *client, bool with_bodies,
                            struct sst_policies *ret_policies, struct sl_error *e) SL_MUST;
/* The active policy of this id, whatever its site; *ret_policy has id "" when there is none. The caller frees its body. */
enum sl_status sst_policy(struct sst *store, const char *id, struct sm_policy *ret_policy, struct sl_error *e) SL_MUST;

#endif
