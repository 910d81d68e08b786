#include "wins-emu/engine/note.h"

#include "common/base/assert.h"

const struct wins_record *eng_view(struct eng *eng, const struct nb_name *name, struct wins_record *room)
{
    const struct eng_change *change = eng_batch_find(&eng->batch, name);
    if (change)
        return change->removed ? NULL : &change->record;
    const struct tbl_entry *entry = tbl_find(eng->table, name);
    if (!entry)
        return NULL;
    tbl_unpack(entry, room);
    return room;
}

void eng_note_by(struct eng *eng, enum wst_actor by, uint32_t source, int64_t now_s)
{
    eng->origin = (struct eng_origin){by, source, now_s};
}

int64_t eng_notes_due_ms(const struct eng *eng)
{
    return wst_journal_is_over(eng->store) ? eng->cut_due_ms : INT64_MAX;
}

void eng_notes_tick(struct eng *eng, struct eng_now now)
{
    if (eng_notes_due_ms(eng) > now.mono_ms)
        return;
    eng->cut_due_ms = now.mono_ms + ENG_SLICE_GAP_MS;
    eng->cuts = true;
}

void eng_notes_committed(struct eng *eng, enum sl_status status)
{
    if (eng->cuts && status != SL_OK)
        eng->cut_due_ms += ENG_HEARTBEAT_MS; /* the disk is given some time */
    eng->cuts = false;
}

void eng_note_make(const struct eng_origin *origin, enum wins_rule rule, const struct wins_record *before,
                   const struct wins_record *after, struct wst_note *ret_note)
{
    ret_note->name = before ? before->name : after->name;
    ret_note->by = origin->by;
    ret_note->source = origin->source;
    ret_note->at_s = origin->at_s;
    ret_note->rule = rule;
    wst_image_of(before, &ret_note->before);
    wst_image_of(after, &ret_note->after);
}

void eng_note(struct eng *eng, const struct nb_name *name, enum wins_rule rule, const struct wins_record *after)
{
    struct wins_record room;
    struct eng_batch *batch = &eng->batch;
    sl_assert(batch->note_count < ENG_NOTES_MAX);
    const struct wins_record *before = eng_view(eng, name, &room);
    batch->growth += (after != NULL) - (before != NULL);
    if (before || after)
        eng_note_make(&eng->origin, rule, before, after, &batch->notes[batch->note_count++]);
}
