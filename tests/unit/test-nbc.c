/* The client of a name server against a small peer that misbehaves on request (wins.md 1.6, 2.3). */
#include "locator/net/nbc.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_STEPS = 4 };

enum step {
    STEP_END,
    STEP_SILENT,
    STEP_WACK,
    STEP_WACK_NULL, /* as nmbd: record type NULL */
    STEP_ANSWER,
    STEP_NEGATIVE,
    STEP_WRONG_ID,
    STEP_WRONG_SOURCE,
    STEP_WRONG_NAME,
    STEP_WRONG_KIND,
    STEP_GARBAGE,
};

static const uint32_t GOOD = 0x0a000001, BAD = 0x0a0000ff;

/* A name server on loopback; `script[n]` is what it does about the n-th request it gets. */
struct peer {
    int fd, other_fd;
    struct sl_endpoint endpoint;
    enum step script[PEER_STEPS][PEER_STEPS];
    int requests;
    uint16_t last_flags;
    pthread_t thread;
};

static int bound_socket(struct sl_endpoint *ep)
{
    *ep = sl_endpoint_ip4(0x7f000001, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, &ep->any, ep->len), 0);
    ck_assert_int_eq(getsockname(fd, &ep->any, &ep->len), 0);
    return fd;
}

static void make_answer(struct nb_message *m, bool negative, uint32_t address)
{
    struct nb_address one = {.flags = NB_NODE_MASK, .address = address};
    bool query = nb_opcode(m->flags) == NB_OP_QUERY, release = nb_opcode(m->flags) == NB_OP_RELEASE;
    uint16_t word = query ? NB_REPLY_QUERY : release ? NB_REPLY_RELEASE : NB_REPLY_REGISTER;
    if (negative && query)
        nb_make_negative(m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
    else
        nb_make_positive(m, (uint16_t)(word | (negative ? NB_ACT_ERR : 0)), 600, &one, 1);
}

static void send_message(int fd, const struct nb_message *m, const struct sl_endpoint *to)
{
    uint8_t out[NB_DATAGRAM_MAX];
    size_t len = nb_message_build(m, out, sizeof out);
    ck_assert_uint_gt(len, 0);
    ck_assert_int_ge(sendto(fd, out, len, 0, &to->any, to->len), 0);
}

static void play(struct peer *p, enum step step, const struct nb_message *request, const struct sl_endpoint *to)
{
    struct nb_message m = *request;
    switch (step) {
    case STEP_END:
    case STEP_SILENT:
        return;
    case STEP_WACK:
    case STEP_WACK_NULL:
        nb_make_wack(&m, 9);
        if (step == STEP_WACK_NULL)
            m.record_type = NB_RR_NULL;
        break;
    case STEP_GARBAGE:
        ck_assert_int_ge(sendto(p->fd, "\xff\xff\xff", 3, 0, &to->any, to->len), 0);
        ck_assert_int_ge(sendto(p->fd, "", 0, 0, &to->any, to->len), 0);
        return;
    case STEP_WRONG_KIND:
        m = (struct nb_message){0};
        nb_make_query(&m, request->id, NB_ASK_QUERY, &request->name, NB_RR_NB); /* a request of the same id */
        break;
    default:
        make_answer(&m, step == STEP_NEGATIVE, step == STEP_ANSWER ? GOOD : BAD);
        if (step == STEP_WRONG_ID)
            m.id ^= 1;
        if (step == STEP_WRONG_NAME)
            m.name.octets[0] ^= 1;
    }
    send_message(step == STEP_WRONG_SOURCE ? p->other_fd : p->fd, &m, to);
}

static void *serve(void *arg)
{
    struct peer *p = arg;
    for (int n = 0; n < PEER_STEPS; n++) {
        uint8_t octets[NB_RECEIVE_MAX];
        struct sl_endpoint from = {.len = sizeof from.v6};
        ssize_t len = recvfrom(p->fd, octets, sizeof octets, 0, &from.any, &from.len);
        struct nb_message m;
        if (len <= 1)
            return NULL; /* the end of the test */
        ck_assert_int_eq(nb_message_parse(octets, (size_t)len, &m, NULL), SL_OK);
        p->requests++;
        p->last_flags = m.flags;
        for (int i = 0; i < PEER_STEPS && p->script[n][i] != STEP_END; i++)
            play(p, p->script[n][i], &m, &from);
    }
    return NULL;
}

static void peer_start(struct peer *p)
{
    struct sl_endpoint unused;
    p->fd = bound_socket(&p->endpoint);
    p->other_fd = bound_socket(&unused);
    ck_assert_int_eq(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void peer_stop(struct peer *p)
{
    ck_assert_int_ge(sendto(p->other_fd, "", 1, 0, &p->endpoint.any, p->endpoint.len), 0);
    pthread_join(p->thread, NULL);
    close(p->fd);
    close(p->other_fd);
}

static struct nbc_question question_of(const struct peer *p, enum nbc_kind kind)
{
    struct nbc_question q = {.kind = kind, .server = p->endpoint, .address = GOOD, .nb_flags = NB_NODE_MASK, .ttl_s = 300};
    ck_assert(nb_name_make("MP_LAB", NB_SMS, &q.name));
    return q;
}

static enum sl_status ask(struct peer *p, enum nbc_kind kind, int fd, int ms, struct nbc_reply *reply, struct sl_error *e)
{
    struct nbc_question q = question_of(p, kind);
    peer_start(p);
    q.server = p->endpoint;
    enum sl_status s = nbc_ask(&q, fd, sl_deadline_in(ms), reply, e);
    peer_stop(p);
    return s;
}

START_TEST(a_query_gets_addresses)
{
    struct peer p = {.script = {{STEP_ANSWER}}};
    struct nbc_reply reply;
    ck_assert_int_eq(ask(&p, NBC_QUERY, -1, 5000, &reply, NULL), SL_OK);
    ck_assert_uint_eq(reply.rcode, NB_OK);
    ck_assert_uint_eq(reply.address_count, 1);
    ck_assert_uint_eq(reply.addresses[0], GOOD);
    ck_assert(!reply.group);
    ck_assert_uint_eq(p.last_flags, NB_ASK_QUERY);
}
END_TEST

START_TEST(a_negative_answer_is_an_answer)
{
    struct peer p = {.script = {{STEP_NEGATIVE}}};
    struct nbc_reply reply;
    ck_assert_int_eq(ask(&p, NBC_QUERY, -1, 5000, &reply, NULL), SL_OK);
    ck_assert_uint_eq(reply.rcode, NB_NAM_ERR);
    struct peer owner = {.script = {{STEP_NEGATIVE}}};
    ck_assert_int_eq(ask(&owner, NBC_REGISTER, -1, 5000, &reply, NULL), SL_OK);
    ck_assert_uint_eq(reply.rcode, NB_ACT_ERR);
}
END_TEST

/* Spoofed and broken packets before the real answer change nothing. */
START_TEST(only_the_asked_peer_is_believed)
{
    static const enum step foreign[] = {STEP_WRONG_ID, STEP_WRONG_SOURCE, STEP_WRONG_NAME, STEP_WRONG_KIND, STEP_GARBAGE};
    struct peer p = {.script = {{foreign[_i], STEP_ANSWER}}};
    struct sl_endpoint local;
    struct nbc_reply reply;
    int fd = bound_socket(&local);
    ck_assert_int_eq(ask(&p, NBC_REGISTER, fd, 5000, &reply, NULL), SL_OK);
    ck_assert_uint_eq(reply.addresses[0], GOOD);
    close(fd);
    struct peer alone = {.script = {{foreign[_i]}}};
    ck_assert_int_eq(ask(&alone, NBC_QUERY, -1, 200, &reply, NULL), SL_TIMEOUT);
}
END_TEST

START_TEST(a_wack_is_waited_for_without_repeating)
{
    static const enum step wacks[] = {STEP_WACK, STEP_WACK_NULL};
    struct peer p = {.script = {{wacks[_i], STEP_WRONG_ID, STEP_ANSWER}}};
    struct nbc_reply reply;
    ck_assert_int_eq(ask(&p, NBC_REGISTER, -1, 5000, &reply, NULL), SL_OK);
    ck_assert_uint_eq(reply.rcode, NB_OK);
    ck_assert_uint_eq(reply.ttl_s, 600);
    struct peer never = {.script = {{wacks[_i]}}};
    struct sl_error e;
    ck_assert_int_eq(ask(&never, NBC_REGISTER, -1, 2000, &reply, &e), SL_TIMEOUT);
    ck_assert_int_eq(never.requests, 1);
    ck_assert_ptr_nonnull(strstr(e.text, "asked to wait 9 s"));
    struct peer twice = {.script = {{wacks[_i], wacks[_i]}}};
    ck_assert_int_eq(ask(&twice, NBC_REGISTER, -1, 5000, &reply, &e), SL_MALFORMED);
}
END_TEST

START_TEST(silence_is_asked_again)
{
    struct peer p = {.script = {{STEP_SILENT}, {STEP_ANSWER}}};
    struct nbc_reply reply;
    ck_assert_int_eq(ask(&p, NBC_RELEASE, -1, 5000, &reply, NULL), SL_OK);
    ck_assert_int_eq(p.requests, 2);
    ck_assert_uint_eq(p.last_flags, NB_ASK_RELEASE);
}
END_TEST

START_TEST(a_closed_port_is_known_at_once)
{
    struct peer p = {0};
    struct sl_endpoint local;
    struct nbc_reply reply;
    struct sl_error e;
    int gone = bound_socket(&p.endpoint), mine;
    close(gone);
    struct nbc_question q = question_of(&p, NBC_QUERY);
    int64_t start = sl_clock_mono_ms();
    ck_assert_int_eq(nbc_ask(&q, -1, sl_deadline_in(5000), &reply, &e), SL_UNREACHABLE);
    close(bound_socket(&local));
    ck_assert_int_eq(nbc_open(&local, &mine, &e), SL_OK);
    ck_assert_int_eq(nbc_ask(&q, mine, sl_deadline_in(5000), &reply, &e), SL_UNREACHABLE);
    ck_assert_int_lt(sl_clock_mono_ms() - start, 1400);
    close(mine);
}
END_TEST

START_TEST(the_pure_layer_keeps_the_bounds_of_a_wack)
{
    static const struct {
        uint32_t said, waited;
    } rows[] = {{0, 105}, {8, 105}, {9, 9}, {60, 60}, {105, 105}, {106, 105}};
    struct peer p = {.endpoint = sl_endpoint_ip4(0x7f000002, 137)};
    struct nbc_question q = question_of(&p, NBC_REFRESH);
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        uint8_t octets[NB_DATAGRAM_MAX];
        struct nb_message m;
        struct nbc_reply reply;
        size_t len = nbc_build(&q, 7, octets, sizeof octets);
        ck_assert_int_eq(nb_message_parse(octets, len, &m, NULL), SL_OK);
        ck_assert_uint_eq(m.flags, NB_ASK_REFRESH);
        nb_make_wack(&m, rows[i].said);
        len = nb_message_build(&m, octets, sizeof octets);
        ck_assert_int_eq(nbc_judge(&q, 7, &q.server, octets, len, &reply), NBC_WAIT);
        ck_assert_uint_eq(reply.ttl_s, rows[i].waited);
        ck_assert_int_eq(nbc_judge(&q, 8, &q.server, octets, len, &reply), NBC_FOREIGN);
    }
}
END_TEST

START_TEST(targets_are_split_or_refused)
{
    static const struct {
        const char *target, *host;
        uint16_t port;
    } good[] = {{"wins://10.0.0.1", "10.0.0.1", 137}, {"WINS://wins.example.org:1137", "wins.example.org", 1137},
                {"10.0.0.1:99", "10.0.0.1", 99},      {"wins://h/", "h", 137}};
    static const char *const bad[] = {"wins://",     "wins://:137", "wins://h:0",  "wins://h:65536",
                                      "wins://h:x", "wins://a/b",  "wins://[::1]"};
    char host[NBC_HOST_MAX];
    uint16_t port;
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        ck_assert_int_eq(nbc_split(good[i].target, host, sizeof host, &port, NULL), SL_OK);
        ck_assert_str_eq(host, good[i].host);
        ck_assert_uint_eq(port, good[i].port);
    }
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert_int_eq(nbc_split(bad[i], host, sizeof host, &port, NULL), SL_USAGE);
}
END_TEST

START_TEST(a_socket_is_never_bound_to_a_wildcard_or_a_held_port)
{
    struct sl_endpoint any = sl_endpoint_ip4(0, 1137), held;
    struct sl_error e;
    int fd, holder = bound_socket(&held);
    ck_assert_int_eq(nbc_open(&any, &fd, &e), SL_USAGE);
    ck_assert_int_eq(nbc_open(&held, &fd, &e), SL_CONFLICT);
    close(holder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nbc");
    TCase *tc = tcase_create("nbc");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_query_gets_addresses);
    tcase_add_test(tc, a_negative_answer_is_an_answer);
    tcase_add_loop_test(tc, only_the_asked_peer_is_believed, 0, 5);
    tcase_add_loop_test(tc, a_wack_is_waited_for_without_repeating, 0, 2);
    tcase_add_test(tc, silence_is_asked_again);
    tcase_add_test(tc, a_closed_port_is_known_at_once);
    tcase_add_test(tc, the_pure_layer_keeps_the_bounds_of_a_wack);
    tcase_add_test(tc, targets_are_split_or_refused);
    tcase_add_test(tc, a_socket_is_never_bound_to_a_wildcard_or_a_held_port);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
