/*
 * writer.h - the one thread that owns every change: a bounded queue in front of the engine, and its clock.
 *
 * UDP workers hand over what is not a query, the control socket what an administrator asks for. The thread takes all that
 * waits at once, gives it to the engine one by one, commits (group commit: what came in during one commit is the next batch)
 * and lets the answers go. What an administrator asks for has a queue of its own and goes first: he waits for two commits at
 * most, however slow the disk and long the queue. It also wakes the engine for its timers. Nothing else may touch the engine
 * while the thread runs.
 *
 * The queue of datagrams holds at most ENG_QUEUE_MAX requests of ENG_QUEUE_OCTETS octets. What does not fit is told to the
 * caller and never dropped in silence: a worker answers such a request SRV_ERR (eng_refusal), which makes a client try again
 * later or ask its other server, and counts it. Answers to challenges have room of their own, a quarter as much: who fills the
 * queue with requests must not take a name whose holder is not heard. One that does not fit is counted too, and the challenge is
 * repeated after a second anyway.
 */
#ifndef SL_WINS_ENGINE_WRITER_H
#define SL_WINS_ENGINE_WRITER_H

#include "wins-emu/engine/engine.h"

enum {
    ENG_QUEUE_MAX = 25000, /* B02 */
    ENG_QUEUE_OCTETS = 4 << 20,
    ENG_QUEUE_ADMIN = 256, /* items of administrators */
    ENG_QUEUE_ANSWERS_MAX = ENG_QUEUE_MAX / 4, /* answers to challenges, beside these */
    ENG_QUEUE_ANSWER_OCTETS = ENG_QUEUE_OCTETS / 4,
};

struct eng_writer;

/* A datagram on its way to the engine; the octets are copied. */
struct eng_inbound {
    struct wins_peer from;
    unsigned socket;
    const void *octets;
    size_t len;
    bool refused; /* set by eng_writer_submit: it did not fit */
};

struct eng_writer_ops {
    void *ctx;
    /* Sends what the engine's `send` may have gathered; called on the writer's thread before it commits and before it waits. */
    void (*flush)(void *ctx);
    /* The disk failed: a batch was refused. Called on the writer's thread. */
    void (*commit_failed)(void *ctx, const struct sl_error *e);
};

/* What the writer shows to others: a copy made after each batch. */
struct eng_writer_state {
    struct eng_stats stats;
    uint64_t version;
    uint64_t queue_peak; /* most items that waited at once */
};

/* Takes the engine over and starts the thread. */
enum sl_status eng_writer_start(struct eng *eng, const struct eng_writer_ops *ops, struct eng_writer **ret_writer,
                                struct sl_error *e) SL_MUST;
/* Does all that waits, commits, ends the thread and frees the writer; the engine is the caller's again. NULL is accepted. */
void eng_writer_stop(struct eng_writer *writer);

/* Queues datagrams, in order, and returns how many of them; the others, which did not fit, are marked. One lock a call; any
 * thread. */
size_t eng_writer_submit(struct eng_writer *writer, struct eng_inbound *items, size_t count);
/* eng_wants of the writer's engine; any thread. */
bool eng_writer_wants(struct eng_writer *writer, struct wins_peer from, const void *octets, size_t len);
/* The SRV_ERR for a request that the queue had no room for: its length, 0 when the datagram deserves no answer. */
size_t eng_refusal(const void *octets, size_t len, void *buffer, size_t size);

/*
 * Called on the writer's thread when an operation is on disk and published (SL_OK), or was refused. `found` is false when the
 * name to be deleted did not exist.
 */
typedef void eng_admin_fn(void *ctx, enum sl_status status, bool found, const struct sl_error *e);

/* Queues eng_admin_add; SL_LIMIT when the queue is full (`done` is not called then). The record is copied. Any thread. */
enum sl_status eng_writer_add(struct eng_writer *writer, const struct wins_record *record, eng_admin_fn *done, void *ctx,
                              struct sl_error *e) SL_MUST;
/* Queues eng_admin_delete; as above. */
enum sl_status eng_writer_delete(struct eng_writer *writer, const struct nb_name *name, eng_admin_fn *done, void *ctx,
                                 struct sl_error *e) SL_MUST;

/*
 * Queues a call that runs on the writer's thread, between two requests, with the engine in its hands: for what is asked seldom.
 * It must not take long. SL_LIMIT when the queue is full; the call is not made then, nor when the writer is stopping. Any thread.
 */
typedef void eng_call_fn(void *ctx, struct eng *eng, struct eng_now now);
enum sl_status eng_writer_call(struct eng_writer *writer, eng_call_fn *call, void *ctx, struct sl_error *e) SL_MUST;

/* The state after the last batch; any thread. */
void eng_writer_read(struct eng_writer *writer, struct eng_writer_state *ret_state);

#endif
