/*
 * note.h - the journal's side of a change: who does what under which rule (store/journal.h). Private to wins-emu/engine.
 */
#ifndef SL_WINS_ENGINE_NOTE_H
#define SL_WINS_ENGINE_NOTE_H

#include "wins-emu/engine/state.h"

/* The record of a name as the open batch leaves it; unpacked into *room where the table has it. NULL when there is none. */
const struct wins_record *eng_view(struct eng *eng, const struct nb_name *name, struct wins_record *room);
/* Who is at work from here on: what is noted next is theirs. `source` is a client's address, else 0. */
void eng_note_by(struct eng *eng, enum wst_actor by, uint32_t source, int64_t now_s);
/*
 * Notes in the open batch that a name becomes `after` (NULL: is removed); before the batch itself is told. `rule` is what decided
 * it, WINS_RULE_NONE for an administrator's will.
 */
void eng_note(struct eng *eng, const struct nb_name *name, enum wins_rule rule, const struct wins_record *after);
/* The note of one change, for those who keep no batch. */
void eng_note_make(const struct eng_origin *origin, enum wins_rule rule, const struct wins_record *before,
                   const struct wins_record *after, struct wst_note *ret_note);
/* When the next slice of a journal that is too long may go; INT64_MAX when it is not. */
int64_t eng_notes_due_ms(const struct eng *eng);
/* Has it go with the open batch, when it is due; the batch needs nothing else for that. */
void eng_notes_tick(struct eng *eng, struct eng_now now);
/* What became of the batch. */
void eng_notes_committed(struct eng *eng, enum sl_status status);

#endif
