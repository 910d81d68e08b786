#include "common/base/status.h"

#include "common/base/assert.h"

#include <string.h>

static const struct {
    const char *text;
    enum sl_outcome outcome;
} status_rows[] = {
#define SL_STATUS_ROW(name, out, phrase) [SL_##name] = {.text = phrase, .outcome = SL_OUTCOME_##out},
    SL_STATUS_TABLE(SL_STATUS_ROW)
#undef SL_STATUS_ROW
};

static const struct {
    const char *word;
    const char *text;
    int exit_code;
} outcome_rows[] = {
#define SL_OUTCOME_ROW(name, w, code, phrase) [SL_OUTCOME_##name] = {.word = w, .text = phrase, .exit_code = code},
    SL_OUTCOME_TABLE(SL_OUTCOME_ROW)
#undef SL_OUTCOME_ROW
};

const char *sl_status_text(enum sl_status status)
{
    sl_assert(status < SL_STATUS_COUNT);
    return status_rows[status].text;
}

enum sl_outcome sl_status_outcome(enum sl_status status)
{
    sl_assert(status < SL_STATUS_COUNT);
    return status_rows[status].outcome;
}

const char *sl_outcome_word(enum sl_outcome outcome)
{
    sl_assert(outcome < SL_OUTCOME_COUNT);
    return outcome_rows[outcome].word;
}

const char *sl_outcome_text(enum sl_outcome outcome)
{
    sl_assert(outcome < SL_OUTCOME_COUNT);
    return outcome_rows[outcome].text;
}

int sl_outcome_exit(enum sl_outcome outcome)
{
    sl_assert(outcome < SL_OUTCOME_COUNT);
    return outcome_rows[outcome].exit_code;
}

enum sl_outcome sl_outcome_parse(const char *word)
{
    enum sl_outcome outcome = 0;
    while (outcome < SL_OUTCOME_COUNT && strcmp(outcome_rows[outcome].word, word) != 0)
        outcome++;
    return outcome;
}
