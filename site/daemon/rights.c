#include "site/daemon/rights.h"

#include "common/base/text.h"
#include "common/host/user.h"
#include "site/store/store.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>

static enum sl_status give_all(const char *user, const char *prefix, struct sl_error *e)
{
    char folder_text[PATH_MAX], name_text[PATH_MAX];
    if (!sl_text_copy(folder_text, sizeof folder_text, prefix) || !sl_text_copy(name_text, sizeof name_text, prefix))
        return sl_fail(e, SL_USAGE, "%s: the name is too long", prefix);
    const char *folder = dirname(folder_text), *name = basename(name_text);
    enum sl_status status = SL_OK;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return SL_OK; /* whoever needs the files tells it */
    for (const struct dirent *entry = readdir(dir); entry != NULL && status == SL_OK; entry = readdir(dir)) {
        struct sl_text path = sl_text_new(PATH_MAX);
        sl_text_printf(&path, "%s/%s", folder, entry->d_name);
        if (strncmp(entry->d_name, name, strlen(name)) == 0)
            status = host_user_give(user, sl_text_str(&path), e);
        sl_text_fini(&path);
    }
    closedir(dir);
    return status;
}

enum sl_status sited_give_up_rights(const char *user, const char *group, const char *db, const char *state, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    if (user != NULL && sst_is_file(db))
        status = give_all(user, db, e);
    if (user != NULL && status == SL_OK && strcmp(db, state) != 0)
        status = give_all(user, state, e);
    return status == SL_OK ? host_user_become(user, group, e) : status;
}
