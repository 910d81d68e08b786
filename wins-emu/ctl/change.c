#include "wins-emu/ctl/change.h"

#include "common/base/log.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

void wctl_not_found(struct host_reply *reply, const struct nb_name *name)
{
    host_reply_end(reply, SL_OUTCOME_NEGATIVE, "not-found", "%s is not in the registry", nb_name_text(name).text);
}

struct wctl_change *wctl_change_new(struct wctl_changes *all, const char *verb, const struct nb_name *name,
                                    struct host_reply *reply, void (*finish)(struct wctl_change *c))
{
    struct wctl_change *c = sl_new(sizeof *c);
    *c = (struct wctl_change){
        .all = all, .verb = verb, .reply = reply, .finish = finish, .next = all->first, .link = &all->first};
    if (name)
        c->name = *name;
    if (c->next)
        c->next->link = &c->next;
    all->first = c;
    return c;
}

static void join(struct wctl_change *c)
{
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    c->has_thread = false;
}

void wctl_change_free(struct wctl_change *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    join(c);
    sl_text_fini(&c->problems);
    if (c->data)
        c->free_data(c->data);
    free(c);
}

void wctl_change_refuse(struct wctl_change *c, enum sl_status status, const struct sl_error *e)
{
    host_reply_fail(c->reply, status, e);
    wctl_change_free(c);
}

/* On the loop's thread again. */
static void on_changed(void *ctx)
{
    struct wctl_change *c = ctx;
    bool named = c->name.octets[0] != '\0';
    sl_log(c->looks ? SL_LOG_DEBUG : SL_LOG_INFO, "admin", "verb=%s name=%s result=%s", c->verb,
           named ? SL_LOG_TEXT(nb_name_text(&c->name).text) : "-",
           c->status != SL_OK ? SL_LOG_TEXT(sl_error_text(&c->error)) : c->found ? "ok" : "not-found");
    if (c->status != SL_OK)
        host_reply_fail(c->reply, c->status, &c->error);
    else if (!c->found)
        wctl_not_found(c->reply, &c->name);
    else
        c->finish(c);
    wctl_change_free(c);
}

void wctl_change_done(void *ctx, enum sl_status status, bool found, const struct sl_error *e)
{
    struct wctl_change *c = ctx;
    c->status = status;
    c->found = found;
    if (status != SL_OK && e)
        c->error = *e;
    host_loop_post(c->all->loop, on_changed, c);
}

static void *run(void *ctx)
{
    struct wctl_change *c = ctx;
    c->work(c);
    return NULL;
}

static bool is_under_way(const struct wctl_changes *all, void (*work)(struct wctl_change *c))
{
    for (const struct wctl_change *c = all->first; c; c = c->next)
        if (c->work == work)
            return true;
    return false;
}

void wctl_change_work(struct wctl_change *c, void (*work)(struct wctl_change *c))
{
    struct sl_error e;
    if (is_under_way(c->all, work)) {
        wctl_change_refuse(c, sl_fail(&e, SL_CONFLICT, "another %s is under way", c->verb), &e);
        return;
    }
    c->work = work;
    int error = pthread_create(&c->thread, NULL, run, c);
    c->has_thread = error == 0;
    if (error)
        wctl_change_refuse(c, sl_fail(&e, SL_IO, "cannot start a thread: %s", strerror(error)), &e);
}

void wctl_changes_wait(struct wctl_changes *all)
{
    for (struct wctl_change *c = all->first; c; c = c->next)
        join(c);
}

void wctl_changes_drop(struct wctl_changes *all)
{
    while (all->first) {
        if (all->first->reply)
            host_reply_end(all->first->reply, SL_OUTCOME_UNREACHABLE, "stopping", NULL);
        wctl_change_free(all->first);
    }
}
