#include "common/cli/remote.h"

#include "common/base/ask.h"
#include "common/base/assert.h"
#include "common/base/memory.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 64, NUMBER_TEXT_MAX = 24 };

struct remote {
    struct cli_call *call;
    const struct cli_remote_extra *extra;
    size_t width; /* of the declared columns */
    bool single;
    uint64_t rows;
    bool progress_shown;
    uint64_t done; /* as progress told last */
    enum sl_outcome outcome;
};

/* ---- the request ------------------------------------------------------------------------------------------------- */

/* A file name that the daemon can open from its own folder. */
static void add_path(struct sl_text *out, const char *path)
{
    char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (folder)
        sl_text_printf(out, "%s/", folder);
    sl_text_puts(out, path);
    free(folder);
}

static void add_value(struct sl_text *out, const struct sl_option *row, const void *value, size_t nth)
{
    switch (row->type) {
    case SL_OPT_FLAG:
        sl_text_puts(out, "true");
        break;
    case SL_OPT_STRING:
        if (row->flags & SL_OPT_PATH)
            add_path(out, *(char *const *)value);
        else
            sl_text_puts(out, *(char *const *)value);
        break;
    case SL_OPT_STRINGS:
        sl_text_puts(out, ((const struct sl_strings *)value)->items[nth]);
        break;
    case SL_OPT_INT:
        sl_text_printf(out, "%" PRId64, *(const int64_t *)value);
        break;
    case SL_OPT_DURATION:
        sl_text_printf(out, "%" PRId64 "ms", *(const int64_t *)value);
        break;
    case SL_OPT_WORD:
        sl_text_puts(out, row->words[*(const int *)value]);
        break;
    }
}

static bool in_rows(const struct sl_option *row, const struct sl_option *rows, size_t count)
{
    return row >= rows && row < rows + count;
}

static void add_option(struct sl_strings *request, const struct cli_call *call, const struct sl_option *row)
{
    bool of_verb = in_rows(row, call->verb->options, call->verb->option_count);
    const void *value = (const char *)(of_verb ? call->verb_values : call->values) + row->offset;
    size_t times = row->type == SL_OPT_STRINGS ? ((const struct sl_strings *)value)->count : 1;
    for (size_t i = 0; i < times; i++) {
        struct sl_text text = sl_text_new(SL_FRAME_MAX);
        sl_text_printf(&text, "%s=", row->name);
        add_value(&text, row, value, i);
        sl_strings_add(request, sl_text_str(&text));
        sl_text_fini(&text);
    }
}

/* Verb, options (those of every program have no meaning for a daemon), an empty string, arguments. */
static struct sl_strings build_request(const struct cli_call *call)
{
    struct sl_strings request = {0};
    sl_strings_add(&request, call->verb->name);
    for (size_t i = 0; i < call->given_count; i++)
        if (!in_rows(call->given[i], cli_common_options, cli_common_option_count))
            add_option(&request, call, call->given[i]);
    sl_strings_add(&request, "");
    for (int i = 0; i < call->arg_count; i++)
        sl_strings_add(&request, call->args[i]);
    return request;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static bool parse_column(const char *text, char name[NAME_MAX_LEN], enum cli_type *ret_type)
{
    static const struct {
        const char *word;
        enum cli_type type;
    } types[] = {{"text", CLI_TEXT}, {"number", CLI_NUMBER}, {"bool", CLI_BOOL}, {"list", CLI_LIST}};
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || colon - text >= NAME_MAX_LEN)
        return false;
    snprintf(name, NAME_MAX_LEN, "%.*s", (int)(colon - text), text);
    for (size_t i = 0; i < SL_COUNT(types); i++)
        if (strcmp(types[i].word, colon + 1) == 0) {
            *ret_type = types[i].type;
            return true;
        }
    return false;
}

static size_t own_count(const struct remote *r)
{
    return r->single ? r->extra->number_count : 0;
}

static bool on_columns(struct remote *r, const struct sl_frame *f)
{
    if (r->width > 0 || f->count < 2)
        return false;
    r->single = strcmp(f->strings[0], "1") == 0;
    size_t width = f->count - 1, own = own_count(r);
    struct cli_column *columns = sl_new_array(width + own, sizeof *columns);
    char(*names)[NAME_MAX_LEN] = sl_new_array(width, sizeof *names);
    bool good = true;
    for (size_t i = 0; i < width && good; i++) {
        columns[i].name = names[i];
        good = parse_column(f->strings[i + 1], names[i], &columns[i].type);
    }
    for (size_t i = 0; i < own; i++)
        columns[width + i] = (struct cli_column){r->extra->numbers[i].name, CLI_NUMBER};
    if (good) {
        r->width = width;
        if (!r->extra->row)
            cli_doc_columns(r->call->doc, columns, width + own, r->single);
    }
    free(names);
    free(columns);
    return good;
}

static void cells_of(const struct sl_frame *f, const char **cells)
{
    for (size_t i = 0; i < f->count; i++)
        cells[i] = strcmp(f->strings[i], SL_FRAME_NULL) == 0 ? NULL : f->strings[i];
}

static bool on_row(struct remote *r, const struct sl_frame *f)
{
    if (f->count != r->width || (r->single && r->rows > 0))
        return false;
    size_t own = own_count(r);
    const char **cells = sl_new_array(f->count + own, sizeof *cells);
    char(*numbers)[NUMBER_TEXT_MAX] = sl_new_array(own + 1, sizeof *numbers);
    cells_of(f, cells);
    for (size_t i = 0; i < own; i++) {
        snprintf(numbers[i], NUMBER_TEXT_MAX, "%" PRIu64, r->extra->numbers[i].value);
        cells[f->count + i] = numbers[i];
    }
    bool taken = !r->extra->row || r->extra->row(r->extra->ctx, cells, f->count);
    if (!r->extra->row)
        cli_doc_row(r->call->doc, cells);
    free(numbers);
    free(cells);
    r->rows++;
    return taken;
}

static bool on_warning(struct remote *r, const struct sl_frame *f)
{
    if (f->count != 1)
        return false;
    cli_doc_warning(r->call->doc, f->strings[0]);
    return true;
}

static bool on_progress(struct remote *r, const struct sl_frame *f)
{
    const struct cli_common *common = r->call->values;
    if (f->count != 3 || !sl_parse_u64(f->strings[0], UINT64_MAX, &r->done))
        return false;
    if (common->quiet || !isatty(STDERR_FILENO))
        return true;
    char what[NAME_MAX_LEN];
    bool total = strcmp(f->strings[1], "0") != 0;
    sl_text_escape(what, sizeof what, f->strings[2], strlen(f->strings[2]));
    fprintf(stderr, "\r%s %.20s%s%.20s\033[K", what, f->strings[0], total ? " of " : "", total ? f->strings[1] : "");
    r->progress_shown = true;
    return true;
}

static bool on_end(struct remote *r, const struct sl_frame *f)
{
    if (f->count != 3)
        return false;
    r->outcome = sl_outcome_parse(f->strings[0]);
    if (r->outcome == SL_OUTCOME_COUNT)
        return false;
    const char *message = strcmp(f->strings[2], SL_FRAME_NULL) == 0 ? "" : f->strings[2];
    cli_doc_reason(r->call->doc, f->strings[1], message);
    return true;
}

static bool on_frame(void *ctx, const struct sl_frame *f, bool *ret_ended)
{
    struct remote *r = ctx;
    switch (f->kind) {
    case SL_FRAME_COLUMNS:
        return on_columns(r, f);
    case SL_FRAME_ROW:
        return on_row(r, f);
    case SL_FRAME_WARNING:
        return on_warning(r, f);
    case SL_FRAME_PROGRESS:
        return on_progress(r, f);
    case SL_FRAME_END:
        *ret_ended = true;
        return on_end(r, f);
    case SL_FRAME_REQUEST:
        return false;
    }
    return false;
}

/* From here on these two are read from a descriptor instead of ending the process. */
static int catch_signals(void)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &both, NULL);
    return signalfd(-1, &both, SFD_CLOEXEC);
}

/* The daemon fell silent in the middle of work whose steps last. */
static enum sl_outcome cut_short(const struct remote *r, const struct sl_error *e)
{
    char done[NUMBER_TEXT_MAX];
    snprintf(done, sizeof done, "%" PRIu64, r->done);
    if (r->width == 0) {
        cli_doc_columns(r->call->doc, &(struct cli_column){r->extra->lasting, CLI_NUMBER}, 1, true);
        cli_doc_row(r->call->doc, (const char *const[]){done});
    }
    cli_doc_reason(r->call->doc, "cut-short", sl_error_text(e));
    return SL_OUTCOME_PARTIAL;
}

enum sl_outcome cli_remote(struct cli_call *call, const char *path, int64_t timeout_ms)
{
    return cli_remote_with(call, path, timeout_ms, &(struct cli_remote_extra){.fd = -1});
}

enum sl_outcome cli_remote_with(struct cli_call *call, const char *path, int64_t timeout_ms,
                                const struct cli_remote_extra *extra)
{
    struct remote r = {.call = call, .extra = extra, .outcome = SL_OUTCOME_INTERNAL};
    struct sl_strings request = build_request(call);
    struct sl_error e = {0};
    const struct sl_ask ask = {.path = path, .timeout_ms = timeout_ms, .fd = extra->fd, .endless = extra->endless,
                               .stop_fd = extra->endless ? catch_signals() : -1, .take = on_frame, .ctx = &r,
                               .request = (const char *const *)request.items, .count = request.count};
    enum sl_status status = sl_ask(&ask, &e);
    if (ask.stop_fd >= 0)
        close(ask.stop_fd);
    sl_strings_fini(&request);
    if (r.progress_shown)
        fputs("\r\033[K", stderr);
    if (status == SL_OK || status == SL_CANCELED)
        return status == SL_OK ? r.outcome : SL_OUTCOME_OK;
    if (extra->lasting && r.done)
        return cut_short(&r, &e);
    cli_doc_reason(call->doc, "", e.text);
    return status == SL_MALFORMED ? SL_OUTCOME_INTERNAL : sl_status_outcome(status);
}
