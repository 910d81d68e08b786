#include "tests/replay/world.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "wins-emu/engine/writer.h"

#include <stdlib.h>
#include <string.h>

enum { SELF = 0x0a000035, FIRST_ID = 0x1001 };

static void send_packet(void *ctx, unsigned socket, struct wins_peer to, const void *octets, size_t len)
{
    struct world *w = ctx;
    sl_assert(w->sent_count < WORLD_SENT_MAX && len <= NB_DATAGRAM_MAX);
    struct world_packet *p = &w->sent[w->sent_count++];
    *p = (struct world_packet){.to = to, .socket = socket, .len = len};
    memcpy(p->octets, octets, len);
    struct nb_cursor c = nb_cursor_read(octets, len);
    uint16_t id = nb_get16(&c);
    if (!nb_is_response(nb_get16(&c)))
        w->challenge_id = id;
}

static void random_octets(void *ctx, void *out, size_t len)
{
    struct world *w = ctx;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)sl_random_below(&w->random, 256);
}

void world_init(struct world *w)
{
    *w = (struct world){
        .config = {.rules = wins_config_default(SELF), .nbt_port = NB_PORT},
        .table = tbl_new(),
        .random = sl_random_seeded(1),
        .next_id = FIRST_ID,
        .limiter = wins_limiter_new(1),
        .sent = sl_new_array(WORLD_SENT_MAX, sizeof *w->sent),
        .peers = sl_new_array(WORLD_PEERS_MAX, sizeof *w->peers),
    };
    enum sl_status s = wst_open("in memory", SELF, &w->store, NULL);
    sl_assert(s == SL_OK);
}

void world_fini(struct world *w)
{
    eng_free(w->eng);
    tbl_free(w->table);
    wst_close(w->store);
    wins_policy_free(w->policy.object);
    wins_limiter_free(w->limiter);
    struct wins_policy_options *o = &w->policy_options;
    struct sl_strings *lists[] = {&o->allow_register, &o->deny_register, &o->allow_query,  &o->deny_query,
                                  &o->pin,            &o->first_owner,   &o->allow_address};
    for (size_t i = 0; i < SL_COUNT(lists); i++)
        sl_strings_fini(lists[i]);
    free(w->sent);
    free(w->peers);
}

struct eng *world_engine(struct world *w)
{
    if (w->eng)
        return w->eng;
    struct wins_config *rules = &w->config.rules;
    rules->own_sockets[0] = (struct wins_peer){.address = rules->self, .port = NB_PORT};
    rules->own_socket_count = 1;
    struct wins_policy *policy;
    enum sl_status status = wins_policy_new(&w->policy_options, &policy, NULL);
    sl_assert(status == SL_OK);
    w->policy.object = policy;
    w->config.policy = &w->policy;
    struct eng_ops ops = {.ctx = w, .send = send_packet, .random = random_octets};
    w->eng = eng_new(&w->config, &ops, w->table, w->store);
    return w->eng;
}

struct eng_now world_now(const struct world *w)
{
    return (struct eng_now){.real_s = WORLD_START_S + w->now_ms / 1000 + w->clock_error_s, .mono_ms = w->now_ms};
}

void world_settle(struct world *w)
{
    if (w->holding)
        return;
    enum sl_status s = eng_commit(world_engine(w), NULL);
    (void)s; /* a story that lets the disk fail looks at the answers */
}

void world_go(struct world *w, int64_t to_ms)
{
    struct eng *eng = world_engine(w);
    for (int64_t due_ms = eng_next_timer_ms(eng); due_ms <= to_ms; due_ms = eng_next_timer_ms(eng)) {
        w->now_ms = due_ms > w->now_ms ? due_ms : w->now_ms;
        eng_tick(eng, world_now(w), w->now_ms);
        world_settle(w);
    }
    w->now_ms = to_ms;
}

void world_receive(struct world *w, struct wins_peer from, unsigned socket, const void *octets, size_t len)
{
    struct eng *eng = world_engine(w);
    uint8_t buffer[NB_DATAGRAM_MAX];
    size_t reply_len = 0;
    enum wins_rule rule = WINS_RULE_NONE;
    if (w->policy.object)
        rule = eng_limit(w->limiter, w->policy.object, from, octets, len, w->now_ms);
    if (rule != WINS_RULE_NONE) {
        w->queries[rule]++;
        return;
    }
    switch (eng_answer(w->table, &w->config.rules, w->policy.object, from,
                       w->config.rules.self, octets, len, buffer, &reply_len, &rule)) {
    case ENG_ROUTE_REPLY:
        send_packet(w, socket, from, buffer, reply_len);
        w->queries[rule]++;
        break;
    case ENG_ROUTE_DROP:
        w->queries[rule]++;
        break;
    case ENG_ROUTE_ENGINE:
        if (w->queue_full) {
            send_packet(w, socket, from, buffer, eng_refusal(octets, len, buffer, sizeof buffer));
            w->queries[WINS_B02]++;
            break;
        }
        eng_packet(eng, world_now(w), from, socket, octets, len);
        world_settle(w);
        break;
    }
}

uint64_t world_decided(const struct world *w, enum wins_rule rule)
{
    return w->queries[rule] + (w->eng ? eng_stats(w->eng)->rules[rule] : 0);
}

struct world_peer *world_peer(struct world *w, struct wins_peer peer)
{
    for (size_t i = 0; i < w->peer_count; i++) {
        if (w->peers[i].peer.address == peer.address && w->peers[i].peer.port == peer.port)
            return &w->peers[i];
    }
    sl_assert(w->peer_count < WORLD_PEERS_MAX);
    w->peers[w->peer_count] = (struct world_peer){.peer = peer};
    return &w->peers[w->peer_count++];
}

struct world_packet *world_sent(struct world *w, const struct wins_peer *peer)
{
    for (size_t i = 0; i < w->sent_count; i++) {
        struct world_packet *p = &w->sent[i];
        if (!p->expected && (!peer || (p->to.address == peer->address && p->to.port == peer->port)))
            return p;
    }
    return NULL;
}

void world_done(void *ctx, enum sl_status status, const struct sl_error *e)
{
    (void)e;
    struct world *w = ctx;
    if (status)
        w->failed++;
    else
        w->done++;
}

void world_scavenged(void *ctx, enum sl_status status, const struct eng_scavenged *result, const struct sl_error *e)
{
    (void)result;
    world_done(ctx, status, e);
}

void world_restart(struct world *w)
{
    const struct eng *eng = world_engine(w);
    for (int i = 0; i < WINS_RULE_COUNT; i++)
        w->queries[i] += eng_stats(eng)->rules[i];
    eng_free(w->eng);
    w->eng = NULL;
}
