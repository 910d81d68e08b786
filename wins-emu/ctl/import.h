/*
 * import.h - the verb `import`, the daemon's side; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_IMPORT_H
#define SL_WINS_CTL_IMPORT_H

#include "wins-emu/ctl/change.h"
#include "wins-emu/ctl/ctl.h"

/*
 * Imports the rows of the sealed memory file that came with the request (transfer.h) in one transaction, on the writer's thread;
 * ends the reply with how many were added, replaced, unchanged, in conflict and refused, the first of the last two as warnings.
 */
void wctl_import(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
                 struct host_reply *reply);

#endif
