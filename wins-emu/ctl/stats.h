/*
 * stats.h - the verb `stats`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_STATS_H
#define SL_WINS_CTL_STATS_H

#include "common/base/text.h"
#include "wins-emu/ctl/ctl.h"

/* One record: what the registry holds, every counter of counters.def and of the engine, and how often each rule decided. Ends the
 * reply. */
void wctl_stats(const struct wctl_env *env, int64_t uptime_s, struct host_reply *reply);
/* The same in the text format of Prometheus: winsd_NAME, winsd_NAME_total for what only grows. */
void wctl_stats_page(const struct wctl_env *env, int64_t uptime_s, struct sl_text *out);

#endif
