/*
 * journal.h - what became of each name and by whom: an append-only list beside the records, in the same transaction (X16).
 *
 * A note is one change of one name: who (a client, an administrator, the scavenger, an import), from where, under which rule,
 * when, and the record before and after. A refresh that moves nothing but the expiry is no change and makes no note. The list is
 * bounded by the number of notes: when a sixty-fourth is too many the oldest go, as far as all of their row are too many, some
 * thousand in one commit, so that a bound that was lowered by millions holds up nobody. A row holds all notes of one batch, in
 * the order of their time and without an index, since rows and index pages are what a note would cost; a look-up by name reads
 * them all (some ten milliseconds for 100 000).
 */
#ifndef SL_WINS_STORE_JOURNAL_H
#define SL_WINS_STORE_JOURNAL_H

#include "wins-emu/core/rules.h"
#include "wins-emu/store/store.h"

/* Who changed a name; the numbers are stored and never change. */
enum wst_actor { WST_BY_CLIENT, WST_BY_ADMIN, WST_BY_SCAVENGER, WST_BY_IMPORT, WST_ACTOR_COUNT };

/* What a note keeps of a record. */
struct wst_image {
    bool present; /* else there was, or is, no record; the rest means nothing */
    enum wins_type type;
    enum wins_state state;
    enum wins_node node;
    bool is_static;
    uint64_t version;
    int64_t expires_s; /* 0 for never */
    uint8_t address_count;
    uint32_t addresses[WINS_MEMBERS_MAX];
};

struct wst_note {
    struct nb_name name;
    int64_t at_s; /* real time */
    enum wst_actor by;
    uint32_t source;        /* address of the client, 0 without one */
    enum wins_rule rule; /* that decided it, WINS_RULE_NONE when none did */
    struct wst_image before, after;
};

/* "client", "admin", "scavenger", "import". */
const char *wst_actor_word(enum wst_actor actor);
/* The image of a record, of none when it is NULL. */
void wst_image_of(const struct wins_record *record, struct wst_image *ret_image);

/* How many notes the journal keeps from the next commit on; 0: none, and no more are written. A new store has 0. */
void wst_set_journal_max(struct wst *store, uint64_t notes);
/* True while there are too many all the same: each commit, also one of nothing else, lets some thousand go. */
bool wst_journal_is_over(const struct wst *store);
/* Adds a note to the batch. */
void wst_note(struct wst *store, const struct wst_note *note);

/*
 * Looks for notes of a name among the next `rows` rows behind *cursor (0 at first), oldest first, hands them to `fn` and moves
 * *cursor. *ret_more is false when there are no rows left. On any store that is open, not within a batch.
 */
enum sl_status wst_history(struct wst *store, const struct nb_name *name, uint64_t *cursor, uint64_t rows,
                           void (*fn)(const struct wst_note *note, void *ctx), void *ctx, bool *ret_more,
                           struct sl_error *e) SL_MUST;

#endif
