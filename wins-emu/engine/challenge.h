/*
 * challenge.h - the challenges that are running: who waits, whom we asked, when to ask again. Private to wins-emu/engine.
 *
 * Fixed room for ENG_CHALLENGES_MAX of them, each in a slot of its own for as long as it runs. Every packet looks here, so each
 * question has an index: the id of our question (a table), the waiting request and its source (hashed, with a secret), and what
 * is due next: all wait equally long, so whoever was asked last is last in a queue. None of it costs more when more are running.
 *
 * Belongs to the engine's thread, but for eng_challenges_claim.
 */
#ifndef SL_WINS_ENGINE_CHALLENGE_H
#define SL_WINS_ENGINE_CHALLENGE_H

#include "wins-emu/engine/batch.h"

/* A slot, or none: 1 + its index, so that zeros are empty lists. */
typedef uint16_t eng_slot;

enum { ENG_CHALLENGE_BUCKETS = ENG_CHALLENGES_MAX, ENG_QUESTION_IDS = UINT16_MAX + 1 };

struct eng_challenge {
    struct wins_request request;
    struct eng_ticket ticket;
    uint64_t version; /* of the record when it began, and its owner (C05) */
    uint32_t owner;
    uint8_t count; /* addresses of the holder, the one being asked, packets sent to it */
    uint8_t at;
    uint8_t sent;
    bool asked;        /* id and due_ms are set, and it is in the queue */
    uint16_t id;       /* of our question */
    int64_t due_ms;
    eng_slot earlier, later; /* in the queue; `later` is also the next free slot */
    eng_slot same_request, same_source; /* next in the bucket */
    uint32_t addresses[WINS_MEMBERS_MAX];
};

struct eng_challenges {
    size_t count;
    uint64_t secret; /* nobody else knows what falls into one bucket */
    size_t used;     /* slots that were ever in use */
    eng_slot unused, first, last; /* free slots among these; the queue */
    eng_slot by_request[ENG_CHALLENGE_BUCKETS];
    eng_slot by_source[ENG_CHALLENGE_BUCKETS];
    eng_slot by_id[ENG_QUESTION_IDS];
    uint32_t asked[ENG_QUESTION_IDS]; /* the address that a question was last sent to and has not answered, 0 for none; atomic */
    struct eng_challenge slots[ENG_CHALLENGES_MAX];
};

/* R07: the same id, flags word, source address and port already waits. */
bool eng_challenges_wait(const struct eng_challenges *all, const struct eng_ticket *ticket);
/* The challenge whose question has this id, or NULL. */
struct eng_challenge *eng_challenges_find(struct eng_challenges *all, uint16_t id);
/*
 * Adds a challenge of the holder of *record, which nobody was asked for yet; NULL when there is no room for one more or for one
 * more of the requester's address.
 */
struct eng_challenge *eng_challenges_add(struct eng_challenges *all, const struct wins_request *request,
                                         const struct eng_ticket *ticket, const struct wins_record *record);
/* The question `id` goes to the address at hand now and is due again at `due_ms`, which is not before that of any other. */
void eng_challenges_ask(struct eng_challenges *all, struct eng_challenge *c, uint16_t id, int64_t due_ms);
/*
 * True once for each question sent: its first answer from the address that was asked. Whatever else claims to be an answer need
 * not come to the engine. Any thread.
 */
bool eng_challenges_claim(struct eng_challenges *all, uint16_t id, uint32_t from);
/* Takes one off; its slot is free then. */
struct eng_challenge eng_challenges_take(struct eng_challenges *all, struct eng_challenge *c);
/* The one that is due first, NULL when none is running that was asked. */
struct eng_challenge *eng_challenges_first(struct eng_challenges *all);
/* The time at which that is; INT64_MAX for none. */
int64_t eng_challenges_due_ms(const struct eng_challenges *all);

#endif
