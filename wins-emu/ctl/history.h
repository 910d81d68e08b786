/*
 * history.h - the verb `history`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_HISTORY_H
#define SL_WINS_CTL_HISTORY_H

#include "wins-emu/ctl/ctl.h"

/* Streams what the journal has of a name, oldest first, some rows of the journal at a time between other work. Ends the reply. */
void wctl_history(const struct wctl_env *env, const struct nb_name *name, struct host_reply *reply);

#endif
