#include "wins-emu/ctl/stats.h"

#include "common/base/assert.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { CELLS_MAX = 64, CELL_TEXT_MAX = 64, RULES_TEXT_MAX = WINS_RULE_COUNT * 32 };

/* Columns and cells side by side. */
struct sheet {
    size_t count;
    char columns[CELLS_MAX][CELL_TEXT_MAX];
    char cells[CELLS_MAX][CELL_TEXT_MAX];
};

static void put(struct sheet *s, const char *name, uint64_t value)
{
    sl_assert(s->count < CELLS_MAX - 1);
    snprintf(s->columns[s->count], CELL_TEXT_MAX, "%s:number", name);
    snprintf(s->cells[s->count], CELL_TEXT_MAX, "%" PRIu64, value);
    s->count++;
}

static void put_engine(struct sheet *s, const struct eng_writer_state *state)
{
    put(s, "engine_packets", state->stats.packets);
    put(s, "engine_ignored", state->stats.ignored);
    put(s, "commits", state->stats.commits);
    put(s, "commit_failures", state->stats.commit_failures);
    put(s, "challenges", state->stats.challenges);
    put(s, "challenges_running", state->stats.challenges_running);
    put(s, "challenges_full", state->stats.challenges_full);
    put(s, "queue_peak", state->queue_peak);
    put(s, "scavenges", state->stats.scavenges);
    put(s, "scavenged_at_s", (uint64_t)state->stats.scavenged_s);
    put(s, "serving_since_s", (uint64_t)state->stats.serving_since_s);
}

/* "R08 12", one a line, those that never decided left out. */
static struct sl_text rules_text(const struct eng_counters *sum, const struct eng_writer_state *state)
{
    struct sl_text text = sl_text_new(RULES_TEXT_MAX);
    for (size_t i = WINS_RULE_NONE + 1; i < WINS_RULE_COUNT; i++) {
        uint64_t n = sum->rules[i] + state->stats.rules[i];
        if (n)
            sl_text_printf(&text, "%s%s %" PRIu64, text.len ? "\n" : "", wins_rule_id((enum wins_rule)i), n);
    }
    return text;
}

static void send_sheet(const struct sheet *s, const char *rules, struct host_reply *reply)
{
    const char *columns[CELLS_MAX], *cells[CELLS_MAX];
    for (size_t i = 0; i < s->count; i++) {
        columns[i] = s->columns[i];
        cells[i] = s->cells[i];
    }
    columns[s->count] = "rules:list";
    cells[s->count] = rules;
    host_reply_columns(reply, columns, s->count + 1, true);
    host_reply_row(reply, cells, s->count + 1);
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
}

void wctl_stats(const struct wctl_env *env, int64_t uptime_s, struct host_reply *reply)
{
    struct eng_counters sum;
    struct eng_writer_state state;
    env->counters(env->ctx, &sum);
    eng_writer_read(env->writer, &state);
    struct sheet s = {0};
    put(&s, "names", tbl_count(env->table));
    put(&s, "version", state.version);
    put(&s, "workers", env->workers);
    put(&s, "uptime_s", (uint64_t)uptime_s);
    for (size_t i = 0; i < ENG_COUNTER_COUNT; i++)
        put(&s, eng_counter_name((enum eng_counter)i), sum.counts[i]);
    put_engine(&s, &state);
    struct sl_text rules = rules_text(&sum, &state);
    send_sheet(&s, sl_text_str(&rules), reply);
    sl_text_fini(&rules);
}
