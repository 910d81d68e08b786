#include "wins-emu/net/sockets.h"

#include "wins-emu/net/holder.h"
#include "wins-emu/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_OCTETS = 4 << 20 };

static enum sl_status fail_bind(struct sl_error *e, const struct sl_endpoint *endpoint, int error)
{
    const struct sl_endpoint_text place = sl_endpoint_text(endpoint);
    const char *where = place.text;
    if (error == EADDRINUSE)
        return sl_fail(e, SL_CONFLICT, "UDP port %s is %s", where, wnet_holder(endpoint).text);
    if (error == EACCES)
        return sl_fail(e, SL_DENIED, "UDP port %s: %s; ports below 1024 need root or CAP_NET_BIND_SERVICE", where,
                       strerror(error));
    if (error == EADDRNOTAVAIL)
        return sl_fail(e, SL_USAGE, "%s is not an address of this host", where);
    return sl_fail(e, SL_IO, "UDP port %s: %s", where, strerror(error));
}

enum sl_status wnet_check(const struct sl_endpoint *endpoint, struct sl_error *e)
{
    const struct sl_endpoint_text place = sl_endpoint_text(endpoint);
    const char *where = place.text;
    if (sl_endpoint_is_wildcard(endpoint))
        return sl_fail(
            e, SL_USAGE,
            "%s: a wildcard address is refused, since the server would answer its own challenges and reply from an address"
            " that was not asked; name each address with a --listen of its own",
            where);
    if (endpoint->any.sa_family != AF_INET)
        return sl_fail(e, SL_USAGE, "%s: the NetBIOS name service knows IPv4 only", where);
    if (sl_endpoint_ip4_of(endpoint) >> 28 >= 0xe)
        return sl_fail(e, SL_USAGE, "%s is not the address of a host", where);
    return SL_OK;
}

static enum sl_status try_bind(int fd, struct sl_endpoint *endpoint, struct sl_error *e)
{
    if (bind(fd, &endpoint->any, endpoint->len) != 0)
        return fail_bind(e, endpoint, errno);
    if (getsockname(fd, &endpoint->any, &endpoint->len) != 0)
        return fail_bind(e, endpoint, errno);
    return SL_OK;
}

enum sl_status wnet_probe(struct sl_endpoint *endpoint, struct sl_error *e)
{
    enum sl_status status = wnet_check(endpoint, e);
    if (status != SL_OK)
        return status;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_bind(e, endpoint, errno);
    status = try_bind(fd, endpoint, e);
    close(fd);
    return status;
}

/* As much as wanted, or without the right to it as much as is allowed. */
static void widen(int fd, int force, int ask)
{
    const int octets = BUFFER_OCTETS;
    if (setsockopt(fd, SOL_SOCKET, force, &octets, sizeof octets) != 0)
        (void)setsockopt(fd, SOL_SOCKET, ask, &octets, sizeof octets);
}

static void widen_both(int fd)
{
    /* A burst of registrations waits here while the worker answers the batch before, and the challenges of hosts that do not
     * answer ARP, as many as the system's table of neighbours takes, must find room beside the answers. */
    widen(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    widen(fd, SO_SNDBUFFORCE, SO_SNDBUF);
}

enum sl_status wnet_bind(const struct sl_endpoint *endpoint, int *ret_fd, struct sl_error *e)
{
    struct sl_endpoint own = *endpoint;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_bind(e, endpoint, errno);
    enum sl_status status = SL_OK;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)) != 0)
        status = fail_bind(e, endpoint, errno);
    if (status == SL_OK)
        status = try_bind(fd, &own, e);
    if (status != SL_OK) {
        close(fd);
        return status;
    }
    widen_both(fd);
    *ret_fd = fd;
    return SL_OK;
}

enum sl_status wnet_share(int passed, int *ret_fd, struct sl_error *e)
{
    int fd = fcntl(passed, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return sl_fail(e, SL_IO, "a passed socket: %s", strerror(errno));
    widen_both(fd);
    *ret_fd = fd;
    return SL_OK;
}

enum sl_status wnet_passed(int fd, struct sl_endpoint *ret_endpoint, struct sl_error *e)
{
    struct sl_endpoint own = {.len = sizeof own.v6};
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_DGRAM ||
        getsockname(fd, &own.any, &own.len) != 0 || (own.any.sa_family != AF_INET && own.any.sa_family != AF_INET6))
        return sl_fail(e, SL_USAGE, "is not a UDP socket (ListenDatagram=)");
    if (sl_endpoint_port(&own) == 0)
        return sl_fail(e, SL_USAGE, "is not bound");
    enum sl_status status = wnet_check(&own, e);
    if (status == SL_OK)
        *ret_endpoint = own;
    return status;
}
