/*
 * pool.h - read-only connections to the site database for roles that answer on several threads.
 *
 * A thread borrows a connection for one request and gives it back. Connections are opened when first needed, and opened anew when
 * the file was moved away or replaced meanwhile, so a database that comes back is used again without a restart. Any thread.
 *
 * The pool also keeps the map of the last generation that was asked for. Once a connection turns out to be one to a database that
 * is gone, all are opened anew and the map is forgotten: another database may have the same generation.
 */
#ifndef SL_SITE_STORE_POOL_H
#define SL_SITE_STORE_POOL_H

#include "site/store/map.h"

enum { SST_POOL_MAX = 8 }; /* connections; more borrowers wait */

struct sst_pool;

/* A pool on the database at `path`; opens nothing. */
struct sst_pool *sst_pool_new(const char *path);
/* Closes all connections, which must have been given back; NULL is accepted. */
void sst_pool_free(struct sst_pool *pool);
/* Borrows a connection that is open and current. */
enum sl_status sst_borrow(struct sst_pool *pool, struct sst **ret_store, struct sl_error *e) SL_MUST;
/* Uses none of the connections again that are open now; those that are borrowed are closed when they come back. */
void sst_pool_renew(struct sst_pool *pool);
/* Gives it back; one that has just failed (`status`) is closed instead. NULL is accepted. */
void sst_give_back(struct sst_pool *pool, struct sst *store, enum sl_status status);
/*
 * The map of the generation that the borrowed connection sees now; made by the one who first asks for it, while the others wait.
 * Released by sst_map_release.
 */
enum sl_status sst_borrow_map(struct sst_pool *pool, struct sst *store, struct sst_map **ret_map, struct sl_error *e) SL_MUST;

#endif
