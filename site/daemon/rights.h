/*
 * rights.h - giving up the rights of root: whose the files of a site are then; inside daemon/ only.
 */
#ifndef SL_SITE_DAEMON_RIGHTS_H
#define SL_SITE_DAEMON_RIGHTS_H

#include "common/base/error.h"

/*
 * Gives the database file and every file whose name begins with its name or that of `state` (keys, log, lock) to the user, as far
 * as they are root's, and becomes this user (host_user_become). A database server's URI is no file. Before any thread is started.
 */
enum sl_status sited_give_up_rights(const char *user, const char *group, const char *db, const char *state,
                                    struct sl_error *e) SL_MUST;

#endif
