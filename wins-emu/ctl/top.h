/*
 * top.h - the verb `top`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_TOP_H
#define SL_WINS_CTL_TOP_H

#include "wins-emu/ctl/change.h"
#include "wins-emu/ctl/ctl.h"

/* Who asks most, by source address and by name: gathered from the workers one by one, then sorted. Ends the reply. */
void wctl_top(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
              struct host_reply *reply);

#endif
