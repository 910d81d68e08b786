/*
 * key.h - "sitectl key export": the public half of a site's trusted root key as a file.
 */
#ifndef SL_SITE_CLI_KEY_H
#define SL_SITE_CLI_KEY_H

#include "common/cli/cli.h"

/* Asks the sited at `control` for the key and writes it to the file named by the call's argument. */
enum sl_outcome sctl_key_export(struct cli_call *call, const char *control, int64_t timeout_ms);

#endif
