/*
 * cache.h - the policy bodies that a management point keeps for itself (S2.14): what clients were told to fetch can be fetched
 * while the site database is away, and after a restart.
 *
 *   FOLDER/{guid}.VERSION_00.SHA256    the body of that version; never changed
 *
 * A body is on disk under its name before mp_cache_put returns true. What is read back is compared with the hash in its name;
 * a damaged file is removed and counts as missing. Of each policy the newest MP_CACHE_VERSIONS are kept. Several processes may
 * share a folder: the same name always means the same octets.
 *
 * All functions may be called on several threads at once.
 */
#ifndef SL_SITE_MP_CACHE_H
#define SL_SITE_MP_CACHE_H

#include "site/model/policy.h"

struct mp_cache;

enum { MP_CACHE_VERSIONS = 4, MP_CACHE_FILES_MAX = 4096 };

/* Opens the folder, which is made when it is not there (its parent must be). Errors name it. */
enum sl_status mp_cache_open(const char *folder, struct mp_cache **ret_cache, struct sl_error *e) SL_MUST;
/* Closes it; NULL is accepted. */
void mp_cache_close(struct mp_cache *cache);
/*
 * A descriptor of a body (the caller's to close), its size and hash; -1 when the cache does not have it. `sha256` NULL: whatever
 * hash it has.
 */
int mp_cache_find(const struct mp_cache *cache, const char *id, uint32_t version, const char *sha256, uint64_t *ret_size,
                  char ret_sha256[SM_SHA256_SIZE]);
/* True when the body of this version of a policy is there, whole or not. */
bool mp_cache_has(const struct mp_cache *cache, const struct sm_policy *policy);
/* Keeps the body of a policy, unless it is kept already; false, and logged, when that cannot be. */
bool mp_cache_put(const struct mp_cache *cache, const struct sm_policy *policy);

#endif
