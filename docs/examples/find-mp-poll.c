/*
 * find-mp-poll CODE URI...: the default management point of a site, found beside the other work of an event loop (here: a dot on
 * stderr each tenth of a second). cc find-mp-poll.c $(pkg-config --cflags --libs locator)
 */
#include <locator/locator.h>
#include <poll.h>
#include <stdio.h>

enum { TICK_MS = 100 };

int main(int argc, char **argv)
{
    struct locator *l = locator_new();
    for (int i = 2; i < argc; i++)
        if (locator_add_source(l, argv[i]))
            fprintf(stderr, "%s\n", locator_error(l));
    struct locator_call *call = locator_start_find_mp(l, argc > 1 ? argv[1] : "");
    locator_free(l); /* the call keeps what it needs */
    if (!call)
        return LOCATOR_INTERNAL;
    struct pollfd fds[] = {{.fd = locator_call_fd(call), .events = POLLIN}}; /* and those of the program */
    while (!locator_call_process(call)) {
        int left_ms = locator_call_timeout_ms(call);
        if (poll(fds, 1, left_ms < TICK_MS ? left_ms : TICK_MS) == 0)
            fputs(".", stderr);
    }
    struct locator_result *r = locator_call_result(call);
    enum locator_outcome outcome = locator_result_outcome(r);
    if (outcome == LOCATOR_OK)
        printf("%s port %d (%s)\n", locator_result_text(r, LOCATOR_MP), (int)locator_result_number(r, LOCATOR_PORT),
               locator_result_text(r, LOCATOR_SOURCE));
    else
        fprintf(stderr, "%s (%s): %s\n", locator_outcome_word(outcome), locator_result_reason(r), locator_result_message(r));
    locator_result_free(r);
    locator_call_free(call);
    return (int)outcome;
}
