/*
 * thread.h - threads that a library may start: detached, and with every signal blocked, so that the handlers of the program run
 * in the program's own threads only.
 */
#ifndef SL_COMMON_BASE_THREAD_H
#define SL_COMMON_BASE_THREAD_H

#include <stdbool.h>

/* Starts `main(arg)` in such a thread; false when there can be no more threads. */
bool sl_thread_start(void *(*main)(void *arg), void *arg);

#endif
