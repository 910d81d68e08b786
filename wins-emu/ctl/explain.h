/*
 * explain.h - the verb `explain`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_EXPLAIN_H
#define SL_WINS_CTL_EXPLAIN_H

#include "wins-emu/ctl/ctl.h"

/*
 * Tells which row of the tables a request for `name` from and for the address that is the second argument would meet now (options
 * op: register, refresh, release, query; as: unique, group, mhomed), and what it would do. Asks the same functions as the server
 * does; changes and counts nothing. Ends the reply.
 */
void wctl_explain(const struct wctl_env *env, const struct nb_name *name, const struct host_request *request,
                  struct host_reply *reply);

#endif
