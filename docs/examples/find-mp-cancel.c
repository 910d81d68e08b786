/*
 * find-mp-cancel CODE URI...: the default management point of a site, unless somebody presses Enter first (or stdin ends): any
 * thread may cancel what runs in a context. cc find-mp-cancel.c $(pkg-config --cflags --libs locator) -pthread
 */
#include <locator/locator.h>
#include <pthread.h>
#include <stdio.h>

static void *await_enter(void *context)
{
    (void)getchar();
    locator_cancel(context);
    return NULL;
}

int main(int argc, char **argv)
{
    struct locator *l = locator_new();
    pthread_t thread;
    for (int i = 2; i < argc; i++)
        if (locator_add_source(l, argv[i]))
            fprintf(stderr, "%s\n", locator_error(l));
    if (pthread_create(&thread, NULL, await_enter, l))
        return LOCATOR_INTERNAL;
    struct locator_result *r = locator_find_mp(l, argc > 1 ? argv[1] : "");
    enum locator_outcome outcome = locator_result_outcome(r);
    if (outcome == LOCATOR_OK)
        printf("%s\n", locator_result_text(r, LOCATOR_MP));
    else
        fprintf(stderr, "%s (%s): %s\n", locator_outcome_word(outcome), locator_result_reason(r), locator_result_message(r));
    locator_result_free(r);
    (void)pthread_cancel(thread); /* still waiting for the key when the answer came first */
    (void)pthread_join(thread, NULL);
    locator_free(l);
    return (int)outcome;
}
