#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum sl_log_level log_level = SL_LOG_INFO; /* global: atomic, set by the main thread */

static uint64_t lost_lines; /* global: atomic, lines that there was no room for */

static const struct {
    const char *word, *priority;
} level_rows[] = {
#define LEVEL_ROW(name, word, priority) {word, priority},
    SL_LOG_LEVEL_TABLE(LEVEL_ROW)
#undef LEVEL_ROW
};

void sl_log_set_level(enum sl_log_level max)
{
    __atomic_store_n(&log_level, max, __ATOMIC_RELAXED);
}

const char *sl_log_journal_prefix(enum sl_log_level level)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat own;
    if (!stream || fstat(STDERR_FILENO, &own) != 0)
        return "";
    char text[48];
    snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)own.st_dev, (uintmax_t)own.st_ino);
    return strcmp(stream, text) == 0 ? level_rows[level].priority : "";
}

static int prefix(char *out, size_t size, enum sl_log_level level)
{
    const char *journal = sl_log_journal_prefix(level);
    if (journal[0])
        return snprintf(out, size, "%s", journal);
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    return snprintf(out, size, "%s.%03ldZ %s ", stamp, now.tv_nsec / 1000000, level_rows[level].word);
}

static void SL_PRINTF(3, 0) put_line(enum sl_log_level level, const char *event, const char *fmt, va_list args)
{
    char line[4096];
    size_t room = sizeof line - 1, used = (size_t)prefix(line, room, level);
    used += (size_t)snprintf(line + used, room - used, "%s%s", event, fmt[0] ? " " : "");
    int len = vsnprintf(line + used, room - used, fmt, args);
    used = len < 0 ? used : used + (size_t)len < room ? used + (size_t)len : room - 1;
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0)
        return; /* nowhere left to complain */
}

/* A pipe that nobody reads must not stop the thread that answers registrations. */
static bool has_room(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) != 0;
}

static void SL_PRINTF(3, 4) tell(enum sl_log_level level, const char *event, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    put_line(level, event, fmt, args);
    va_end(args);
}

void sl_log(enum sl_log_level level, const char *event, const char *fmt, ...)
{
    if (level > __atomic_load_n(&log_level, __ATOMIC_RELAXED))
        return;
    if (!has_room()) {
        __atomic_fetch_add(&lost_lines, 1, __ATOMIC_RELAXED);
        return;
    }
    uint64_t lost = __atomic_exchange_n(&lost_lines, 0, __ATOMIC_RELAXED);
    if (lost)
        tell(SL_LOG_WARNING, "log-lost", "lines=%" PRIu64, lost);
    va_list args;
    va_start(args, fmt);
    put_line(level, event, fmt, args);
    va_end(args);
}

const char *sl_log_quote(struct sl_log_value *buf, const char *text)
{
    if (!text)
        text = "";
    char escaped[SL_LOG_VALUE_MAX - 2];
    sl_text_escape(escaped, sizeof escaped, text, strlen(text));
    bool bare = escaped[0] && !strpbrk(escaped, " \"=\\");
    char *out = buf->text, *end = buf->text + sizeof buf->text - 2;
    if (!bare)
        *out++ = '"';
    for (const char *p = escaped; *p && out < end - 1; p++) {
        if (*p == '"')
            *out++ = '\\';
        *out++ = *p;
    }
    if (!bare)
        *out++ = '"';
    *out = '\0';
    return buf->text;
}

bool sl_log_allowed(struct sl_log_limit *limit, uint64_t *ret_left_out)
{
    int64_t now_s = sl_clock_mono_ms() / 1000;
    int64_t second = __atomic_load_n(&limit->second, __ATOMIC_RELAXED);
    if (second != now_s && __atomic_compare_exchange_n(&limit->second, &second, now_s, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        __atomic_store_n(&limit->lines, 0, __ATOMIC_RELAXED);
    if (__atomic_fetch_add(&limit->lines, 1, __ATOMIC_RELAXED) < limit->lines_per_s) {
        *ret_left_out = __atomic_exchange_n(&limit->left_out, 0, __ATOMIC_RELAXED);
        return true;
    }
    __atomic_fetch_add(&limit->left_out, 1, __ATOMIC_RELAXED);
    return false;
}
