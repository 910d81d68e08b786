/*
 * The writer's queue: bounded, nothing lost, what does not fit is told and refused with SRV_ERR; stopping finishes what was
 * taken.
 */
#include "tests/unit/unit.h"

#include "common/base/memory.h"
#include "wins-emu/engine/writer.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MORE_THAN_FITS = ENG_QUEUE_MAX + 1000, OPCODE_AT = 2 };

/* An engine whose `send` waits at a gate, so that the queue behind it fills. */
struct world {
    pthread_mutex_t gate;
    uint64_t sent, right;
    uint16_t last_flags, question; /* of the last packet, and the id of the last one that asked a holder */
    struct tbl *table;
    struct wst *store;
    struct eng *eng;
    struct eng_writer *writer;
    bool started;       /* atomic: `writer` is set */
    uint64_t uncounted; /* times that answers went before others could see them counted */
    char path[64];
};

static void on_send(void *ctx, unsigned socket, struct wins_peer to, const void *octets, size_t len)
{
    struct world *w = ctx;
    struct nb_message m;
    pthread_mutex_lock(&w->gate);
    w->sent++;
    bool good = nb_message_parse(octets, len, &m, NULL) == SL_OK;
    w->right += good && m.flags == NB_REPLY_REGISTER && socket == 3 && to.port == 1137;
    w->last_flags = m.flags;
    if (m.flags == NB_ASK_QUERY)
        w->question = m.id;
    pthread_mutex_unlock(&w->gate);
}

static void on_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 7, len);
}

static void on_flush(void *ctx)
{
    struct world *w = ctx;
    struct eng_writer_state shown;
    if (!__atomic_load_n(&w->started, __ATOMIC_ACQUIRE))
        return;
    eng_writer_read(w->writer, &shown);
    w->uncounted += shown.stats.packets != eng_stats(w->eng)->packets;
}

static void on_commit_failed(void *ctx, const struct sl_error *e)
{
    (void)ctx;
    ck_abort_msg("%s", e->text);
}

static struct world *world_new(void)
{
    struct world *w = sl_new(sizeof *w);
    pthread_mutex_init(&w->gate, NULL);
    snprintf(w->path, sizeof w->path, "/tmp/test-writer-%d.db", (int)getpid());
    w->table = tbl_new();
    ck_assert_int_eq(wst_open(w->path, 0x7f000001, &w->store, NULL), SL_OK);
    const struct eng_config config = {.rules = wins_config_default(0x7f000001), .nbt_port = 1137};
    const struct eng_ops ops = {.ctx = w, .send = on_send, .random = on_random};
    const struct eng_writer_ops writer_ops = {.ctx = w, .flush = on_flush, .commit_failed = on_commit_failed};
    w->eng = eng_new(&config, &ops, w->table, w->store);
    ck_assert_int_eq(eng_writer_start(w->eng, &writer_ops, &w->writer, NULL), SL_OK);
    __atomic_store_n(&w->started, true, __ATOMIC_RELEASE);
    return w;
}

/* The writer must have been stopped. */
static void world_free(struct world *w)
{
    char sidecar[80];
    ck_assert_uint_eq(w->uncounted, 0);
    eng_free(w->eng);
    wst_close(w->store);
    tbl_free(w->table);
    unlink(w->path);
    snprintf(sidecar, sizeof sidecar, "%s-wal", w->path);
    unlink(sidecar);
    snprintf(sidecar, sizeof sidecar, "%s-shm", w->path);
    unlink(sidecar);
    free(w);
}

static size_t make_request(uint32_t number, uint8_t *out, size_t size)
{
    char text[NB_NAME_LEN];
    struct nb_name name;
    struct nb_message m;
    snprintf(text, sizeof text, "N%u", number);
    ck_assert(nb_name_make(text, NB_SERVER, &name));
    nb_make_request(&m, (uint16_t)number, NB_ASK_REGISTER, &name, 300000, (struct nb_address){0x6000, 0x0a000000 + number});
    return nb_message_build(&m, out, size);
}

static size_t submit(struct world *w, uint32_t number)
{
    uint8_t octets[128];
    size_t len = make_request(number, octets, sizeof octets);
    struct eng_inbound in = {.from = {0x7f000002, 1137}, .socket = 3, .octets = octets, .len = len};
    return eng_writer_submit(w->writer, &in, 1);
}

/* What an administrator's operation reports. */
struct heard {
    unsigned count;
    enum sl_status status;
    bool found;
};

static void on_done(void *ctx, enum sl_status status, bool found, const struct sl_error *e)
{
    (void)e;
    struct heard *h = ctx;
    *h = (struct heard){h->count + 1, status, found};
}

START_TEST(a_full_queue_is_told_and_the_rest_is_done)
{
    struct world *w = world_new();
    pthread_mutex_lock(&w->gate);
    size_t taken = 0;
    for (uint32_t i = 0; i < 3 * MORE_THAN_FITS; i++)
        taken += submit(w, i);
    ck_assert_uint_ge(taken, ENG_QUEUE_MAX);
    ck_assert_uint_le(taken, 2 * ENG_QUEUE_MAX); /* one queue in the thread's hands, one waiting */
    ck_assert_uint_eq(submit(w, 1), 0);
    struct nb_name name = {{'A'}, 0, {0}};
    struct sl_error e;
    struct heard heard = {0};
    for (unsigned i = 0; i < ENG_QUEUE_ADMIN; i++)
        ck_assert_int_eq(eng_writer_delete(w->writer, &name, on_done, &heard, &e), SL_OK);
    ck_assert_int_eq(eng_writer_delete(w->writer, &name, on_done, &heard, &e), SL_LIMIT);
    struct eng_writer_state state;
    eng_writer_read(w->writer, &state);
    ck_assert_uint_eq(state.queue_peak, ENG_QUEUE_MAX + ENG_QUEUE_ADMIN);
    pthread_mutex_unlock(&w->gate);
    eng_writer_stop(w->writer);
    ck_assert(heard.count == ENG_QUEUE_ADMIN && heard.status == SL_OK && !heard.found);
    ck_assert_uint_eq(w->sent, taken);
    ck_assert_uint_eq(w->right, taken);
    ck_assert_uint_eq(tbl_count(w->table), taken);
    ck_assert_uint_eq(wst_version(w->store), taken);
    world_free(w);
}
END_TEST

/* An answer to a challenge, as long as a host with 25 addresses makes it. */
static size_t submit_answer(struct world *w)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    struct nb_address list[WINS_MEMBERS_MAX] = {{0x6000, 0x0a000001}};
    struct nb_name name;
    struct nb_message m = {.id = 1};
    ck_assert(nb_name_make("HOLDER", NB_SERVER, &name));
    m.name = name;
    nb_make_positive(&m, NB_REPLY_QUERY, 0, list, WINS_MEMBERS_MAX);
    size_t len = nb_message_build(&m, octets, sizeof octets);
    ck_assert_uint_gt(len, 0);
    struct eng_inbound in = {.from = {0x7f000002, 1137}, .socket = 3, .octets = octets, .len = len};
    size_t taken = eng_writer_submit(w->writer, &in, 1);
    ck_assert(in.refused == (taken == 0));
    return taken;
}

START_TEST(answers_to_challenges_leave_room_for_registrations_R16)
{
    enum { REGISTRATIONS = 15000 };
    struct world *w = world_new();
    size_t answers = 0;
    pthread_mutex_lock(&w->gate);
    ck_assert_uint_eq(submit(w, 0), 1); /* stops the thread at the gate, in whose hands some answers may be then */
    for (size_t i = 0; i < 3 * ENG_QUEUE_MAX; i++)
        answers += submit_answer(w);
    ck_assert_uint_le(answers, 2 * ENG_QUEUE_ANSWERS_MAX);
    ck_assert_uint_ge(answers, ENG_QUEUE_ANSWER_OCTETS / NB_DATAGRAM_MAX / 2);
    ck_assert_uint_eq(submit_answer(w), 0);
    for (uint32_t i = 1; i <= REGISTRATIONS; i++)
        ck_assert_uint_eq(submit(w, i), 1);
    pthread_mutex_unlock(&w->gate);
    eng_writer_stop(w->writer);
    ck_assert_uint_eq(tbl_count(w->table), REGISTRATIONS + 1);
    ck_assert_uint_eq(eng_stats(w->eng)->ignored, answers);
    world_free(w);
}
END_TEST

START_TEST(a_flood_of_requests_leaves_room_for_answers_to_challenges_R16)
{
    struct world *w = world_new();
    pthread_mutex_lock(&w->gate);
    for (uint32_t i = 0; i < 3 * MORE_THAN_FITS; i++)
        submit(w, i);
    ck_assert_uint_eq(submit(w, 1), 0);
    ck_assert_uint_eq(submit_answer(w), 1);
    pthread_mutex_unlock(&w->gate);
    eng_writer_stop(w->writer);
    ck_assert_uint_eq(eng_stats(w->eng)->ignored, 1);
    world_free(w);
}
END_TEST

/* How many answers were sent when an operation was done. */
struct overtaking {
    struct world *world;
    uint64_t sent_before;
};

static void on_overtaken(void *ctx, enum sl_status status, bool found, const struct sl_error *e)
{
    (void)e;
    struct overtaking *o = ctx;
    ck_assert(status == SL_OK && found);
    o->sent_before = o->world->sent;
}

START_TEST(administrators_go_before_a_queue_that_a_slow_disk_has_made)
{
    enum { REGISTRATIONS = 20 * ENG_BATCH_MAX };
    struct world *w = world_new();
    struct overtaking o = {.world = w};
    struct wins_record r = {.member_count = 1, .members = {{.address = 1}}};
    ck_assert(nb_name_make("FIXED", NB_SERVER, &r.name));
    pthread_mutex_lock(&w->gate);
    for (uint32_t i = 0; i < REGISTRATIONS; i++)
        ck_assert_uint_eq(submit(w, i), 1);
    ck_assert_int_eq(eng_writer_add(w->writer, &r, on_overtaken, &o, NULL), SL_OK);
    pthread_mutex_unlock(&w->gate);
    eng_writer_stop(w->writer);
    ck_assert_uint_gt(o.sent_before, 0);
    ck_assert_uint_le(o.sent_before, 3 * ENG_BATCH_MAX); /* the batch in hand, and the order's own */
    ck_assert_uint_eq(w->sent, REGISTRATIONS);
    world_free(w);
}
END_TEST

START_TEST(operations_are_answered_once_when_they_are_on_disk)
{
    struct world *w = world_new();
    struct heard added = {0}, forbidden = {0}, deleted = {0}, missing = {0};
    struct wins_record r = {.member_count = 1, .members = {{.address = 1}}};
    ck_assert(nb_name_make("FIXED", NB_SERVER, &r.name));
    ck_assert_int_eq(eng_writer_add(w->writer, &r, on_done, &added, NULL), SL_OK);
    ck_assert_int_eq(eng_writer_delete(w->writer, &r.name, on_done, &deleted, NULL), SL_OK);
    ck_assert_int_eq(eng_writer_delete(w->writer, &r.name, on_done, &missing, NULL), SL_OK);
    ck_assert(nb_name_make("DOMAIN", NB_DOMAIN_GROUP, &r.name));
    ck_assert_int_eq(eng_writer_add(w->writer, &r, on_done, &forbidden, NULL), SL_OK);
    eng_writer_stop(w->writer);
    ck_assert(added.count == 1 && added.status == SL_OK && added.found);
    ck_assert(deleted.count == 1 && deleted.status == SL_OK && deleted.found);
    ck_assert(missing.count == 1 && missing.status == SL_OK && !missing.found);
    ck_assert(forbidden.count == 1 && forbidden.status == SL_CONFLICT); /* R04 */
    ck_assert_uint_eq(tbl_count(w->table), 0);
    world_free(w);
}
END_TEST

/* Until so many packets were sent. */
static void wait_for_sent(struct world *w, uint64_t count)
{
    for (uint64_t sent = 0; sent < count; poll(NULL, 0, 1)) {
        pthread_mutex_lock(&w->gate);
        sent = w->sent;
        pthread_mutex_unlock(&w->gate);
    }
}

static void submit_message(struct world *w, uint32_t from, const struct nb_message *m)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    size_t len = nb_message_build(m, octets, sizeof octets);
    struct eng_inbound in = {.from = {from, 1137}, .socket = 3, .octets = octets, .len = len};
    ck_assert_uint_eq(eng_writer_submit(w->writer, &in, 1), 1);
}

/* As long as an import may take: longer than a holder has for its answer. */
static void be_busy(void *ctx, struct eng *eng, struct eng_now now)
{
    (void)eng;
    (void)now;
    __atomic_store_n((bool *)ctx, true, __ATOMIC_RELEASE);
    poll(NULL, 0, ENG_CHALLENGE_WAIT_MS + 200);
}

START_TEST(an_answer_that_came_while_the_thread_was_busy_is_heard_C03)
{
    enum { HOLDER = 0x0a000001, OTHER = 0x0a000002, SENT_BEFORE = 2 + ENG_CHALLENGE_PACKETS };
    struct world *w = world_new();
    struct nb_name name;
    struct nb_message m;
    bool busy = false;
    ck_assert(nb_name_make("HOST", NB_SERVER, &name));
    nb_make_request(&m, 1, NB_ASK_REGISTER, &name, 300000, (struct nb_address){0x6000, HOLDER});
    submit_message(w, HOLDER, &m);
    m.addresses[0].address = OTHER;
    submit_message(w, OTHER, &m);
    wait_for_sent(w, SENT_BEFORE); /* the answer to the holder, WACK, and the last question of all */
    ck_assert_int_eq(eng_writer_call(w->writer, be_busy, &busy, NULL), SL_OK);
    while (!__atomic_load_n(&busy, __ATOMIC_ACQUIRE))
        poll(NULL, 0, 1);
    m.id = w->question;
    m.name = name;
    nb_make_positive(&m, NB_REPLY_QUERY, 0, &(struct nb_address){0x6000, HOLDER}, 1);
    submit_message(w, HOLDER, &m);
    eng_writer_stop(w->writer);
    ck_assert_uint_eq(w->last_flags, NB_REPLY_REGISTER | NB_ACT_ERR);
    world_free(w);
}
END_TEST

START_TEST(refusals_answer_requests_only)
{
    uint8_t octets[128], answer[NB_DATAGRAM_MAX];
    struct nb_message m;
    size_t len = make_request(77, octets, sizeof octets);
    size_t answer_len = eng_refusal(octets, len, answer, sizeof answer);
    ck_assert_int_eq(nb_message_parse(answer, answer_len, &m, NULL), SL_OK);
    ck_assert_uint_eq(m.id, 77);
    ck_assert_uint_eq(m.flags, NB_REPLY_REGISTER | NB_SRV_ERR);
    octets[OPCODE_AT] = NB_ASK_RELEASE >> 8;
    answer_len = eng_refusal(octets, len, answer, sizeof answer);
    ck_assert_int_eq(nb_message_parse(answer, answer_len, &m, NULL), SL_OK);
    ck_assert_uint_eq(m.flags, NB_REPLY_RELEASE | NB_SRV_ERR);
    uint8_t again[NB_DATAGRAM_MAX];
    ck_assert_uint_eq(eng_refusal(answer, answer_len, again, sizeof again), 0);
    ck_assert_uint_eq(eng_refusal(octets, len - 1, again, sizeof again), 0);
    octets[OPCODE_AT + 1] |= NB_BROADCAST; /* between the nodes: a negative answer would be a denial by nobody */
    ck_assert_uint_eq(eng_refusal(octets, len, again, sizeof again), 0);
}
END_TEST

UNIT_MAIN("writer", a_full_queue_is_told_and_the_rest_is_done, answers_to_challenges_leave_room_for_registrations_R16,
          a_flood_of_requests_leaves_room_for_answers_to_challenges_R16,
          administrators_go_before_a_queue_that_a_slow_disk_has_made, operations_are_answered_once_when_they_are_on_disk,
          an_answer_that_came_while_the_thread_was_busy_is_heard_C03, refusals_answer_requests_only)
