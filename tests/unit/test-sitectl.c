/* The verbs of sitectl and those of the site server are two tables: each remote verb must stand in both. */
#include "site/cli/sitectl.h"
#include "site/server/server.h"
#include "tests/unit/unit.h"

#include <string.h>

/* init and the schema verbs are done by sitectl itself. */
static bool is_local(const char *name)
{
    return strcmp(name, "init") == 0 || strncmp(name, "schema ", 7) == 0;
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

UNIT_MAIN("sitectl", every_remote_verb_has_a_handler, every_verb_has_a_summary_and_sound_options)
