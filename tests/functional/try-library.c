/*
 * try-library THREADS ROUNDS SITE PACKAGE LIVE DEAD: liblocator by its public header, from many threads at once. LIVE and DEAD
 * are URIs of a source that answers at once and of one that never does; PACKAGE may be "" where no management point can be asked.
 * Prints how many calls ended how; exit code 1 when one ended as it must not.
 */
#include <locator/locator.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64, NEVER_MS = 600000, SOON_NS = 2000000 };

static struct {
    int rounds;
    const char *site, *package, *live, *dead;
    struct locator *shared;     /* of all threads: the live source */
    struct locator *shared_dead; /* of all threads: the dead one */
    atomic_int found, canceled, refused, wrong;
} try;

static struct locator *context(const char *uri)
{
    struct locator *l = locator_new();
    if (!l || locator_add_source(l, uri) || locator_set_number(l, LOCATOR_TIMEOUT_MS, NEVER_MS) ||
        locator_set_number(l, LOCATOR_TOTAL_TIMEOUT_MS, NEVER_MS)) {
        fprintf(stderr, "%s: %s\n", uri, locator_error(l));
        exit(EXIT_FAILURE);
    }
    return l;
}

static void wrong(const char *what, const struct locator_result *r)
{
    atomic_fetch_add(&try.wrong, 1);
    fprintf(stderr, "%s: %s (%s): %s\n", what, locator_outcome_word(locator_result_outcome(r)), locator_result_reason(r),
            locator_result_message(r));
}

static void must_be_found(const char *what, struct locator_result *r, enum locator_field field)
{
    if (locator_result_outcome(r) == LOCATOR_OK && locator_result_text(r, field))
        atomic_fetch_add(&try.found, 1);
    else
        wrong(what, r);
    locator_result_free(r);
}

static void must_be_canceled(const char *what, struct locator_result *r)
{
    if (locator_result_outcome(r) == LOCATOR_UNREACHABLE && !strcmp(locator_result_reason(r), "canceled"))
        atomic_fetch_add(&try.canceled, 1);
    else
        wrong(what, r);
    locator_result_free(r);
}

/* Waits for a call as an event loop does, and takes its result. */
static struct locator_result *finish(struct locator_call *call)
{
    if (!call)
        return NULL;
    struct pollfd fd = {.fd = locator_call_fd(call), .events = POLLIN};
    while (!locator_call_process(call))
        (void)poll(&fd, 1, locator_call_timeout_ms(call));
    struct locator_result *r = locator_call_result(call);
    if (locator_call_result(call) || locator_call_timeout_ms(call))
        wrong("a result twice", r);
    locator_call_free(call);
    return r;
}

/* While a call runs nothing can be set, and the call is none the worse. */
static void set_while_it_runs(void)
{
    struct locator *l = context(try.dead);
    struct locator_call *call = locator_start_find_mp(l, try.site);
    if (locator_set_number(l, LOCATOR_STRICT, 1) == -1 && strstr(locator_error(l), "a call runs"))
        atomic_fetch_add(&try.refused, 1);
    else
        wrong("a setting while a call runs", NULL);
    locator_call_cancel(call);
    must_be_canceled("canceled after a setting", finish(call));
    if (locator_set_number(l, LOCATOR_STRICT, 1))
        wrong("a setting after the call", NULL);
    locator_free(l);
}

static void one_round(void)
{
    struct locator *own = context(try.live), *dead = context(try.dead);
    must_be_found("find mp, shared", locator_find_mp(try.shared, try.site), LOCATOR_MP);
    must_be_found("find mp, own", locator_find_mp(own, try.site), LOCATOR_MP);
    struct locator_call *found = locator_start_find_mp(try.shared, try.site), *first = locator_start_find_mp(own, try.site);
    struct locator_call *stuck = locator_start_find_mp(dead, try.site), *left = locator_start_find_mp(try.shared_dead, try.site);
    locator_free(dead);
    locator_free(own);
    must_be_found("start find mp, shared", finish(found), LOCATOR_MP);
    must_be_found("start find mp, own, freed", finish(first), LOCATOR_MP);
    if (try.package[0])
        must_be_found("find dp", locator_find_dp(try.shared, try.site, try.package, 0), LOCATOR_DP);
    locator_call_cancel(stuck);
    must_be_canceled("call canceled", finish(stuck));
    locator_call_free(left); /* never waited for */
    must_be_canceled("find mp until the context is canceled", locator_find_mp(try.shared_dead, try.site));
    set_while_it_runs();
}

static void *work(void *arg)
{
    (void)arg;
    for (int i = 0; i < try.rounds; i++)
        one_round();
    return NULL;
}

static atomic_bool done;

static void *keep_canceling(void *arg)
{
    (void)arg;
    while (!atomic_load(&done)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = SOON_NS}, NULL);
        locator_cancel(try.shared_dead);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX], canceler;
    if (argc != 7 || !argv[1][0] || strlen(argv[1]) > 2) {
        fprintf(stderr, "usage: %s THREADS ROUNDS SITE PACKAGE LIVE DEAD\n", argv[0]);
        return 2;
    }
    int count = 0, wanted = 0;
    if (sscanf(argv[1], "%d", &wanted) != 1 || sscanf(argv[2], "%d", &try.rounds) != 1 || wanted < 1 || wanted > THREADS_MAX)
        return 2;
    try.site = argv[3];
    try.package = argv[4];
    try.live = argv[5];
    try.dead = argv[6];
    try.shared = context(try.live);
    try.shared_dead = context(try.dead);
    if (pthread_create(&canceler, NULL, keep_canceling, NULL))
        return EXIT_FAILURE;
    while (count < wanted && !pthread_create(&threads[count], NULL, work, NULL))
        count++;
    for (int i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    atomic_store(&done, true);
    (void)pthread_join(canceler, NULL);
    locator_free(try.shared);
    locator_free(try.shared_dead);
    printf("%d threads: %d found, %d canceled, %d refused, %d wrong\n", count, atomic_load(&try.found),
           atomic_load(&try.canceled), atomic_load(&try.refused), atomic_load(&try.wrong));
    return count == wanted && !atomic_load(&try.wrong) ? EXIT_SUCCESS : EXIT_FAILURE;
}
