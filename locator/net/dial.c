#include "locator/net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_SLICE_MS = 20, PORT_TEXT_MAX = 8 };

static bool is_abandoned(const atomic_bool *abandoned)
{
    return abandoned != NULL && atomic_load(abandoned);
}

/* Waits for a connect under way; 0 when it is made, else the errno that ended it (ETIMEDOUT when its time was over). */
static int await_connect(int fd, struct sl_deadline until, const atomic_bool *abandoned)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int problem = ETIMEDOUT;

    while (!is_abandoned(abandoned) && !sl_deadline_passed(until)) {
        if (poll(&p, 1, CONNECT_SLICE_MS) == 1) {
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &(socklen_t){sizeof problem});
            break;
        }
    }
    return problem;
}

/* A connected socket, or -1 and errno. */
static int connect_address(const struct addrinfo *to, struct sl_deadline until, const atomic_bool *abandoned)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    int problem = connect(fd, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;

    if (problem == EINPROGRESS)
        problem = await_connect(fd, until, abandoned);
    if (problem == 0)
        return fd;
    close(fd);
    errno = problem;
    return -1;
}

int loc_dial(const char *host, uint16_t port, struct sl_deadline deadline, const atomic_bool *abandoned, const char **ret_why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char text[PORT_TEXT_MAX];
    int fd = -1, left = 0, problem = ETIMEDOUT;

    snprintf(text, sizeof text, "%u", port);
    int code = getaddrinfo(host, text, &hints, &found);

    if (code != 0) {
        *ret_why = gai_strerror(code);
        return -1;
    }
    for (const struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next)
        left++;
    for (const struct addrinfo *ai = found; fd < 0 && ai != NULL && !is_abandoned(abandoned); ai = ai->ai_next, left--) {
        fd = connect_address(ai, sl_deadline_in(sl_deadline_left_ms(deadline) / left), abandoned);
        problem = fd < 0 ? errno : 0;
    }
    freeaddrinfo(found);
    *ret_why = problem == 0 || problem == ETIMEDOUT ? NULL : strerrordesc_np(problem);
    return fd;
}
