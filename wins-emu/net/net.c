#include "config.h"

#include "wins-emu/net/net.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/host/user.h"
#include "wins-emu/net/outbox.h"
#include "wins-emu/net/sockets.h"
#include "wins-emu/net/worker.h"

#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#define WNET_MAGIC 0x3e700001u

struct wnet {
    uint32_t magic;
    struct sl_endpoint *listen;
    int *passed; /* or NULL */
    struct worker_env env;
    struct worker **workers;
    unsigned worker_count;
    struct outbox out; /* the writer's */
    struct eng_counters counters;
};

static enum sl_status open_all(struct wnet *net, unsigned workers, struct sl_error *e)
{
    for (size_t i = 0; i < net->env.listen_count && !net->env.passed; i++) {
        enum sl_status status = wnet_probe(&net->listen[i], e);
        if (status != SL_OK)
            return status;
    }
    for (; net->worker_count < workers; net->worker_count++) {
        enum sl_status status = worker_new(&net->env, &net->workers[net->worker_count], e);
        if (status != SL_OK)
            return status;
    }
    return SL_OK;
}

enum sl_status wnet_open(const struct sl_endpoint *listen, const int *passed, size_t count, unsigned workers,
                         struct wnet **ret_net, struct sl_error *e)
{
    if (!count || count > WNET_LISTEN_MAX || !workers || workers > WNET_WORKERS_MAX)
        return sl_fail(e, SL_USAGE, "1 to %d addresses and 1 to %d workers are needed", WNET_LISTEN_MAX, WNET_WORKERS_MAX);
    struct wnet *net = aligned_alloc(_Alignof(struct wnet), sizeof *net);
    sl_assert(net);
    memset(net, 0, sizeof *net);
    net->magic = WNET_MAGIC;
    net->listen = sl_new_array(count, sizeof *listen);
    memcpy(net->listen, listen, count * sizeof *listen);
    if (passed) {
        net->passed = sl_new_array(count, sizeof *passed);
        memcpy(net->passed, passed, count * sizeof *passed);
    }
    net->env = (struct worker_env){.listen = net->listen, .passed = net->passed, .listen_count = count};
    net->workers = sl_new_array(workers, sizeof(struct worker *));
    outbox_init(&net->out, &net->counters, ENG_COUNT_sent);
    enum sl_status status = open_all(net, workers, e);
    if (status != SL_OK) {
        wnet_close(net);
        return status;
    }
    *ret_net = net;
    return SL_OK;
}

enum sl_status wnet_give(struct wnet *net, const char *user, struct sl_error *e)
{
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    enum sl_status status = SL_OK;
    for (unsigned w = 0; w < net->worker_count; w++)
        for (size_t i = 0; i < net->env.listen_count && status == SL_OK; i++)
            status = host_user_give_socket(user, worker_socket(net->workers[w], i), e);
    return status;
}

struct wins_peer wnet_own_socket(const struct wnet *net, size_t i)
{
    sl_assert(i < net->env.listen_count);
    return (struct wins_peer){sl_endpoint_ip4_of(&net->listen[i]), sl_endpoint_port(&net->listen[i])};
}

enum sl_status wnet_start(struct wnet *net, const struct wnet_env *env, struct sl_error *e)
{
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    net->env.use = *env;
    for (unsigned i = 0; i < net->worker_count; i++) {
        enum sl_status status = worker_start(net->workers[i], e);
        if (status != SL_OK) {
            wnet_stop(net);
            return status;
        }
    }
    return SL_OK;
}

void wnet_stop(struct wnet *net)
{
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    for (unsigned i = 0; i < net->worker_count; i++)
        worker_stop(net->workers[i]);
}

void wnet_close(struct wnet *net)
{
    if (!net)
        return;
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    for (unsigned i = 0; i < net->worker_count; i++)
        worker_free(net->workers[i]);
    for (size_t i = 0; net->passed && i < net->env.listen_count; i++)
        close(net->passed[i]);
    free(net->passed);
    free(net->workers);
    free(net->listen);
    net->magic = 0;
    free(net);
}

void wnet_send(void *ctx, unsigned socket, struct wins_peer to, const void *octets, size_t len)
{
    struct wnet *net = ctx;
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    sl_assert(len <= NB_DATAGRAM_MAX);
    memcpy(outbox_room(&net->out, worker_socket(net->workers[0], socket)), octets, len);
    const struct sl_endpoint endpoint = sl_endpoint_ip4(to.address, to.port);
    outbox_put(&net->out, &endpoint.v4, len);
}

void wnet_flush(void *ctx)
{
    struct wnet *net = ctx;
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    outbox_flush(&net->out);
}

/* What never reached a worker. */
static uint64_t dropped_by_system(const struct worker *w, size_t sockets)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sockets; i++) {
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t len = sizeof info;
        if (getsockopt(worker_socket(w, i), SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
            sum += info[SK_MEMINFO_DROPS];
    }
    return sum;
}

bool wnet_alive(struct wnet *net)
{
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    bool all = true;
    for (unsigned i = 0; i < net->worker_count; i++)
        all = worker_alive(net->workers[i]) && all;
    return all;
}

void wnet_look_at(struct wnet *net, struct wnet_look *look)
{
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    for (unsigned i = 0; i < net->worker_count; i++)
        worker_look(net->workers[i], look);
}

void wnet_counters(const struct wnet *net, struct eng_counters *ret_sum)
{
    SL_CHECK_MAGIC(net, WNET_MAGIC);
    *ret_sum = (struct eng_counters){0};
    eng_counters_add(ret_sum, &net->counters);
    for (unsigned i = 0; i < net->worker_count; i++)
        eng_counters_add(ret_sum, worker_counters(net->workers[i]));
    const unsigned owners = net->passed ? 1 : net->worker_count; /* all workers read the same passed sockets */
    for (unsigned i = 0; i < owners; i++)
        ret_sum->counts[ENG_COUNT_receive_full] += dropped_by_system(net->workers[i], net->env.listen_count);
}
