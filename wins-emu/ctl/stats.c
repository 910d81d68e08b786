#include "wins-emu/ctl/stats.h"

#include "common/base/assert.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBERS_MAX = 64, CELL_TEXT_MAX = 64, RULES_TEXT_MAX = WINS_RULE_COUNT * 32 };

enum kind { COUNTER, GAUGE };

/* The one list of what the daemon counts, for every way of showing it. */
struct sheet {
    size_t count;
    struct {
        const char *name, *help;
        enum kind kind;
        uint64_t value;
    } numbers[NUMBERS_MAX];
    uint64_t rules[WINS_RULE_COUNT];
};

static void put(struct sheet *s, const char *name, enum kind kind, const char *help, uint64_t value)
{
    sl_assert(s->count < NUMBERS_MAX);
    s->numbers[s->count].name = name;
    s->numbers[s->count].kind = kind;
    s->numbers[s->count].help = help;
    s->numbers[s->count++].value = value;
}

static void put_engine(struct sheet *s, const struct eng_writer_state *state)
{
    put(s, "engine_packets", COUNTER, "requests and answers to challenges that the engine took", state->stats.packets);
    put(s, "engine_ignored", COUNTER, "answers that match no challenge, broadcasts, other operations", state->stats.ignored);
    put(s, "commits", COUNTER, "batches on disk", state->stats.commits);
    put(s, "commit_failures", COUNTER, "batches that the disk did not take", state->stats.commit_failures);
    put(s, "challenges", COUNTER, "challenges started", state->stats.challenges);
    put(s, "challenges_running", GAUGE, "challenges under way", state->stats.challenges_running);
    put(s, "challenges_full", COUNTER, "requests refused since as many challenges as may were running",
        state->stats.challenges_full);
    put(s, "queue_peak", GAUGE, "most requests that waited at once", state->queue_peak);
    put(s, "scavenges", COUNTER, "passes of the scavenger begun", state->stats.scavenges);
    put(s, "scavenged_at_s", GAUGE, "when the last complete pass began, seconds since 1970", (uint64_t)state->stats.scavenged_s);
    put(s, "serving_since_s", GAUGE, "since when the server has been in service, seconds since 1970",
        (uint64_t)state->stats.serving_since_s);
}

static void fill(struct sheet *s, const struct wctl_env *env, int64_t uptime_s)
{
    struct eng_counters sum;
    struct eng_writer_state state;
    env->counters(env->ctx, &sum);
    eng_writer_read(env->writer, &state);
    s->count = 0;
    put(s, "names", GAUGE, "names in the registry, in every state", tbl_count(env->table));
    put(s, "names_max", GAUGE, "names beyond which no new one is registered, 0 for no bound", env->rules->names_max);
    put(s, "version", GAUGE, "last version id handed out", state.version);
    put(s, "workers", GAUGE, "threads that answer queries", env->workers);
    put(s, "uptime_s", GAUGE, "seconds since the start", (uint64_t)uptime_s);
    for (size_t i = 0; i < ENG_COUNTER_COUNT; i++)
        put(s, eng_counter_name((enum eng_counter)i), COUNTER, eng_counter_help((enum eng_counter)i), sum.counts[i]);
    put_engine(s, &state);
    for (size_t i = 0; i < WINS_RULE_COUNT; i++)
        s->rules[i] = sum.rules[i] + state.stats.rules[i];
}

/* ---- a record ---- */

/* "R08 12", one a line, those that never decided left out. */
static struct sl_text rules_text(const struct sheet *s)
{
    struct sl_text text = sl_text_new(RULES_TEXT_MAX);
    for (size_t i = WINS_RULE_NONE + 1; i < WINS_RULE_COUNT; i++) {
        if (s->rules[i])
            sl_text_printf(&text, "%s%s %" PRIu64, text.len ? "\n" : "", wins_rule_id((enum wins_rule)i), s->rules[i]);
    }
    return text;
}

void wctl_stats(const struct wctl_env *env, int64_t uptime_s, struct host_reply *reply)
{
    struct sheet s;
    char names[NUMBERS_MAX][CELL_TEXT_MAX], values[NUMBERS_MAX][CELL_TEXT_MAX];
    const char *columns[NUMBERS_MAX + 1], *cells[NUMBERS_MAX + 1];
    fill(&s, env, uptime_s);
    for (size_t i = 0; i < s.count; i++) {
        snprintf(names[i], CELL_TEXT_MAX, "%s:number", s.numbers[i].name);
        snprintf(values[i], CELL_TEXT_MAX, "%" PRIu64, s.numbers[i].value);
        columns[i] = names[i];
        cells[i] = values[i];
    }
    struct sl_text rules = rules_text(&s);
    columns[s.count] = "rules:list";
    cells[s.count] = sl_text_str(&rules);
    host_reply_columns(reply, columns, s.count + 1, true);
    host_reply_row(reply, cells, s.count + 1);
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    sl_text_fini(&rules);
}

/* ---- the text of a collector ---- */

static void put_head(struct sl_text *out, const char *name, enum kind kind, const char *help)
{
    const char *end = kind == COUNTER ? "_total" : "";
    sl_text_printf(out, "# HELP winsd_%s%s %s\n# TYPE winsd_%s%s %s\n", name, end, help, name, end,
                   kind == COUNTER ? "counter" : "gauge");
}

void wctl_stats_page(const struct wctl_env *env, int64_t uptime_s, struct sl_text *out)
{
    struct sheet s;
    fill(&s, env, uptime_s);
    for (size_t i = 0; i < s.count; i++) {
        put_head(out, s.numbers[i].name, s.numbers[i].kind, s.numbers[i].help);
        sl_text_printf(out, "winsd_%s%s %" PRIu64 "\n", s.numbers[i].name, s.numbers[i].kind == COUNTER ? "_total" : "",
                       s.numbers[i].value);
    }
    put_head(out, "decisions", COUNTER, "decisions by the id of the rule");
    for (size_t i = WINS_RULE_NONE + 1; i < WINS_RULE_COUNT; i++)
        sl_text_printf(out, "winsd_decisions_total{rule=\"%s\"} %" PRIu64 "\n", wins_rule_id((enum wins_rule)i), s.rules[i]);
}
