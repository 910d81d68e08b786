/* Which answer wins, and that asking side by side keeps to the deadlines: fake sources, the real judge and the real threads. */
#include "tests/unit/unit.h"

#include "common/base/cancel.h"
#include "locator/resolve/ask.h"
#include "locator/resolve/judge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* ---- the judge: every row is what the sources say in order, and what must come out ------------------------------------ */

enum { PENDING = SRC_RESULT_COUNT, SUSPECT, NOBODY = -1, ROW_SOURCES = 3 };

#define DECIDED true
#define WAITING false

static const struct {
    const char *id;
    int says[ROW_SOURCES]; /* enum src_result, PENDING, SUSPECT, NOBODY */
    bool decided;
    enum sl_outcome outcome;
    size_t by;
    bool lower;
} rows[] = {
    {"J1 the first answer wins", {SRC_ANSWER, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 0, false},
    {"J1 at once", {SRC_ANSWER, PENDING, PENDING}, DECIDED, SL_OUTCOME_OK, 0, false},
    {"J1 not before its betters", {PENDING, SRC_ANSWER, NOBODY}, WAITING, SL_OUTCOME_USAGE, 0, false},
    {"J3 S1.19 schema, then registry", {SRC_NO_SCHEMA, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J3 nothing, then answer", {SRC_NOTHING, SRC_ANSWER, PENDING}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J3 J4 no, failed, then answer", {SRC_NOT_FOUND, SRC_FAILED, SRC_ANSWER}, DECIDED, SL_OUTCOME_OK, 2, true},
    {"J4 failed, then answer", {SRC_FAILED, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J4 unreadable, then answer", {SRC_UNREADABLE, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J2 S1.26 decides", {SRC_NO_DEFAULT, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 0, false},
    {"J2 at once", {SRC_NO_DEFAULT, PENDING, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 0, false},
    {"J2 after a failure", {SRC_FAILED, SRC_NO_DEFAULT, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 1, false},
    {"all no: the first reason", {SRC_NO_SCHEMA, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 0, false},
    {"all no", {SRC_NOTHING, SRC_NOT_FOUND, SRC_NOT_FOUND}, DECIDED, SL_OUTCOME_NEGATIVE, 0, false},
    {"a no waits for the rest", {SRC_NOT_FOUND, PENDING, NOBODY}, WAITING, SL_OUTCOME_USAGE, 0, false},
    {"no and failed: not known", {SRC_NO_SCHEMA, SRC_FAILED, NOBODY}, DECIDED, SL_OUTCOME_UNREACHABLE, 1, false},
    {"failed and no: not known", {SRC_FAILED, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_UNREACHABLE, 0, false},
    {"all failed", {SRC_FAILED, SRC_FAILED, NOBODY}, DECIDED, SL_OUTCOME_UNREACHABLE, 0, false},
    {"failed waits for the rest", {SRC_FAILED, PENDING, NOBODY}, WAITING, SL_OUTCOME_USAGE, 0, false},
    {"unreadable alone", {SRC_UNREADABLE, NOBODY, NOBODY}, DECIDED, SL_OUTCOME_DENIED, 0, false},
    {"unreadable and no", {SRC_UNREADABLE, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_DENIED, 0, false},
    {"unreadable, failed: the first", {SRC_UNREADABLE, SRC_FAILED, NOBODY}, DECIDED, SL_OUTCOME_DENIED, 0, false},
    {"failed, unreadable: the first", {SRC_FAILED, SRC_UNREADABLE, NOBODY}, DECIDED, SL_OUTCOME_UNREACHABLE, 0, false},
    {"bind refused", {SRC_REFUSED, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_DENIED, 0, false},
    {"certificate", {SRC_UNTRUSTED, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_UNTRUSTED, 0, false},
    {"no password file", {SRC_MISUSED, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_USAGE, 0, false},
    {"several naming contexts", {SRC_AMBIGUOUS, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_USAGE, 0, false},
    {"J6 does not count", {SRC_UNABLE, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, false},
    {"J6 does not hide a no", {SRC_UNABLE, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 1, false},
    {"J7 refused, then an answer", {SRC_REFUTED, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J7 refused waits for the rest", {SRC_REFUTED, PENDING, NOBODY}, WAITING, SL_OUTCOME_USAGE, 0, false},
    {"J7 refused alone", {SRC_REFUTED, NOBODY, NOBODY}, DECIDED, SL_OUTCOME_UNTRUSTED, 0, false},
    {"J7 refused and no", {SRC_NOT_FOUND, SRC_REFUTED, NOBODY}, DECIDED, SL_OUTCOME_UNTRUSTED, 1, false},
    {"J7 refused before failed", {SRC_FAILED, SRC_REFUTED, NOBODY}, DECIDED, SL_OUTCOME_UNTRUSTED, 1, false},
    {"J7 refused, then J2", {SRC_REFUTED, SRC_NO_DEFAULT, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 1, false},
    {"J7 J2 before refused", {SRC_NO_DEFAULT, SRC_REFUTED, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 0, false},
    {"J7 too little, refuted: the first", {SRC_TRUST_TOO_LOW, SRC_REFUTED, NOBODY}, DECIDED, SL_OUTCOME_UNTRUSTED, 0, false},
    {"J8 suspect, then an answer", {SUSPECT, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J8 suspect waits for the rest", {SUSPECT, PENDING, NOBODY}, WAITING, SL_OUTCOME_USAGE, 0, false},
    {"J8 suspect, no, then an answer", {SUSPECT, SRC_NOT_FOUND, SRC_ANSWER}, DECIDED, SL_OUTCOME_OK, 2, true},
    {"J8 a suspect below does not count", {SRC_ANSWER, SUSPECT, NOBODY}, DECIDED, SL_OUTCOME_OK, 0, false},
    {"J9 suspect alone", {SUSPECT, NOBODY, NOBODY}, DECIDED, SL_OUTCOME_OK, 0, false},
    {"J9 the first of several", {SUSPECT, SUSPECT, NOBODY}, DECIDED, SL_OUTCOME_OK, 0, false},
    {"J9 failed, suspect, no", {SRC_FAILED, SUSPECT, SRC_NOT_FOUND}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J9 suspect before refused", {SRC_REFUTED, SUSPECT, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J9 J2 is no other answer", {SUSPECT, SRC_NO_DEFAULT, SRC_ANSWER}, DECIDED, SL_OUTCOME_OK, 0, false},
    {"J9 J2 outranks a suspect", {SRC_NO_DEFAULT, SUSPECT, NOBODY}, DECIDED, SL_OUTCOME_NEGATIVE, 0, false},
    {"J4 proof not obtained, then an answer", {SRC_UNPROVED, SRC_ANSWER, NOBODY}, DECIDED, SL_OUTCOME_OK, 1, true},
    {"J4 proof not obtained", {SRC_UNPROVED, SRC_NOT_FOUND, NOBODY}, DECIDED, SL_OUTCOME_UNREACHABLE, 0, false},
    {"J6 nobody can tell", {SRC_UNABLE, SRC_UNABLE, NOBODY}, DECIDED, SL_OUTCOME_USAGE, 0, false},
    {"no source at all", {NOBODY, NOBODY, NOBODY}, DECIDED, SL_OUTCOME_USAGE, 0, false},
};

START_TEST(J1_to_J9_outcome_table)
{
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        static struct src_answer said[ROW_SOURCES];
        const struct src_answer *answers[ROW_SOURCES] = {NULL};
        size_t count = 0;
        for (; count < ROW_SOURCES && rows[i].says[count] != NOBODY; count++) {
            src_answer_init(&said[count]);
            said[count].result = rows[i].says[count] == SUSPECT ? SRC_ANSWER : (enum src_result)rows[i].says[count];
            said[count].suspect_until_s = rows[i].says[count] == SUSPECT;
            answers[count] = rows[i].says[count] == PENDING ? NULL : &said[count];
        }
        struct resolve_judgement j = resolve_judge(answers, count);
        ck_assert_msg(j.decided == rows[i].decided, "%s: decided %d", rows[i].id, j.decided);
        if (!j.decided)
            continue;
        ck_assert_msg(j.outcome == rows[i].outcome, "%s: outcome %s", rows[i].id, sl_outcome_word(j.outcome));
        ck_assert_msg(j.by == rows[i].by, "%s: by %zu", rows[i].id, j.by);
        ck_assert_msg(j.outranking_failed == rows[i].lower, "%s: lower %d", rows[i].id, j.outranking_failed);
    }
}
END_TEST

/* ---- asking: fake sources ---------------------------------------------------------------------------------------------- */

/* What a fake does when it is asked. */
struct fake {
    enum src_result says;
    pthread_barrier_t *meet; /* waited for before it speaks */
    bool stuck;              /* waits for `release`, whatever the deadline, as a library that blocks does */
    atomic_bool *release;
    atomic_int *freed;
    atomic_int *canceled;
    atomic_int *asked;
};

static void fake_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct fake *f = source;
    (void)q;
    (void)deadline;
    if (f->asked)
        atomic_fetch_add(f->asked, 1);
    if (f->meet)
        (void)pthread_barrier_wait(f->meet);
    while (f->stuck && !atomic_load(f->release))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    src_note(a, "fake question");
    src_note_end(a, "fake result");
    src_say(a, f->says, "fake says %s", src_result_word(f->says));
}

static void fake_cancel(void *source)
{
    const struct fake *f = source;
    if (f->canceled)
        atomic_fetch_add(f->canceled, 1);
}

static void fake_free(void *source)
{
    struct fake *f = source;
    if (f->freed)
        atomic_fetch_add(f->freed, 1);
    free(f);
}

static const struct src_ops fake_ops = {
    .scheme = "fake", .answers = SRC_MP, .ask = fake_ask, .cancel = fake_cancel, .free = fake_free};

static struct resolve_source source_of(const char *uri, struct fake f)
{
    struct fake *copy = malloc(sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    *copy = f;
    return (struct resolve_source){&fake_ops, copy, uri};
}

static void ask(const struct resolve_source *sources, size_t count, int64_t timeout_ms, struct resolve_result *r)
{
    struct src_question q = {.what = SRC_MP, .site = "PS1"};
    resolve_ask(sources, count, &q, "find mp PS1",
                &(struct resolve_terms){.timeout_ms = timeout_ms, .deadline = sl_deadline_in(60000)}, r);
}

/* Both must be inside `ask` at the same time, or neither ever comes out. */
START_TEST(J1_sources_are_asked_side_by_side)
{
    pthread_barrier_t meet;
    (void)pthread_barrier_init(&meet, NULL, 2);
    struct resolve_source sources[] = {source_of("fake:0", (struct fake){.says = SRC_NOT_FOUND, .meet = &meet}),
                                       source_of("fake:1", (struct fake){.says = SRC_ANSWER, .meet = &meet})};
    struct resolve_result r;
    ask(sources, 2, 30000, &r);
    ck_assert_int_eq(r.judgement.outcome, SL_OUTCOME_OK);
    ck_assert_str_eq(r.source, "fake:1");
    ck_assert_str_eq(r.lower_source, "fake:0");
    ck_assert_str_eq(r.lower_text, "fake says not-found");
    resolve_result_fini(&r);
}
END_TEST

/* The second source would hold the answer for ever; the first one decides without it, and it is told to stop. */
START_TEST(J5_a_live_first_source_does_not_wait_for_a_stuck_one)
{
    atomic_bool release = false;
    atomic_int freed = 0, canceled = 0;
    struct resolve_source sources[] = {
        source_of("fake:0", (struct fake){.says = SRC_ANSWER, .freed = &freed}),
        source_of("fake:1",
                  (struct fake){.says = SRC_ANSWER, .stuck = true, .release = &release, .freed = &freed, .canceled = &canceled})};
    struct resolve_result r;
    ask(sources, 2, 30000, &r);
    ck_assert_int_eq(r.judgement.outcome, SL_OUTCOME_OK);
    ck_assert_uint_eq(r.judgement.by, 0);
    ck_assert_int_eq(atomic_load(&canceled), 1);
    ck_assert_int_eq(atomic_load(&freed), 0); /* the stuck one still uses what they share */
    ck_assert_str_eq(r.trace.steps[r.trace.count - 1].verdict, "outranked");
    ck_assert_str_eq(r.trace.steps[r.trace.count - 1].result, "not waited for");
    resolve_result_fini(&r);
    atomic_store(&release, true);
    while (atomic_load(&freed) != 2)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
END_TEST

START_TEST(J4_a_stuck_source_costs_its_timeout_and_no_more)
{
    atomic_bool release = false;
    atomic_int freed = 0, canceled = 0;
    struct resolve_source sources[] = {
        source_of("fake:0",
                  (struct fake){.says = SRC_ANSWER, .stuck = true, .release = &release, .freed = &freed, .canceled = &canceled}),
        source_of("fake:1", (struct fake){.says = SRC_ANSWER, .stuck = true, .release = &release, .freed = &freed}),
        source_of("fake:2", (struct fake){.says = SRC_ANSWER, .freed = &freed})};
    struct resolve_result r;
    ask(sources, 3, 50, &r); /* without an end of its own this would never return */
    ck_assert_int_eq(r.judgement.outcome, SL_OUTCOME_OK);
    ck_assert_uint_eq(r.judgement.by, 2);
    ck_assert(r.judgement.outranking_failed);
    ck_assert_str_eq(r.lower_text, "no answer in time");
    ck_assert_int_eq(atomic_load(&canceled), 1);
    resolve_result_fini(&r);
    atomic_store(&release, true);
    while (atomic_load(&freed) != 3)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
END_TEST

static void *tell(void *arg)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    sl_cancel_tell(arg);
    return NULL;
}

/* Without the wish this would never return: the source is stuck and has a minute. */
START_TEST(a_wish_to_cancel_ends_the_waiting_at_once)
{
    atomic_bool release = false;
    atomic_int freed = 0, canceled = 0;
    struct resolve_source sources[] = {
        source_of("fake:0",
                  (struct fake){.says = SRC_ANSWER, .stuck = true, .release = &release, .freed = &freed, .canceled = &canceled}),
        source_of("fake:1", (struct fake){.says = SRC_NOT_FOUND, .freed = &freed})};
    struct src_question q = {.what = SRC_MP, .site = "PS1"};
    struct sl_deadline deadline = sl_deadline_in(600000);
    struct resolve_result r;
    struct sl_cancel wish;
    pthread_t thread;
    ck_assert_int_eq(sl_cancel_init(&wish, NULL), SL_OK);
    deadline.cancel = &wish;
    ck_assert_int_eq(pthread_create(&thread, NULL, tell, &wish), 0);
    resolve_ask(sources, 2, &q, "find mp PS1", &(struct resolve_terms){.timeout_ms = 600000, .deadline = deadline}, &r);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(r.judgement.outcome, SL_OUTCOME_UNREACHABLE);
    ck_assert_str_eq(r.answer.text, "canceled");
    ck_assert_int_eq(atomic_load(&canceled), 1);
    resolve_result_fini(&r);
    sl_cancel_fini(&wish);
    atomic_store(&release, true);
    while (atomic_load(&freed) != 2)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
END_TEST

START_TEST(X01_the_trace_has_question_result_verdict_and_rule)
{
    struct resolve_source sources[] = {source_of("fake:0", (struct fake){.says = SRC_NO_SCHEMA}),
                                       source_of("fake:1", (struct fake){.says = SRC_ANSWER})};
    static const char *const expected[][5] = {
        {"fake:0", "fake question", "fake result", "", ""},
        {"fake:0", "find mp PS1", "schema-not-extended", "passed on", "J3"},
        {"fake:1", "fake question", "fake result", "", ""},
        {"fake:1", "find mp PS1", "answer", "accepted", "J1"},
    };
    struct resolve_result r;
    ask(sources, 2, 30000, &r);
    ck_assert_uint_eq(r.trace.count, SL_COUNT(expected));
    for (size_t i = 0; i < SL_COUNT(expected); i++) {
        const struct resolve_step *s = &r.trace.steps[i];
        const char *const got[] = {s->source, s->asked, s->result, s->verdict, s->rule};
        for (size_t k = 0; k < SL_COUNT(got); k++)
            ck_assert_str_eq(got[k], expected[i][k]);
        ck_assert_int_ge(s->ms, 0);
    }
    resolve_result_fini(&r);
}
END_TEST

START_TEST(J6_a_source_that_cannot_tell_is_not_asked)
{
    pthread_barrier_t never;
    (void)pthread_barrier_init(&never, NULL, 2);
    struct resolve_source sources[] = {source_of("fake:0", (struct fake){.says = SRC_ANSWER, .meet = &never})};
    struct src_question q = {.what = SRC_NAME};
    struct resolve_result r;
    resolve_ask(sources, 1, &q, "find name", &(struct resolve_terms){.timeout_ms = 30000, .deadline = sl_deadline_in(60000)}, &r);
    ck_assert_int_eq(r.judgement.outcome, SL_OUTCOME_USAGE);
    ck_assert_str_eq(r.trace.steps[0].verdict, "not asked");
    resolve_result_fini(&r);
}
END_TEST

START_TEST(an_unknown_scheme_lists_the_known_ones)
{
    static const char *const known[] = {"ldap://", "ldaps://", "ldapi://", "wins://", "dns:"};
    static const char *const bad[] = {"foo://x", "x", "", "ldap2://x", ":", "LDA://"};
    const struct src_ops *ops;
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct sl_error e = {.status = SL_OK};
        ck_assert_int_eq(src_find(bad[i], &ops, &e), SL_USAGE);
        for (size_t k = 0; k < SL_COUNT(known); k++)
            ck_assert_ptr_nonnull(strstr(e.text, known[k]));
    }
    ck_assert_int_eq(src_find("LDAP://x", &ops, NULL), SL_OK);
    ck_assert_str_eq(ops->scheme, "ldap");
}
END_TEST

START_TEST(sources_refuse_bad_uris_without_asking)
{
    static const char *const bad[] = {"ldap:",
                                      "ldap://h:99999",
                                      "wins://",
                                      "wins://h:0",
                                      "wins://h:x",
                                      "dns:",
                                      "dns:a..b",
                                      "dns:.a",
                                      "dns:a/b",
                                      "dns://host.example/example.com",
                                      "dns://127.0.0.1:53",
                                      "dns:a b"};
    static const char *const good[] = {
        "ldap://h",         "ldaps://[::1]:636/dc=x", "ldapi://%2Ftmp%2Fs",  "wins://h:1137",
        "wins://10.0.0.1",  "dns:example.com",        "dns:///example.com.", "dns://127.0.0.1:5353/example.com",
        "dns://[::1]/e.com"};
    struct src_config config = {.override_count = 0};
    const struct src_ops *ops;
    void *source;
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct sl_error e = {.status = SL_OK};
        ck_assert_int_eq(src_find(bad[i], &ops, NULL), SL_OK);
        ck_assert_msg(ops->open(bad[i], &config, &source, &e) == SL_USAGE, "%s", bad[i]);
        ck_assert_str_ne(e.text, "");
    }
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        struct sl_error e = {.status = SL_OK};
        ck_assert_int_eq(src_find(good[i], &ops, NULL), SL_OK);
        ck_assert_msg(ops->open(good[i], &config, &source, &e) == SL_OK, "%s: %s", good[i], e.text);
        ops->free(source);
    }
}
END_TEST

/* The behaviour of the original: who is not needed is never asked. */
START_TEST(P04_one_after_another_asks_only_who_is_needed)
{
    atomic_int asked = 0;
    struct fake no = {.says = SRC_NOT_FOUND, .asked = &asked}, yes = no;
    yes.says = SRC_ANSWER;
    struct resolve_source sources[] = {source_of("fake:0", no), source_of("fake:1", yes), source_of("fake:2", yes)};
    struct src_question q = {.what = SRC_MP, .site = "PS1"};
    struct resolve_result r;
    struct resolve_terms terms = {.timeout_ms = 30000, .deadline = sl_deadline_in(60000), .sequential = true};
    resolve_ask(sources, 3, &q, "find mp PS1", &terms, &r);
    ck_assert_str_eq(r.source, "fake:1");
    ck_assert_int_eq(asked, 2);
    ck_assert_str_eq(r.trace.steps[r.trace.count - 1].result, "not waited for");
    resolve_result_fini(&r);
}
END_TEST

/* What a comparison needs: an answer does not end the asking, and what each said passes to the caller. */
START_TEST(X09_every_source_is_heard)
{
    atomic_int asked = 0;
    struct fake yes = {.says = SRC_ANSWER, .asked = &asked}, no = yes;
    no.says = SRC_FAILED;
    for (int sequential = 0; sequential <= 1; sequential++) {
        struct resolve_source sources[] = {source_of("fake:0", yes), source_of("fake:1", no), source_of("fake:2", yes)};
        struct src_question q = {.what = SRC_MP, .site = "PS1"};
        struct src_answer *every = calloc(3, sizeof *every);
        struct resolve_result r;
        struct resolve_terms terms = {
            .timeout_ms = 30000, .deadline = sl_deadline_in(60000), .sequential = sequential == 1, .every = every};
        ck_assert_ptr_nonnull(every);
        asked = 0;
        resolve_ask(sources, 3, &q, "compare mp PS1", &terms, &r);
        ck_assert_int_eq(asked, 3);
        ck_assert_int_eq(every[0].result, SRC_ANSWER);
        ck_assert_int_eq(every[1].result, SRC_FAILED);
        ck_assert_int_eq(every[2].result, SRC_ANSWER);
        ck_assert_uint_eq(r.judgement.by, 0);
        for (size_t i = 0; i < 3; i++)
            src_answer_fini(&every[i]);
        free(every);
        resolve_result_fini(&r);
    }
}
END_TEST

UNIT_MAIN("resolve", J1_to_J9_outcome_table, J1_sources_are_asked_side_by_side,
          P04_one_after_another_asks_only_who_is_needed, X09_every_source_is_heard,
          J5_a_live_first_source_does_not_wait_for_a_stuck_one, J4_a_stuck_source_costs_its_timeout_and_no_more,
          a_wish_to_cancel_ends_the_waiting_at_once,
          X01_the_trace_has_question_result_verdict_and_rule, J6_a_source_that_cannot_tell_is_not_asked,
          an_unknown_scheme_lists_the_known_ones, sources_refuse_bad_uris_without_asking)
