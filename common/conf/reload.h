/*
 * reload.h - reading the configuration file again while a daemon serves.
 *
 * Options with SL_OPT_LIVE are taken over, all or none; of the others that differ the log says that they need a restart. What was
 * given on the command line stays.
 */
#ifndef SL_COMMON_CONF_RELOAD_H
#define SL_COMMON_CONF_RELOAD_H

#include "common/base/option.h"

/* The option table of a program, and its values as they are. */
struct conf_program {
    const struct sl_option *rows;
    size_t count;
    void *values;
    size_t values_size;
    bool (*is_given)(const char *option, void *ctx); /* on the command line */
    void *given_ctx;
};

/* Makes the daemon work with the values, which have changed. A failure must leave it as it was. */
typedef enum sl_status conf_apply_fn(void *ctx, struct sl_error *e);

/*
 * Reads the file at `path` (NULL: there is none), exchanges the values and calls `apply`; after a failure the values are what
 * they were. Logs `reloaded` with what is taken over and what needs a restart, a warning then, or `reload-failed`. On the thread
 * that owns the values.
 */
void conf_reload(const char *path, const struct conf_program *program, conf_apply_fn *apply, void *ctx);

#endif
