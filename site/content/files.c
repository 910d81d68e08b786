#include "site/content/content.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- each file once ----------------------------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    const struct sm_file *const *one = a, *const *other = b;
    return strcmp((*one)->sha256, (*other)->sha256);
}

struct cnt_files cnt_files_of(const struct sm_manifest *manifest)
{
    struct cnt_files files = {.items = sl_new_array(manifest->count + 1, sizeof *files.items)};
    for (size_t i = 0; i < manifest->count; i++)
        files.items[i] = &manifest->files[i];
    qsort(files.items, manifest->count, sizeof(struct sm_file *), by_hash);
    for (size_t i = 0; i < manifest->count; i++) {
        const struct sm_file *file = files.items[i];
        if (files.count > 0 && strcmp(file->sha256, files.items[files.count - 1]->sha256) == 0)
            continue;
        files.items[files.count++] = file;
        files.size += file->size;
    }
    return files;
}

void cnt_files_fini(struct cnt_files *files)
{
    free(files->items);
    *files = (struct cnt_files){0};
}

/* ---- what is wrong with them -------------------------------------------------------------------------------------------- */

void cnt_finding_reset(struct cnt_finding *finding)
{
    sl_text_fini(&finding->text);
    *finding = (struct cnt_finding){.text = sl_text_new(CNT_NAMED_MAX * (SM_FILE_PATH_MAX + 16) + 16)};
}

void cnt_finding_add(struct cnt_finding *finding, bool is_here, const char *path)
{
    size_t found = finding->damaged + finding->missing;
    finding->damaged += is_here;
    finding->missing += !is_here;
    if (found < CNT_NAMED_MAX)
        sl_text_printf(&finding->text, "%s%s: %s", found > 0 ? ", " : "", is_here ? "damaged" : "missing", path);
    else if (found == CNT_NAMED_MAX)
        sl_text_puts(&finding->text, " and more");
}

void cnt_finding_fini(struct cnt_finding *finding)
{
    sl_text_fini(&finding->text);
}
