/*
 * policy.h - the verb `policy import` of sitectl.
 */
#ifndef SL_SITE_CLI_POLICY_H
#define SL_SITE_CLI_POLICY_H

#include "common/cli/cli.h"

/* Opens the file with the rights and the working directory of who asks, and sends it to the site server as it is. */
enum sl_outcome sctl_policy_import(struct cli_call *call, const char *control, int64_t timeout_ms);

#endif
