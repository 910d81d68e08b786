/*
 * conf.h - configuration files through libconfuse, driven by the option table of the program.
 *
 * Every row of an option table that carries SL_OPT_IN_FILE may stand in the file as `name = value` (hyphens become
 * underscores, lists are {"a", "b"}, durations and words are strings). The command line wins over the file. An unknown
 * key, a wrong type, a value outside its bounds or an option that is set twice is SL_USAGE with "file:line: ..."; `name += value`
 * adds to a list.
 */
#ifndef SL_COMMON_CONF_CONF_H
#define SL_COMMON_CONF_CONF_H

#include "common/base/option.h"

#include <stdarg.h>

/*
 * Reads `path` into `values`, leaving alone the options for which `skip` says true (given on the command line).
 * `skip` may be NULL. SL_UNSUPPORTED in a build without libconfuse, which has no daemons.
 */
enum sl_status conf_load(const char *path, const struct sl_option *rows, size_t count, void *values,
                         bool (*skip)(const char *option, void *ctx), void *ctx, struct sl_error *e) SL_MUST;

/* The line, from 1, at which the option `name` is first set in a file that conf_load has taken; 0: not there, or `path` NULL. */
unsigned conf_line(const char *path, const char *name);
/* SL_USAGE with a text for a mistake that shows only when options are looked at together, led by "file:line: " if it can be. */
enum sl_status conf_wrong(const char *path, const char *name, struct sl_error *e, const char *fmt, va_list args) SL_MUST
    SL_PRINTF(4, 0);

#endif
