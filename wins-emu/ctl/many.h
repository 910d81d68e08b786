/*
 * many.h - the verbs `delete`, `release` and `tombstone` of all names that filters match; inside ctl/ only.
 *
 * The table is walked on the loop's thread. What matches goes to the writer's thread in slices of WCTL_MANY_SLICE names at most,
 * one after the other. Each is looked at there again and changed in one batch with what else came in, and is counted and told as
 * progress when that batch is on disk. So any number of names takes the same memory, requests wait for one slice at most, and
 * when it is cut short what was told is done. It stops behind the slice under way when the client goes.
 */
#ifndef SL_WINS_CTL_MANY_H
#define SL_WINS_CTL_MANY_H

#include "wins-emu/ctl/change.h"
#include "wins-emu/ctl/ctl.h"

enum { WCTL_MANY_SLICE = 256 };

/*
 * Takes a request with filters (wctl_filter_parse) and no name, and one that is neither that nor about a name alone, which is a
 * mistake. Ends the reply with the numbers of names changed and of those that matched and stay as they are: `negative` when none
 * matched, `partial` when a failure of the disk cut it short. With the option dry-run changes nothing and shows the first of
 * them. False when the request is about one name.
 */
bool wctl_many(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
               struct host_reply *reply);

#endif
