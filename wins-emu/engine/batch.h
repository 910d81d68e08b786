/*
 * batch.h - the open batch of the engine: what will be on disk and what will be said then. Private to wins-emu/engine.
 *
 * A name occurs once, in the last state the batch gives it. Fixed room for ENG_BATCH_MAX names and as many held answers; who
 * adds makes sure beforehand, with eng_batch_full, that there is some.
 */
#ifndef SL_WINS_ENGINE_BATCH_H
#define SL_WINS_ENGINE_BATCH_H

#include "wins-emu/engine/engine.h"
#include "wins-emu/store/journal.h"

/* Who asked: what an answer needs beside name and decision. */
struct eng_ticket {
    unsigned socket;
    struct wins_peer from;
    uint16_t id;
    uint16_t flags;
    struct nb_address address; /* repeated in the answer */
};

struct eng_change {
    struct wins_record record; /* with `removed` only its name counts */
    bool removed;
    bool holds; /* more than a moved expiry: answers that rest on it wait for the disk */
};

/* An answer to a client, or with `done` the completion of an administrator's operation. */
struct eng_held {
    eng_done *done;
    void *ctx;
    struct eng_ticket ticket;
    struct nb_name name;
    enum nb_rcode rcode;
    uint32_t ttl_s;
};

enum {
    ENG_BATCH_BUCKETS = 1024,
    ENG_NOTES_MAX = 2 * ENG_BATCH_MAX, /* each belongs to a held answer or to a name of its own */
};

struct eng_batch {
    size_t change_count;
    size_t held_count;
    size_t note_count;
    int64_t growth; /* names that the registry has more than the table shows */
    struct eng_change changes[ENG_BATCH_MAX];
    struct eng_held held[ENG_BATCH_MAX];
    struct wst_note notes[ENG_NOTES_MAX]; /* every change of a name, in their order */
    uint16_t buckets[ENG_BATCH_BUCKETS]; /* 1 + index of the first change of a bucket, 0 for none */
    uint16_t next[ENG_BATCH_MAX];        /* the same for the change behind it */
};

/* True when no name or no answer more fits. */
bool eng_batch_full(const struct eng_batch *batch);
/* True when there is nothing to commit and nobody waits. */
bool eng_batch_empty(const struct eng_batch *batch);
/* The change of a name, or NULL. */
struct eng_change *eng_batch_find(struct eng_batch *batch, const struct nb_name *name);
/* Gives the name of *record this state; `holds` stays once it is set. */
void eng_batch_put(struct eng_batch *batch, const struct wins_record *record, bool holds);
/* Removes the record of a name. */
void eng_batch_remove(struct eng_batch *batch, const struct nb_name *name);
/* The next slot for a held answer, to be filled. */
struct eng_held *eng_batch_hold(struct eng_batch *batch);
/* Forgets everything. */
void eng_batch_clear(struct eng_batch *batch);

#endif
