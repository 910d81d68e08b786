/*
 * database.h - the verbs "db ..." of sitectl: they work on the database itself, without a sited.
 */
#ifndef SL_SITE_CLI_DATABASE_H
#define SL_SITE_CLI_DATABASE_H

#include "common/cli/cli.h"

/* Each runs a verb on the database `path` (--db). */
enum sl_outcome sctl_db_check(struct cli_call *call, const char *path);
enum sl_outcome sctl_db_backup(struct cli_call *call, const char *path);  /* likewise */
enum sl_outcome sctl_db_restore(struct cli_call *call, const char *path); /* likewise */
enum sl_outcome sctl_db_move(struct cli_call *call, const char *path);    /* likewise */

#endif
