/*
 * sited.h - the daemon of the site roles: sited.
 *
 * The main loop has what never waits for the site database: signals, NetBIOS names, the page of metrics, the service manager. A
 * second one, the desk, has the rest, on a thread of its own: the control socket, looking for changes, starting and reloading.
 * HTTP has its own threads (web.h), publishing its own (server.h). SIGTERM and SIGINT release the names, then end; a second one
 * ends at once. What the desk is at has SITED_GRACE_MS to come to its end, then waiting for the database is given up.
 */
#ifndef SL_SITE_DAEMON_SITED_H
#define SL_SITE_DAEMON_SITED_H

#include "common/cli/cli.h"

enum { SITED_GRACE_MS = 500 };

/* The program's description: options, help, manual. */
extern const struct cli_program sited_program;
/* main() of the program: parses, serves until a signal, and returns the exit code. */
int sited_main(int argc, char **argv);

#endif
