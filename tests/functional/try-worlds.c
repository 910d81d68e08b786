/*
 * try-worlds.c - runs many lookups through the public library, for tests that compare them with a model.
 *
 * Each line of standard input is one lookup, "key=value" separated by tabs; the first is its number:
 *
 *     n=17  verb=mp  subject=PS1  profile=cb  timeout=2000  strict=1  source=ldif:/tmp/a  source=wins://127.0.0.1:1037
 *
 * Each line of standard output is one result: number, outcome, reason, source, site, mp, address, resident site, assigned by,
 * trust, number of warnings, rules of the last step and milliseconds, separated by tabs, "-" for what is not there. Lookups run
 * in several threads, so results come in any order.
 */
#include "common/base/clock.h"
#include "common/base/text.h"

#include <locator/locator.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_OCTETS = 16384, THREADS = 8, WORDS_MAX = 64 };

struct shared {
    pthread_mutex_t in, out;
};

static const struct {
    const char *key;
    enum locator_option option;
} texts[] = {{"profile", LOCATOR_PROFILE},       {"ad-site", LOCATOR_CLIENT_AD_SITE}, {"forest", LOCATOR_CLIENT_FOREST},
             {"version", LOCATOR_CLIENT_VERSION}, {"type", LOCATOR_CLIENT_TYPE}},
  numbers[] = {{"timeout", LOCATOR_TIMEOUT_MS}, {"strict", LOCATOR_STRICT},   {"sequential", LOCATOR_SEQUENTIAL},
               {"no-schema", LOCATOR_NO_SCHEMA}, {"roaming", LOCATOR_ROAMING}, {"now", LOCATOR_NOW_S}};

/* Applies one "key=value"; false when the library refuses it. */
static bool set(struct locator *l, const char *key, const char *value)
{
    int64_t number;
    if (!strcmp(key, "source"))
        return !locator_add_source(l, value);
    if (!strcmp(key, "client"))
        return !locator_add_client_address(l, value);
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        if (!strcmp(texts[i].key, key))
            return !locator_set_text(l, texts[i].option, value);
    for (size_t i = 0; i < SL_COUNT(numbers); i++)
        if (!strcmp(numbers[i].key, key))
            return sl_parse_i64(value, 0, INT64_MAX, &number) && !locator_set_number(l, numbers[i].option, number);
    return false;
}

static const char *or_dash(const char *text)
{
    return text && text[0] ? text : "-";
}

static void print(struct shared *s, const char *number, const struct locator_result *r, int64_t ms)
{
    static const enum locator_field fields[] = {LOCATOR_SOURCE,        LOCATOR_SITE,        LOCATOR_MP,   LOCATOR_ADDRESS,
                                                LOCATOR_RESIDENT_SITE, LOCATOR_ASSIGNED_BY, LOCATOR_TRUST};
    size_t steps = locator_step_count(r);
    (void)pthread_mutex_lock(&s->out);
    (void)printf("%s\t%s\t%s", number, locator_outcome_word(locator_result_outcome(r)), or_dash(locator_result_reason(r)));
    for (size_t i = 0; i < SL_COUNT(fields); i++)
        (void)printf("\t%s", or_dash(locator_result_text(r, fields[i])));
    (void)printf("\t%zu\t%s\t%lld\n", locator_warning_count(r),
                 or_dash(steps ? locator_step_text(r, steps - 1, LOCATOR_STEP_RULE) : ""), (long long)ms);
    (void)pthread_mutex_unlock(&s->out);
}

/* Splits a line at its tabs into pairs; returns their number. */
static size_t split(char *line, char *keys[WORDS_MAX], char *values[WORDS_MAX])
{
    size_t count = 0;
    char *rest = line;
    for (char *word = strsep(&rest, "\t\n"); word && count < WORDS_MAX; word = strsep(&rest, "\t\n")) {
        char *equals = strchr(word, '=');
        if (!equals)
            continue;
        *equals = '\0';
        keys[count] = word;
        values[count++] = equals + 1;
    }
    return count;
}

static struct locator_result *ask(struct locator *l, const char *verb, const char *subject)
{
    if (!strcmp(verb, "site"))
        return locator_find_site(l, subject[0] ? subject : NULL);
    return !strcmp(verb, "name") ? locator_find_name(l, subject) : locator_find_mp(l, subject);
}

static void look_up(struct shared *s, char *line)
{
    char *keys[WORDS_MAX], *values[WORDS_MAX];
    const char *number = "?", *verb = "mp", *subject = "";
    struct locator *l = locator_new();
    size_t count = split(line, keys, values);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(keys[i], "n"))
            number = values[i];
        else if (!strcmp(keys[i], "verb"))
            verb = values[i];
        else if (!strcmp(keys[i], "subject"))
            subject = values[i];
        else if (!set(l, keys[i], values[i]))
            (void)fprintf(stderr, "%s: %s=%s: %s\n", number, keys[i], values[i], locator_error(l));
    }
    int64_t started_ms = sl_clock_mono_ms();
    struct locator_result *r = ask(l, verb, subject);
    print(s, number, r, sl_clock_mono_ms() - started_ms);
    locator_result_free(r);
    locator_free(l);
}

static void *work(void *arg)
{
    struct shared *s = arg;
    char line[LINE_MAX_OCTETS];
    for (;;) {
        (void)pthread_mutex_lock(&s->in);
        bool more = fgets(line, sizeof line, stdin) != NULL;
        (void)pthread_mutex_unlock(&s->in);
        if (!more)
            return NULL;
        look_up(s, line);
    }
}

int main(void)
{
    struct shared s = {.in = PTHREAD_MUTEX_INITIALIZER, .out = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];
    size_t count = 0;
    while (count < THREADS && pthread_create(&threads[count], NULL, work, &s) == 0)
        count++;
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    return count ? 0 : 1;
}
