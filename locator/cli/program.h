/*
 * program.h - the program `locator` as tables: options, verbs, columns. Every lookup goes through the public header.
 */
#ifndef SL_LOCATOR_CLI_PROGRAM_H
#define SL_LOCATOR_CLI_PROGRAM_H

#include "common/cli/cli.h"

extern const struct cli_program lc_program;

#endif
