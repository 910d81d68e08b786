/*
 * policy.h - the policy of the running daemon: compiled from the options, replaced by a reload, its refusals told in the log;
 * inside daemon/ only.
 *
 * Workers and writer go on with the old policy until they see the new one; no packet waits or is lost.
 */
#ifndef SL_WINS_DAEMON_POLICY_H
#define SL_WINS_DAEMON_POLICY_H

#include "common/base/log.h"
#include "wins-emu/daemon/settings.h"

struct winsd_policy {
    struct tbl_shared current; /* for engine and workers */
    struct sl_log_limit limits[WINS_RULE_COUNT];
};

/* Compiles the policy of the values as they are. */
enum sl_status winsd_policy_init(struct winsd_policy *p, const struct winsd_values *values, struct sl_error *e) SL_MUST;
/* Frees the policy; nobody may use it any more. */
void winsd_policy_fini(struct winsd_policy *p);
/* Puts another policy, or NULL, in its place and frees the old one; by the main thread. */
void winsd_policy_replace(struct winsd_policy *p, struct wins_policy *policy);
/*
 * Tells of a refused registration, and of what was refused by its source alone (P01) or dropped, since there was too much of it
 * (P07, P08). At most so many lines a second and rule: a flood that one refuses does not hide what another one does. Any thread.
 */
void winsd_policy_refused(struct winsd_policy *p, enum wins_rule rule, const struct wins_request *request);
void winsd_policy_refused_unread(struct winsd_policy *p, enum wins_rule rule, struct wins_peer from);

enum { WINSD_REFUSALS_PER_S = 10, WINSD_DROPS_PER_S = 1 };

#endif
