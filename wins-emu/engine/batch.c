#include "wins-emu/engine/batch.h"

#include "common/base/assert.h"

#include <string.h>

/* FNV-1a; names chosen to collide cost at most a walk over the batch. */
static size_t bucket_of(const struct nb_name *name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < NB_NAME_LEN; i++)
        hash = (hash ^ name->octets[i]) * 16777619u;
    return hash % ENG_BATCH_BUCKETS;
}

bool eng_batch_full(const struct eng_batch *batch)
{
    return batch->change_count == ENG_BATCH_MAX || batch->held_count == ENG_BATCH_MAX;
}

bool eng_batch_empty(const struct eng_batch *batch)
{
    return batch->change_count == 0 && batch->held_count == 0;
}

struct eng_change *eng_batch_find(struct eng_batch *batch, const struct nb_name *name)
{
    for (uint16_t at = batch->buckets[bucket_of(name)]; at; at = batch->next[at - 1]) {
        if (nb_name_equal(&batch->changes[at - 1].record.name, name))
            return &batch->changes[at - 1];
    }
    return NULL;
}

static struct eng_change *change_of(struct eng_batch *batch, const struct nb_name *name)
{
    struct eng_change *change = eng_batch_find(batch, name);
    if (change)
        return change;
    sl_assert(batch->change_count < ENG_BATCH_MAX);
    size_t at = batch->change_count++;
    uint16_t *bucket = &batch->buckets[bucket_of(name)];
    batch->next[at] = *bucket;
    *bucket = (uint16_t)(at + 1);
    change = &batch->changes[at];
    change->holds = false;
    return change;
}

void eng_batch_put(struct eng_batch *batch, const struct wins_record *record, bool holds)
{
    struct eng_change *change = change_of(batch, &record->name);
    change->record = *record;
    change->removed = false;
    change->holds = change->holds || holds;
}

void eng_batch_remove(struct eng_batch *batch, const struct nb_name *name)
{
    struct eng_change *change = change_of(batch, name);
    change->record.name = *name;
    change->removed = true;
    change->holds = true;
}

struct eng_held *eng_batch_hold(struct eng_batch *batch)
{
    sl_assert(batch->held_count < ENG_BATCH_MAX);
    return &batch->held[batch->held_count++];
}

void eng_batch_clear(struct eng_batch *batch)
{
    batch->change_count = 0;
    batch->held_count = 0;
    batch->note_count = 0;
    batch->growth = 0;
    memset(batch->buckets, 0, sizeof batch->buckets);
}
