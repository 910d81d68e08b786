/*
 * private.h - what fetching and verifying share; nobody else includes it.
 */
#ifndef SL_SITE_DP_PRIVATE_H
#define SL_SITE_DP_PRIVATE_H

#include "site/content/content.h"
#include "site/store/fetch.h"

/* Logs that a file of a package is damaged, or else missing. */
void dp_log_lost(const struct sst_task *task, const struct sm_file *file, bool is_here);
/* Seals a file that has just been compared; false when it may not stay: what was fetched is ours, and can be sealed. */
bool dp_may_stay(struct cnt *library, const char *dp, const char *sha256);
/* Takes a file that is not what it should be out of the library. */
enum sl_status dp_take_out(struct cnt *library, const char *dp, const char *sha256, struct sl_error *e) SL_MUST;
/*
 * A connection that is good for another pass: the one there was, or a new one in its place when the database was replaced or
 * lost. *store may be NULL, and is NULL after a failure to open.
 */
enum sl_status dp_open_store(struct sst_pool *pool, struct sst **store, struct sl_error *e) SL_MUST;

#endif
