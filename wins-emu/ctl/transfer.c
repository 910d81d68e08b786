#include "wins-emu/ctl/transfer.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAST_LEFT_S = 60, TOLD_MAX = 20, PATH_LEN = 4096, WARNING_MAX = NB_NAME_TEXT_MAX + 192 };

/* The format that was asked for, else that of the file's name; NULL when the call has been told that there is none. */
static const struct ff_format *choose_format(struct cli_call *call, int wanted, const char *path)
{
    const struct ff_format *format = cli_given(call, "format") ? &ff_formats[wanted] : ff_format_of(path);
    if (!format)
        cli_usage(call, "%s tells no format; give --format winsdat, lmhosts, netsh, csv or json",
                  strcmp(path, "-") == 0 ? "standard input or output" : path);
    return format;
}

/* ---- import ------------------------------------------------------------------------------------------------------ */

struct import {
    struct ff_list *list;
    const struct transfer_import *options;
    int64_t now_s;
    uint64_t expired, own, lower;
    struct nb_name first_lower;
};

static enum sl_status take_row(void *ctx, const struct ff_row *from_file, const struct ff_place *place, struct sl_error *e)
{
    struct import *im = ctx;
    struct ff_row row = *from_file;
    if (im->options->is_static)
        row.is_static = true;
    else if (im->options->is_dynamic)
        row.is_static = false;
    if (row.is_static)
        row.expires_s = 0;
    if (row.expires_s && row.expires_s < im->now_s + LEAST_LEFT_S) {
        im->expired++;
        return SL_OK;
    }
    if (nb_name_has_lower(&row.name) && !im->lower++)
        im->first_lower = row.name;
    return ff_list_add(im->list, &row, place, e);
}

static enum sl_status put_rows(const struct ff_list *list, FILE *out, struct sl_error *e)
{
    const struct ff_format *csv = ff_format_find("csv");
    struct sl_text text = sl_text_new(FF_ROW_TEXT_MAX);
    enum sl_status status = SL_OK;
    fputs(csv->head, out);
    for (size_t i = 0; i < ff_list_count(list) && status == SL_OK; i++) {
        struct ff_row row;
        struct ff_place place;
        ff_list_get(list, i, &row, &place);
        sl_text_reset(&text);
        status = ff_write(csv, &text, &row, e);
        fwrite(text.data, 1, text.len, out);
    }
    sl_text_fini(&text);
    return status == SL_OK && (fflush(out) != 0 || ferror(out)) ? sl_fail(e, SL_IO, "%s", strerror(errno)) : status;
}

/* The rows in a file of memory that can no longer change; *ret_fd is the caller's. */
static enum sl_status seal_rows(const struct ff_list *list, int *ret_fd, struct sl_error *e)
{
    int fd = memfd_create("winsctl import", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    enum sl_status status = out ? put_rows(list, out, e) : sl_fail(e, SL_IO, "memory file: %s", strerror(errno));
    if (out)
        fclose(out);
    if (status == SL_OK && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        status = sl_fail(e, SL_IO, "memory file: %s", strerror(errno));
    if (status == SL_OK)
        *ret_fd = fd;
    else if (fd >= 0)
        close(fd);
    return status;
}

static void warn(const struct import *im, struct cli_doc *doc)
{
    struct sl_text text = sl_text_new(WARNING_MAX);
    if (im->expired) {
        sl_text_printf(&text, "%" PRIu64 " names whose lease is over were passed over", im->expired);
        cli_doc_warning(doc, sl_text_str(&text));
    }
    if (im->own) {
        sl_text_reset(&text);
        sl_text_printf(&text, "%" PRIu64 " names of the server that wrote the file were passed over: it registers them anew",
                       im->own);
        cli_doc_warning(doc, sl_text_str(&text));
    }
    if (im->lower) {
        sl_text_reset(&text);
        sl_text_printf(&text, "%" PRIu64 " rows have lower case letters, which compare as they are, the first %s: clients"
                       " register and ask in upper case", im->lower, nb_name_text(&im->first_lower).text);
        cli_doc_warning(doc, sl_text_str(&text));
    }
    sl_text_fini(&text);
}

enum sl_outcome wctl_import_file(struct cli_call *call)
{
    const struct winsctl_values *v = call->values;
    const struct transfer_import *options = call->verb_values;
    const struct ff_format *format = choose_format(call, options->format, call->args[0]);
    if (!format)
        return SL_OUTCOME_USAGE;
    if (options->is_static && options->is_dynamic)
        return cli_usage(call, "--static and --dynamic exclude each other");
    if (strcmp(call->args[0], "-") != 0 && access(call->args[0], F_OK) != 0)
        return cli_usage(call, "%s: %s", call->args[0], strerror(errno));
    struct import im = {.list = ff_list_new(), .options = options, .now_s = sl_clock_real_s()};
    struct cli_remote_extra extra = {.fd = -1};
    struct sl_error e = {0};
    enum sl_status status = ff_read(format, call->args[0], take_row, &im, &im.own, &e);
    if (status == SL_OK)
        status = ff_list_join(im.list, &e);
    if (status == SL_OK) {
        cli_note(call, "%zu names read", ff_list_count(im.list));
        status = seal_rows(im.list, &extra.fd, &e);
    }
    ff_list_free(im.list);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    warn(&im, call->doc);
    const struct cli_remote_number passed_over[] = {{"expired", im.expired}, {"own", im.own}};
    extra.numbers = passed_over;
    extra.number_count = SL_COUNT(passed_over);
    enum sl_outcome outcome = cli_remote_with(call, v->control, v->timeout_ms, &extra);
    close(extra.fd);
    return outcome;
}

/* ---- export ------------------------------------------------------------------------------------------------------ */

struct export {
    struct cli_call *call;
    const struct ff_format *format;
    FILE *out;
    struct sl_text text;
    uint64_t written, left_out;
};

static bool put_row(void *ctx, const char *const *cells, size_t count)
{
    struct export *ex = ctx;
    struct ff_row row;
    struct sl_error e;
    if (count != FF_CELLS || ff_row_of_cells(cells, &row, &e) != SL_OK)
        return false;
    sl_text_reset(&ex->text);
    if (ff_write(ex->format, &ex->text, &row, &e) == SL_OK) {
        fwrite(ex->text.data, 1, ex->text.len, ex->out);
        ex->written++;
    } else if (ex->left_out++ < TOLD_MAX) {
        char warning[SL_ERROR_TEXT_MAX + 16];
        snprintf(warning, sizeof warning, "left out: %s", sl_error_text(&e));
        cli_doc_warning(ex->call->doc, warning);
    }
    return true;
}

static enum sl_outcome stream_rows(struct export *ex)
{
    const struct winsctl_values *v = ex->call->values;
    fputs(ex->format->head, ex->out);
    struct cli_remote_extra extra = {.fd = -1, .row = put_row, .ctx = ex};
    ex->text = sl_text_new(FF_ROW_TEXT_MAX);
    enum sl_outcome outcome = cli_remote_with(ex->call, v->control, v->timeout_ms, &extra);
    sl_text_fini(&ex->text);
    if (outcome == SL_OUTCOME_OK)
        cli_note(ex->call, "%" PRIu64 " names written, %" PRIu64 " left out", ex->written, ex->left_out);
    return outcome;
}

static enum sl_outcome fail_file(struct cli_call *call, const char *path)
{
    struct sl_error e;
    int err = errno;
    enum sl_status status = err == EEXIST                                       ? SL_CONFLICT
                            : err == EACCES || err == EPERM || err == EROFS ? SL_DENIED
                                                                            : SL_IO;
    return cli_fail(call, sl_fail(&e, status, "%s: %s", path, strerror(err)), &e);
}

/* A new file that any user may read whom the umask lets; its name is made up, so that nobody can have put a link in its place. */
static FILE *open_fresh(char *template)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    int fd = mkostemp(template, O_CLOEXEC);
    FILE *out = fd >= 0 && fchmod(fd, 0666 & ~mask) == 0 ? fdopen(fd, "w") : NULL;
    if (!out && fd >= 0) {
        close(fd);
        unlink(template);
    }
    return out;
}

/* Into a new file beside it, which takes its name in the end; never in the place of a device, a pipe or a folder. */
static enum sl_outcome export_file(struct export *ex, const char *path)
{
    char fresh[PATH_LEN];
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return cli_usage(ex->call, "%s is no plain file; \"-\" is standard output", path);
    if (snprintf(fresh, sizeof fresh, "%s.XXXXXX", path) >= PATH_LEN)
        return cli_usage(ex->call, "%s: the path is too long", path);
    ex->out = open_fresh(fresh);
    if (!ex->out)
        return fail_file(ex->call, path);
    enum sl_outcome outcome = stream_rows(ex);
    bool written = fflush(ex->out) == 0 && !ferror(ex->out) && fsync(fileno(ex->out)) == 0;
    fclose(ex->out);
    if (outcome == SL_OUTCOME_OK && (!written || rename(fresh, path) != 0))
        outcome = fail_file(ex->call, path);
    if (outcome != SL_OUTCOME_OK)
        unlink(fresh);
    return outcome;
}

enum sl_outcome wctl_export_file(struct cli_call *call)
{
    const struct transfer_export *options = call->verb_values;
    const char *path = call->arg_count ? call->args[0] : "-";
    struct export ex = {.call = call, .format = choose_format(call, options->format, path), .out = stdout};
    if (!ex.format)
        return SL_OUTCOME_USAGE;
    if (strcmp(path, "-") != 0)
        return export_file(&ex, path);
    enum sl_outcome outcome = stream_rows(&ex);
    return outcome == SL_OUTCOME_OK && fflush(stdout) != 0 ? fail_file(call, "standard output") : outcome;
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

/* Gives the complete file its name, which never replaces another as rename would, and sees that the name is on disk. */
static enum sl_outcome name_copy(struct cli_call *call, int fd, const char *part, const char *path)
{
    if (fsync(fd) != 0 || link(part, path) != 0)
        return fail_file(call, path);
    char *copy = sl_strdup(path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = folder >= 0 && fsync(folder) == 0;
    enum sl_outcome outcome = is_synced ? SL_OUTCOME_OK : fail_file(call, path);
    if (folder >= 0)
        close(folder);
    free(copy);
    return outcome;
}

enum sl_outcome wctl_backup_file(struct cli_call *call)
{
    const struct winsctl_values *v = call->values;
    const char *path = call->args[0];
    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return fail_file(call, path);
    }
    char part[PATH_LEN];
    if (snprintf(part, sizeof part, "%s.XXXXXX", path) >= PATH_LEN)
        return cli_usage(call, "%s: the path is too long", path);
    struct cli_remote_extra extra = {.fd = mkostemp(part, O_CLOEXEC)};
    if (extra.fd < 0)
        return fail_file(call, path);
    enum sl_outcome outcome = cli_remote_with(call, v->control, v->timeout_ms, &extra);
    if (outcome == SL_OUTCOME_OK)
        outcome = name_copy(call, extra.fd, part, path);
    close(extra.fd);
    unlink(part);
    return outcome;
}
