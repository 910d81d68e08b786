#include "config.h"

#include "wins-emu/net/outbox.h"

#include <errno.h>

void outbox_init(struct outbox *box, struct eng_counters *counters, enum eng_counter counter)
{
    box->count = 0;
    box->counters = counters;
    box->counter = counter;
    for (size_t i = 0; i < WNET_BATCH; i++) {
        box->parts[i] = (struct iovec){.iov_base = box->octets[i]};
        box->headers[i].msg_hdr = (struct msghdr){.msg_name = &box->to[i], .msg_namelen = sizeof box->to[i],
                                                  .msg_iov = &box->parts[i], .msg_iovlen = 1};
    }
}

uint8_t *outbox_room(struct outbox *box, int fd)
{
    if (box->count == WNET_BATCH || (box->count && box->fd != fd))
        outbox_flush(box);
    box->fd = fd;
    return box->octets[box->count];
}

void outbox_put(struct outbox *box, const struct sockaddr_in *to, size_t len)
{
    box->to[box->count] = *to;
    box->parts[box->count].iov_len = len;
    box->count++;
}

/*
 * sendmmsg stops at the first datagram that fails and tells of it only when it is the first of a call: that one is skipped. Never
 * waits: datagrams to hosts that do not answer ARP stay in the buffer of the socket for seconds, and whoever has many of them
 * challenged must not stop the answers to everybody else. With the buffer full, the rest is lost like any datagram.
 */
void outbox_flush(struct outbox *box)
{
    uint64_t *counts = box->counters->counts;
    for (unsigned at = 0; at < box->count;) {
        int n = sendmmsg(box->fd, box->headers + at, box->count - at, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        unsigned lost = n > 0 ? 0 : errno == EAGAIN ? box->count - at : 1;
        eng_count(&counts[n > 0 ? box->counter : ENG_COUNT_send_failed], n > 0 ? (uint64_t)n : lost);
        at += n > 0 ? (unsigned)n : lost;
    }
    box->count = 0;
}
