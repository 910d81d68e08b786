/*
 * net.h - the UDP side of the registry: N workers, each with its own socket per address and its own loop.
 *
 * Every worker binds every address with SO_REUSEPORT, so the kernel spreads clients over the workers. A worker reads up to
 * WNET_BATCH datagrams with one call, answers queries from the table (no lock, no allocation, no system call per packet), sends
 * those answers with one call, and hands the rest to the writer. What the engine sends leaves by the first worker's sockets, so
 * every answer and challenge comes from the address and port that clients talk to.
 *
 * A wildcard address is refused: the source of an answer would be left to the routing table, and a challenge to one of our own
 * addresses would be answered by ourselves (wins.md 4.3).
 *
 *     wnet_open(listen, count, workers, &net, e)           binds
 *     eng_new(... ops.send = wnet_send, ops.ctx = net)
 *     eng_writer_start(... ops.flush = wnet_flush)
 *     wnet_start(net, &env, e)                             answers from here on
 *     wnet_stop(net); eng_writer_stop(writer); wnet_close(net)
 */
#ifndef SL_WINS_NET_NET_H
#define SL_WINS_NET_NET_H

#include "common/base/addr.h"
#include "wins-emu/engine/counters.h"
#include "wins-emu/engine/top.h"
#include "wins-emu/engine/writer.h"

enum { WNET_BATCH = 64, WNET_WORKERS_MAX = 256, WNET_LISTEN_MAX = WINS_OWN_SOCKETS_MAX };

struct wnet;

/* SL_USAGE for what a name server must not listen on: a wildcard, IPv6, not the address of a host. */
enum sl_status wnet_check(const struct sl_endpoint *endpoint, struct sl_error *e) SL_MUST;
/* The address of a bound socket that came from the service manager. SL_USAGE when it is no UDP socket, or on what wnet_check
 * refuses. */
enum sl_status wnet_passed(int fd, struct sl_endpoint *ret_endpoint, struct sl_error *e) SL_MUST;
/*
 * Binds every address for every worker. With `passed` nothing is bound: passed[i] is a socket that is bound to listen[i], now the
 * net's, which all workers read; the kernel then does not spread clients over them. SL_USAGE for a wildcard or IPv6 address or
 * none at all; SL_CONFLICT names who holds the port; SL_DENIED when it needs a right that is missing.
 */
enum sl_status wnet_open(const struct sl_endpoint *listen, const int *passed, size_t count, unsigned workers,
                         struct wnet **ret_net, struct sl_error *e) SL_MUST;
/* Gives the sockets to a user (host/user.h), before the start: nobody else's can then be bound beside them. */
enum sl_status wnet_give(struct wnet *net, const char *user, struct sl_error *e) SL_MUST;
/* The addresses with the ports really bound (port 0 asks the system for one): as many as were given, to be put into
 * wins_config. */
struct wins_peer wnet_own_socket(const struct wnet *net, size_t i);
/* A worker refused or dropped a datagram by policy (P01, P07, P08): for the log. Called by any worker. */
typedef void wnet_refused_fn(void *ctx, enum wins_rule rule, struct wins_peer from);
/* What the workers need; all of it outlives them. */
struct wnet_env {
    const struct tbl *table;
    const struct wins_config *rules;
    const struct tbl_shared *policy; /* a struct wins_policy, or empty */
    struct eng_writer *writer;
    wnet_refused_fn *refused;
    void *ctx;
};

/* Starts the workers; the environment is copied. */
enum sl_status wnet_start(struct wnet *net, const struct wnet_env *env, struct sl_error *e) SL_MUST;
/* Ends and joins the workers; the sockets stay open for the last answers of the writer. */
void wnet_stop(struct wnet *net);
/* Closes everything; NULL is accepted. */
void wnet_close(struct wnet *net);

/* For the engine, on the writer's thread only: gathers datagrams, up to WNET_BATCH of them, and sends them together. */
void wnet_send(void *net, unsigned socket, struct wins_peer to, const void *octets, size_t len);
void wnet_flush(void *net);

/* What a worker knows of those who ask: by source address (all datagrams; four octets, in this machine's order) and by name
 * (queries that were answered; its 32 encoded octets, scopes apart or not). */
struct wnet_asked {
    struct eng_top sources, names;
};

/* A look at each worker's own tables, on its thread. */
struct wnet_look {
    void (*fn)(void *ctx, const struct wnet_asked *asked);
    void *ctx;
};

/* Has every worker call look->fn once, soon; `look` stays until each has, and there is one at a time. Main thread. */
void wnet_look_at(struct wnet *net, struct wnet_look *look);

/* Asks every worker for a sign of life; true when each has given the one it was asked for before. Main thread. */
bool wnet_alive(struct wnet *net);
/* Adds up the counters of all threads; any thread. */
void wnet_counters(const struct wnet *net, struct eng_counters *ret_sum);

#endif
