/*
 * outbox.h - datagrams gathered for one sendmmsg; inside net/ only. Belongs to one thread.
 */
#ifndef SL_WINS_NET_OUTBOX_H
#define SL_WINS_NET_OUTBOX_H

#include "wins-emu/engine/counters.h"
#include "wins-emu/net/net.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct outbox {
    int fd; /* of what has been gathered */
    unsigned count;
    struct eng_counters *counters;
    enum eng_counter counter; /* that counts what was sent */
    struct mmsghdr headers[WNET_BATCH];
    struct iovec parts[WNET_BATCH];
    struct sockaddr_in to[WNET_BATCH];
    uint8_t octets[WNET_BATCH][NB_DATAGRAM_MAX];
};

/* Sets up an empty one, once. */
void outbox_init(struct outbox *box, struct eng_counters *counters, enum eng_counter counter);
/* Room for the next datagram from `fd`, NB_DATAGRAM_MAX octets; sends first when the box is full or holds another socket's. */
uint8_t *outbox_room(struct outbox *box, int fd);
/* The datagram in that room is `len` octets long and goes to `to`. */
void outbox_put(struct outbox *box, const struct sockaddr_in *to, size_t len);
/* Sends what has been gathered; what the system does not take is counted. */
void outbox_flush(struct outbox *box);

#endif
