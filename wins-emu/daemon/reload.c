#include "wins-emu/daemon/reload.h"

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/conf/conf.h"

enum { NAMES_TEXT_MAX = 4096 };

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

static bool differs(const struct cli_call *call, const struct sl_option *row, const struct winsd_values *fresh)
{
    return (row->flags & SL_OPT_IN_FILE) && !cli_given(call, row->name) && !sl_option_equal(row, fresh, call->values);
}

static void add_name(struct sl_text *names, const struct sl_option *row)
{
    sl_text_printf(names, "%s%s", names->len ? "," : "", row->name);
}

/* Exchanges the live rows that differ, and names them; those that are not live are named only. */
static void exchange(const struct cli_call *call, struct winsd_values *fresh, bool exchanged[WINSD_OPTION_COUNT],
                     struct sl_text *changed, struct sl_text *restart)
{
    for (size_t i = 0; i < WINSD_OPTION_COUNT; i++) {
        const struct sl_option *row = &winsd_options[i];
        exchanged[i] = differs(call, row, fresh) && (row->flags & SL_OPT_LIVE);
        if (differs(call, row, fresh))
            add_name(row->flags & SL_OPT_LIVE ? changed : restart, row);
        if (exchanged[i])
            sl_option_swap(row, call->values, fresh);
    }
}

static void undo(const struct cli_call *call, struct winsd_values *fresh, const bool exchanged[WINSD_OPTION_COUNT])
{
    for (size_t i = 0; i < WINSD_OPTION_COUNT; i++)
        if (exchanged[i])
            sl_option_swap(&winsd_options[i], call->values, fresh);
}

static enum sl_status take_over(const struct cli_call *call, struct winsd_settings *settings, winsd_apply_fn *apply, void *ctx,
                                struct winsd_values *fresh, struct sl_error *e)
{
    bool exchanged[WINSD_OPTION_COUNT];
    struct sl_text changed = sl_text_new(NAMES_TEXT_MAX), restart = sl_text_new(NAMES_TEXT_MAX);
    exchange(call, fresh, exchanged, &changed, &restart);
    struct winsd_settings now = *settings;
    enum sl_status status = winsd_settings_again(call, &now, e);
    if (status == SL_OK)
        status = apply(ctx, &now, e);
    if (status == SL_OK)
        *settings = now;
    else
        undo(call, fresh, exchanged);
    if (status == SL_OK && restart.len)
        sl_log(SL_LOG_WARNING, "needs-restart", "options=%s", sl_text_str(&restart));
    if (status == SL_OK)
        sl_log(SL_LOG_INFO, "reloaded", "options=%s", changed.len ? sl_text_str(&changed) : "-");
    sl_text_fini(&changed);
    sl_text_fini(&restart);
    return status;
}

void winsd_reload(const struct cli_call *call, struct winsd_settings *settings, winsd_apply_fn *apply, void *ctx)
{
    const struct winsd_values *running = call->values;
    struct winsd_values fresh = {0};
    struct sl_error e = {0};
    enum sl_status status = SL_OK;
    sl_options_init(winsd_options, WINSD_OPTION_COUNT, &fresh);
    if (running->config)
        status = conf_load(running->config, winsd_options, WINSD_OPTION_COUNT, &fresh, is_given, (void *)(uintptr_t)call, &e);
    if (status == SL_OK)
        status = take_over(call, settings, apply, ctx, &fresh, &e);
    if (status != SL_OK)
        sl_log(SL_LOG_ERROR, "reload-failed", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    sl_options_fini(winsd_options, WINSD_OPTION_COUNT, &fresh);
}
