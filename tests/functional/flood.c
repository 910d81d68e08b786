/*
 * flood - sends mutated packets to a name server and holds its answers to their size.
 *
 *     flood ADDRESS PORT COUNT SEED
 *
 * Each round sends a batch of well-formed packets with random damage; a sound query that every server answers ends the round, so
 * that no datagram is lost for want of room. A question is known again by its id, which is not damaged. Ends with 1 and
 * a text when an answer is larger than five times its question, or the server is silent. To be run where no network can be
 * reached: what it registers is challenged.
 */
#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/wire/message.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUND = 64, NAMES = 64, DAMAGES_MAX = 6, ID_LEN = 2, PACKET_MAX = 600, ANSWER_MAX = 2048, GROWTH_MAX = 5 };
enum { WAIT_MS = 200, WAITS_MAX = 50 };

struct flood {
    int fd;
    struct sl_random random;
    uint16_t id;                      /* of the packet sent last */
    size_t lengths[UINT16_MAX + 1];   /* of what was asked last, by id */
    size_t longest[UINT16_MAX + 1];   /* of what was ever asked with the id */
    uint64_t answers;
};

static void fail(const char *what, uint64_t a, uint64_t b)
{
    printf("%s: %" PRIu64 ", %" PRIu64 "\n", what, a, b);
    exit(1);
}

/* A good request of any kind for one of a few names. */
static size_t compose(struct flood *f, uint8_t out[PACKET_MAX])
{
    static const uint16_t kinds[] = {NB_ASK_QUERY,   NB_ASK_STATUS,  NB_ASK_REGISTER,
                                     NB_ASK_RELEASE, NB_ASK_REFRESH, NB_ASK_MULTIHOMED};
    static const uint8_t suffixes[] = {0x00, 0x1b, 0x1c, 0x1d, 0x1e, 0x20};
    char label[NB_NAME_LEN];
    struct nb_name name;
    struct nb_message m;
    snprintf(label, sizeof label, "N%u", (unsigned)sl_random_below(&f->random, NAMES));
    sl_assert(nb_name_make(label, suffixes[sl_random_below(&f->random, sizeof suffixes)], &name));
    uint16_t kind = kinds[sl_random_below(&f->random, SL_COUNT(kinds))];
    if (nb_opcode(kind) == NB_OP_QUERY)
        nb_make_query(&m, f->id, kind, &name, kind == NB_ASK_STATUS ? NB_RR_NBSTAT : NB_RR_NB);
    else
        nb_make_request(&m, f->id, kind, &name, 1000, (struct nb_address){0x6000, 0x7f000001});
    return nb_message_build(&m, out, PACKET_MAX);
}

static size_t damage(struct flood *f, uint8_t *octets, size_t len)
{
    for (uint64_t n = sl_random_below(&f->random, DAMAGES_MAX); n > 0; n--)
        octets[ID_LEN + sl_random_below(&f->random, len - ID_LEN)] = (uint8_t)sl_random_next(&f->random);
    uint64_t kind = sl_random_below(&f->random, 8);
    if (kind == 0)
        return ID_LEN + sl_random_below(&f->random, len - ID_LEN);
    if (kind > 1)
        return len;
    size_t more = sl_random_below(&f->random, PACKET_MAX - len);
    for (size_t i = 0; i < more; i++)
        octets[len + i] = (uint8_t)sl_random_next(&f->random);
    return len + more;
}

static void send_packet(struct flood *f, const uint8_t *octets, size_t len)
{
    f->lengths[f->id] = len;
    if (len > f->longest[f->id])
        f->longest[f->id] = len;
    if (send(f->fd, octets, len, 0) != (ssize_t)len)
        fail("the server's port is closed; sent", f->id, len);
}

static void send_damaged(struct flood *f)
{
    uint8_t octets[PACKET_MAX];
    f->id++;
    size_t len = compose(f, octets);
    send_packet(f, octets, damage(f, octets, len));
}

/* With the id of the packet sent last. */
static void send_sound(struct flood *f)
{
    uint8_t octets[PACKET_MAX];
    struct nb_name name;
    struct nb_message m;
    sl_assert(nb_name_make("NOBODY", NB_SERVER, &name));
    nb_make_query(&m, f->id, NB_ASK_QUERY, &name, NB_RR_NB);
    send_packet(f, octets, nb_message_build(&m, octets, sizeof octets));
}

/* The answer to a change may come seconds later, after a challenge, when its id has been used again. */
static size_t question_len(const struct flood *f, uint16_t id, uint8_t flags)
{
    return nb_opcode((uint16_t)(flags << 8)) == NB_OP_QUERY ? f->lengths[id] : f->longest[id];
}

/* Waits for an answer. A burst of answers to changes may have left no room for the one to the sound query: it is asked again. */
static void await(struct flood *f)
{
    struct pollfd ready = {.fd = f->fd, .events = POLLIN};
    for (int n = 0; poll(&ready, 1, WAIT_MS) != 1; n++) {
        if (n == WAITS_MAX)
            fail("no answer to a sound query after answers", f->answers, f->id);
        send_sound(f);
    }
}

/* Takes answers until the one to the last packet; others, of changes, may come later. */
static void receive(struct flood *f)
{
    for (bool last = false; !last;) {
        uint8_t octets[ANSWER_MAX];
        await(f);
        ssize_t n = recv(f->fd, octets, sizeof octets, 0);
        if (n < ID_LEN)
            fail("the server's port is closed, or an answer is too short; answers", f->answers, f->id);
        uint16_t id = (uint16_t)(octets[0] << 8 | octets[1]);
        size_t asked = question_len(f, id, octets[ID_LEN]);
        if ((size_t)n > GROWTH_MAX * asked)
            fail("an answer is more than five times its question", (uint64_t)n, asked);
        f->answers++;
        last = id == f->id;
    }
}

static uint64_t number(const char *text)
{
    uint64_t value;
    if (!sl_parse_u64(text, UINT64_MAX, &value))
        fail("a number is needed", 0, 0);
    return value;
}

int main(int argc, char **argv)
{
    static struct flood f;
    struct sl_endpoint server;
    if (argc != 5 || sl_endpoint_parse(argv[1], (uint16_t)number(argv[2]), &server, NULL) != SL_OK)
        fail("flood ADDRESS PORT COUNT SEED", 0, 0);
    f.random = sl_random_seeded(number(argv[4]));
    f.fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (f.fd < 0 || connect(f.fd, &server.any, server.len) != 0)
        fail("no socket", 0, 0);
    uint64_t count = number(argv[3]), sent = 0;
    while (sent < count) {
        for (int i = 0; i < ROUND && sent < count; i++, sent++)
            send_damaged(&f);
        f.id++;
        send_sound(&f);
        receive(&f);
    }
    printf("%" PRIu64 " packets, %" PRIu64 " answers\n", sent, f.answers);
    close(f.fd);
    return 0;
}
