/*
 * change.h - what an administrator asked for and has not been answered yet; inside ctl/ only.
 *
 * Made and freed on the loop's thread. The writer's thread, or for what takes long one of its own, sets what came of it and posts
 * it back (wctl_change_done); there it is logged, answered and freed.
 */
#ifndef SL_WINS_CTL_CHANGE_H
#define SL_WINS_CTL_CHANGE_H

#include "common/base/text.h"
#include "common/host/control.h"
#include "wins-emu/engine/writer.h"

#include <pthread.h>

struct wctl_change;
struct wctl_env;

struct wctl_changes {
    struct host_loop *loop;
    void *ctx; /* for the finish functions */
    struct wctl_change *first;
};

struct wctl_change {
    struct wctl_change *next, **link;
    struct wctl_changes *all;
    struct host_reply *reply; /* NULL when somebody else has ended it */
    const char *verb;
    bool looks; /* changes nothing */
    struct nb_name name; /* empty for what is about no name */
    void (*finish)(struct wctl_change *c); /* answers a change that went well: ends the reply, on the loop's thread */
    enum sl_status status;
    bool found;
    struct sl_error error;
    struct eng_scavenged scavenged;
    bool has_thread;
    pthread_t thread;
    void (*work)(struct wctl_change *c);
    struct sl_text problems; /* of a check, one a line */
    uint64_t more_problems;  /* that did not fit */
    uint64_t checked;
    const struct wctl_env *env;
    void *data;                      /* of the verb, or NULL */
    void (*free_data)(void *data);
};

/* `name` may be NULL. */
struct wctl_change *wctl_change_new(struct wctl_changes *all, const char *verb, const struct nb_name *name,
                                    struct host_reply *reply, void (*finish)(struct wctl_change *c));
/* Ends the reply and frees it: the writer did not take it. */
void wctl_change_refuse(struct wctl_change *c, enum sl_status status, const struct sl_error *e);
/* On the writer's thread, once: what came of it. An eng_admin_fn with the change as ctx. */
void wctl_change_done(void *c, enum sl_status status, bool found, const struct sl_error *e);
/*
 * Runs `work` on a thread of its own, which calls wctl_change_done at its end; refuses the change when no thread can be had, or
 * the same work is under way, whether or not somebody still waits for that.
 */
void wctl_change_work(struct wctl_change *c, void (*work)(struct wctl_change *c));
/* Frees it; the reply has been ended. */
void wctl_change_free(struct wctl_change *c);
/* Waits for the threads; before the writer stops, which they may need. */
void wctl_changes_wait(struct wctl_changes *all);
/* Ends the reply of all that are left and frees them, once the writer has stopped. */
void wctl_changes_drop(struct wctl_changes *all);
/* Ends a reply as `negative`, reason not-found. */
void wctl_not_found(struct host_reply *reply, const struct nb_name *name);

#endif
