#include "common/host/service.h"

#include "config.h"

#ifdef HAVE_SYSTEMD

#include "common/base/clock.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

enum { US_PER_MS = 1000 };

void host_service_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void host_service_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, sl_clock_mono_us());
}

void host_service_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

int64_t host_service_watchdog_ms(void)
{
    uint64_t us = 0;
    return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / US_PER_MS) : 0;
}

void host_service_alive(void)
{
    sd_notify(0, "WATCHDOG=1");
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
