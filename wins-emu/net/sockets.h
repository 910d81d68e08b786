/*
 * sockets.h - binding the name service's sockets; inside net/ only.
 */
#ifndef SL_WINS_NET_SOCKETS_H
#define SL_WINS_NET_SOCKETS_H

#include "common/base/addr.h"

/*
 * Refuses what a name server must not listen on, and an address that somebody else holds, by binding it alone for a moment.
 * Needed since SO_REUSEPORT would let a second server of the same user share the port unseen. A port 0 is replaced by a free one.
 */
enum sl_status wnet_probe(struct sl_endpoint *endpoint, struct sl_error *e) SL_MUST;
/* Another descriptor of a socket that is bound already; made as wide as one of wnet_bind. */
enum sl_status wnet_share(int passed, int *ret_fd, struct sl_error *e) SL_MUST;
/* One of several sockets on that endpoint. Blocking; every call says MSG_DONTWAIT that must not wait. */
enum sl_status wnet_bind(const struct sl_endpoint *endpoint, int *ret_fd, struct sl_error *e) SL_MUST;

#endif
