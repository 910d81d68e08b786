/*
 * service.h - talking to the service manager (sd_notify when built with libsystemd and started by it, else nothing).
 */
#ifndef SL_COMMON_HOST_SERVICE_H
#define SL_COMMON_HOST_SERVICE_H

/* "READY=1" with a status line for people. */
void host_service_ready(const char *status);
/* "STOPPING=1". */
void host_service_stopping(void);

#endif
