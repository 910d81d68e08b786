#include "wins-emu/ctl/import.h"

#include "common/base/memory.h"
#include "common/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOLD_MAX = 20, PROGRESS_EVERY = 50000, NUMBER_TEXT_MAX = 24 };

struct told {
    struct nb_name name;
    enum eng_imported imported;
    enum wins_rule rule;
};

/* Of one import; the writer's thread has it until the change is posted. */
struct import {
    struct wctl_change *change;
    FILE *in; /* over `rows` */
    void *rows;
    size_t rows_len;
    bool dry_run;
    uint64_t counts[ENG_IMPORTED_COUNT];
    uint64_t handled;        /* rows of both passes, by the writer's thread */
    _Atomic uint64_t shown;  /* the same for the loop's thread */
    size_t told_count;
    struct told told[TOLD_MAX];
    eng_import_fn *take;
    void *take_ctx;
};

static void import_free(void *data)
{
    struct import *im = data;
    if (im->in)
        fclose(im->in);
    if (im->rows)
        munmap(im->rows, im->rows_len);
    free(im);
}

/* ---- on the writer's thread --------------------------------------------------------------------------------------- */

static void show_progress(void *ctx)
{
    struct wctl_change *c = ctx;
    struct import *im = c->data;
    host_reply_progress(c->reply, atomic_load(&im->shown), 0, im->dry_run ? "names checked:" : "names stored and published:");
}

static enum sl_status take_row(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    static const enum wins_type types[FF_KIND_COUNT] = {[FF_UNIQUE] = WINS_UNIQUE, [FF_GROUP] = WINS_GROUP,
                                                        [FF_SGROUP] = WINS_SGROUP, [FF_MHOMED] = WINS_MHOMED};
    struct import *im = ctx;
    struct wins_record r = {.name = row->name, .type = types[row->kind], .node = (enum wins_node)row->node,
                            .is_static = row->is_static, .expires_s = row->expires_s, .member_count = row->address_count};
    (void)place;
    for (size_t i = 0; i < row->address_count; i++)
        r.members[i].address = row->addresses[i];
    if (row->kind == FF_GROUP)
        r.members[r.member_count++].address = UINT32_MAX; /* what it answers (Q03) */
    if (++im->handled % PROGRESS_EVERY == 0) {
        atomic_store(&im->shown, im->handled);
        host_loop_post(im->change->all->loop, show_progress, im->change);
    }
    return im->take(im->take_ctx, &r, e);
}

static enum sl_status each(void *ctx, eng_import_fn *take, void *take_ctx, struct sl_error *e)
{
    struct import *im = ctx;
    im->take = take;
    im->take_ctx = take_ctx;
    rewind(im->in);
    return ff_read_stream(ff_format_find("csv"), im->in, "import", take_row, im, e);
}

static void decided(void *ctx, const struct wins_record *record, enum eng_imported imported, enum wins_rule rule)
{
    struct import *im = ctx;
    im->counts[imported]++;
    bool wrong = imported == ENG_IMPORT_CONFLICT || imported == ENG_IMPORT_REFUSED;
    if (wrong && im->told_count < TOLD_MAX)
        im->told[im->told_count++] = (struct told){record->name, imported, rule};
}

static void begin(void *ctx, struct eng *eng, struct eng_now now)
{
    struct wctl_change *c = ctx;
    struct import *im = c->data;
    struct eng_import import = {.ctx = im, .dry_run = im->dry_run, .each = each, .decided = decided};
    struct sl_error e = {0};
    enum sl_status status = eng_admin_import(eng, now, &import, &e);
    wctl_change_done(c, status, true, &e);
}

/* ---- on the loop's thread ----------------------------------------------------------------------------------------- */

static void warn(struct host_reply *reply, const struct told *told)
{
    const struct nb_name_text name = nb_name_text(&told->name);
    if (told->imported == ENG_IMPORT_REFUSED)
        host_reply_warning(reply, "%s is refused, rule %s: %s", name.text, wins_rule_id(told->rule), wins_rule_text(told->rule));
    else
        host_reply_warning(reply, "%s stays: a static name, or a live one of another kind or address", name.text);
}

static void on_imported(struct wctl_change *c)
{
    const struct import *im = c->data;
    const char *columns[ENG_IMPORTED_COUNT], *cells[ENG_IMPORTED_COUNT];
    char names[ENG_IMPORTED_COUNT][NUMBER_TEXT_MAX], numbers[ENG_IMPORTED_COUNT][NUMBER_TEXT_MAX];
    for (int i = 0; i < ENG_IMPORTED_COUNT; i++) {
        snprintf(names[i], sizeof names[i], "%s:number", eng_imported_word((enum eng_imported)i));
        snprintf(numbers[i], sizeof numbers[i], "%" PRIu64, im->counts[i]);
        columns[i] = names[i];
        cells[i] = numbers[i];
    }
    for (size_t i = 0; i < im->told_count; i++)
        warn(c->reply, &im->told[i]);
    uint64_t wrong = im->counts[ENG_IMPORT_CONFLICT] + im->counts[ENG_IMPORT_REFUSED];
    if (wrong > im->told_count)
        host_reply_warning(c->reply, "%" PRIu64 " more of these are not shown", wrong - im->told_count);
    host_reply_columns(c->reply, columns, ENG_IMPORTED_COUNT, true);
    host_reply_row(c->reply, cells, ENG_IMPORTED_COUNT);
    host_reply_end(c->reply, SL_OUTCOME_OK, NULL, NULL);
}

/* Nobody may change the file between the two passes, nor where they stand in it, which the client has its hands on too. */
static enum sl_status open_rows(struct host_reply *reply, struct import *im, struct sl_error *e)
{
    int fd = host_request_take_fd(reply);
    if (fd < 0)
        return sl_fail(e, SL_USAGE, "no file came with the request");
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    struct stat info;
    int seals = fcntl(fd, F_GET_SEALS);
    bool sealed = seals >= 0 && (seals & wanted) == wanted && fstat(fd, &info) == 0 && info.st_size > 0;
    void *rows = sealed ? mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (rows == MAP_FAILED)
        return sl_fail(e, SL_USAGE, "the file that came with the request is not a sealed memory file with rows");
    im->rows = rows;
    im->rows_len = (size_t)info.st_size;
    im->in = fmemopen(rows, im->rows_len, "r");
    return im->in ? SL_OK : sl_fail(e, SL_IO, "reading the rows: %s", strerror(errno));
}

void wctl_import(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
                 struct host_reply *reply)
{
    struct sl_error e;
    struct import *im = sl_new(sizeof *im);
    struct wctl_change *c = wctl_change_new(changes, "import", NULL, reply, on_imported);
    c->data = im;
    c->free_data = import_free;
    im->change = c;
    c->looks = im->dry_run = host_request_option(request, "dry-run", 0) != NULL;
    enum sl_status status = open_rows(reply, im, &e);
    if (status == SL_OK)
        status = eng_writer_call(env->writer, begin, c, &e);
    if (status != SL_OK)
        wctl_change_refuse(c, status, &e);
}
