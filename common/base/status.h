/*
 * status.h - how every function of the tree reports failure, and the outcome words of every program.
 *
 * A function that can fail returns enum sl_status and is must-check (SL_MUST). Its outputs (parameters named ret_x) are
 * written only on SL_OK. "Not found" is never a failure: such a function returns SL_OK and a null or empty result.
 * The human detail of a failure goes into an optional struct sl_error (error.h).
 *
 * Programs end with an outcome: a word for people and JSON, and an exit code for scripts. One table for all programs.
 */
#ifndef SL_COMMON_BASE_STATUS_H
#define SL_COMMON_BASE_STATUS_H

#define SL_MUST __attribute__((warn_unused_result))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* word, exit code, meaning */
#define SL_OUTCOME_TABLE(X)                                                                                            \
    X(OK, "ok", 0, "found, applied, no findings, no difference")                                                       \
    X(NEGATIVE, "negative", 1, "asked properly, the answer is no")                                                     \
    X(USAGE, "usage", 2, "bad flag, argument or configuration file")                                                   \
    X(UNREACHABLE, "unreachable", 3, "no source could be asked to the end")                                            \
    X(UNTRUSTED, "untrusted", 4, "an answer failed verification or policy")                                            \
    X(DEGRADED, "degraded", 5, "a stale or lower-ranked answer (locator --strict)")                                  \
    X(DENIED, "denied", 6, "bind, read or write refused by the server")                                                \
    X(CONFLICT, "conflict", 7, "a rule forbids it")                                                                    \
    X(PARTIAL, "partial", 8, "some targets written, some not; safe to run again")                                      \
    X(INTERNAL, "internal", 70, "a defect of the program")

enum sl_outcome {
#define SL_OUTCOME_ENUM(name, word, code, text) SL_OUTCOME_##name,
    SL_OUTCOME_TABLE(SL_OUTCOME_ENUM)
#undef SL_OUTCOME_ENUM
        SL_OUTCOME_COUNT
};

/* status, the outcome a program ends with when nothing better is known, text */
#define SL_STATUS_TABLE(X)                                                                                             \
    X(OK, OK, "success")                                                                                               \
    X(NOMEM, INTERNAL, "out of memory")                                                                                \
    X(USAGE, USAGE, "bad argument or configuration")                                                                   \
    X(MALFORMED, NEGATIVE, "malformed input")                                                                          \
    X(LIMIT, CONFLICT, "a limit was reached")                                                                          \
    X(TIMEOUT, UNREACHABLE, "deadline passed")                                                                         \
    X(UNREACHABLE, UNREACHABLE, "peer could not be reached")                                                           \
    X(DENIED, DENIED, "refused")                                                                                       \
    X(UNTRUSTED, UNTRUSTED, "failed verification")                                                                     \
    X(CONFLICT, CONFLICT, "a rule forbids it")                                                                         \
    X(PARTIAL, PARTIAL, "done in part")                                                                                \
    X(UNSUPPORTED, NEGATIVE, "not supported by the peer")                                                              \
    X(IO, UNREACHABLE, "input or output failed")                                                                       \
    X(CORRUPT, CONFLICT, "stored data is damaged")                                                                     \
    X(FOREIGN, CONFLICT, "stored data is of another program or of a newer version")                                    \
    X(CANCELED, UNREACHABLE, "canceled")                                                                               \
    X(INTERNAL, INTERNAL, "internal error")

enum sl_status {
#define SL_STATUS_ENUM(name, outcome, text) SL_##name,
    SL_STATUS_TABLE(SL_STATUS_ENUM)
#undef SL_STATUS_ENUM
        SL_STATUS_COUNT
};

/* A constant English phrase for a status. */
const char *sl_status_text(enum sl_status status);
/* The outcome a failure of this status means when the caller knows nothing better. */
enum sl_outcome sl_status_outcome(enum sl_status status);
/* The word of an outcome, as in JSON ("negative"). */
const char *sl_outcome_word(enum sl_outcome outcome);
/* One line that explains an outcome, for help and manuals. */
const char *sl_outcome_text(enum sl_outcome outcome);
/* The process exit code of an outcome. */
int sl_outcome_exit(enum sl_outcome outcome);
/* Parses an outcome word; returns SL_OUTCOME_COUNT when the word is unknown. */
enum sl_outcome sl_outcome_parse(const char *word);

#endif
