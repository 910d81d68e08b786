/*
 * winsd.h - the program winsd without its main: set-up, main loop and shutdown of the registry.
 */
#ifndef SL_WINS_DAEMON_WINSD_H
#define SL_WINS_DAEMON_WINSD_H

/* Runs the daemon until SIGTERM or SIGINT; returns the exit code. */
int winsd_main(int argc, char **argv);

#endif
