#include "wins-emu/engine/scavenger.h"

#include "common/base/assert.h"

enum { WALK_STEP = 64, WALK_SLICE = 4096, MS_PER_S = 1000 };

void eng_scavenger_init(struct eng_scavenger *s, int64_t period_s, const struct wst_times *times)
{
    s->period_s = period_s;
    s->times = *times;
}

void eng_scavenger_reload(struct eng_scavenger *s, struct eng_now now, int64_t period_s)
{
    if (s->period_s != period_s && !s->running)
        s->due_ms = now.mono_ms;
    s->period_s = period_s;
}

void eng_scavenger_begin(struct eng_scavenger *s, struct eng_now now)
{
    s->running = true;
    s->cursor = 0;
    s->began_s = now.real_s;
    s->due_ms = now.mono_ms;
    s->status = SL_OK;
    s->result = (struct eng_scavenged){0};
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * Seconds until the next pass. After an outage or a jump of the clock the holders first get the time in which a client turns
 * to a server that was dead (wins.md 1.6: every ten minutes), and a wrong clock gets the time to be put right.
 */
static int64_t left_s_until_pass(const struct eng_scavenger *s, struct eng_now now)
{
    int64_t settle_s = s->period_s < ENG_SETTLE_S ? s->period_s : ENG_SETTLE_S;
    return later(s->times.scavenged_s + s->period_s, s->times.serving_since_s + settle_s) - now.real_s;
}

/* The monotonic time of the next look: the next pass, and at least a heartbeat. */
static int64_t next_look_ms(const struct eng_scavenger *s, struct eng_now now)
{
    int64_t left_s = left_s_until_pass(s, now);
    bool soon = s->period_s && left_s < ENG_HEARTBEAT_MS / MS_PER_S;
    return now.mono_ms + (!soon ? ENG_HEARTBEAT_MS : left_s > 0 ? left_s * MS_PER_S : 0);
}

void eng_scavenger_look(struct eng_scavenger *s, struct eng_now now)
{
    int64_t gap_s = now.real_s - s->times.alive_s;
    if (gap_s < 0 || gap_s > ENG_OUTAGE_MAX_S)
        s->times.serving_since_s = now.real_s;
    s->times.alive_s = now.real_s;
    if (s->times.scavenged_s > now.real_s)
        s->times.scavenged_s = now.real_s;
    s->times_changed = true;
    if (s->period_s && left_s_until_pass(s, now) <= 0)
        eng_scavenger_begin(s, now);
    else
        s->due_ms = next_look_ms(s, now);
}

struct walk {
    struct eng_scavenger *s;
    const struct wins_config *config;
    int64_t now_s;
};

static void on_entry(const struct tbl_entry *entry, void *ctx)
{
    const struct walk *walk = ctx;
    struct wins_record record;
    struct wins_decision d;
    tbl_unpack(entry, &record);
    wins_scavenge(&record, walk->s->times.serving_since_s, walk->config, walk->now_s, &d);
    if (d.rule == WINS_RULE_NONE)
        return;
    sl_assert(walk->s->due_count < ENG_SLICE_CHANGES);
    walk->s->due[walk->s->due_count++] = entry;
}

bool eng_scavenger_walk(struct eng_scavenger *s, const struct tbl *table, const struct wins_config *config, struct eng_now now)
{
    struct walk walk = {s, config, now.real_s};
    bool more = true;
    s->due_count = 0;
    for (size_t seen = 0; more && seen < WALK_SLICE && s->due_count + WALK_STEP <= ENG_SLICE_CHANGES; seen += WALK_STEP)
        more = tbl_walk(table, &s->cursor, WALK_STEP, on_entry, &walk);
    s->due_ms = now.mono_ms + ENG_SLICE_GAP_MS;
    return more;
}

void eng_scavenger_failed(struct eng_scavenger *s, enum sl_status status, const struct sl_error *why)
{
    if (s->status)
        return;
    s->status = status;
    s->why = *why;
}

void eng_scavenger_end(struct eng_scavenger *s, struct eng_now now)
{
    s->running = false;
    s->times.scavenged_s = s->began_s;
    s->times_changed = true;
    s->due_ms = next_look_ms(s, now);
}
