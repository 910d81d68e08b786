#include "wins-emu/daemon/reload.h"

#include "common/conf/reload.h"

struct taking {
    const struct cli_call *call;
    struct winsd_settings *settings;
    winsd_apply_fn *apply;
    void *ctx;
};

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

static enum sl_status take(void *ctx, struct sl_error *e)
{
    struct taking *t = ctx;
    struct winsd_settings now = *t->settings;
    enum sl_status status = winsd_settings_again(t->call, &now, e);
    if (status == SL_OK)
        status = t->apply(t->ctx, &now, e);
    if (status == SL_OK)
        *t->settings = now;
    return status;
}

void winsd_reload(const struct cli_call *call, struct winsd_settings *settings, winsd_apply_fn *apply, void *ctx)
{
    const struct winsd_values *running = call->values;
    const struct conf_program program = {.rows = winsd_options, .count = WINSD_OPTION_COUNT, .values = call->values,
                                         .values_size = sizeof *running, .is_given = is_given,
                                         .given_ctx = (void *)(uintptr_t)call};
    struct taking taking = {call, settings, apply, ctx};
    conf_reload(running->config, &program, take, &taking);
}
