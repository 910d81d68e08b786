/*
 * note.h - a change of a name as a row: for `history` and `watch`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_NOTE_H
#define SL_WINS_CTL_NOTE_H

#include "common/host/control.h"
#include "wins-emu/store/journal.h"

/* Declares the columns; with `lost` one more, which is empty but in wctl_note_lost. */
void wctl_note_columns(struct host_reply *reply, bool lost);
/* One note. */
void wctl_note_row(struct host_reply *reply, const struct wst_note *note, bool lost);
/* A row that says that `count` notes are missing here. */
void wctl_note_lost(struct host_reply *reply, uint64_t count);

#endif
