/*
 * hook.h - a program that is run when a name appears, changes or goes; inside daemon/ only.
 *
 *     PROGRAM add|refresh|delete NAME TYPE TTL [ADDRESS...]
 *
 * TYPE is two hexadecimal digits, TTL seconds from now (0: static, or gone). It is run after the change is on disk, by host_run
 * without a shell, one at a time so that the order of changes holds, with nothing on standard input, for WINSD_HOOK_TIME_MS at
 * most. What it says is dropped, but for the first line of one that fails, which the log tells. At most WINSD_HOOK_QUEUE_MAX
 * changes wait; what does not fit is counted (`hook_queue_full`). A name with anything but letters, digits, ".", "_" and "-",
 * that begins with "-", is empty or has a scope is never passed (`hook_left_out`): scripts take such names for options, paths or
 * commands.
 */
#ifndef SL_WINS_DAEMON_HOOK_H
#define SL_WINS_DAEMON_HOOK_H

#include "wins-emu/engine/counters.h"
#include "wins-emu/engine/engine.h"

enum { WINSD_HOOK_QUEUE_MAX = 1024, WINSD_HOOK_TIME_MS = 10000, WINSD_HOOK_SAID_MAX = 256 };

struct winsd_hook;

/* SL_USAGE unless it is the absolute path of something that can be run; for the option table. */
enum sl_status winsd_hook_check(const char *program, struct sl_error *e) SL_MUST;
/* Starts the thread that runs the program; NULL: nothing is run until winsd_hook_set names one. */
enum sl_status winsd_hook_start(const char *program, struct winsd_hook **ret_hook, struct sl_error *e) SL_MUST;
/* Another program from here on, NULL for none; any thread. */
void winsd_hook_set(struct winsd_hook *hook, const char *program);
/* Waits for a program that runs, forgets what waits, and frees it; NULL is accepted. */
void winsd_hook_stop(struct winsd_hook *hook);
/* Queues a run; never blocks for long. Writer's thread. */
void winsd_hook_changed(struct winsd_hook *hook, enum eng_event event, const struct wins_record *record);
/* Its counters, of which another thread only reads. */
const struct eng_counters *winsd_hook_counters(const struct winsd_hook *hook);

#endif
