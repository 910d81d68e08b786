/* find-mp CODE URI...: the default management point of a site, from C. cc find-mp.c $(pkg-config --cflags --libs locator) */
#include <locator/locator.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct locator *l = locator_new();
    for (int i = 2; i < argc; i++)
        if (locator_add_source(l, argv[i]))
            fprintf(stderr, "%s\n", locator_error(l));
    struct locator_result *r = locator_find_mp(l, argc > 1 ? argv[1] : "");
    enum locator_outcome outcome = locator_result_outcome(r);
    if (outcome == LOCATOR_OK)
        printf("%s port %d (%s)\n", locator_result_text(r, LOCATOR_MP), (int)locator_result_number(r, LOCATOR_PORT),
               locator_result_text(r, LOCATOR_SOURCE));
    else
        fprintf(stderr, "%s (%s): %s\n", locator_outcome_word(outcome), locator_result_reason(r), locator_result_message(r));
    locator_result_free(r);
    locator_free(l);
    return (int)outcome;
}
