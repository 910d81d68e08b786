#include "common/host/service.h"

#include "config.h"

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

void host_service_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void host_service_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

#else

void host_service_ready(const char *status)
{
    (void)status;
}

void host_service_stopping(void)
{
}

#endif
