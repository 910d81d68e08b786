#include "site/publish/private.h"

#include "common/base/addr.h"
#include "common/base/ask.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

enum { SILENCE_MS = 5000, COLUMNS_MAX = 32, REQUEST_MAX = 6, ADDRESSES_TEXT_MAX = 512 };

/* What winsd says about a name. */
struct record {
    char columns[COLUMNS_MAX][32];
    size_t width;
    bool is_there, is_active, is_static;
    char addresses[ADDRESSES_TEXT_MAX]; /* one a line */
    enum sl_outcome outcome;
    struct sl_error why;
};

static void take_row(struct record *r, const struct sl_frame *f)
{
    r->is_there = true;
    for (size_t i = 0; i < f->count && i < r->width; i++) {
        if (strcmp(r->columns[i], "static:bool") == 0)
            r->is_static = strcmp(f->strings[i], "true") == 0;
        else if (strcmp(r->columns[i], "state:text") == 0)
            r->is_active = strcmp(f->strings[i], "active") == 0;
        else if (strcmp(r->columns[i], "addresses:list") == 0)
            (void)sl_text_copy(r->addresses, sizeof r->addresses, f->strings[i]);
    }
}

static bool take(void *ctx, const struct sl_frame *f, bool *ret_ended)
{
    struct record *r = ctx;
    if (f->kind == SL_FRAME_COLUMNS && f->count > 0) {
        for (r->width = 0; r->width + 1 < f->count && r->width < COLUMNS_MAX; r->width++)
            (void)sl_text_copy(r->columns[r->width], sizeof r->columns[0], f->strings[r->width + 1]);
    } else if (f->kind == SL_FRAME_ROW) {
        take_row(r, f);
    } else if (f->kind == SL_FRAME_END && f->count == 3) {
        *ret_ended = true;
        r->outcome = sl_outcome_parse(f->strings[0]);
        (void)sl_fail(&r->why, SL_CONFLICT, "%s", f->strings[2]);
    }
    return true;
}

/* A verb of winsctl about a name: SL_OK with what became of it in *ret_record, also when there is no such name. */
static enum sl_status ask(const struct pub_run *run, const char *verb, const struct pub_name *name, const char *address,
                          struct record *ret_record, struct sl_error *e)
{
    const char *request[REQUEST_MAX] = {verb, "", name->text.text, address};
    struct record r = {.outcome = SL_OUTCOME_INTERNAL};
    const struct sl_ask question = {.path = sm_target_place(run->target), .timeout_ms = SILENCE_MS, .fd = -1, .request = request,
                                    .count = address ? 4 : 3, .take = take, .ctx = &r};
    enum sl_status s = sl_ask(&question, e);
    if (s == SL_OK && r.outcome != SL_OUTCOME_OK && r.outcome != SL_OUTCOME_NEGATIVE)
        s = sl_fail(e, r.outcome == SL_OUTCOME_DENIED ? SL_DENIED : SL_CONFLICT, "%s: %s: %.300s", run->target->uri, verb,
                    r.why.text);
    if (s == SL_OK)
        *ret_record = r;
    return s;
}

static bool is_as_wanted(const struct pub_name *name, const struct record *r)
{
    if (name->ip4 == 0)
        return !r->is_there || !r->is_active;
    return r->is_there && r->is_active && r->is_static && strcmp(r->addresses, sl_ip4_text(name->ip4).text) == 0;
}

static bool is_ours(const struct pub_run *run, const struct record *r)
{
    uint32_t ip;
    return r->is_there && sl_ip4_parse(r->addresses, &ip) && pub_is_our_address(run, ip);
}

/* "10.0.0.1 (registered) -> 10.0.0.2" */
static void tell(struct pub_run *run, enum pub_action action, const struct pub_name *name, const struct record *before)
{
    const struct sl_ip4_text wanted = sl_ip4_text(name->ip4);
    bool was_there = before->is_there && before->is_active;
    pub_line_add(run, action, name->text.text, "address: %s%s -> %s", was_there ? before->addresses : "none",
                 was_there && !before->is_static ? " (registered)" : "", name->ip4 ? wanted.text : "none");
}

static enum sl_status write_name(struct pub_run *run, const struct pub_name *name, struct record *now, struct sl_error *e)
{
    const struct sl_ip4_text address = sl_ip4_text(name->ip4);
    enum sl_status s = ask(run, name->ip4 ? "add" : "delete", name, name->ip4 ? address.text : NULL, now, e);
    if (s == SL_OK)
        s = ask(run, "show", name, NULL, now, e);
    if (s == SL_OK && !is_as_wanted(name, now))
        s = sl_fail(e, SL_CONFLICT, "%s: %s: read back after writing it is not as written", run->target->uri, name->text.text);
    return s;
}

static enum sl_status do_name(struct pub_run *run, const struct pub_name *name, bool is_named, struct sl_error *e)
{
    struct record before, now;
    enum sl_status s = ask(run, "show", name, NULL, &before, e);
    if (s)
        return s;
    if (is_as_wanted(name, &before)) {
        if (name->ip4)
            pub_line_add(run, PUB_SAME_LINE, name->text.text, "%s", "");
        return SL_OK;
    }
    if (name->ip4 == 0 && !is_named && !is_ours(run, &before))
        return SL_OK; /* another's */
    pub_differs(run);
    if (!pub_is_diff(run))
        s = write_name(run, name, &now, e);
    if (s)
        return s;
    bool was_there = before.is_there && before.is_active;
    tell(run, !was_there ? PUB_ADD_LINE : name->ip4 ? PUB_CHANGE_LINE : PUB_REMOVE_LINE, name, &before);
    if (pub_is_diff(run))
        pub_result_set(run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
    return SL_OK;
}

/* `is_named`: of a site that the administrator told to prune, wherever it points. */
static void publish_name(struct pub_run *run, const struct pub_name *name, bool is_named)
{
    struct sl_error e = {.status = SL_OK};
    enum sl_status s = do_name(run, name, is_named, &e);
    if (s == SL_OK)
        return;
    pub_line_add(run, PUB_FAILED_LINE, name->text.text, "%s", sl_error_text(&e));
    pub_result_fail(run, s, &e);
}

void pub_static(struct pub_run *run)
{
    struct pub_name names[PUB_NAMES_MAX];
    size_t count = pub_names_wanted(run, names);
    for (size_t i = 0; i < count; i++)
        if (names[i].ip4 == 0 || !pub_is_prune(run))
            publish_name(run, &names[i], false);
    for (size_t i = 0; i < run->order->sites.count; i++) {
        count = pub_names_of(run->order->sites.items[i], names);
        for (size_t n = 0; n < count; n++)
            publish_name(run, &names[n], true);
    }
}
