/*
 * watch.h - the verb `watch`: changes as they happen.
 *
 * The writer hands every change that is on disk to the hub (wctl_hub_note), which keeps it for each watcher whose pattern
 * matches, at most WCTL_WATCH_QUEUE of them; the loop sends them on while the client reads. What a client is too slow for is
 * counted and told in its place as a row with change "lost". Without a watcher a change costs one look at a counter.
 */
#ifndef SL_WINS_CTL_WATCH_H
#define SL_WINS_CTL_WATCH_H

#include "common/host/control.h"
#include "wins-emu/store/journal.h"

enum { WCTL_WATCH_QUEUE = 1024, WCTL_WATCHERS_MAX = 16 };

struct wctl_hub;

/* A hub without watchers; `loop` is the one of the control socket. */
struct wctl_hub *wctl_hub_new(struct host_loop *loop);
/* Frees it, when the control socket is closed and nobody notes any more; NULL is accepted. */
void wctl_hub_free(struct wctl_hub *hub);
/* Tells the watchers. Any one thread. */
void wctl_hub_note(struct wctl_hub *hub, const struct wst_note *note);
/* Serves a request: option `count` ends it after so many changes, `timeout` after that time; the argument is a pattern. */
void wctl_watch(struct wctl_hub *hub, const struct host_request *request, struct host_reply *reply);

#endif
