/*
 * backup.h - the verb `backup`, the daemon's side; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_BACKUP_H
#define SL_WINS_CTL_BACKUP_H

#include "wins-emu/ctl/change.h"
#include "wins-emu/ctl/ctl.h"

/*
 * Copies the database beside itself, as FILE.copying, and from there into the file that came with the request (transfer.h), on a
 * thread of its own: the copy belongs to who asked for it, and lies where he can write and the daemon perhaps cannot. One at a
 * time, another ends as `conflict`.
 */
void wctl_backup(const struct wctl_env *env, struct wctl_changes *changes, struct host_reply *reply);

#endif
