/*
 * slp:SOURCES and mplist:SOURCES - a server locator point, or the MP list of a management point, that other sources name: they
 * are asked for it one after the other, each with its share of the time, and then it is asked itself.
 */
#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/wire/name.h"
#include "locator/net/httpc.h"
#include "locator/source/source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLP_NAME "SMS_SLP#1A" /* sms.md 3 */

/* A source that is asked, and may be canceled meanwhile. */
struct place {
    char uri[SRC_URI_MAX];
    const struct src_ops *ops;
    void *source;
};

struct named {
    bool is_slp;
    struct src_config config; /* a copy */
    struct place places[SRC_PLACES_MAX];
    size_t count;
    pthread_mutex_t lock; /* of the next */
    const struct place *asked;
};

/* What was found, and where. */
struct named_host {
    struct lm_mp mp;
    char uri[SRC_URI_MAX];
};

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static void named_free(void *source)
{
    struct named *n = source;
    for (size_t i = 0; i < n->count; i++)
        n->places[i].ops->free(n->places[i].source);
    (void)pthread_mutex_destroy(&n->lock);
    src_config_fini(&n->config);
    free(n);
}

static bool is_place(const struct named *n, const struct src_ops *ops)
{
    enum src_kind kind = src_kind_of(ops);
    return kind == SRC_DIRECTORY || kind == (n->is_slp ? SRC_REGISTRY : SRC_DNS);
}

static enum sl_status add_place(struct named *n, const char *uri, size_t len, const struct src_config *config, struct sl_error *e)
{
    if (n->count == SRC_PLACES_MAX || len >= SRC_URI_MAX)
        return sl_fail(e, SL_USAGE, "more than %d sources, or too long a one", SRC_PLACES_MAX);
    struct place *place = &n->places[n->count];
    (void)snprintf(place->uri, sizeof place->uri, "%.*s", (int)len, uri);
    enum sl_status s = src_find(place->uri, &place->ops, e);
    if (s == SL_OK && !is_place(n, place->ops))
        s = sl_fail(e, SL_USAGE, "\"%.100s\" names no %s", place->uri, n->is_slp ? "server locator point" : "management point");
    if (s == SL_OK)
        s = place->ops->open(place->uri, config, &place->source, e);
    n->count += s == SL_OK;
    return s;
}

static enum sl_status named_open(const char *uri, bool is_slp, const struct src_config *config, void **ret_source,
                                 struct sl_error *e)
{
    struct named *n = sl_new(sizeof *n);
    enum sl_status s = SL_OK;
    n->is_slp = is_slp;
    n->config = src_config_copy(config);
    (void)pthread_mutex_init(&n->lock, NULL);
    for (const char *at = strchr(uri, ':') + 1; s == SL_OK && *at;) {
        size_t len = strcspn(at, SRC_PLACES_SEPARATOR);
        s = add_place(n, at, len, config, e);
        at += len + (at[len] != '\0');
    }
    if (s == SL_OK && !n->count)
        s = sl_fail(e, SL_USAGE, "the sources that name it are wanted behind the colon");
    if (s != SL_OK) {
        named_free(n);
        return sl_fail_in(e, s, "source \"%.100s\"", uri);
    }
    *ret_source = n;
    return SL_OK;
}

static enum sl_status slp_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    return named_open(uri, true, config, ret_source, e);
}

static enum sl_status mplist_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    return named_open(uri, false, config, ret_source, e);
}

static void named_cancel(void *source)
{
    struct named *n = source;
    (void)pthread_mutex_lock(&n->lock);
    if (n->asked && n->asked->ops->cancel)
        n->asked->ops->cancel(n->asked->source);
    (void)pthread_mutex_unlock(&n->lock);
}

static void set_asked(struct named *n, const struct place *place)
{
    (void)pthread_mutex_lock(&n->lock);
    n->asked = place;
    (void)pthread_mutex_unlock(&n->lock);
}

/* ---- who it is ------------------------------------------------------------------------------------------------------- */

/* What a place is asked: for the role's objects, the registered name, or the management point of the site. */
static struct src_question question_of(const struct named *n, const struct place *place, const struct src_question *q)
{
    struct src_question asked = *q;
    struct sl_error ignored;
    asked.what = SRC_MP;
    if (n->is_slp && src_kind_of(place->ops) == SRC_REGISTRY) {
        asked.what = SRC_NAME;
        (void)!nb_name_parse(SLP_NAME, &asked.name, &ignored);
    } else if (n->is_slp) {
        asked.what = SRC_OBJECTS;
        asked.kind = LM_OBJECT_SLP;
        asked.site[0] = '\0';
    }
    return asked;
}

/* The role's object of the site that is asked about, else the first: a hierarchy has one, but for another in a lower site. */
static const struct lm_object *choose(const struct lm_objects *objects, const char *site)
{
    const struct lm_object *first = NULL;
    for (size_t i = 0; i < objects->count; i++) {
        const struct lm_object *o = &objects->items[i];
        if (o->mp.name[0] && (!first || (strcmp(o->mp.site, site) == 0 && strcmp(first->mp.site, site) != 0)))
            first = o;
    }
    return first;
}

static bool take(const struct src_question *asked, const char *site, const struct src_answer *found, struct lm_mp *ret_mp)
{
    const struct lm_object *object = asked->what == SRC_OBJECTS ? choose(&found->objects, site) : NULL;
    *ret_mp = asked->what == SRC_MP ? found->mp : lm_mp_unknown();
    if (asked->what == SRC_NAME)
        (void)sl_text_copy(ret_mp->name, sizeof ret_mp->name, sl_ip4_text(found->addresses[0]).text);
    if (object)
        *ret_mp = object->mp;
    return ret_mp->name[0] != '\0';
}

/* "slp+http://HOST" or "http://HOST:PORT"; false when the name is none. */
static bool put_uri(const struct named *n, struct named_host *host)
{
    const struct lm_mp *mp = &host->mp;
    uint16_t forced = n->config.mp_port;
    const char *scheme = n->is_slp ? "slp+http" : lm_mp_is_https(mp, forced) ? "https" : "http";
    uint16_t port = n->is_slp ? LM_HTTP_PORT : lm_mp_port(mp, forced);
    return httpc_url(host->uri, sizeof host->uri, scheme, mp->name, port, "");
}

/* Asks one place; true with a host, else what it said becomes `a`'s, unless a place before it has failed. */
static bool ask_place(struct named *n, const struct place *place, const struct src_question *q, struct sl_deadline deadline,
                      struct src_answer *a, struct named_host *ret_host)
{
    struct src_question asked = question_of(n, place, q);
    struct src_answer *found = sl_new(sizeof *found);
    src_answer_init(found);
    src_note(a, "%s by %s", n->is_slp ? "server locator point" : "management point", place->uri);
    set_asked(n, place);
    place->ops->ask(place->source, &asked, deadline, found);
    set_asked(n, NULL);
    bool is_there = found->result == SRC_ANSWER && take(&asked, q->site, found, &ret_host->mp) && put_uri(n, ret_host);
    src_note_end(a, "%s", is_there ? ret_host->uri : found->result == SRC_ANSWER ? "no host" : src_result_word(found->result));
    if (!is_there && found->result != SRC_ANSWER && src_result_outcome(found->result) != SL_OUTCOME_NEGATIVE &&
        a->result == SRC_NOT_FOUND)
        src_say(a, found->result, "%s is not known: %s: %s", n->is_slp ? "the server locator point" : "the MP list", place->uri,
                found->text);
    src_answer_fini(found);
    free(found);
    return is_there;
}

static bool find_host(struct named *n, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a,
                      struct named_host *ret_host)
{
    src_say(a, SRC_NOT_FOUND, "nobody names a %s", n->is_slp ? "server locator point" : "management point with an MP list");
    for (size_t i = 0; i < n->count && !sl_deadline_passed(deadline); i++) {
        int share_ms = sl_deadline_left_ms(deadline) / (int)(n->count - i + 1); /* one for the host itself */
        if (ask_place(n, &n->places[i], q, sl_deadline_min(deadline, sl_deadline_in(share_ms)), a, ret_host))
            return true;
    }
    return false;
}

/* ---- asking it ------------------------------------------------------------------------------------------------------- */

/* The address that was found with a host counts unless another is given for it. */
static void ask_host(const struct named *n, const struct named_host *host, const struct src_question *q,
                     struct sl_deadline deadline, struct src_answer *a)
{
    struct src_override hint = {(char *)(uintptr_t)host->mp.name, (char *)(uintptr_t)host->mp.address};
    struct src_config config = n->config;
    const struct src_ops *ops;
    struct sl_error e = {.status = SL_OK};
    void *source;
    if (host->mp.address[0] && !src_override_find(&n->config, host->mp.name)) {
        config.overrides = &hint;
        config.override_count = 1;
    }
    enum sl_status s = src_find(host->uri, &ops, &e);
    if (s == SL_OK)
        s = ops->open(host->uri, &config, &source, &e);
    if (s != SL_OK) {
        src_say_failed(a, s, &e);
        return;
    }
    ops->ask(source, q, deadline, a);
    ops->free(source);
}

static void named_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    struct named *n = source;
    struct named_host *host = sl_new(sizeof *host);
    if (find_host(n, q, deadline, a, host))
        ask_host(n, host, q, deadline, a);
    free(host);
}

const struct src_ops src_slp = {
    .scheme = "slp",
    .answers = SRC_MP | SRC_SITE | SRC_CAP,
    .open = slp_open,
    .ask = named_ask,
    .cancel = named_cancel,
    .free = named_free,
};

const struct src_ops src_mplist = {
    .scheme = "mplist",
    .answers = SRC_MP,
    .open = mplist_open,
    .ask = named_ask,
    .cancel = named_cancel,
    .free = named_free,
};
