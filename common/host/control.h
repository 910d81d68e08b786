/*
 * control.h - the server side of a daemon's control socket.
 *
 * A Unix stream socket (mode 0660) on the loop it was opened with; frames as in common/base/frame.h. Each verb is a row of a
 * table. A handler runs on the loop's thread; it answers at once or keeps the reply and ends it later from the same thread. A
 * connection carries one request. Connections, requests and answers are bounded, a client that sends or reads nothing is cut
 * off, one that has asked nothing yet after a second when its place is needed. Large answers are pulled: the server calls
 * `more` while the client keeps up, so no answer is held in memory whole.
 */
#ifndef SL_COMMON_HOST_CONTROL_H
#define SL_COMMON_HOST_CONTROL_H

#include "common/base/error.h"
#include "common/base/frame.h"
#include "common/host/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_control;
struct host_reply;

/* A request; its strings live until the reply is ended. */
struct host_request {
    const char *verb;
    size_t arg_count;
    const char *const *args;
    size_t option_count;
    const char *const *options; /* "name=value" */
    int fd; /* a file that the client sent along, -1 for none; closed with the reply, taken by host_request_take_fd */
};

struct host_verb {
    const char *name;
    /* Must call host_reply_end, at once or later. */
    void (*run)(const struct host_request *request, struct host_reply *reply, void *ctx);
};

/* Binds the socket (a stale file is replaced, a live daemon is SL_CONFLICT) and serves the verbs. */
enum sl_status host_control_open(struct host_loop *loop, const char *path, const struct host_verb *verbs, size_t verb_count,
                                 void *ctx, struct host_control **ret_control, struct sl_error *e) SL_MUST;
/* Gives the socket to a group, whose members may connect then too (mode 0660). SL_USAGE: no such group, SL_DENIED. */
enum sl_status host_control_group(struct host_control *control, const char *group, struct sl_error *e) SL_MUST;
/* Closes every connection and removes the socket file; replies still held are dead but may still be ended. NULL is accepted. */
void host_control_close(struct host_control *control);

/* The value of an option, or NULL; the n-th (from 0) of a repeated one. */
const char *host_request_option(const struct host_request *request, const char *name, size_t nth);

/* The file sent along, now the caller's to close; -1 for none. */
int host_request_take_fd(struct host_reply *reply);

/* Columns as "name:type" strings (types: text number bool list); `single` for one record. */
void host_reply_columns(struct host_reply *reply, const char *const *columns, size_t count, bool single);
/* One row; the cells in the order of the columns, NULL for null, lists with newlines between the items. */
void host_reply_row(struct host_reply *reply, const char *const *cells, size_t count);
/* A warning for people. */
void host_reply_warning(struct host_reply *reply, const char *fmt, ...) SL_PRINTF(2, 3);
/* How far a long verb has come; total 0 = unknown. Left out when the client does not keep up. */
void host_reply_progress(struct host_reply *reply, uint64_t done, uint64_t total, const char *what);
/* Ends and frees the reply; fmt may be NULL when there is nothing to say. An answer too large to hold ends as `internal`
 * instead. */
void host_reply_end(struct host_reply *reply, enum sl_outcome outcome, const char *reason, const char *fmt, ...) SL_PRINTF(4, 5);
/* Ends it with the outcome and text of a failure. */
void host_reply_fail(struct host_reply *reply, enum sl_status status, const struct sl_error *e);
/*
 * Streams, as the last act of a handler: `more` is called later, whenever the client has room, and writes some rows. It returns
 * true while there are more; before it returns false it frees `state` and ends the reply. When the client goes away before,
 * `drop` (may be NULL) is called to free `state` and the reply is ended by the server.
 */
void host_reply_pull(struct host_reply *reply, bool (*more)(struct host_reply *reply, void *state), host_fn *drop, void *state);
/*
 * Within `more`, which has nothing to say for the time being: it is not called again before host_reply_wake. A client that
 * waits so is not cut off.
 */
void host_reply_rest(struct host_reply *reply);
/* There is something to say again; on the loop's thread, also when it was not resting. */
void host_reply_wake(struct host_reply *reply);

#endif
