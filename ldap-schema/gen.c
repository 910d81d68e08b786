/* schema-gen FLAVOR PART [SINCE]: writes a schema file to standard output while the tree is built. */
#include "ldap-schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    fprintf(stderr, "schema-gen: unknown word \"%s\"\n", word);
    exit(sl_outcome_exit(SL_OUTCOME_USAGE));
}

int main(int argc, char **argv)
{
    struct sl_text out = sl_text_new(SCHEMA_FILE_MAX);

    if (argc < 3 || argc > 4) {
        fputs("usage: schema-gen FLAVOR PART [2003]\n", stderr);
        return sl_outcome_exit(SL_OUTCOME_USAGE);
    }
    schema_print(&out, (enum schema_flavor)word_index(schema_flavor_words, argv[1]),
                 (enum schema_part)word_index(schema_part_words, argv[2]),
                 argc == 4 && strcmp(argv[3], "2003") == 0 ? SCHEMA_SINCE_2003 : SCHEMA_SINCE_2007);
    bool fine = !sl_text_failed(&out) && fputs(sl_text_str(&out), stdout) >= 0 && fflush(stdout) == 0;

    sl_text_fini(&out);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
