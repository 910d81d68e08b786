#include "site/cli/policy.h"

#include "common/cli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum sl_outcome sctl_policy_import(struct cli_call *call, const char *control, int64_t timeout_ms)
{
    struct cli_remote_extra extra = {.fd = open(call->args[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (extra.fd < 0)
        return cli_usage(call, "%s: %s", call->args[0], strerror(errno));
    enum sl_outcome outcome = cli_remote_with(call, control, timeout_ms, &extra);
    close(extra.fd);
    return outcome;
}
