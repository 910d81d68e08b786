/* A configuration file is read whole, or refused with its name and without a trace in the values; nothing is printed. */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "common/conf/conf.h"

#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char fuzz_corpus[] = "conf";

struct values {
    struct sl_strings listen;
    char *name;
    int64_t workers, wait_ms;
    int level;
    bool strict;
};

static const char *const levels[] = {"low", "high", NULL};
#define ROW(text, kind, field) \
    .name = (text), .type = SL_OPT_##kind, .offset = offsetof(struct values, field), .flags = SL_OPT_IN_FILE
static const struct sl_option rows[] = {
    {ROW("listen", STRINGS, listen)},
    {ROW("netbios-name", STRING, name)},
    {ROW("workers", INT, workers), .min = 1, .max = 64, .fallback = "2"},
    {ROW("wait", DURATION, wait_ms), .min = 1000, .max = 60000, .fallback = "5s"},
    {ROW("level", WORD, level), .words = levels},
    {ROW("strict", FLAG, strict)},
};

static void check(enum sl_status status, const struct values *v, const struct sl_error *e)
{
    sl_assert(v->workers >= 1 && v->workers <= 64 && v->wait_ms >= 1000 && v->wait_ms <= 60000);
    if (status == SL_OK)
        return;
    sl_assert(status == SL_USAGE && strncmp(sl_error_text(e), "/proc/self/fd/", strlen("/proc/self/fd/")) == 0);
    sl_assert(v->listen.count == 0 && !v->name && v->workers == 2 && v->wait_ms == 5000 && !v->strict);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    char path[64];
    int fd = memfd_create("conf", 0);
    sl_assert(fd >= 0 && write(fd, octets, len) == (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct values v;
    struct sl_error e = {0};
    sl_options_init(rows, SL_COUNT(rows), &v);
    fflush(stdout);
    check(conf_load(path, rows, SL_COUNT(rows), &v, NULL, NULL, &e), &v, &e);
    sl_assert(__fpending(stdout) == 0);
    sl_options_fini(rows, SL_COUNT(rows), &v);
    close(fd);
    return 0;
}
