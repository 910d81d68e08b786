/* The verbs of sitectl and those of the site server are two tables: each remote verb must stand in both. */
#include "site/cli/sitectl.h"
#include "site/server/server.h"
#include "tests/unit/unit.h"

#include <string.h>

/* init and the schema verbs are done by sitectl itself. */
static bool is_local(const char *name)
{
    return strcmp(name, "init") == 0 || strncmp(name, "schema ", 7) == 0 || strncmp(name, "db ", 3) == 0;
}

static bool has_row(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < srv_verb_count; i++)
        found = found || strcmp(srv_verbs[i].name, name) == 0;
    return found;
}

START_TEST(every_remote_verb_has_a_handler)
{
    size_t remote = 0;
    for (size_t i = 0; i < sctl_program.verb_count; i++) {
        const char *name = sctl_program.verbs[i].name;
        ck_assert_msg(is_local(name) != has_row(name), "%s", name);
        remote += !is_local(name);
    }
    ck_assert_uint_eq(remote, srv_verb_count);
}
END_TEST

START_TEST(every_verb_has_a_summary_and_sound_options)
{
    for (size_t i = 0; i < sctl_program.verb_count; i++) {
        const struct cli_verb *verb = &sctl_program.verbs[i];
        ck_assert_ptr_nonnull(verb->summary);
        ck_assert_msg((verb->option_count == 0) == (verb->values_size == 0), "%s", verb->name);
        for (size_t k = 0; k < verb->option_count; k++) {
            ck_assert_msg(verb->options[k].offset < verb->values_size, "%s --%s", verb->name, verb->options[k].name);
            ck_assert_ptr_nonnull(verb->options[k].help);
        }
    }
}
END_TEST

/* A synopsis with words to fill in is no command that anybody could run. */
START_TEST(every_verb_with_arguments_has_an_example)
{
    for (size_t i = 0; i < sctl_program.verb_count; i++) {
        const struct cli_verb *verb = &sctl_program.verbs[i];
        bool in_program = false;
        for (size_t k = 0; k < SL_COUNT(sctl_program.examples) && sctl_program.examples[k]; k += 2)
            in_program = in_program || strstr(sctl_program.examples[k], verb->name) != NULL;
        ck_assert_msg(!verb->args[0] || verb->examples[0] || in_program, "%s", verb->name);
        for (size_t k = 0; k < SL_COUNT(verb->examples) && verb->examples[k]; k += 2) {
            const char *rest = verb->examples[k] + strlen("sitectl ");
            ck_assert_msg(strncmp(rest, verb->name, strlen(verb->name)) == 0, "%s: %s", verb->name, verb->examples[k]);
            ck_assert_ptr_nonnull(verb->examples[k + 1]);
        }
    }
}
END_TEST

UNIT_MAIN("sitectl", every_remote_verb_has_a_handler, every_verb_has_a_summary_and_sound_options,
          every_verb_with_arguments_has_an_example)
