/*
 * life.h - the verbs `scavenge`, `release` and `tombstone`; inside ctl/ only.
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

/* For eng_writer_call, with a change that has a name: ends it, or tells that there is none. */
void wctl_release_call(void *change, struct eng *eng, struct eng_now now);
void wctl_tombstone_call(void *change, struct eng *eng, struct eng_now now);

#endif
