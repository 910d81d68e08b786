#include "config.h"

#include "tests/bench/echo.h"

#include "common/base/assert.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAM_MAX = 1500 };

static _Noreturn void serve(int fd)
{
    static struct mmsghdr headers[BATCH];
    static struct iovec parts[BATCH];
    static struct sockaddr_in from[BATCH];
    static uint8_t octets[BATCH][DATAGRAM_MAX];
    for (;;) {
        for (size_t i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){octets[i], sizeof octets[i]};
            headers[i].msg_hdr =
                (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(fd, headers, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++)
            parts[i].iov_len = headers[i].msg_len;
        for (int at = 0; at < n;) {
            int sent = sendmmsg(fd, headers + at, (unsigned)(n - at), 0);
            at += sent > 0 ? sent : 1;
        }
    }
}

pid_t echo_start(struct sl_endpoint *ret_endpoint)
{
    struct sl_endpoint own = sl_endpoint_ip4(INADDR_LOOPBACK, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sl_assert(fd >= 0 && bind(fd, &own.any, own.len) == 0 && getsockname(fd, &own.any, &own.len) == 0);
    pid_t parent = getpid(), pid = fork();
    sl_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE); /* it died before it could be watched */
        serve(fd);
    }
    close(fd);
    *ret_endpoint = own;
    return pid;
}
