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

#endif
