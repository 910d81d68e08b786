/*
 * check.h - the verb `check`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_CHECK_H
#define SL_WINS_CTL_CHECK_H

#include "wins-emu/ctl/change.h"
#include "wins-emu/ctl/ctl.h"

/*
 * Reads the database on a thread and a connection of its own and holds it against the table. A name that differs may just be
 * changing: it is compared again on the writer's thread, where both stand still. Answers with the number of names compared, or
 * with what is wrong and outcome `conflict`.
 */
void wctl_check(const struct wctl_env *env, struct wctl_changes *changes, struct host_reply *reply);

#endif
