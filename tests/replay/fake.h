/*
 * fake.h - the registry's database as the stories have it: in memory, and failing on request. Linked instead of wins-emu/store.
 */
#ifndef SL_TESTS_REPLAY_FAKE_H
#define SL_TESTS_REPLAY_FAKE_H

#include "wins-emu/store/journal.h"

/* From now on every commit fails, or works again. */
void fake_store_fails(struct wst *store, bool fails);
/* What the database has of a name, or NULL. */
const struct wins_record *fake_store_find(const struct wst *store, const struct nb_name *name);
/* Stores a record outside of any batch. */
void fake_store_put(struct wst *store, const struct wins_record *record);

#endif
