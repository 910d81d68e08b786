/*
 * dial.h - a TCP connection by a deadline.
 */
#ifndef SL_LOCATOR_NET_DIAL_H
#define SL_LOCATOR_NET_DIAL_H

#include "common/base/clock.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Tries the addresses of the host one after another, each with its share of the time. Returns a connected non-blocking socket of
 * the caller's, or -1 with *ret_why a constant reason, NULL when the time was over or *abandoned (NULL: nobody sets it) became
 * true. A name is looked up by the system's resolver, which may block beyond the deadline; a numeric address is not. Any thread.
 */
int loc_dial(const char *host, uint16_t port, struct sl_deadline deadline, const atomic_bool *abandoned, const char **ret_why);

#endif
