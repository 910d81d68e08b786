#include "config.h"

#include "tests/bench/load.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/message.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REQUEST_MAX = 128,
    ANSWER_MAX = 600,
    SILENCE_MS = 1000,
    SILENCES_MAX = 10,
    ID_GENERATION = LOAD_WINDOW,
    BASE_ADDRESS = 0x0a000000
};

/* One request under way; its slot number is the low part of the id. */
struct slot {
    bool busy;
    uint16_t id;
    uint32_t number;
    size_t len;
    uint8_t octets[REQUEST_MAX];
};

struct load {
    int fd;
    enum load_kind kind;
    uint32_t first, names;
    uint64_t to_start, to_finish;
    uint64_t started;
    uint16_t generation;
    struct slot slots[LOAD_WINDOW];
    struct mmsghdr headers[LOAD_WINDOW];
    struct iovec parts[LOAD_WINDOW];
    uint8_t answers[LOAD_WINDOW][ANSWER_MAX];
    struct load_result result;
};

static void build(struct load *l, struct slot *s, size_t index)
{
    char text[NB_NAME_LEN];
    struct nb_name name;
    struct nb_message m;
    s->number = l->first + (uint32_t)(l->started % l->names);
    s->id = (uint16_t)(l->generation * ID_GENERATION + index);
    snprintf(text, sizeof text, "BENCH-%08u", s->number);
    sl_assert(nb_name_make(text, NB_SERVER, &name));
    if (l->kind == LOAD_REGISTER)
        nb_make_request(&m, s->id, NB_ASK_REGISTER, &name, 300000, (struct nb_address){0x6000, BASE_ADDRESS + s->number});
    else
        nb_make_query(&m, s->id, NB_ASK_QUERY, &name, NB_RR_NB);
    s->len = nb_message_build(&m, s->octets, sizeof s->octets);
    sl_assert(s->len);
    s->busy = true;
    l->started++;
    l->to_start--;
}

static bool is_right(const struct load *l, const struct slot *s, const uint8_t *octets, size_t len)
{
    enum { ENCODED_NAME = 34, NAME_AT = 12 };
    if (l->kind == LOAD_ECHO)
        return len == s->len && memcmp(octets, s->octets, len) == 0;
    struct nb_cursor c = nb_cursor_read(octets, len);
    nb_take(&c, 2);
    uint16_t flags = nb_get16(&c);
    nb_take(&c, NAME_AT - 4);
    const uint8_t *name = nb_take(&c, ENCODED_NAME);
    nb_take(&c, 2 + 2 + 4 + 2 + 2);
    uint32_t address = nb_get32(&c);
    return nb_cursor_ok(&c) && flags == (l->kind == LOAD_QUERY ? NB_REPLY_QUERY : NB_REPLY_REGISTER) &&
           memcmp(name, s->octets + NAME_AT, ENCODED_NAME) == 0 && address == BASE_ADDRESS + s->number;
}

static void on_answer(struct load *l, const uint8_t *octets, size_t len)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    uint16_t id = nb_get16(&c);
    struct slot *s = &l->slots[id % LOAD_WINDOW];
    if (!nb_cursor_ok(&c) || !s->busy || s->id != id)
        return; /* the second answer to a request that was repeated */
    s->busy = false;
    l->to_finish--;
    if (is_right(l, s, octets, len))
        l->result.answers++;
    else
        l->result.wrong++;
}

/* Sends the requests of all slots for which `wanted` says so. */
static size_t send_slots(struct load *l, bool (*wanted)(struct load *l, struct slot *s, size_t index))
{
    unsigned n = 0;
    for (size_t i = 0; i < LOAD_WINDOW; i++) {
        if (!wanted(l, &l->slots[i], i))
            continue;
        l->parts[n] = (struct iovec){l->slots[i].octets, l->slots[i].len};
        l->headers[n].msg_hdr = (struct msghdr){.msg_iov = &l->parts[n], .msg_iovlen = 1};
        n++;
    }
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(l->fd, l->headers + at, n - at, 0);
        if (sent <= 0)
            break; /* repeated after the silence */
        at += (unsigned)sent;
    }
    return n;
}

static bool fill(struct load *l, struct slot *s, size_t index)
{
    if (s->busy || !l->to_start)
        return false;
    build(l, s, index);
    return true;
}

static bool again(struct load *l, struct slot *s, size_t index)
{
    (void)l;
    (void)index;
    return s->busy;
}

static bool receive(struct load *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    if (poll(&p, 1, SILENCE_MS) <= 0)
        return false;
    for (size_t i = 0; i < LOAD_WINDOW; i++) {
        l->parts[i] = (struct iovec){l->answers[i], sizeof l->answers[i]};
        l->headers[i].msg_hdr = (struct msghdr){.msg_iov = &l->parts[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(l->fd, l->headers, LOAD_WINDOW, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        on_answer(l, l->answers[i], l->headers[i].msg_len);
    return n > 0;
}

static void pump(struct load *l)
{
    for (int silences = 0; l->to_finish;) {
        send_slots(l, fill);
        l->generation++;
        if (receive(l)) {
            silences = 0;
            continue;
        }
        l->result.repeated += send_slots(l, again);
        if (++silences > SILENCES_MAX) {
            fprintf(stderr, "no answer for %d s\n", silences * SILENCE_MS / 1000);
            exit(EXIT_FAILURE);
        }
    }
}

struct load_result load_run(const struct sl_endpoint *server, enum load_kind kind, uint32_t first, uint32_t names, uint64_t count)
{
    struct load *l = sl_new(sizeof *l);
    *l = (struct load){.kind = kind, .first = first, .names = names, .to_start = count, .to_finish = count};
    l->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sl_assert(l->fd >= 0 && connect(l->fd, &server->any, server->len) == 0);
    int64_t start_us = sl_clock_mono_us();
    pump(l);
    struct load_result result = l->result;
    result.seconds = (double)(sl_clock_mono_us() - start_us) / 1e6;
    close(l->fd);
    free(l);
    return result;
}
