/*
 * reload.h - reading the configuration file again while the daemon serves; inside daemon/ only.
 *
 * Options with SL_OPT_LIVE are taken over, all or none; of the others that differ the log says that they need a restart. What was
 * given on the command line stays. Workers and writer go on with the old values until they see the new ones; no packet waits or
 * is lost.
 */
#ifndef SL_WINS_DAEMON_RELOAD_H
#define SL_WINS_DAEMON_RELOAD_H

#include "wins-emu/daemon/settings.h"

/* Makes the daemon work with call->values, which have changed, and what they amount to. A failure leaves it as it was. */
typedef enum sl_status winsd_apply_fn(void *ctx, const struct winsd_settings *settings, struct sl_error *e);

/*
 * Reads the file, checks everything, exchanges the values and calls `apply`; *settings follows. After a failure values and
 * settings are what they were. Tells in the log what has changed and what needs a restart, or what is wrong.
 */
void winsd_reload(const struct cli_call *call, struct winsd_settings *settings, winsd_apply_fn *apply, void *ctx);

#endif
