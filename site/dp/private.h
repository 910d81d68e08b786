/*
 * private.h - what fetching and verifying share; nobody else includes it.
 */
#ifndef SL_SITE_DP_PRIVATE_H
#define SL_SITE_DP_PRIVATE_H

#include "site/store/fetch.h"

/* Logs that a file of a package is damaged, or else missing. */
void dp_log_lost(const struct sst_task *task, const struct sm_file *file, bool is_here);
/*
 * A connection that is good for another pass: the one there was, or a new one in its place when the database was replaced or
 * lost. *store may be NULL, and is NULL after a failure to open.
 */
enum sl_status dp_open_store(struct sst_pool *pool, struct sst **store, struct sl_error *e) SL_MUST;

#endif
