/*
 * run.h - runs a program without a shell, gives it text and takes what it says.
 */
#ifndef SL_COMMON_HOST_RUN_H
#define SL_COMMON_HOST_RUN_H

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/text.h"

/*
 * Runs argv[0], looked for in PATH, with our environment. `input` is its standard input; what it writes to standard output and
 * standard error until it ends is appended to `output` as far as that has room, the rest dropped. *ret_code is its exit code, 128
 * and more for a signal. Past the deadline it is killed with all that it has started: SL_TIMEOUT. SL_UNSUPPORTED when there is no
 * such program. Blocks; any thread.
 */
enum sl_status host_run(const char *const *argv, const char *input, struct sl_deadline deadline, struct sl_text *output,
                        int *ret_code, struct sl_error *e) SL_MUST;

#endif
