#include "common/host/service.h"

#include "config.h"

#ifdef HAVE_SYSTEMD

#include "common/base/clock.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { US_PER_MS = 1000, STATE_MAX = 256, TELL_WAIT_US = 100000 };

/* What sd_notify would send to a manager that reads: it waits for one that does not, for ever. */
static void tell(const char *state, suseconds_t wait_us)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    const struct timeval wait = {.tv_usec = wait_us};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    socklen_t to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    sendto(fd, state, strlen(state), MSG_NOSIGNAL | (wait_us ? 0 : MSG_DONTWAIT), (const struct sockaddr *)&to, to_len);
    close(fd);
}

void host_service_ready(const char *status)
{
    char state[STATE_MAX];
    snprintf(state, sizeof state, "READY=1\nSTATUS=%s", status);
    tell(state, TELL_WAIT_US);
}

void host_service_reloading(void)
{
    char state[STATE_MAX];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, sl_clock_mono_us());
    tell(state, TELL_WAIT_US);
}

void host_service_stopping(void)
{
    tell("STOPPING=1", TELL_WAIT_US);
}

int64_t host_service_watchdog_ms(void)
{
    uint64_t us = 0;
    return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / US_PER_MS) : 0;
}

void host_service_alive(void)
{
    tell("WATCHDOG=1", 0);
}

size_t host_service_sockets(int *fds, size_t max)
{
    int n = sd_listen_fds(1);
    size_t count = n > 0 ? (size_t)n : 0;
    for (size_t i = 0; i < count && i < max; i++)
        fds[i] = SD_LISTEN_FDS_START + (int)i;
    return count;
}

#else

void host_service_ready(const char *status)
{
    (void)status;
}

void host_service_reloading(void)
{
}

void host_service_stopping(void)
{
}

int64_t host_service_watchdog_ms(void)
{
    return 0;
}

void host_service_alive(void)
{
}

size_t host_service_sockets(int *fds, size_t max)
{
    (void)fds;
    (void)max;
    return 0;
}

#endif
