/*
 * state.h - the inside of the engine, for the files that it is made of. Private to wins-emu/engine.
 */
#ifndef SL_WINS_ENGINE_STATE_H
#define SL_WINS_ENGINE_STATE_H

#include "wins-emu/engine/batch.h"
#include "wins-emu/engine/challenge.h"
#include "wins-emu/engine/scavenger.h"

#define ENG_MAGIC 0xe4911e01u

/* Whose work a change is. */
struct eng_origin {
    enum wst_actor by;
    uint32_t source;
    int64_t at_s;
};

struct eng {
    uint32_t magic;
    struct eng_config config;
    struct eng_ops ops;
    struct tbl *table;
    struct wst *store;
    uint64_t version;
    struct eng_stats stats;
    size_t backlog;          /* requests that wait */
    uint64_t granted_unseen; /* in a row (B01) */
    struct eng_origin origin; /* of what is being done */
    struct nb_message scratch; /* for what is sent */
    struct eng_batch batch;
    struct eng_challenges challenges;
    struct eng_scavenger scavenger;
    int64_t cut_due_ms; /* when the next slice of a journal that is too long may go */
    bool cuts;          /* with the open batch, which may have nothing else */
};

#endif
