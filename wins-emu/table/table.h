/*
 * table.h - the in-memory index of all records: one writer, any number of readers without a lock (liburcu).
 *
 * Readers are threads that called tbl_reader_enter once (registers them with RCU); each lookup happens between tbl_read_lock
 * and tbl_read_unlock and its result is valid in between only. The writer (the engine thread) replaces whole records; a reader
 * sees the old one or the new one, never a mixture. The only folder that includes liburcu.
 *
 * Memory: at most 112 octets a plain name at a million names, all included; a record is packed (tbl_entry is opaque).
 */
#ifndef SL_WINS_TABLE_TABLE_H
#define SL_WINS_TABLE_TABLE_H

#include "wins-emu/core/query.h"

#include <stddef.h>

struct tbl;
struct tbl_entry;

/* An empty table; aborts without memory. */
struct tbl *tbl_new(void);
/* Frees everything; no reader may be left. */
void tbl_free(struct tbl *t);

/* Registers the calling thread as a reader; before its first lookup, once. */
void tbl_reader_enter(void);
/* Takes it off again; before the thread ends. */
void tbl_reader_leave(void);
void tbl_read_lock(void);
void tbl_read_unlock(void);
/* Waits until every reader that holds the lock now has let go of it; the caller does not hold it. */
void tbl_grace(void);

/* The entry of a name, or NULL. Between tbl_read_lock and tbl_read_unlock, or by the writer. */
const struct tbl_entry *tbl_find(const struct tbl *t, const struct nb_name *name);
/*
 * For a reader that has several names to look up: fetches the slot of a name into the cache and returns a hint; tbl_expect_entry
 * with that hint fetches the entry. All hints first, then all entries, then tbl_find for each name, so that the waits for memory
 * overlap. Between tbl_read_lock and tbl_read_unlock.
 */
uint64_t tbl_expect(const struct tbl *t, const struct nb_name *name);
void tbl_expect_entry(const struct tbl *t, uint64_t hint);
/* Unpacks an entry. */
void tbl_unpack(const struct tbl_entry *entry, struct wins_record *ret_record);
/* Enough of an entry to answer a query (Q03 to Q07) without unpacking it; its addresses are sorted by wins_members_sort. */
void tbl_answer(const struct tbl_entry *entry, uint32_t self, struct wins_answer *ret_answer);

/* Writer only: makes room for so many records in all at once, instead of step by step. */
void tbl_reserve(struct tbl *t, size_t records);
/* Writer only: inserts or replaces the record of its name. */
void tbl_put(struct tbl *t, const struct wins_record *record);
/* Writer only: removes a name; nothing happens when it is absent. */
void tbl_remove(struct tbl *t, const struct nb_name *name);
/* Number of records; any thread. */
size_t tbl_count(const struct tbl *t);
enum { TBL_WALK_LEAST = 32 };
/*
 * Walks all records in steps, for lists: calls `fn` for at most `most` (at least TBL_WALK_LEAST) entries starting at *cursor (0
 * at first), under its own read lock, and moves *cursor. False when the walk is over. Records that move meanwhile may be seen
 * twice or not at all, others exactly once.
 */
bool tbl_walk(const struct tbl *t, uint64_t *cursor, size_t most, void (*fn)(const struct tbl_entry *entry, void *ctx),
              void *ctx);

#endif
