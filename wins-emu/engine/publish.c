#include "wins-emu/engine/publish.h"

/* What the change of a name means to its clients; `before` is what the table had. */
static void tell_change(const struct eng_ops *ops, const struct wins_record *before, const struct eng_change *change)
{
    bool was = before && before->state == WINS_ACTIVE, is = !change->removed && change->record.state == WINS_ACTIVE;
    if (is)
        ops->changed(ops->ctx, was ? ENG_EVENT_REFRESH : ENG_EVENT_ADD, &change->record);
    else if (was)
        ops->changed(ops->ctx, ENG_EVENT_DELETE, before);
}

static void publish(struct tbl *table, const struct eng_ops *ops, bool tells, const struct eng_change *change)
{
    struct wins_record before;
    const struct tbl_entry *entry = tells ? tbl_find(table, &change->record.name) : NULL;
    if (entry)
        tbl_unpack(entry, &before);
    if (change->removed)
        tbl_remove(table, &change->record.name);
    else
        tbl_put(table, &change->record);
    if (tells)
        tell_change(ops, entry ? &before : NULL, change);
}

void eng_publish(struct tbl *table, const struct eng_ops *ops, bool tells, const struct eng_batch *batch)
{
    for (size_t i = 0; i < batch->change_count; i++)
        publish(table, ops, tells, &batch->changes[i]);
    for (size_t i = 0; i < batch->note_count && ops->noted; i++)
        ops->noted(ops->ctx, &batch->notes[i]);
}
