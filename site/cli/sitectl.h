/*
 * sitectl.h - the administration program of the sites.
 *
 * Verbs of three kinds in one table: `init` works on the database file itself, `schema ...` (schema.h) on a directory, and all
 * others travel over the control socket to the sited that is the site server (S2.13), which has a row for each of them.
 */
#ifndef SL_SITE_CLI_SITECTL_H
#define SL_SITE_CLI_SITECTL_H

#include "common/cli/cli.h"

/* The program's description: verbs, options, help, manual. */
extern const struct cli_program sctl_program;
/* main() of the program. */
int sctl_main(int argc, char **argv);

#endif
