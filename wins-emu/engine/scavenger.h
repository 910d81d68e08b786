/*
 * scavenger.h - when the scavenger works and where it stands: private to wins-emu/engine. What it does to a record is
 * wins_scavenge; the engine puts that into its batch.
 */
#ifndef SL_WINS_ENGINE_SCAVENGER_H
#define SL_WINS_ENGINE_SCAVENGER_H

#include "wins-emu/engine/engine.h"

struct eng_scavenger {
    int64_t period_s;
    struct wst_times times;
    bool times_changed; /* the next batch writes them */
    int64_t due_ms;     /* of the next slice or look at the clock */
    bool running;
    uint64_t cursor;
    int64_t began_s;
    eng_scavenge_done *done; /* of the administrator who waits for this pass, or NULL */
    void *ctx;
    struct eng_scavenged result;
    enum sl_status status; /* first failure of a batch during the pass */
    struct sl_error why;
    size_t due_count; /* of the slice */
    const struct tbl_entry *due[ENG_SLICE_CHANGES];
};

/* Goes on from the times of the database; the first look at the clock is due at once. */
void eng_scavenger_init(struct eng_scavenger *s, int64_t period_s, const struct wst_times *times);
/* Another period; a look at the clock is due at once, a pass that is under way goes on. */
void eng_scavenger_reload(struct eng_scavenger *s, struct eng_now now, int64_t period_s);
/* Begins a pass now, at the first name. */
void eng_scavenger_begin(struct eng_scavenger *s, struct eng_now now);
/*
 * Looks at the clock: notes that the server is in service and begins a pass when the period is over. A clock that went back does
 * not stop the scavenger: a last pass in the future counts as one just now. After an outage or a jump of the clock no pass begins
 * for ENG_SETTLE_S (or the period, when that is shorter).
 */
void eng_scavenger_look(struct eng_scavenger *s, struct eng_now now);
/*
 * Walks on by one slice and collects in s->due the entries that a row applies to; false when the walk is over. The entries are
 * valid until the table changes.
 */
bool eng_scavenger_walk(struct eng_scavenger *s, const struct tbl *table, const struct wins_config *config, struct eng_now now);
/* A batch failed: kept as the outcome of the pass that is under way, if any; the first counts. */
void eng_scavenger_failed(struct eng_scavenger *s, enum sl_status status, const struct sl_error *why);
/* Ends the walk; what it changed is not on disk yet. */
void eng_scavenger_end(struct eng_scavenger *s, struct eng_now now);

#endif
