/* Built without libconfuse: no configuration file can be read. */
#include "common/conf/conf.h"

enum sl_status conf_load(const char *path, const struct sl_option *rows, size_t count, void *values,
                         bool (*skip)(const char *option, void *ctx), void *ctx, struct sl_error *e)
{
    (void)rows;
    (void)count;
    (void)values;
    (void)skip;
    (void)ctx;
    return sl_fail(e, SL_UNSUPPORTED, "%s: built without libconfuse, so no configuration file can be read", path);
}

unsigned conf_line(const char *path, const char *name)
{
    (void)path;
    (void)name;
    return 0;
}

enum sl_status conf_wrong(const char *path, const char *name, struct sl_error *e, const char *fmt, va_list args)
{
    (void)path;
    (void)name;
    return sl_vfail(e, SL_USAGE, fmt, args);
}
