/*
 * remote.h - the client side of a control socket: sends a verb to a daemon and turns its answer into a document.
 *
 * One function serves every verb of winsctl and sitectl: the options given and the positional arguments travel as they
 * were typed (already checked against the verb table), the daemon's frames (frame.h) become columns, rows, steps and warnings
 * of the call's document, progress goes to standard error on a terminal.
 */
#ifndef SL_COMMON_CLI_REMOTE_H
#define SL_COMMON_CLI_REMOTE_H

#include "common/cli/cli.h"

/*
 * Runs call->verb on the daemon at the socket `path`, waiting at most `timeout_ms` between two frames. Returns the
 * daemon's outcome; SL_OUTCOME_UNREACHABLE when there is no daemon (the message names the path), SL_OUTCOME_DENIED when the
 * socket may not be opened.
 */
enum sl_outcome cli_remote(struct cli_call *call, const char *path, int64_t timeout_ms);

/* What the client itself counted. */
struct cli_remote_number {
    const char *name;
    uint64_t value;
};

/* For verbs that are more than a question and a document. */
struct cli_remote_extra {
    int fd; /* sent along with the request, -1 for none; stays the caller's */
    /* Takes the rows instead of the document; false ends the call as an internal error. NULL: the document takes them. */
    bool (*row)(void *ctx, const char *const *cells, size_t count);
    void *ctx;
    /* The daemon may be silent for any time once it has taken the request; SIGINT and SIGTERM end the call as ok. */
    bool endless;
    /*
     * What progress tells of is done for good: a call that is cut short then is `partial`, and the document has that number under
     * this name. NULL: it counts for nothing.
     */
    const char *lasting;
    const struct cli_remote_number *numbers; /* columns behind those of the daemon, in a single record */
    size_t number_count;
};

/* The same with these extras. */
enum sl_outcome cli_remote_with(struct cli_call *call, const char *path, int64_t timeout_ms,
                                const struct cli_remote_extra *extra);

#endif
