#include "common/conf/reload.h"

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/conf/conf.h"

#include <stdlib.h>

enum { NAMES_TEXT_MAX = 4096 };

static bool differs(const struct conf_program *p, const struct sl_option *row, const void *fresh)
{
    return (row->flags & SL_OPT_IN_FILE) && !p->is_given(row->name, p->given_ctx) && !sl_option_equal(row, fresh, p->values);
}

static void add_name(struct sl_text *names, const struct sl_option *row)
{
    sl_text_printf(names, "%s%s", names->len ? "," : "", row->name);
}

/* Exchanges the live rows that differ, and names them; those that are not live are named only. */
static void exchange(const struct conf_program *p, void *fresh, bool *exchanged, struct sl_text *changed, struct sl_text *restart)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct sl_option *row = &p->rows[i];
        bool is_other = differs(p, row, fresh);
        exchanged[i] = is_other && (row->flags & SL_OPT_LIVE);
        if (is_other)
            add_name(row->flags & SL_OPT_LIVE ? changed : restart, row);
        if (exchanged[i])
            sl_option_swap(row, p->values, fresh);
    }
}

static void undo(const struct conf_program *p, void *fresh, const bool *exchanged)
{
    for (size_t i = 0; i < p->count; i++)
        if (exchanged[i])
            sl_option_swap(&p->rows[i], p->values, fresh);
}

static enum sl_status take_over(const struct conf_program *p, conf_apply_fn *apply, void *ctx, void *fresh, struct sl_error *e)
{
    bool *exchanged = sl_new_array(p->count + 1, sizeof *exchanged);
    struct sl_text changed = sl_text_new(NAMES_TEXT_MAX), restart = sl_text_new(NAMES_TEXT_MAX);
    exchange(p, fresh, exchanged, &changed, &restart);
    enum sl_status status = apply(ctx, e);
    if (status != SL_OK)
        undo(p, fresh, exchanged);
    else
        sl_log(restart.len ? SL_LOG_WARNING : SL_LOG_INFO, "reloaded", "options=%s needs-restart=%s",
               changed.len ? sl_text_str(&changed) : "-", restart.len ? sl_text_str(&restart) : "-");
    sl_text_fini(&changed);
    sl_text_fini(&restart);
    free(exchanged);
    return status;
}

void conf_reload(const char *path, const struct conf_program *p, conf_apply_fn *apply, void *ctx)
{
    void *fresh = sl_new(p->values_size);
    struct sl_error e = {0};
    enum sl_status status = SL_OK;
    sl_options_init(p->rows, p->count, fresh);
    if (path)
        status = conf_load(path, p->rows, p->count, fresh, p->is_given, p->given_ctx, &e);
    if (status == SL_OK)
        status = take_over(p, apply, ctx, fresh, &e);
    if (status != SL_OK)
        sl_log(SL_LOG_ERROR, "reload-failed", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    sl_options_fini(p->rows, p->count, fresh);
    free(fresh);
}
