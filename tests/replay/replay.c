/*
 * replay - runs the stories of a folder and holds them against the tables: every id of WINS_RULE_TABLE has a story whose name
 * starts with it (R08-..., L10-...) and in which it decides.
 *
 *     replay [FILE...]     without files: all stories below $abs_top_srcdir
 */
#include "tests/replay/story.h"

#include "wins-emu/table/table.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LEN = 3, PATH_LEN = 4096 };

/* The rules that a file's name starts with are those that it must show. */
static bool shows_its_rule(const char *path, const uint64_t used[WINS_RULE_COUNT], bool shown[WINS_RULE_COUNT])
{
    const char *base = strrchr(path, '/');
    char id[ID_LEN + 1] = {0};
    strncpy(id, base ? base + 1 : path, ID_LEN);
    enum wins_rule rule = wins_rule_parse(id);
    if (rule == WINS_RULE_NONE)
        return true;
    shown[rule] = shown[rule] || used[rule];
    if (!used[rule])
        printf("%s: rule %s decides nothing in it\n", path, id);
    return used[rule];
}

static int run_all(char *const *paths, size_t count, bool shown[WINS_RULE_COUNT])
{
    int failures = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t used[WINS_RULE_COUNT] = {0};
        if (!story_run(paths[i], used) || !shows_its_rule(paths[i], used, shown))
            failures++;
    }
    printf("%zu stories, %d failed\n", count, failures);
    return failures;
}

static int run_folder(void)
{
    const char *top = getenv("abs_top_srcdir");
    char pattern[PATH_LEN];
    snprintf(pattern, sizeof pattern, "%s/tests/replay/stories/*.story", top ? top : ".");
    glob_t found;
    if (glob(pattern, 0, NULL, &found)) {
        printf("no stories: %s\n", pattern);
        return 1;
    }
    bool shown[WINS_RULE_COUNT] = {false};
    int failures = run_all(found.gl_pathv, found.gl_pathc, shown);
    globfree(&found);
    for (int i = WINS_RULE_NONE + 1; i < WINS_RULE_COUNT; i++) {
        if (shown[i])
            continue;
        printf("rule %s has no story: %s\n", wins_rule_id((enum wins_rule)i), wins_rule_text((enum wins_rule)i));
        failures++;
    }
    return failures;
}

int main(int argc, char **argv)
{
    bool shown[WINS_RULE_COUNT] = {false};
    tbl_reader_enter();
    int failures = argc > 1 ? run_all(argv + 1, (size_t)argc - 1, shown) : run_folder();
    tbl_reader_leave();
    return failures ? 1 : 0;
}
