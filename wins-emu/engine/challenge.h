/*
 * challenge.h - the challenges that are running: who waits, whom we asked, when to ask again. Private to wins-emu/engine.
 *
 * A bounded, dense list. What is searched with every packet is in a small array of its own (`keys`), side by side with the rest.
 */
#ifndef SL_WINS_ENGINE_CHALLENGE_H
#define SL_WINS_ENGINE_CHALLENGE_H

#include "wins-emu/engine/batch.h"

struct eng_challenge {
    struct wins_request request;
    struct eng_ticket ticket;
    uint64_t version; /* of the record when it began, and its owner (C05) */
    uint32_t owner;
    uint8_t count; /* addresses of the holder, the one being asked, packets sent to it */
    uint8_t at;
    uint8_t sent;
    uint32_t addresses[WINS_MEMBERS_MAX];
};

struct eng_challenge_key {
    uint64_t request; /* id, flags word and, lowest, source address of the waiting request */
    int64_t due_ms;
    uint16_t id; /* of our question */
};

struct eng_challenges {
    size_t count;
    struct eng_challenge_key keys[ENG_CHALLENGES_MAX];
    struct eng_challenge list[ENG_CHALLENGES_MAX];
};

/* R07: the same id, flags word, source address and port already waits. */
bool eng_challenges_wait(const struct eng_challenges *all, const struct eng_ticket *ticket);
/* The index of the challenge whose question has this id, or -1. */
int eng_challenges_find(const struct eng_challenges *all, uint16_t id);
/*
 * Adds a challenge of the holder of *record and returns its index, -1 when there is no room for one more or for one more of the
 * requester's address. Id and time are not set yet.
 */
int eng_challenges_add(struct eng_challenges *all, const struct wins_request *request, const struct eng_ticket *ticket,
                       const struct wins_record *record);
/* Takes one off; the last one moves to its index. */
struct eng_challenge eng_challenges_take(struct eng_challenges *all, int at);
/* The earliest time at which one is due; INT64_MAX for none. */
int64_t eng_challenges_due_ms(const struct eng_challenges *all);

#endif
