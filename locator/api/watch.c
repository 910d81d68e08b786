/* A directory is watched: its changes are told and applied to the mirror in the cache. */
#include "locator/api/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/cache/mirror.h"
#include "locator/source/domain.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PAUSE_FIRST_MS = 1000, PAUSE_MAX_MS = 60000 };

struct watch {
    const struct locator *l;
    const char *source;
    bool is_domain;     /* the source: its servers are looked for at each connection */
    struct ldapc *dir;  /* of a domain NULL before the first */
    struct sl_deadline deadline;
    void (*watched)(void *ctx, const struct locator_result *change);
    void *ctx;
    struct cache_edits edits;
    struct sl_strings whats, dns; /* changes of the transaction under way, told when it is on disk */
    const char *container;
    int64_t confirmed_s;          /* when the mirror was last known to be current; 0 = never in this watch */
    bool is_current, ever_current;
    struct sl_error cache_error;  /* what the cache could not do, which ends the watch */
};

/* ---- telling -------------------------------------------------------------------------------------------------------------- */

static void tell(struct watch *w, const char *what, const char *dn, int64_t stale_since_s, const char *message)
{
    struct locator_result *r = api_result_new();
    if (!r)
        return;
    api_conclude(r, SL_OUTCOME_OK, "", message ? message : "");
    api_put_text(r, LOCATOR_CHANGE, what);
    api_put_text(r, LOCATOR_DN, dn);
    api_put_text(r, LOCATOR_SOURCE, w->source);
    api_put_text(r, LOCATOR_SERVER, w->dir ? ldapc_server(w->dir) : "");
    api_put_text(r, LOCATOR_SAID, message);
    r->numbers[LOCATOR_STALE_SINCE_S] = stale_since_s;
    w->watched(w->ctx, r);
    locator_result_free(r);
}

static void note_change(void *ctx, const char *what, const char *dn)
{
    struct watch *w = ctx;
    sl_strings_add(&w->whats, what);
    sl_strings_add(&w->dns, dn);
}

static void forget_changes(struct watch *w)
{
    sl_strings_fini(&w->whats);
    sl_strings_fini(&w->dns);
    w->whats = w->dns = (struct sl_strings){0};
}

/* ---- what the directory says ---------------------------------------------------------------------------------------- */

static enum sl_status failed(struct watch *w, enum sl_status s, struct sl_error *e)
{
    if (s != SL_OK)
        w->cache_error = *e;
    return s;
}

static enum sl_status take_entry(void *ctx, enum ldapc_sync_state state, const uint8_t uuid[LDAPC_UUID_LEN],
                                 const struct ldapc_entry *entry, struct sl_error *e)
{
    static const enum cache_edit edits[] = {CACHE_MENTION, CACHE_PUT, CACHE_PUT, CACHE_DROP};
    struct watch *w = ctx;
    return failed(w, cache_edit(&w->edits, edits[state], uuid, entry, e), e);
}

static enum sl_status take_state(void *ctx, bool rest_is_gone, struct sl_error *e)
{
    struct watch *w = ctx;
    int64_t now_s = sl_clock_real_s();
    const struct cache_mirror mirror = {
        .source = w->source, .container = w->container, .server = ldapc_server(w->dir), .why = "",
        .trust = lm_trust_word(ldapc_is_trusted(w->dir) ? LM_TRUST_DIRECTORY : LM_TRUST_UNPROVEN),
        .current_s = now_s};
    const struct cache_apply apply = {.mirror = &mirror, .edits = &w->edits, .rest_is_gone = rest_is_gone, .changed = note_change,
                                      .ctx = w};
    enum sl_status s = failed(w, cache_mirror_apply(w->l->cache, &apply, e), e);
    cache_edits_fini(&w->edits);
    for (size_t i = 0; s == SL_OK && i < w->dns.count; i++)
        tell(w, w->whats.items[i], w->dns.items[i], -1, NULL);
    forget_changes(w);
    if (s == SL_OK && !w->is_current)
        tell(w, "current", NULL, -1, "everything is known; changes are told as they come");
    if (s == SL_OK) {
        w->is_current = w->ever_current = true;
        w->confirmed_s = now_s;
    }
    return s;
}

static enum sl_status take_alive(void *ctx, struct sl_error *e)
{
    struct watch *w = ctx;
    if (!w->is_current)
        return SL_OK;
    w->confirmed_s = sl_clock_real_s();
    return failed(w, cache_mirror_note(w->l->cache, w->source, w->confirmed_s, "", e), e);
}

/* ---- one connection after another ----------------------------------------------------------------------------------- */

static enum sl_status synchronise(struct watch *w, struct sl_error *e)
{
    static const char *const attrs[] = {"*", "modifyTimestamp", "entryCSN", NULL};
    const struct ldapc_sync sync = {.base = w->container, .filter = "(objectClass=*)", .attrs = attrs,
                                    .quiet_ms = CACHE_CONFIRM_S * 1000, .timeout_ms = w->l->timeout_ms,
                                    .entry = take_entry, .state = take_state, .alive = take_alive, .ctx = w};
    return ldapc_sync(w->dir, &sync, w->deadline, e);
}

/* Reads all that is published, as the next state of the mirror. */
static enum sl_status look(void *ctx, struct sl_error *e)
{
    static const char *const attrs[] = {"*", "modifyTimestamp", "objectGUID", NULL};
    struct watch *w = ctx;
    struct ldapc_entries found = {.count = 0};
    const struct ldapc_search search = {.base = w->container, .attrs = attrs};
    struct sl_deadline soon = sl_deadline_min(w->deadline, sl_deadline_in(w->l->timeout_ms));
    enum sl_status s = ldapc_search(w->dir, &search, soon, &found, e);
    if (s == SL_OK && found.incomplete)
        s = sl_fail(e, SL_LIMIT, "%s: a limit of the server cuts what is published", ldapc_server(w->dir));
    for (size_t i = 0; s == SL_OK && i < found.count; i++) {
        const struct ldapc_attr *guid = ldapc_entry_attr(&found.items[i], "objectGUID");
        if (guid && guid->count && guid->values[0].len == LDAPC_UUID_LEN)
            s = cache_edit(&w->edits, CACHE_PUT, (const uint8_t *)guid->values[0].data, &found.items[i], e);
    }
    ldapc_entries_fini(&found);
    return s == SL_OK ? take_state(w, true, e) : s;
}

/* Content synchronisation where the server has it, else notifications. */
static enum sl_status follow(struct watch *w, struct sl_error *e)
{
    const struct ldapc_notify notify = {.base = w->container, .quiet_ms = CACHE_CONFIRM_S * 1000, .look = look, .ctx = w};
    struct ldapc_probe probe = {.kind = LDAPC_SERVER_OTHER};
    struct sl_deadline soon = sl_deadline_min(w->deadline, sl_deadline_in(w->l->timeout_ms));
    enum sl_status s = ldapc_probe(w->dir, LDAPC_PROBE_SCHEMA, soon, &probe, e);
    bool notifies = s == SL_OK && !(probe.controls & LDAPC_CONTROL_SYNC) && probe.controls & LDAPC_CONTROL_NOTIFY;
    ldapc_probe_fini(&probe);
    if (s != SL_OK)
        return s;
    return notifies ? ldapc_notify(w->dir, &notify, w->deadline, e) : synchronise(w, e);
}

static enum sl_status connect_to(struct watch *w, struct sl_deadline soon, struct sl_error *e)
{
    struct src_config config = api_config(w->l);
    struct ldapc *dir;
    if (!w->is_domain)
        return ldapc_connect(w->dir, soon, e);
    config.ldap.timeout_ms = w->l->timeout_ms;
    enum sl_status s = src_domain_connect(w->source, &config, soon, &dir, e);
    if (s != SL_OK)
        return s;
    ldapc_free(w->dir);
    w->dir = dir;
    return SL_OK;
}

/* Connects and watches till the connection ends; SL_OK asks for another one at once. */
static enum sl_status watch_once(struct watch *w, struct sl_error *e)
{
    struct sl_deadline soon = sl_deadline_min(w->deadline, sl_deadline_in(w->l->timeout_ms));
    enum sl_status s = connect_to(w, soon, e);
    if (s == SL_OK)
        s = ldapc_container(w->dir, soon, &w->container, e);
    if (s == SL_OK)
        s = follow(w, e);
    cache_edits_fini(&w->edits);
    forget_changes(w);
    return s;
}

/* The connection is lost: the mirror is stale since it was last known to be current. */
static void grow_stale(struct watch *w, const struct sl_error *why)
{
    struct sl_error e = {.status = SL_OK};
    if (!w->is_current)
        return;
    w->is_current = false;
    (void)failed(w, cache_mirror_note(w->l->cache, w->source, w->confirmed_s, sl_error_text(why), &e), &e);
    tell(w, "stale", NULL, w->confirmed_s, sl_error_text(why));
}

static void pause_ms(const struct watch *w, int64_t ms)
{
    struct pollfd p = {.fd = sl_deadline_fd(w->deadline), .events = POLLIN};
    (void)poll(&p, 1, sl_deadline_left_ms(sl_deadline_min(w->deadline, sl_deadline_in(ms))));
}

/* What another connection cannot heal: an account that is refused from the start, a server that cannot tell of changes. */
static bool is_hopeless(const struct watch *w, enum sl_status s)
{
    return w->cache_error.status != SL_OK || s == SL_UNSUPPORTED || s == SL_USAGE ||
           (!w->ever_current && s != SL_UNREACHABLE && s != SL_TIMEOUT && s != SL_OK);
}

static enum sl_status watch_on(struct watch *w, struct sl_error *e)
{
    int64_t wait_ms = PAUSE_FIRST_MS;
    for (;;) {
        *e = (struct sl_error){.status = SL_OK};
        enum sl_status s = watch_once(w, e);
        bool had_been = w->is_current;
        if (sl_deadline_canceled(w->deadline) || sl_deadline_passed(w->deadline)) {
            (void)sl_fail(e, SL_CANCELED, "nobody watches it any more");
            grow_stale(w, e);
            return SL_OK;
        }
        grow_stale(w, e);
        if (is_hopeless(w, s)) {
            *e = w->cache_error.status != SL_OK ? w->cache_error : *e;
            return e->status;
        }
        if (!had_been && s != SL_OK)
            tell(w, "unreachable", NULL, -1, sl_error_text(e));
        wait_ms = had_been ? PAUSE_FIRST_MS : wait_ms;
        if (s != SL_OK)
            pause_ms(w, wait_ms);
        wait_ms = wait_ms * 2 < PAUSE_MAX_MS ? wait_ms * 2 : PAUSE_MAX_MS;
    }
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

/* The first source that is a directory with servers of its own, or a domain that has some. */
static const char *directory_of(const struct locator *l)
{
    static const char *const schemes[] = {"ldap:", "ldaps://", "ldapi://"};
    for (size_t i = 0; i < l->sources.count; i++)
        for (size_t k = 0; k < SL_COUNT(schemes); k++)
            if (!strncasecmp(l->sources.items[i], schemes[k], strlen(schemes[k])))
                return l->sources.items[i];
    return NULL;
}

static enum sl_status begin(struct watch *w, struct sl_error *e)
{
    struct ldapc_options options = w->l->config.ldap;
    if (!w->l->cache)
        return sl_fail(e, SL_USAGE, "no cache: name its file");
    if (!w->source)
        return sl_fail(e, SL_USAGE, "no directory to watch: name one as ldap://HOST, ldaps://HOST, ldapi://PATH or ldap:DOMAIN");
    w->is_domain = strncmp(strchr(w->source, ':'), "://", 3) != 0;
    if (w->is_domain)
        return SL_OK;
    options.timeout_ms = w->l->timeout_ms;
    enum sl_status s = ldapc_new(w->source, &options, &w->dir, e);
    for (size_t i = 0; s == SL_OK && i < w->l->config.override_count; i++)
        ldapc_pin(w->dir, w->l->config.overrides[i].host, w->l->config.overrides[i].address);
    return s;
}

/* What a limit of the server cuts is as incomplete here as for a finding call. */
static void conclude(const struct watch *w, enum sl_status s, const struct sl_error *e, struct locator_result *r)
{
    if (s == SL_LIMIT && w->cache_error.status == SL_OK)
        api_conclude(r, SL_OUTCOME_UNREACHABLE, "incomplete", sl_error_text(e));
    else
        api_conclude(r, sl_status_outcome(s), "", s == SL_OK ? "watched" : sl_error_text(e));
}

struct locator_result *locator_watch(struct locator *l, int64_t for_ms,
                                     void (*watched)(void *ctx, const struct locator_result *change), void *ctx)
{
    struct locator_result *r = api_result_new();
    struct api_run run;
    struct sl_error e = {.status = SL_OK};
    if (!r)
        return NULL;
    enum sl_status s = api_run_begin(l, &run, &e);
    if (s != SL_OK) {
        api_conclude(r, sl_status_outcome(s), "", sl_error_text(&e));
        return r;
    }
    api_warn_notes(l, r);
    struct watch w = {.l = l, .source = directory_of(l), .watched = watched, .ctx = ctx};
    w.deadline = for_ms > 0 ? sl_deadline_in(for_ms) : (struct sl_deadline){.at_ms = INT64_MAX};
    w.deadline.cancel = &run.cancel;
    s = begin(&w, &e);
    if (s == SL_OK)
        s = watch_on(&w, &e);
    ldapc_free(w.dir);
    conclude(&w, s, &e, r);
    api_run_end(&run);
    sl_cancel_fini(&run.cancel);
    return r;
}
