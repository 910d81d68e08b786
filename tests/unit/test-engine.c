/*
 * The engine at its limits and under random traffic: bounded challenges and batches, table and disk always alike, one answer a
 * request.
 */
#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "tests/replay/world.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HOLDER = 0x0a000001, CLIENT = 0x0a010000, STEPS = 20000, NAMES = 12, HOSTS = 6, OVERFLOW_BY = 76 };

static struct nb_name name_of(unsigned number, uint8_t suffix)
{
    char text[16];
    struct nb_name name;
    snprintf(text, sizeof text, "NAME%u", number);
    sl_assert(nb_name_make(text, suffix, &name));
    return name;
}

static void receive(struct world *w, struct wins_peer from, const struct nb_message *m)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    size_t len = nb_message_build(m, octets, sizeof octets);
    sl_assert(len > 0);
    world_receive(w, from, 0, octets, len);
}

static void ask_for(struct world *w, uint16_t id, uint16_t flags, const struct nb_name *name, struct wins_peer from,
                    uint16_t nb_flags)
{
    struct nb_message m;
    nb_make_request(&m, id, flags, name, 300000, (struct nb_address){.flags = nb_flags, .address = from.address});
    receive(w, from, &m);
}

/* How many packets with this flags word were sent. */
static size_t count_sent(const struct world *w, uint16_t flags)
{
    size_t count = 0;
    for (size_t i = 0; i < w->sent_count; i++) {
        struct nb_cursor c = nb_cursor_read(w->sent[i].octets, w->sent[i].len);
        nb_get16(&c);
        count += nb_get16(&c) == flags;
    }
    return count;
}

START_TEST(test_challenges_are_bounded)
{
    struct world w;
    struct nb_name name = name_of(1, 0);
    world_init(&w);
    ask_for(&w, 1, NB_ASK_REGISTER, &name, (struct wins_peer){HOLDER, 137}, 0);
    w.sent_count = 0;
    for (uint32_t i = 0; i < ENG_CHALLENGES_MAX + OVERFLOW_BY; i++)
        ask_for(&w, (uint16_t)i, NB_ASK_REGISTER, &name, (struct wins_peer){CLIENT + i, 137}, 0);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_WACK), ENG_CHALLENGES_MAX);
    ck_assert_uint_eq(count_sent(&w, NB_ASK_QUERY), ENG_CHALLENGES_MAX);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_REGISTER | NB_SRV_ERR), OVERFLOW_BY);
    ck_assert_uint_eq(eng_stats(w.eng)->challenges_full, OVERFLOW_BY);
    w.sent_count = 0;
    world_go(&w, 2000);
    w.sent_count = 0;
    world_go(&w, 3000);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_REGISTER), 1);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_REGISTER | NB_ACT_ERR), ENG_CHALLENGES_MAX - 1);
    ck_assert_int_eq(eng_next_timer_ms(w.eng), ENG_HEARTBEAT_MS);
    world_fini(&w);
}
END_TEST

/* R16: a host that clashes with everything leaves challenges to others. */
START_TEST(test_one_requester_does_not_take_all_challenges_R16)
{
    struct world w;
    struct nb_name name = name_of(1, 0);
    world_init(&w);
    ask_for(&w, 1, NB_ASK_REGISTER, &name, (struct wins_peer){HOLDER, 137}, 0);
    w.sent_count = 0;
    for (uint32_t i = 0; i < ENG_CHALLENGES_SOURCE_MAX + OVERFLOW_BY; i++)
        ask_for(&w, (uint16_t)i, NB_ASK_REGISTER, &name, (struct wins_peer){CLIENT, (uint16_t)(1024 + i)}, 0);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_WACK), ENG_CHALLENGES_SOURCE_MAX);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_REGISTER | NB_SRV_ERR), OVERFLOW_BY);
    w.sent_count = 0;
    ask_for(&w, 1, NB_ASK_REGISTER, &name, (struct wins_peer){CLIENT + 1, 137}, 0);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_WACK), 1);
    w.sent_count = 0;
    world_go(&w, 3000);
    w.sent_count = 0;
    ask_for(&w, 9999, NB_ASK_REGISTER, &name, (struct wins_peer){CLIENT + 2, 137}, 0);
    ask_for(&w, 9999, NB_ASK_REGISTER, &name, (struct wins_peer){HOLDER, 137}, 0);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_WACK), 2);
    world_fini(&w);
}
END_TEST

/* R16, R07: with all challenges running the right one is found by any of its keys, in any order of their ends. */
START_TEST(test_thousands_of_challenges_end_each_by_its_own_answer_R16_R07)
{
    enum { RUNNING = 8000, PER_SOURCE = 100, HOLDERS = 0x0b000001 };
    struct world w;
    world_init(&w);
    for (uint32_t i = 0; i < RUNNING; i++) {
        struct nb_name name = name_of(i, NB_SERVER);
        ask_for(&w, 1, NB_ASK_REGISTER, &name, (struct wins_peer){HOLDERS + i, 137}, 0);
    }
    w.sent_count = 0;
    for (uint32_t i = 0; i < RUNNING; i++) {
        struct nb_name name = name_of(i, NB_SERVER);
        struct wins_peer from = {CLIENT - 1 - i / PER_SOURCE, 137};
        ask_for(&w, (uint16_t)i, NB_ASK_REGISTER, &name, from, 0);
        ask_for(&w, (uint16_t)i, NB_ASK_REGISTER, &name, from, 0);
    }
    ck_assert_uint_eq(eng_stats(w.eng)->rules[WINS_R07], RUNNING);
    ck_assert_uint_eq(eng_stats(w.eng)->challenges_running, RUNNING);
    ck_assert_uint_eq(count_sent(&w, NB_ASK_QUERY), RUNNING);
    size_t sent = w.sent_count;
    for (size_t n = 0; n < sent; n++) {
        const struct world_packet p = w.sent[n * 7919 % sent]; /* a prime: each once, far from their order */
        struct nb_message m;
        ck_assert_int_eq(nb_message_parse(p.octets, p.len, &m, NULL), SL_OK);
        if (nb_is_response(m.flags))
            continue;
        nb_make_positive(&m, NB_REPLY_QUERY, 0, &(struct nb_address){0, p.to.address}, 1);
        uint8_t octets[NB_DATAGRAM_MAX];
        size_t len = nb_message_build(&m, octets, sizeof octets);
        ck_assert(!eng_wants(w.eng, (struct wins_peer){p.to.address + RUNNING, 137}, octets, len)); /* nobody asked that one */
        ck_assert(eng_wants(w.eng, p.to, octets, len));
        ck_assert(!eng_wants(w.eng, p.to, octets, len));
        receive(&w, p.to, &m);
    }
    ck_assert_uint_eq(eng_stats(w.eng)->challenges_running, 0);
    ck_assert_uint_eq(eng_stats(w.eng)->ignored, 0);
    ck_assert_uint_eq(count_sent(&w, NB_REPLY_REGISTER | NB_ACT_ERR), RUNNING);
    world_fini(&w);
}
END_TEST

START_TEST(test_a_full_batch_is_committed)
{
    struct world w;
    world_init(&w);
    w.holding = true;
    for (unsigned i = 0; i < ENG_BATCH_MAX + 10; i++) {
        struct nb_name name = name_of(i, 0);
        ask_for(&w, (uint16_t)i, NB_ASK_REGISTER, &name, (struct wins_peer){HOLDER, 137}, 0);
    }
    ck_assert_uint_eq(eng_stats(w.eng)->commits, 1);
    ck_assert_uint_eq(w.sent_count, ENG_BATCH_MAX);
    ck_assert_uint_eq(tbl_count(w.table), ENG_BATCH_MAX);
    ck_assert(eng_has_batch(w.eng));
    ck_assert_int_eq(eng_commit(w.eng, NULL), SL_OK);
    ck_assert_uint_eq(w.sent_count, ENG_BATCH_MAX + 10);
    ck_assert_uint_eq(tbl_count(w.table), ENG_BATCH_MAX + 10);
    ck_assert(!eng_has_batch(w.eng));
    world_fini(&w);
}
END_TEST

START_TEST(test_a_failing_disk_says_why)
{
    struct world w;
    struct nb_name name = name_of(1, 0);
    struct sl_error e = {0};
    world_init(&w);
    w.holding = true;
    ask_for(&w, 1, NB_ASK_REGISTER, &name, (struct wins_peer){HOLDER, 137}, 0);
    fake_store_fails(w.store, true);
    ck_assert_int_eq(eng_commit(w.eng, &e), SL_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "disk"));
    ck_assert_uint_eq(eng_stats(w.eng)->commit_failures, 1);
    ck_assert_uint_eq(tbl_count(w.table), 0);
    ck_assert_int_eq(eng_commit(w.eng, &e), SL_OK);
    world_fini(&w);
}
END_TEST

/* --- random traffic ------------------------------------------------------------------------------------------------- */

static const uint8_t suffixes[] = {0x00, 0x20, 0x1b, 0x1c};

static struct nb_name any_name(struct sl_random *r)
{
    return name_of((unsigned)sl_random_below(r, NAMES), suffixes[sl_random_below(r, SL_COUNT(suffixes))]);
}

static struct wins_peer any_host(struct sl_random *r)
{
    return (struct wins_peer){.address = HOLDER + (uint32_t)sl_random_below(r, HOSTS), .port = 137};
}

static void any_request(struct world *w, struct sl_random *r, uint16_t id)
{
    static const uint16_t words[] = {NB_ASK_REGISTER, NB_ASK_REFRESH, NB_ASK_MULTIHOMED, NB_ASK_RELEASE};
    struct nb_name name = any_name(r);
    ask_for(w, id, words[sl_random_below(r, SL_COUNT(words))], &name, any_host(r), sl_random_below(r, 3) ? 0 : NB_GROUP);
}

/* The asked holder answers the last challenge: denies, or lists itself and perhaps another host. */
static void any_reply(struct world *w, struct sl_random *r)
{
    const struct world_packet *p = w->sent_count ? &w->sent[sl_random_below(r, w->sent_count)] : NULL;
    struct nb_message m;
    if (!p || nb_message_parse(p->octets, p->len, &m, NULL) != SL_OK || nb_is_response(m.flags))
        return;
    struct nb_address list[] = {{0, p->to.address}, {0, any_host(r).address}};
    if (sl_random_below(r, 2))
        nb_make_negative(&m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
    else
        nb_make_positive(&m, NB_REPLY_QUERY, 0, list, 1 + sl_random_below(r, 2));
    struct wins_peer from = p->to;
    receive(w, from, &m);
}

/* The name is the same in the table and on the disk, and makes sense. */
static bool alike(const struct world *w, const struct nb_name *name)
{
    const struct tbl_entry *entry = tbl_find(w->table, name);
    const struct wins_record *stored = fake_store_find(w->store, name);
    if (!entry || !stored)
        return !entry && !stored;
    struct wins_record r;
    tbl_unpack(entry, &r);
    return r.version == stored->version && r.state == stored->state && r.type == stored->type &&
           r.expires_s == stored->expires_s && r.member_count == stored->member_count && r.version <= wst_version(w->store) &&
           r.owner == w->config.rules.self && (r.state != WINS_ACTIVE || r.member_count > 0);
}

static void check_alike(const struct world *w)
{
    const char *differs = "";
    struct nb_name_text text;
    for (unsigned n = 0; n < NAMES; n++) {
        for (size_t i = 0; i < SL_COUNT(suffixes); i++) {
            struct nb_name name = name_of(n, suffixes[i]);
            if (!alike(w, &name)) {
                text = nb_name_text(&name);
                differs = text.text;
            }
        }
    }
    ck_assert_msg(!*differs, "table and disk differ: %s", differs);
}

/* Final answers among the packets, which are forgotten now and then. */
static size_t take_answers(struct world *w)
{
    size_t answers = 0;
    for (size_t i = 0; i < w->sent_count; i++) {
        struct nb_cursor c = nb_cursor_read(w->sent[i].octets, w->sent[i].len);
        nb_get16(&c);
        uint8_t opcode = nb_opcode(nb_get16(&c));
        answers += opcode == NB_OP_REGISTER || opcode == NB_OP_RELEASE;
    }
    w->sent_count = 0;
    return answers;
}

START_TEST(test_random_traffic)
{
    const char *text = getenv("SL_SEED");
    uint64_t seed;
    if (!text || !sl_parse_u64(text, UINT64_MAX, &seed))
        seed = sl_random_os_seed();
    printf("SL_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    struct sl_random r = sl_random_seeded(seed);
    struct world w;
    size_t requests = 0, answers = 0;
    world_init(&w);
    for (int step = 0; step < STEPS; step++) {
        uint64_t what = sl_random_below(&r, 100);
        if (what < 60)
            any_request(&w, &r, (uint16_t)requests++);
        else if (what < 80)
            any_reply(&w, &r);
        else if (what < 90)
            world_go(&w, w.now_ms + (int64_t)sl_random_below(&r, 900));
        else if (what < 94)
            fake_store_fails(w.store, sl_random_below(&r, 4) == 0);
        else
            w.holding = !w.holding;
        world_settle(&w);
        if (w.sent_count > WORLD_SENT_MAX / 2)
            answers += take_answers(&w);
        if (!w.holding)
            check_alike(&w);
    }
    w.holding = false;
    for (int i = 0; i < 200; i++) {
        answers += take_answers(&w);
        world_go(&w, w.now_ms + 1000);
    }
    world_settle(&w);
    answers += take_answers(&w);
    ck_assert_int_eq(eng_next_timer_ms(w.eng) % ENG_HEARTBEAT_MS, 0);
    ck_assert_uint_eq(answers + world_decided(&w, WINS_R07), requests);
    ck_assert_uint_gt(world_decided(&w, WINS_C01), 0);
    world_fini(&w);
}
END_TEST

/* V01: a pass over many names is many small batches, and who registers meanwhile is served between two of them. */
START_TEST(test_scavenging_goes_in_slices)
{
    enum { EXPIRED = 2000 };
    struct world w;
    struct nb_name name = name_of(EXPIRED, 0);
    world_init(&w);
    for (unsigned i = 0; i < EXPIRED; i++) {
        struct wins_record r = {.name = name_of(i, 0), .owner = w.config.rules.self, .version = 1, .expires_s = 1,
                                .member_count = 1, .members = {{.address = HOLDER, .owner = w.config.rules.self}}};
        tbl_put(w.table, &r);
        fake_store_put(w.store, &r);
    }
    ck_assert_int_eq(eng_scavenge(world_engine(&w), world_now(&w), world_scavenged, &w, NULL), SL_OK);
    uint64_t released = 0;
    for (uint16_t slices = 0; w.done == 0; slices++) {
        ck_assert_uint_lt(slices, 2 * EXPIRED / ENG_SLICE_CHANGES + 2);
        eng_tick(w.eng, world_now(&w), w.now_ms);
        ck_assert_uint_le(world_decided(&w, WINS_V01) - released, ENG_SLICE_CHANGES);
        released = world_decided(&w, WINS_V01);
        world_settle(&w);
        w.sent_count = 0;
        ask_for(&w, slices, NB_ASK_REGISTER, &name, (struct wins_peer){CLIENT, 137}, 0);
        ck_assert_uint_eq(count_sent(&w, NB_REPLY_REGISTER), 1);
        w.now_ms += ENG_SLICE_GAP_MS;
    }
    ck_assert_uint_eq(released, EXPIRED);
    ck_assert_uint_eq(w.failed, 0);
    check_alike(&w);
    world_fini(&w);
}
END_TEST

UNIT_MAIN("engine", test_scavenging_goes_in_slices, test_challenges_are_bounded,
          test_one_requester_does_not_take_all_challenges_R16,
          test_thousands_of_challenges_end_each_by_its_own_answer_R16_R07, test_a_full_batch_is_committed,
          test_a_failing_disk_says_why,
          test_random_traffic)
