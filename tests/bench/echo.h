/*
 * echo.h - the floor under any UDP server on this machine: recvmmsg, sendmmsg, nothing between.
 */
#ifndef SL_TESTS_BENCH_ECHO_H
#define SL_TESTS_BENCH_ECHO_H

#include "common/base/addr.h"

#include <sys/types.h>

/* Starts the echo as a process of one thread on a free port of 127.0.0.1; it dies with this program. */
pid_t echo_start(struct sl_endpoint *ret_endpoint);

#endif
