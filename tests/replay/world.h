/*
 * world.h - what surrounds the registry in a story: clock, network, and the registry itself. Private to the replay runner.
 */
#ifndef SL_TESTS_REPLAY_WORLD_H
#define SL_TESTS_REPLAY_WORLD_H

#include "common/base/random.h"
#include "tests/replay/fake.h"
#include "wins-emu/engine/answer.h"
#include "wins-emu/engine/engine.h"

enum { WORLD_SENT_MAX = 3 * ENG_CHALLENGES_MAX, WORLD_START_S = 1000000000, WORLD_PEERS_MAX = 2048 };

struct world_packet {
    struct wins_peer to;
    unsigned socket;
    bool expected;
    size_t len;
    uint8_t octets[NB_DATAGRAM_MAX];
};

struct world_peer {
    struct wins_peer peer;
    uint16_t id; /* of its last request */
};

struct world {
    struct eng_config config;
    struct wins_policy_options policy_options;
    struct tbl_shared policy;
    struct wins_limiter *limiter;
    bool queue_full;
    struct tbl *table;
    struct wst *store;
    struct eng *eng; /* NULL until something happens */
    struct sl_random random;
    int64_t now_ms; /* since the start of the story */
    int64_t clock_error_s; /* of the clock of real time */
    bool holding;
    uint16_t next_id;
    uint16_t challenge_id; /* of the last challenge that was sent */
    size_t done, failed;   /* operations of the administrator that ended and were not expected yet */
    uint64_t queries[WINS_RULE_COUNT]; /* decisions of queries, and of engines that have ended */
    size_t sent_count;
    struct world_packet *sent;
    size_t peer_count;
    struct world_peer *peers;
};

/* A registry at 10.0.0.53, socket 0 on that address, without own names. */
void world_init(struct world *w);
void world_fini(struct world *w);
/* Makes the engine if there is none yet. */
struct eng *world_engine(struct world *w);
/* Both clocks. */
struct eng_now world_now(const struct world *w);
/* Moves the clock and runs the timers that are due on the way. */
void world_go(struct world *w, int64_t to_ms);
/* A datagram reaches the registry: queries are answered from the table, the rest goes to the engine. */
void world_receive(struct world *w, struct wins_peer from, unsigned socket, const void *octets, size_t len);
/* Ends the batch unless the story holds it. */
void world_settle(struct world *w);
/* How often a row decided since the start. */
uint64_t world_decided(const struct world *w, enum wins_rule rule);
/* The entry of a peer, made when it is new. */
struct world_peer *world_peer(struct world *w, struct wins_peer peer);
/* The first packet to that peer that was not expected yet, or NULL; with NULL as peer: to anybody. */
struct world_packet *world_sent(struct world *w, const struct wins_peer *peer);
/* Ends the engine; the next event makes another one over the same database. */
void world_restart(struct world *w);
/* For eng_scavenge: the same as world_done. */
void world_scavenged(void *ctx, enum sl_status status, const struct eng_scavenged *result, const struct sl_error *e);
/* For eng_admin_*: counts into w->done and w->failed. */
void world_done(void *ctx, enum sl_status status, const struct sl_error *e);

#endif
