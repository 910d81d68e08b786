/*
 * The NetBIOS side of a management point on a real loop, against a registry that the test plays itself.
 * Everything happens on one thread: the registry is a watch on the same loop.
 */
#include "site/nbname/nbname.h"

#include "common/base/memory.h"
#include "locator/net/nbc.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, ASKED_MAX = 32 };

static const uint32_t OWN = 0x7f00000b, OTHER = 0x7f00000c;

/* The world of one test. */
struct world {
    struct host_loop *loop;
    struct nbn *names;
    int registry_fd;
    struct sl_endpoint registry, own;
    struct host_watch *watch;
    struct host_timer *deadline, *later;
    void (*on_request)(struct world *w, struct nb_message *m, const struct sl_endpoint *from);
    uint8_t asked[ASKED_MAX]; /* opcodes of the requests that came */
    size_t asked_count;
    int refusals; /* ACT answers still to give */
    char uri[128];
    struct sm_snapshot site;
    struct sm_mp mps[2];
    struct sm_target target;
    struct nb_message seen; /* the answer of our side */
    bool is_done;
};

static char code[] = "LAB", empty[] = "", host1[] = "a.example.org", host2[] = "b.example.org";

static void fail_late(void *ctx)
{
    (void)ctx;
    ck_abort_msg("nothing happened in time");
}

static void answer(struct world *w, struct nb_message *m, uint8_t rcode, uint32_t ttl_s, const struct sl_endpoint *to)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    struct nb_address address = m->addresses[0];
    bool is_release = nb_opcode(m->flags) == NB_OP_RELEASE;
    nb_make_positive(m, (uint16_t)((is_release ? NB_REPLY_RELEASE : NB_REPLY_REGISTER) | rcode), ttl_s, &address, 1);
    size_t len = nb_message_build(m, octets, sizeof octets);
    ck_assert_int_ge(sendto(w->registry_fd, octets, len, 0, &to->any, to->len), 0);
}

static void on_registry(int fd, unsigned events, void *ctx)
{
    struct world *w = ctx;
    uint8_t octets[NB_RECEIVE_MAX];
    struct sl_endpoint from = {.len = sizeof from.v6};
    struct nb_message m;
    (void)events;
    ssize_t len = recvfrom(fd, octets, sizeof octets, MSG_DONTWAIT, &from.any, &from.len);
    if (len < 0 || nb_message_parse(octets, (size_t)len, &m, NULL) != SL_OK)
        return;
    ck_assert(sl_endpoint_equal(&from, &w->own)); /* always from its own address and name service port */
    if (nb_is_response(m.flags)) {
        w->seen = m;
        host_loop_stop(w->loop);
        return;
    }
    ck_assert_uint_lt(w->asked_count, ASKED_MAX);
    w->asked[w->asked_count++] = nb_opcode(m.flags);
    w->on_request(w, &m, &from);
}

static int udp(uint32_t ip, struct sl_endpoint *ep)
{
    *ep = sl_endpoint_ip4(ip, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, &ep->any, ep->len), 0);
    ck_assert_int_eq(getsockname(fd, &ep->any, &ep->len), 0);
    return fd;
}

static void designate(struct world *w, int which)
{
    w->mps[0].is_default = which == 0;
    w->mps[1].is_default = which == 1;
    const struct sm_snapshot *sites[] = {&w->site};
    nbn_set_sites(w->names, sites, 1);
}

static void world_init(struct world *w, void (*on_request)(struct world *, struct nb_message *, const struct sl_endpoint *))
{
    *w = (struct world){.loop = host_loop_new(), .on_request = on_request};
    w->registry_fd = udp(0x7f000001, &w->registry);
    close(udp(OWN, &w->own)); /* a port that is free */
    w->watch = host_watch_new(w->loop, w->registry_fd, HOST_READ, on_registry, w);
    w->deadline = host_timer_new(w->loop, fail_late, w);
    host_timer_start(w->deadline, PATIENCE_MS);
    ck_assert_int_eq(nbn_open(w->loop, &w->own, 1, &w->names, NULL), SL_OK);
    snprintf(w->uri, sizeof w->uri, "wins://%s", sl_endpoint_text(&w->registry).text);
    w->target.uri = w->uri;
    w->mps[0] = (struct sm_mp){.host = host1, .address = empty, .ip4 = OWN};
    w->mps[1] = (struct sm_mp){.host = host2, .address = empty, .ip4 = OTHER};
    w->site =
        (struct sm_snapshot){.site = {.code = code}, .mps = w->mps, .mp_count = 2, .targets = &w->target, .target_count = 1};
}

static void world_fini(struct world *w)
{
    nbn_close(w->names);
    host_timer_free(w->later);
    host_timer_free(w->deadline);
    host_watch_free(w->watch);
    close(w->registry_fd);
    host_loop_free(w->loop);
}

static void keep_state(const struct nbn_state *state, void *ctx)
{
    char *text = ctx;
    snprintf(text, 256, "%s %s %s ttl=%lld %s", state->name, state->address, state->state, (long long)state->ttl_s,
             state->detail);
}

static const char *state_of(const struct world *w)
{
    static char text[256];
    text[0] = '\0';
    nbn_each(w->names, keep_state, text);
    return text;
}

static void stop(void *ctx)
{
    host_loop_stop(ctx);
}

/* Runs the loop a little longer, so that what was just received is taken in. */
static void settle(struct world *w)
{
    host_timer_free(w->later);
    w->later = host_timer_new(w->loop, stop, w->loop);
    host_timer_start(w->later, 50);
    host_loop_run(w->loop);
}

static void accept_all(struct world *w, struct nb_message *m, const struct sl_endpoint *from)
{
    if (nb_opcode(m->flags) != NB_OP_RELEASE) {
        ck_assert_uint_eq(m->addresses[0].address, OWN);
        ck_assert_uint_eq(m->addresses[0].flags & NB_GROUP, 0);
    }
    answer(w, m, NB_OK, 1000, from);
    host_loop_stop(w->loop);
}

static void ask_name(struct world *w, const char *name, uint16_t type)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    struct nb_message m;
    struct nb_name n;
    ck_assert(nb_name_make(name, name[0] == '*' ? 0 : NB_SMS, &n));
    nb_make_query(&m, 77, type == NB_RR_NB ? NB_ASK_QUERY : NB_ASK_STATUS, &n, type);
    size_t len = nb_message_build(&m, octets, sizeof octets);
    ck_assert_int_ge(sendto(w->registry_fd, octets, len, 0, &w->own.any, w->own.len), 0);
    w->seen = (struct nb_message){0};
    host_loop_run(w->loop);
    ck_assert_uint_eq(w->seen.id, 77);
}

START_TEST(a_default_mp_registers_and_defends_its_name)
{
    struct world w;
    world_init(&w, accept_all);
    designate(&w, 0);
    host_loop_run(w.loop);
    settle(&w);
    ck_assert_uint_eq(w.asked[0], NB_OP_REGISTER);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 registered ttl=1000 ");
    ask_name(&w, "MP_LAB", NB_RR_NB); /* the challenge of another's registration */
    ck_assert_uint_eq(nb_rcode(w.seen.flags), NB_OK);
    ck_assert_uint_eq(w.seen.count, 1);
    ck_assert_uint_eq(w.seen.addresses[0].address, OWN);
    ask_name(&w, "MP_XYZ", NB_RR_NB);
    ck_assert_uint_eq(nb_rcode(w.seen.flags), NB_NAM_ERR);
    ask_name(&w, "*", NB_RR_NBSTAT);
    ck_assert_uint_eq(w.seen.count, 1);
    ck_assert_int_eq(memcmp(w.seen.names[0].octets, "MP_LAB         \x1a", NB_NAME_LEN), 0);
    world_fini(&w);
}
END_TEST

START_TEST(S1_25_a_name_that_moved_is_given_up_and_released)
{
    struct world w;
    world_init(&w, accept_all);
    designate(&w, 0);
    host_loop_run(w.loop);
    settle(&w);
    designate(&w, 1);
    host_loop_run(w.loop);
    settle(&w);
    ck_assert_uint_eq(w.asked_count, 2);
    ck_assert_uint_eq(w.asked[1], NB_OP_RELEASE);
    ck_assert_str_eq(state_of(&w), "");
    ask_name(&w, "MP_LAB", NB_RR_NB);
    ck_assert_uint_eq(nb_rcode(w.seen.flags), NB_NAM_ERR);
    world_fini(&w);
}
END_TEST

static void refuse_then_accept(struct world *w, struct nb_message *m, const struct sl_endpoint *from)
{
    bool is_refused = w->refusals-- > 0;
    answer(w, m, is_refused ? NB_ACT_ERR : NB_OK, 1000, from);
    host_loop_stop(w->loop);
}

START_TEST(a_name_that_another_still_owns_is_tried_again_soon)
{
    struct world w;
    world_init(&w, refuse_then_accept);
    w.refusals = 1;
    designate(&w, 0);
    host_loop_run(w.loop);
    settle(&w);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 refused ttl=0 owned by another (ACT_ERR)");
    ask_name(&w, "MP_LAB", NB_RR_NB); /* it is not ours then */
    ck_assert_uint_eq(nb_rcode(w.seen.flags), NB_NAM_ERR);
    int64_t start = sl_clock_mono_ms();
    host_loop_run(w.loop);
    settle(&w);
    ck_assert_int_lt(sl_clock_mono_ms() - start, 3000);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 registered ttl=1000 ");
    world_fini(&w);
}
END_TEST

START_TEST(a_poke_refreshes_at_once)
{
    struct world w;
    world_init(&w, accept_all);
    designate(&w, 0);
    host_loop_run(w.loop);
    settle(&w);
    nbn_poke(w.names);
    host_loop_run(w.loop);
    ck_assert_uint_eq(w.asked_count, 2);
    ck_assert_uint_eq(w.asked[1], NB_OP_REFRESH);
    world_fini(&w);
}
END_TEST

static void wack_then_silence(struct world *w, struct nb_message *m, const struct sl_endpoint *from)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    if (nb_opcode(m->flags) == NB_OP_RELEASE)
        return;
    nb_make_wack(m, 9);
    size_t len = nb_message_build(m, octets, sizeof octets);
    ck_assert_int_ge(sendto(w->registry_fd, octets, len, 0, &from->any, from->len), 0);
}

static void on_released(void *ctx)
{
    struct world *w = ctx;
    w->is_done = true;
    host_loop_stop(w->loop);
}

START_TEST(the_end_waits_for_releases_but_not_for_long)
{
    struct world w;
    world_init(&w, wack_then_silence);
    designate(&w, 0);
    host_timer_free(w.later);
    w.later = host_timer_new(w.loop, stop, w.loop);
    host_timer_start(w.later, 2500); /* longer than a repetition: behind a WACK there is none */
    host_loop_run(w.loop);
    ck_assert_uint_eq(w.asked_count, 1);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 registering ttl=0 ");
    int64_t start = sl_clock_mono_ms();
    nbn_release_all(w.names, on_released, &w);
    ck_assert(!w.is_done);
    host_loop_run(w.loop);
    ck_assert(w.is_done);
    ck_assert_int_le(sl_clock_mono_ms() - start, NBN_RELEASE_MS + 500);
    ck_assert_uint_eq(w.asked_count, 1 + NBC_TRIES);
    world_fini(&w);
}
END_TEST

START_TEST(the_end_with_nothing_to_release_comes_at_once)
{
    struct world w;
    world_init(&w, accept_all);
    int64_t start = sl_clock_mono_ms();
    nbn_release_all(w.names, on_released, &w);
    host_loop_run(w.loop);
    ck_assert(w.is_done);
    ck_assert_int_lt(sl_clock_mono_ms() - start, 1000);
    world_fini(&w);
}
END_TEST

START_TEST(a_registry_that_is_down_is_told_and_tried_again)
{
    struct world w;
    world_init(&w, accept_all);
    host_watch_free(w.watch);
    close(w.registry_fd);
    designate(&w, 0);
    settle(&w);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 unanswered ttl=0 nothing listens there");
    w.registry_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(w.registry_fd, &w.registry.any, w.registry.len), 0);
    w.watch = host_watch_new(w.loop, w.registry_fd, HOST_READ, on_registry, &w);
    host_loop_run(w.loop);
    settle(&w);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 registered ttl=1000 ");
    world_fini(&w);
}
END_TEST

START_TEST(a_registry_given_by_name_is_looked_up)
{
    struct world w;
    world_init(&w, accept_all);
    snprintf(w.uri, sizeof w.uri, "wins://localhost:%u", sl_endpoint_port(&w.registry));
    designate(&w, 0);
    host_loop_run(w.loop);
    settle(&w);
    ck_assert_str_eq(state_of(&w), "MP_LAB#1A 127.0.0.11 registered ttl=1000 ");
    world_fini(&w);
}
END_TEST

UNIT_MAIN("nbname", a_default_mp_registers_and_defends_its_name, S1_25_a_name_that_moved_is_given_up_and_released,
          a_name_that_another_still_owns_is_tried_again_soon, a_poke_refreshes_at_once,
          the_end_waits_for_releases_but_not_for_long, the_end_with_nothing_to_release_comes_at_once,
          a_registry_that_is_down_is_told_and_tried_again, a_registry_given_by_name_is_looked_up)
