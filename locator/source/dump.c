#include "locator/source/dump.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum sl_status src_dump_parse(const char *uri, struct src_dump *ret_dump, struct sl_error *e)
{
    const char *path = strchr(uri, ':') + 1;
    if (!strncmp(path, "///", 3))
        path += 2;
    if (!path[0] || !strcmp(path, "-") || !strncmp(path, "//", 2))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": the path of a file is wanted behind the colon", uri);
    if (!sl_text_copy(ret_dump->path, sizeof ret_dump->path, path))
        return sl_fail(e, SL_USAGE, "source \"%.60s...\": the path is too long", uri);
    return SL_OK;
}

enum sl_status src_dump_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    struct src_dump dump;
    (void)config;
    enum sl_status s = src_dump_parse(uri, &dump, e);
    if (s != SL_OK)
        return s;
    struct src_dump *source = sl_new(sizeof *source);
    *source = dump;
    *ret_source = source;
    return SL_OK;
}

void src_dump_begin(const struct src_dump *dump, const struct src_question *q, struct src_answer *a)
{
    struct stat st;
    (void)snprintf(a->server, sizeof a->server, "%s", dump->path);
    if (stat(dump->path, &st) == 0)
        a->age_s = q->now_s > st.st_mtime ? q->now_s - st.st_mtime : 0;
    src_note(a, "read %s", dump->path);
}

void src_dump_say_failed(struct src_answer *a, enum sl_status status, const struct sl_error *e)
{
    src_note_end(a, "%s", sl_error_text(e));
    src_say_failed(a, status, e);
    if (status == SL_MALFORMED || status == SL_LIMIT)
        a->result = SRC_BAD_FILE;
}

void src_dump_place(struct src_answer *a, const char *file, unsigned line)
{
    (void)snprintf(a->server, sizeof a->server, "%s:%u", file, line);
}
