/*
 * holder.h - who holds a UDP port, for the message of a program that cannot have it.
 */
#ifndef SL_WINS_NET_HOLDER_H
#define SL_WINS_NET_HOLDER_H

#include "common/base/addr.h"

enum { WNET_HOLDER_TEXT_MAX = 128 };

struct wnet_holder_text {
    char text[WNET_HOLDER_TEXT_MAX];
};

/*
 * "held by nmbd (pid 123)", found through /proc/net/udp and the descriptors below /proc; "held by another program, whose name
 * this user may not see" for a stranger's process; "held by another program" when no socket is found there.
 */
struct wnet_holder_text wnet_holder(const struct sl_endpoint *endpoint);

#endif
