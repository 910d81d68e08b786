/*
 * pool.h - the connections of a process to the site database: those that are shared by the roles that answer on several threads,
 * which only read, and those of one's own.
 *
 * A thread borrows a connection for one request and gives it back. Connections are opened when first needed, and opened anew when
 * the file was moved away or replaced meanwhile, so a database that comes back is used again without a restart. Any thread.
 *
 * A database server that falls silent holds nobody up for longer than SST_SILENCE_MS: one thread asks it a short question again
 * and again (sst_pool_probe), and when that is not answered all who wait on a connection of this pool give up (SL_UNREACHABLE),
 * and who asks from then on is refused at once, as the question was, until it is answered again. So a statement may take its
 * time as long as the server speaks to others.
 *
 * The pool also keeps the map of the last generation that was asked for. Once a connection turns out to be one to a database that
 * is gone, all are opened anew and the map is forgotten: another database may have the same generation.
 */
#ifndef SL_SITE_STORE_POOL_H
#define SL_SITE_STORE_POOL_H

#include "common/base/cancel.h"
#include "site/store/map.h"

enum {
    SST_POOL_MAX = 8, /* connections to be borrowed; more borrowers wait */
    SST_SILENCE_MS = 3000,
};

struct sst_pool;

/* A pool on the database at `path`; opens nothing. Aborts without memory or file descriptors. */
struct sst_pool *sst_pool_new(const char *path);
/* Closes all connections, which must have been given back, those of one's own closed; NULL is accepted. */
void sst_pool_free(struct sst_pool *pool);
/* Borrows a connection that is open and current. */
enum sl_status sst_borrow(struct sst_pool *pool, struct sst **ret_store, struct sl_error *e) SL_MUST;
/* SL_OK unless the database is silent, or the pool ended: why then. */
enum sl_status sst_pool_admit(struct sst_pool *pool, struct sl_error *e) SL_MUST;
/* Opens a connection of one's own, to be closed by sst_close. */
enum sl_status sst_pool_open(struct sst_pool *pool, enum sst_mode mode, struct sst **ret_store, struct sl_error *e) SL_MUST;
/* sst_lock_server likewise. */
enum sl_status sst_pool_lock(struct sst_pool *pool, struct sst_lock **ret_lock, struct sl_error *e) SL_MUST;
/* What a probe sees: sst_generation and sst_fetched. */
struct sst_counters {
    int64_t generation, fetched;
};
/*
 * Looks whether the database is there, of a version that this program knows, and what its counters are; of one that is not
 * (SL_FOREIGN) no connection is used again. By one thread; `stop` ends the wait. SL_TIMEOUT: it is silent, or locked.
 */
enum sl_status sst_pool_probe(struct sst_pool *pool, const struct sl_cancel *stop, struct sst_counters *ret_counters,
                              struct sl_error *e) SL_MUST;
/* For the end of the process: as if the database were silent from now on, whatever a probe says. */
void sst_pool_end(struct sst_pool *pool);
/* Uses none of the connections again that are open now; what is borrowed is closed when it comes back. Not beside a probe. */
void sst_pool_renew(struct sst_pool *pool);
/* Gives it back; one that has just failed (`status`) is closed instead. NULL is accepted. */
void sst_give_back(struct sst_pool *pool, struct sst *store, enum sl_status status);
/*
 * The map of the generation that the borrowed connection sees now; made by the one who first asks for it, while the others wait.
 * Released by sst_map_release.
 */
enum sl_status sst_borrow_map(struct sst_pool *pool, struct sst *store, struct sst_map **ret_map, struct sl_error *e) SL_MUST;

#endif
