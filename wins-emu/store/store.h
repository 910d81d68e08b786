/*
 * store.h - the registry on disk. One batch is one SQLite transaction; nothing in it is acknowledged before wst_commit returned
 * SL_OK (wins.md 2.12).
 *
 * Belongs to the engine thread. No version id is handed out twice: the file holds a number that none of those handed out exceeds,
 * and a batch that would exceed it raises it, by some thousands at once, in the same transaction. So a batch of one registration
 * writes one page. After a crash the counter goes on behind that number, and some thousand version ids are never used; wst_close
 * leaves no gap.
 */
#ifndef SL_WINS_STORE_STORE_H
#define SL_WINS_STORE_STORE_H

#include "common/base/error.h"
#include "wins-emu/core/record.h"

struct wst;

#define WST_COPY_ENDING ".copying" /* behind the database's name: a copy on its way elsewhere, and what it is made of */

#define WST_VERSION_LEAP (INT64_C(1) << 32) /* the high word, as Windows repairs a counter (wins.md 2.11) */

/* Times that outlive a restart, seconds since the epoch; 0 in a new database. */
struct wst_times {
    int64_t scavenged_s;     /* when the last complete scavenging began */
    int64_t serving_since_s; /* since when the server has been in service, short outages aside */
    int64_t alive_s;         /* when it last was */
};

/*
 * Opens or creates the database file, for this process alone; `self` is the server's own address, the owner whose version ids
 * it hands out. What it owned under another address is its own (wins.md 2.11). SL_FOREIGN when it is newer or not ours;
 * SL_CORRUPT when it is damaged, or when the write-ahead log of a server that did not end cleanly is missing, which held
 * acknowledged changes, or when the log of another database lies beside a copy; SL_CONFLICT when another server has it open. A
 * failure names the file. From here to wst_close the file says that a server works on it. Copies (WST_COPY_ENDING) that a crash
 * has left beside it are removed.
 */
enum sl_status wst_open(const char *path, uint32_t self, struct wst **ret_store, struct sl_error *e) SL_MUST;
/* Gives back the version ids that were not handed out, says that the end was clean, and closes; NULL is accepted. */
void wst_close(struct wst *store);
/*
 * For a file that wst_open refuses since its log is missing: takes the state of the last checkpoint as it is. The version counter
 * leaps by WST_VERSION_LEAP, beyond every id that was handed out since. SL_USAGE when the log is there.
 */
enum sl_status wst_accept_missing_log(const char *path, struct sl_error *e) SL_MUST;
/* Opens a file only for reading, also while a server uses it: for wst_load, wst_find and wst_integrity, on any one thread. */
enum sl_status wst_open_reader(const char *path, uint32_t self, struct wst **ret_store, struct sl_error *e) SL_MUST;
/* The stored record of a name; *ret_found is false when there is none. Not within a batch. */
enum sl_status wst_find(struct wst *store, const struct nb_name *name, struct wins_record *ret_record, bool *ret_found,
                        struct sl_error *e) SL_MUST;
/* Has SQLite read every page, and holds each record against its sum; what is wrong is told to `fn`. May take long. */
enum sl_status wst_integrity(struct wst *store, void (*fn)(void *ctx, const char *problem), void *ctx,
                             struct sl_error *e) SL_MUST;
/* The number of stored records. */
enum sl_status wst_count(struct wst *store, size_t *ret_count, struct sl_error *e) SL_MUST;
/* Hands every stored record to `fn`, once, at start. SL_CORRUPT when one is damaged; a reader leaves sums to wst_integrity. */
enum sl_status wst_load(struct wst *store, void (*fn)(const struct wins_record *record, void *ctx), void *ctx,
                        struct sl_error *e) SL_MUST;
/*
 * Behind wst_load: when a record of ours, or the owner table, has a version id above the counter, which damage or an editor of
 * the file must have done, the counter leaps by WST_VERSION_LEAP beyond it, on disk at once. SL_CORRUPT when there is no id left.
 */
enum sl_status wst_raise_version(struct wst *store, bool *ret_raised, struct sl_error *e) SL_MUST;
/* The last version id that was committed, or a later one after a crash; 0 for a new database. */
uint64_t wst_version(const struct wst *store);
/* The times that were committed last. */
struct wst_times wst_times(const struct wst *store);

/*
 * Copies the database file `path` to the new file `to` while a server may be using it (db_backup): by a connection of its own, so
 * any thread may. The version counter of the copy is WST_VERSION_LEAP ahead, so that a server restored from it repeats none.
 */
enum sl_status wst_backup(const char *path, const char *to, struct sl_error *e) SL_MUST;

/* Starts a batch. */
enum sl_status wst_begin(struct wst *store, struct sl_error *e) SL_MUST;
/* Adds to the batch; a failure is sticky and shows in wst_commit. */
void wst_put(struct wst *store, const struct wins_record *record);
void wst_remove(struct wst *store, const struct nb_name *name);
void wst_set_version(struct wst *store, uint64_t version);
void wst_set_times(struct wst *store, const struct wst_times *times);
/* Drops the batch: nothing of it is stored. */
void wst_abandon(struct wst *store);
/*
 * Writes the batch and returns when it is on disk; after a failure nothing of the batch is stored. SL_IO too when the database
 * or its log was removed or replaced meanwhile, until it is back.
 */
enum sl_status wst_commit(struct wst *store, struct sl_error *e) SL_MUST;

#endif
