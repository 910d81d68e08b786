/*
 * sited.h - the daemon of the site roles: sited.
 *
 * One main loop: control socket, NetBIOS names, looking for changes. HTTP has its own threads (web.h), publishing its own
 * (server.h). SIGTERM and SIGINT release the names, then end; a second one ends at once.
 */
#ifndef SL_SITE_DAEMON_SITED_H
#define SL_SITE_DAEMON_SITED_H

#include "common/cli/cli.h"

/* The program's description: options, help, manual. */
extern const struct cli_program sited_program;
/* main() of the program: parses, serves until a signal, and returns the exit code. */
int sited_main(int argc, char **argv);

#endif
