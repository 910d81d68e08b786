/*
 * life.h - the verb `scavenge`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_LIFE_H
#define SL_WINS_CTL_LIFE_H

#include "wins-emu/ctl/change.h"
#include "wins-emu/ctl/ctl.h"

/*
 * Asks the writer for a pass of the scavenger and answers when it is on disk, with the number of names each row changed. With the
 * option dry-run streams the names that a pass would change now, each with its row, and changes nothing.
 */
void wctl_scavenge(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
                   struct host_reply *reply);

#endif
