#include "wins-emu/ctl/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    DOUBTS_MAX = 128,
    STEP = 128,
    PROBLEMS_TEXT_MAX = 64 << 10,
    PROBLEM_TEXT_MAX = NB_NAME_TEXT_MAX + 128,
    NUMBER_TEXT_MAX = 24,
};

/* Names that differ at first sight, and what the writer's thread says of them. */
struct check {
    struct wctl_change *change;
    struct wst *reader;
    uint64_t highest; /* version id of our own records that was not held against the counter yet */
    size_t doubt_count;
    struct nb_name doubts[DOUBTS_MAX];
    size_t found_count; /* of a step through the table */
    struct nb_name found[STEP];
    enum sl_status status;
    struct sl_error error;
    pthread_mutex_t lock; /* guards `answered` */
    pthread_cond_t answer;
    bool answered;
};

/* One that does not fit any more is counted, and so are all behind it. */
static void note_problem(void *ctx, const char *problem)
{
    struct wctl_change *c = ctx;
    sl_text_printf(&c->problems, "%s\n", problem);
    c->more_problems += sl_text_failed(&c->problems);
}

/* ---- doubts: settled on the writer's thread ---- */

static void settle(struct check *k, struct eng *eng)
{
    char problem[PROBLEM_TEXT_MAX];
    for (size_t i = 0; i < k->doubt_count && k->status == SL_OK; i++) {
        bool same = true;
        k->status = eng_compare(eng, &k->doubts[i], &same, &k->error);
        if (k->status == SL_OK && !same) {
            snprintf(problem, sizeof problem, "%s differs between table and database", nb_name_text(&k->doubts[i]).text);
            note_problem(k->change, problem);
        }
    }
    if (eng_version(eng) < k->highest) {
        snprintf(problem, sizeof problem, "the version counter is %" PRIu64 ", a record has %" PRIu64, eng_version(eng),
                 k->highest);
        note_problem(k->change, problem);
    }
    k->highest = 0;
    k->doubt_count = 0;
}

static void settle_call(void *ctx, struct eng *eng, struct eng_now now)
{
    (void)now;
    struct check *k = ctx;
    settle(k, eng);
    pthread_mutex_lock(&k->lock);
    k->answered = true;
    pthread_cond_signal(&k->answer);
    pthread_mutex_unlock(&k->lock);
}

static void ask_writer(struct check *k)
{
    if (k->status != SL_OK)
        return;
    k->answered = false;
    struct sl_error e;
    enum sl_status status = eng_writer_call(k->change->env->writer, settle_call, k, &e); /* from now on *k is the writer's */
    if (status != SL_OK) {
        k->status = status;
        k->error = e;
        return;
    }
    pthread_mutex_lock(&k->lock);
    while (!k->answered)
        pthread_cond_wait(&k->answer, &k->lock);
    pthread_mutex_unlock(&k->lock);
}

static void doubt(struct check *k, const struct nb_name *name)
{
    k->doubts[k->doubt_count++] = *name;
    if (k->doubt_count == DOUBTS_MAX)
        ask_writer(k);
    if (k->status != SL_OK)
        k->doubt_count = 0;
}

/* ---- both ways ---- */

static void on_stored(const struct wins_record *record, void *ctx)
{
    struct check *k = ctx;
    struct wins_record shown;
    tbl_read_lock();
    const struct tbl_entry *entry = tbl_find(k->change->env->table, &record->name);
    if (entry)
        tbl_unpack(entry, &shown);
    tbl_read_unlock();
    k->change->checked++;
    if (record->owner == k->change->env->rules->self && record->version > k->highest)
        k->highest = record->version;
    if (!entry || !wins_record_equal(record, &shown))
        doubt(k, &record->name);
}

static void on_entry(const struct tbl_entry *entry, void *ctx)
{
    struct check *k = ctx;
    struct wins_record record;
    tbl_unpack(entry, &record);
    k->found[k->found_count++] = record.name;
}

/* Names that only the table has. */
static void check_table(struct check *k)
{
    uint64_t cursor = 0;
    for (bool more = true; more && k->status == SL_OK;) {
        k->found_count = 0;
        more = tbl_walk(k->change->env->table, &cursor, STEP, on_entry, k);
        for (size_t i = 0; i < k->found_count && k->status == SL_OK; i++) {
            struct wins_record record;
            bool found = true;
            k->status = wst_find(k->reader, &k->found[i], &record, &found, &k->error);
            if (!found)
                doubt(k, &k->found[i]);
        }
    }
}

static void check_all(struct check *k)
{
    k->status = wst_open_reader(k->change->env->db, k->change->env->rules->self, &k->reader, &k->error);
    if (k->status != SL_OK)
        return;
    k->status = wst_integrity(k->reader, note_problem, k->change, &k->error);
    if (k->status == SL_OK) {
        struct sl_error e;
        enum sl_status status = wst_load(k->reader, on_stored, k, &e);
        if (status != SL_OK && k->status == SL_OK)
            k->status = status, k->error = e;
    }
    check_table(k);
    ask_writer(k);
    wst_close(k->reader);
}

static void work(struct wctl_change *c)
{
    struct check k = {.change = c};
    pthread_mutex_init(&k.lock, NULL);
    pthread_cond_init(&k.answer, NULL);
    tbl_reader_enter();
    check_all(&k);
    tbl_reader_leave();
    pthread_cond_destroy(&k.answer);
    pthread_mutex_destroy(&k.lock);
    wctl_change_done(c, k.status, true, &k.error);
}

static void finish(struct wctl_change *c)
{
    static const char *const columns[] = {"names:number", "problems:list", "more:number"};
    char names[NUMBER_TEXT_MAX], left_out[NUMBER_TEXT_MAX];
    if (c->problems.len)
        c->problems.data[--c->problems.len] = '\0'; /* the last end of line */
    snprintf(names, sizeof names, "%" PRIu64, c->checked);
    snprintf(left_out, sizeof left_out, "%" PRIu64, c->more_problems);
    const char *const cells[] = {names, sl_text_str(&c->problems), left_out};
    bool good = c->problems.len == 0;
    host_reply_columns(c->reply, columns, SL_COUNT(columns), true);
    host_reply_row(c->reply, cells, SL_COUNT(cells));
    host_reply_end(c->reply, good ? SL_OUTCOME_OK : SL_OUTCOME_CONFLICT, good ? NULL : "damaged", NULL);
}

void wctl_check(const struct wctl_env *env, struct wctl_changes *changes, struct host_reply *reply)
{
    struct wctl_change *c = wctl_change_new(changes, "check", NULL, reply, finish);
    c->env = env;
    c->problems = sl_text_new(PROBLEMS_TEXT_MAX);
    wctl_change_work(c, work);
}
