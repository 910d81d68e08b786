/*
 * loop.h - the event loop of a daemon thread (libevent; the only folder that includes it).
 *
 * A loop belongs to one thread; only host_loop_post and host_loop_stop may be called from others. Callbacks run on the
 * loop's thread and may free their own watch or timer.
 */
#ifndef SL_COMMON_HOST_LOOP_H
#define SL_COMMON_HOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct host_loop;
struct host_watch;
struct host_timer;

enum { HOST_READ = 1, HOST_WRITE = 2 };

typedef void host_watch_fn(int fd, unsigned events, void *ctx);
typedef void host_fn(void *ctx);

/* A new loop; aborts without memory. */
struct host_loop *host_loop_new(void);
/* Frees the loop and its signals; watches and timers must have been freed. Posted calls that have not run never will. NULL is
 * accepted. */
void host_loop_free(struct host_loop *loop);
/* Runs until host_loop_stop, or not at all when it was called before. */
void host_loop_run(struct host_loop *loop);
/* Makes host_loop_run return after the current callback; any thread. */
void host_loop_stop(struct host_loop *loop);
/* Runs fn(ctx) on the loop's thread soon, in the order of posting; any thread. Who posts bounds what he posts. */
void host_loop_post(struct host_loop *loop, host_fn *fn, void *ctx);
/* Calls fn while fd is readable or writable, as asked; the fd stays the caller's. */
struct host_watch *host_watch_new(struct host_loop *loop, int fd, unsigned events, host_watch_fn *fn, void *ctx);
/* Changes what is waited for; 0 pauses. */
void host_watch_set(struct host_watch *watch, unsigned events);
/* Ends the watch; the fd stays open. NULL is accepted. */
void host_watch_free(struct host_watch *watch);
/* A one-shot timer, not yet started. */
struct host_timer *host_timer_new(struct host_loop *loop, host_fn *fn, void *ctx);
/* (Re)starts it to fire once in `ms`; never early by sl_clock_mono_ms. */
void host_timer_start(struct host_timer *timer, int64_t ms);
/* Stops it; it may be started again. */
void host_timer_stop(struct host_timer *timer);
/* Stops and frees it; NULL is accepted. */
void host_timer_free(struct host_timer *timer);
/* Calls fn on the loop's thread when the process gets the signal; for the main loop only. Freed with the loop. */
void host_signal(struct host_loop *loop, int signo, host_fn *fn, void *ctx);

#endif
