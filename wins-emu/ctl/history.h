/*
 * history.h - the verb `history`; inside ctl/ only.
 *
 * The journal is read on one thread beside the loop (host_worker), since a disk may hang: searches take turns, some rows of the
 * journal each, and the next rows are read when the client has taken what was found. A step that takes longer than 5 s ends the
 * search as SL_TIMEOUT; at most 16 are under way, those included whose step has not come back.
 */
#ifndef SL_WINS_CTL_HISTORY_H
#define SL_WINS_CTL_HISTORY_H

#include "wins-emu/ctl/ctl.h"

struct wctl_searches;

/* Starts the thread. */
struct wctl_searches *wctl_searches_new(struct host_loop *loop);
/* Ends the searches and the thread, once the control socket is closed; waits for the row that is being read. NULL is accepted. */
void wctl_searches_free(struct wctl_searches *searches);
/* Streams what the journal has of a name, oldest first. Ends the reply; SL_LIMIT when as many searches as may are under way. */
void wctl_history(const struct wctl_env *env, struct wctl_searches *searches, const struct nb_name *name,
                  struct host_reply *reply);

#endif
