#include "common/base/option.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 256 };

static void *value_of(const struct sl_option *row, void *values)
{
    return (char *)values + row->offset;
}

void sl_strings_add(struct sl_strings *list, const char *item)
{
    list->items = sl_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = sl_strdup(item);
}

void sl_strings_fini(struct sl_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct sl_strings){0};
}

static const size_t sizes[] = {
    [SL_OPT_FLAG] = sizeof(bool),   [SL_OPT_STRING] = sizeof(char *),      [SL_OPT_STRINGS] = sizeof(struct sl_strings),
    [SL_OPT_INT] = sizeof(int64_t), [SL_OPT_DURATION] = sizeof(int64_t), [SL_OPT_WORD] = sizeof(int),
};

void sl_options_init(const struct sl_option *rows, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++) {
        memset(value_of(&rows[i], values), 0, sizes[rows[i].type]);
        if (rows[i].fallback)
            sl_assert(sl_option_set(&rows[i], values, rows[i].fallback, NULL) == SL_OK);
        if (rows[i].type == SL_OPT_STRINGS)
            ((struct sl_strings *)value_of(&rows[i], values))->by_default = rows[i].fallback != NULL;
    }
}

void sl_options_fini(const struct sl_option *rows, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type == SL_OPT_STRINGS)
            sl_strings_fini(value_of(&rows[i], values));
        if (rows[i].type == SL_OPT_STRING) {
            char **text = value_of(&rows[i], values);
            free(*text);
            *text = NULL;
        }
    }
}

void sl_option_words(struct sl_text *out, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        sl_text_printf(out, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

static enum sl_status set_word(const struct sl_option *row, int *value, const char *text, struct sl_error *e)
{
    for (int i = 0; row->words[i]; i++)
        if (strcmp(row->words[i], text) == 0) {
            *value = i;
            return SL_OK;
        }
    struct sl_text words = sl_text_new(WORDS_MAX);
    sl_option_words(&words, row->words);
    enum sl_status status = sl_fail(e, SL_USAGE, "%s: \"%s\" is not %s", row->name, text, sl_text_str(&words));
    sl_text_fini(&words);
    return status;
}

static enum sl_status set_number(const struct sl_option *row, int64_t *value, const char *text, struct sl_error *e)
{
    int64_t number;
    bool duration = row->type == SL_OPT_DURATION;
    bool parsed = duration ? sl_parse_duration_ms(text, &number) : sl_parse_i64(text, INT64_MIN, INT64_MAX, &number);
    if (!parsed)
        return sl_fail(e, SL_USAGE, "%s: \"%s\" is not a %s", row->name, text, duration ? "duration" : "number");
    if ((row->min || row->max) && (number < row->min || number > row->max))
        return sl_fail(e, SL_USAGE, "%s: %s is outside %" PRId64 " to %" PRId64 "%s", row->name, text, row->min, row->max,
                       duration ? " ms" : "");
    *value = number;
    return SL_OK;
}

static void set_string(char **value, const char *text)
{
    free(*value);
    *value = sl_strdup(text);
}

enum sl_status sl_option_set(const struct sl_option *row, void *values, const char *text, struct sl_error *e)
{
    void *value = value_of(row, values);
    enum sl_status status = row->check ? row->check(text, e) : SL_OK;
    if (status != SL_OK)
        return sl_fail_in(e, status, "%s", row->name);
    switch (row->type) {
    case SL_OPT_FLAG:
        *(bool *)value = true;
        return SL_OK;
    case SL_OPT_STRING:
        set_string(value, text);
        return SL_OK;
    case SL_OPT_STRINGS: {
        struct sl_strings *list = value;
        if (list->by_default)
            sl_strings_fini(list);
        sl_strings_add(list, text);
        return SL_OK;
    }
    case SL_OPT_INT:
    case SL_OPT_DURATION:
        return set_number(row, value, text, e);
    case SL_OPT_WORD:
        return set_word(row, value, text, e);
    }
    sl_assert_failed(__FILE__, __LINE__, "unknown type of option");
}

void sl_option_swap(const struct sl_option *row, void *a, void *b)
{
    union {
        struct sl_strings list;
        int64_t number;
        char *text;
    } kept;
    memcpy(&kept, value_of(row, a), sizes[row->type]);
    memcpy(value_of(row, a), value_of(row, b), sizes[row->type]);
    memcpy(value_of(row, b), &kept, sizes[row->type]);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool sl_option_equal(const struct sl_option *row, const void *a, const void *b)
{
    const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
    if (row->type == SL_OPT_STRING)
        return same_text(*(char *const *)x, *(char *const *)y);
    if (row->type != SL_OPT_STRINGS)
        return memcmp(x, y, sizes[row->type]) == 0;
    const struct sl_strings *p = x, *q = y;
    bool same = p->count == q->count;
    for (size_t i = 0; same && i < p->count; i++)
        same = same_text(p->items[i], q->items[i]);
    return same;
}
