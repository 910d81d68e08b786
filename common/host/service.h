/*
 * service.h - talking to the service manager: sd_notify and passed sockets, when built with libsystemd and started by it, else
 * nothing. The sockets by the main thread, the rest by any.
 */
#ifndef SL_COMMON_HOST_SERVICE_H
#define SL_COMMON_HOST_SERVICE_H

#include <stddef.h>
#include <stdint.h>

/* "READY=1" with a status line for people; also at the end of a reload. */
void host_service_ready(const char *status);
/* "RELOADING=1"; host_service_ready follows. */
void host_service_reloading(void);
/* "STOPPING=1". */
void host_service_stopping(void);
/* How often the manager wants a sign of life, in milliseconds; 0: never. */
int64_t host_service_watchdog_ms(void);
/* That sign: "WATCHDOG=1". */
void host_service_alive(void);
/*
 * The sockets that the manager has bound for us (LISTEN_FDS), the first `max` of them, now ours and closed by exec; returns how
 * many there are, which may be more. Once: later calls and programs started by us find none.
 */
size_t host_service_sockets(int *fds, size_t max);

#endif
