#include "tests/replay/fake.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { ROOM = 10000 };

struct pending {
    struct wins_record record;
    bool removed;
};

struct wst {
    struct wins_record *records;
    size_t count;
    struct pending *pending;
    size_t pending_count;
    uint64_t version, pending_version;
    struct wst_times times, pending_times;
    bool in_batch;
    bool fails;
};

enum sl_status wst_open(const char *path, uint32_t self, struct wst **ret_store, struct sl_error *e)
{
    (void)path;
    (void)self;
    (void)e;
    struct wst *store = sl_new(sizeof *store);
    store->records = sl_new_array(ROOM, sizeof *store->records);
    store->pending = sl_new_array(ROOM, sizeof *store->pending);
    *ret_store = store;
    return SL_OK;
}

void wst_close(struct wst *store)
{
    if (!store)
        return;
    free(store->records);
    free(store->pending);
    free(store);
}

uint64_t wst_version(const struct wst *store)
{
    return store->version;
}

struct wst_times wst_times(const struct wst *store)
{
    return store->times;
}

void wst_set_times(struct wst *store, const struct wst_times *times)
{
    sl_assert(store->in_batch);
    store->pending_times = *times;
}

enum sl_status wst_begin(struct wst *store, struct sl_error *e)
{
    (void)e;
    sl_assert(!store->in_batch);
    store->in_batch = true;
    store->pending_count = 0;
    store->pending_version = store->version;
    store->pending_times = store->times;
    return SL_OK;
}

static void add_pending(struct wst *store, const struct pending *pending)
{
    sl_assert(store->in_batch && store->pending_count < ROOM);
    store->pending[store->pending_count++] = *pending;
}

void wst_put(struct wst *store, const struct wins_record *record)
{
    add_pending(store, &(struct pending){.record = *record});
}

void wst_remove(struct wst *store, const struct nb_name *name)
{
    add_pending(store, &(struct pending){.record.name = *name, .removed = true});
}

bool wst_journal_is_over(const struct wst *store)
{
    (void)store;
    return false;
}

void wst_set_journal_max(struct wst *store, uint64_t rows)
{
    (void)store;
    (void)rows;
}

void wst_note(struct wst *store, const struct wst_note *note)
{
    sl_assert(store->in_batch);
    (void)note;
}

void wst_image_of(const struct wins_record *record, struct wst_image *ret_image)
{
    *ret_image = (struct wst_image){.present = record != NULL};
}

void wst_set_version(struct wst *store, uint64_t version)
{
    sl_assert(store->in_batch && version >= store->version);
    store->pending_version = version;
}

static size_t index_of(const struct wst *store, const struct nb_name *name)
{
    size_t i = 0;
    while (i < store->count && !nb_name_equal(&store->records[i].name, name))
        i++;
    return i;
}

const struct wins_record *fake_store_find(const struct wst *store, const struct nb_name *name)
{
    size_t i = index_of(store, name);
    return i < store->count ? &store->records[i] : NULL;
}

enum sl_status wst_find(struct wst *store, const struct nb_name *name, struct wins_record *ret_record, bool *ret_found,
                        struct sl_error *e)
{
    (void)e;
    const struct wins_record *record = fake_store_find(store, name);
    *ret_found = record != NULL;
    if (record)
        *ret_record = *record;
    return SL_OK;
}

void fake_store_put(struct wst *store, const struct wins_record *record)
{
    size_t i = index_of(store, &record->name);
    sl_assert(i < ROOM);
    store->records[i] = *record;
    if (i == store->count)
        store->count++;
    if (record->version > store->version)
        store->version = record->version;
}

static void remove_record(struct wst *store, const struct nb_name *name)
{
    size_t i = index_of(store, name);
    if (i < store->count)
        store->records[i] = store->records[--store->count];
}

void wst_abandon(struct wst *store)
{
    sl_assert(store->in_batch);
    store->in_batch = false;
}

enum sl_status wst_commit(struct wst *store, struct sl_error *e)
{
    sl_assert(store->in_batch);
    store->in_batch = false;
    if (store->fails)
        return sl_fail(e, SL_IO, "the disk of this story fails");
    for (size_t i = 0; i < store->pending_count; i++) {
        if (store->pending[i].removed)
            remove_record(store, &store->pending[i].record.name);
        else
            fake_store_put(store, &store->pending[i].record);
    }
    store->version = store->pending_version;
    store->times = store->pending_times;
    return SL_OK;
}

void fake_store_fails(struct wst *store, bool fails)
{
    store->fails = fails;
}
