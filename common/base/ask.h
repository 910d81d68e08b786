/*
 * ask.h - the asking end of a control socket: sends one request (frame.h) and hands out the frames of its answer.
 *
 * Blocks. Thread-safe: no state outside the arguments.
 */
#ifndef SL_COMMON_BASE_ASK_H
#define SL_COMMON_BASE_ASK_H

#include "common/base/frame.h"

#include <stdbool.h>
#include <stdint.h>

struct sl_ask {
    const char *path;           /* of the socket */
    int64_t timeout_ms;         /* longest silence of the daemon */
    bool endless;               /* the daemon may be silent for ever once it was asked */
    int stop_fd;                /* readable: SL_CANCELED; looked at while an endless answer is awaited */
    int fd;                     /* sent along with the request, -1 for none; stays the caller's */
    const char *const *request; /* the strings of the request */
    size_t count;
    /* Takes a frame, whose strings live during the call; sets *ret_ended with the last one. False: it does not fit the answer. */
    bool (*take)(void *ctx, const struct sl_frame *frame, bool *ret_ended);
    void *ctx;
};

/*
 * SL_OK once `take` has seen the end. SL_UNREACHABLE: there is no daemon, or it hung up; SL_DENIED: the socket may not be opened;
 * SL_TIMEOUT; SL_USAGE: path or request too long; SL_MALFORMED: what the daemon sent is no answer. The text begins with the path.
 */
enum sl_status sl_ask(const struct sl_ask *ask, struct sl_error *e) SL_MUST;

#endif
