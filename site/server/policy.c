#include "site/server/private.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/utf16.h"
#include "site/store/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NUMBER_SIZE = 24, DATE_SIZE = 32 };

/* ---- import ------------------------------------------------------------------------------------------------------------ */

static enum sl_status read_all(int fd, const char *name, struct sl_text *text, struct sl_error *e)
{
    char chunk[1 << 14];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        sl_text_add(text, chunk, (size_t)n);
    if (n < 0)
        return sl_fail(e, SL_IO, "%s: %s", name, strerror(errno));
    return sl_text_failed(text) ? sl_fail(e, SL_USAGE, "%s: larger than %zu octets", name, text->limit) : SL_OK;
}

/* Only a regular file is read here, in the loop: it never blocks. */
enum sl_status srv_read_sent(int fd, const char *name, struct sl_text *text, struct sl_error *e)
{
    struct stat info;
    if (fd < 0)
        return sl_fail(e, SL_USAGE, "%s: no file was sent along", name);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return sl_fail(e, SL_USAGE, "%s: is no regular file", name);
    return read_all(fd, name, text, e);
}

/* What Windows calls Unicode, UTF-16LE behind its byte order mark, is read and kept as UTF-8. */
static enum sl_status to_utf8(const char *name, struct sl_text *text, struct sl_error *e)
{
    if (text->len < 2 || memcmp(sl_text_str(text), "\xff\xfe", 2) != 0)
        return SL_OK;
    struct sl_text utf8 = sl_text_new(SM_MOF_MAX);
    enum sl_status status = ccm_get_utf16((const uint8_t *)sl_text_str(text) + 2, text->len - 2, name, &utf8, e);
    sl_text_fini(text);
    *text = utf8;
    return status;
}

enum sl_status srv_policy_import(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "kind:text", "name:text", "change:text", "sha256:text"};
    struct sl_text text = sl_text_new(2 * SM_MOF_MAX + 2);
    struct sst_mof mof = {0};
    const char *name = call->request->args[0];
    enum sl_status status = srv_read_sent(call->request->fd, name, &text, e);
    if (status == SL_OK)
        status = to_utf8(name, &text, e);
    if (status == SL_OK)
        status = sst_import_mof(call->store, call->site, name, sl_text_str(&text), text.len, sl_clock_real_s(), &call->changed,
                                e);
    sl_text_fini(&text);
    if (status == SL_OK)
        status = sst_read_mof(call->store, call->site, &mof, e);
    if (status != SL_OK) /* what is wrong in the file is the caller's mistake */
        return status == SL_MALFORMED || status == SL_LIMIT ? SL_USAGE : status;
    const char *const cells[] = {call->site, "mof", name, call->changed ? "imported" : "unchanged", mof.sha256};
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
    sst_mof_fini(&mof);
    return SL_OK;
}

/* ---- looking ----------------------------------------------------------------------------------------------------------- */

static void put_policy(struct srv_call *call, const struct sm_policy *policy, bool with_body)
{
    char version[NUMBER_SIZE], name[SM_POLICY_NAME_SIZE];
    snprintf(version, sizeof version, "%" PRIu32, policy->version);
    sm_policy_name(policy, name);
    const char *const cells[] = {policy->id, policy->category, version,     policy->is_active ? "true" : "false",
                                 name,       policy->sha256,   policy->body};
    host_reply_row(call->reply, cells, SL_COUNT(cells) - !with_body);
}

enum sl_status srv_policy_list(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"policy:text", "category:text", "version:number", "active:bool", "query:text",
                                          "sha256:text"};
    struct sst_policies policies = {0};
    enum sl_status status = sst_policies(call->store, call->site, NULL, false, &policies, e);
    if (status != SL_OK)
        return status;
    host_reply_columns(call->reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < policies.count; i++)
        put_policy(call, &policies.items[i], false);
    sst_policies_fini(&policies);
    return SL_OK;
}

/* The policy that an argument names, by id, or by its category when there is no other of it; NULL for none. */
static const struct sm_policy *find(const struct sst_policies *policies, const char *wanted)
{
    const struct sm_policy *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < policies->count; i++) {
        const struct sm_policy *policy = &policies->items[i];
        if (sl_text_iequal(policy->id, wanted))
            return policy;
        if (sl_text_iequal(policy->category, wanted)) {
            found = policy;
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

static enum sl_status show_policy(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"policy:text", "category:text", "version:number", "active:bool", "query:text",
                                          "sha256:text", "body:text"};
    struct sst_policies policies = {0};
    const char *wanted = call->request->args[0];
    enum sl_status status = sst_policies(call->store, call->site, NULL, true, &policies, e);
    const struct sm_policy *policy = status == SL_OK ? find(&policies, wanted) : NULL;
    if (status == SL_OK && policy == NULL)
        status = sl_fail(e, SL_USAGE, "site %s has no one policy \"%s\"; see: sitectl policy list", call->site, wanted);
    if (status == SL_OK) {
        host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
        put_policy(call, policy, true);
    }
    sst_policies_fini(&policies);
    return status;
}

/* How many classes a file has, and how many of them are reported. */
static enum sl_status count_classes(const struct sst_mof *file, char classes[NUMBER_SIZE], char reported[NUMBER_SIZE],
                                    struct sl_error *e)
{
    struct sm_mof *mof = NULL;
    size_t count = 0;
    enum sl_status status = sm_mof_read(file->name, file->text, strlen(file->text), &mof, e);
    if (status != SL_OK)
        return sl_fail_in(e, SL_CORRUPT, "in the site database");
    for (size_t i = 0; i < mof->class_count; i++)
        count += sm_mof_is(&mof->classes[i].qualifiers, "SMS_Report");
    snprintf(classes, NUMBER_SIZE, "%zu", mof->class_count);
    snprintf(reported, NUMBER_SIZE, "%zu", count);
    sm_mof_free(mof);
    return SL_OK;
}

static enum sl_status show_mof(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text",    "file:text",     "sha256:text", "imported_at:text", "octets:number",
                                          "classes:number", "reported:number"};
    struct sst_mof mof = {0};
    char classes[NUMBER_SIZE], reported[NUMBER_SIZE], octets[NUMBER_SIZE], at[DATE_SIZE] = "";
    struct tm tm;
    enum sl_status status = sst_read_mof(call->store, call->site, &mof, e);
    if (status == SL_OK && mof.name == NULL)
        status = sl_fail(e, SL_CONFLICT, "site %s has no SMS_def.mof; see: sitectl policy import FILE", call->site);
    if (status == SL_OK)
        status = count_classes(&mof, classes, reported, e);
    if (status == SL_OK) {
        time_t when = (time_t)mof.imported_s;
        if (gmtime_r(&when, &tm) != NULL)
            (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
        snprintf(octets, sizeof octets, "%zu", strlen(mof.text));
        const char *const cells[] = {call->site, mof.name, mof.sha256, at, octets, classes, reported};
        host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
        host_reply_row(call->reply, cells, SL_COUNT(cells));
    }
    sst_mof_fini(&mof);
    return status;
}

enum sl_status srv_policy_show(struct srv_call *call, struct sl_error *e)
{
    return call->request->arg_count > 0 ? show_policy(call, e) : show_mof(call, e);
}
