/*
 * log.h - one line per event, for daemons and tools. Library code never logs: it returns a status and an error text.
 *
 * A line is `event key=value key=value`; values with blanks, quotes or control characters are quoted and escaped, so a
 * line cannot be forged from the network. Lines go to standard error with a journal priority prefix when standard error
 * is the journal, else with a level word and a time. Any thread may log.
 *
 *     sl_log(SL_LOG_WARNING, "target-failed", "target=%s outcome=%s reason=%s", SL_LOG_TEXT(uri), "unreachable", ...);
 *
 * Text that came from outside goes through SL_LOG_TEXT, which quotes it.
 */
#ifndef SL_COMMON_BASE_LOG_H
#define SL_COMMON_BASE_LOG_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* name, word (of --log-level too), prefix of the journal (sd-daemon(3)); the graver ones first */
#define SL_LOG_LEVEL_TABLE(X)                                                                                          \
    X(ERROR, "error", "<3>")                                                                                           \
    X(WARNING, "warning", "<4>")                                                                                       \
    X(INFO, "info", "<6>")                                                                                             \
    X(DEBUG, "debug", "<7>")
#define SL_LOG_LEVEL_WORD(name, word, priority) word,

enum sl_log_level {
#define SL_LOG_LEVEL_ENUM(name, word, priority) SL_LOG_##name,
    SL_LOG_LEVEL_TABLE(SL_LOG_LEVEL_ENUM)
#undef SL_LOG_LEVEL_ENUM
};

enum { SL_LOG_VALUE_MAX = 512 };

struct sl_log_value {
    char text[SL_LOG_VALUE_MAX];
};

/* Lines above this level are dropped; the default is SL_LOG_INFO. */
void sl_log_set_level(enum sl_log_level max);
/*
 * Writes one line; `event` is a fixed word with hyphens, fmt gives the key=value pairs ("" for none). Never waits for a reader:
 * a line that there is no room for is lost, and "log-lost lines=N" goes before the next that is written.
 */
void sl_log(enum sl_log_level level, const char *event, const char *fmt, ...) SL_PRINTF(3, 4);
/*
 * What the journal takes for the level of a line that begins with it (sd-daemon(3)); "" when standard error is not the journal,
 * which JOURNAL_STREAM tells (systemd.exec(5)): a program started within a service may have another one.
 */
const char *sl_log_journal_prefix(enum sl_log_level level);
/* The quoted form of a foreign text, for the life of the enclosing block (used through SL_LOG_TEXT). */
const char *sl_log_quote(struct sl_log_value *buf, const char *text);

/* At most so many lines a second of one kind; set lines_per_s, leave the rest zero. Any thread may ask. */
struct sl_log_limit {
    uint64_t lines_per_s;
    int64_t second; /* that is being counted */
    uint64_t lines;
    uint64_t left_out; /* and not told yet */
};

/* True when one more line may be written now; gives how many were left out since the last one. */
bool sl_log_allowed(struct sl_log_limit *limit, uint64_t *ret_left_out);

#define SL_LOG_TEXT(text) sl_log_quote(&(struct sl_log_value){{0}}, text)

#endif
