/*
 * worker.h - one UDP worker: a thread with its loop, sockets and buffers; inside net/ only.
 */
#ifndef SL_WINS_NET_WORKER_H
#define SL_WINS_NET_WORKER_H

#include "wins-emu/net/net.h"

struct worker;

/* What every worker needs; outlives them. */
struct worker_env {
    const struct sl_endpoint *listen;
    const int *passed; /* sockets that are bound to them already, or NULL */
    size_t listen_count;
    struct wnet_env use; /* set before worker_start */
};

/* Binds its own socket on every address. */
enum sl_status worker_new(const struct worker_env *env, struct worker **ret_worker, struct sl_error *e) SL_MUST;
/* Starts its thread. */
enum sl_status worker_start(struct worker *w, struct sl_error *e) SL_MUST;
/* Ends and joins the thread, if it was started. */
void worker_stop(struct worker *w);
/* Closes its sockets and frees it; NULL is accepted. */
void worker_free(struct worker *w);
/* Its socket on the i-th address. */
int worker_socket(const struct worker *w, size_t i);
/* Asks its thread for a sign of life; true when it has given the one before. */
bool worker_alive(struct worker *w);
/* Has its thread call order->fn; the order stays the caller's and there is one at a time. */
void worker_look(struct worker *w, struct wnet_look *order);
/* Its counters, of which another thread only reads. */
const struct eng_counters *worker_counters(const struct worker *w);

#endif
