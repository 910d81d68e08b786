/* cache: - the directories that are watched into the cache, asked as they themselves would be. */
#include "locator/cache/snapshot.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/cache/mirror.h"
#include "locator/source/ldap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANGES_MAX = 256 };

static enum sl_status cached_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    if (strcmp(strchr(uri, ':'), ":") != 0)
        return sl_fail(e, SL_USAGE, "source \"%.100s\": nothing stands behind the colon; --cache names the file", uri);
    if (!config->cache)
        return sl_fail(e, SL_USAGE, "source \"%.100s\": there is no cache", uri);
    *ret_source = cache_ref(config->cache);
    return SL_OK;
}

static void cached_free(void *source)
{
    cache_free(source);
}

/* The ranges that hold an address of the client. */
static enum sl_status add_ranges(const struct cache_snapshot *s, const struct cache_view *v, const struct lm_client *client,
                                 struct ldapc_entries *out, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < client->address_count; i++) {
        const uint8_t *o = client->addresses[i].octets;
        struct lm_range found[RANGES_MAX];
        if (client->addresses[i].v6)
            continue;
        uint32_t address = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
        size_t n = lm_ranges_find(v->ranges, lm_key_ip4(address), found, RANGES_MAX);
        for (size_t k = 0; k < n && k < RANGES_MAX && status == SL_OK; k++)
            status = ldapc_entries_share(out, cache_snapshot_entry(s, found[k].value), e);
    }
    return status;
}

/* What of a mirror the question can be about; ranges only where they count, and then those that hold the client. */
static enum sl_status choose(const struct cache_snapshot *s, const struct cache_view *v, const struct src_question *q,
                             struct ldapc_entries *out, struct sl_error *e)
{
    size_t count = q->what == SRC_OBJECTS ? v->count : v->count - v->range_count;
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < count && status == SL_OK; i++)
        status = ldapc_entries_share(out, cache_snapshot_entry(s, v->first + i), e);
    if (status == SL_OK && q->what == SRC_SITE && !q->site[0])
        status = add_ranges(s, v, &q->client, out, e);
    return status;
}

static void ask_view(const struct cache_snapshot *s, const struct cache_view *v, const struct src_question *q,
                     struct sl_deadline deadline, struct src_answer *a)
{
    const struct ldapc_options options = {.base = v->container, .container = (char *)(uintptr_t)""};
    struct ldapc_entries entries = {.count = 0};
    struct ldapc *dir;
    struct sl_error e = {.status = SL_OK};
    enum sl_status status = choose(s, v, q, &entries, &e);
    if (status == SL_OK)
        status = ldapc_new_dump(v->source, &entries, &options, &dir, &e);
    if (status != SL_OK) {
        src_say_failed(a, status, &e);
        ldapc_entries_fini(&entries);
        return;
    }
    for (int t = 0; t < LM_TRUST_COUNT; t++)
        if (!strcmp(lm_trust_word((enum lm_trust)t), v->trust))
            a->trust = (enum lm_trust)t;
    (void)sl_text_copy(a->server, sizeof a->server, v->server);
    src_ldap_question(dir, q, deadline, a);
    ldapc_free(dir);
}

struct staleness {
    const struct cache_view *view;
    int64_t now_s, since_s;
    char why[SRC_TEXT_MAX];
};

static void take_mirror(void *ctx, const struct cache_mirror *m)
{
    struct staleness *s = ctx;
    if (strcmp(m->source, s->view->source) != 0)
        return;
    s->since_s = cache_stale_since(m, s->now_s);
    (void)snprintf(s->why, sizeof s->why, "%s", m->why[0] ? m->why : "nobody watches it");
}

/* Says how current a mirror is, before it is asked. */
static void note_staleness(struct cache *c, const struct cache_view *v, const struct src_question *q, struct src_answer *a)
{
    struct staleness s = {.view = v, .now_s = q->now_s};
    struct sl_error e = {.status = SL_OK};
    src_note(a, "mirror of %s", v->source);
    if (cache_mirror_list(c, take_mirror, &s, &e) != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        return;
    }
    a->stale_since_s = s.since_s;
    if (!s.since_s)
        src_note_end(a, "current, %zu entries", v->count);
    else
        src_note_end(a, "stale for %" PRId64 " s: %s", q->now_s - s.since_s, s.why);
}

static void ask_mirrors(struct cache *c, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    struct cache_snapshot *s;
    struct sl_error e = {.status = SL_OK};
    (void)sl_text_copy(a->server, sizeof a->server, cache_path(c));
    enum sl_status status = cache_snapshot_get(c, &s, &e);
    if (status != SL_OK) {
        src_say_failed(a, status, &e);
        return;
    }
    src_say(a, SRC_FAILED, "nothing is watched into %s", cache_path(c));
    for (size_t i = 0; i < cache_snapshot_count(s); i++) {
        note_staleness(c, cache_snapshot_view(s, i), q, a);
        ask_view(s, cache_snapshot_view(s, i), q, deadline, a);
        if (a->result == SRC_ANSWER || a->result == SRC_NO_DEFAULT)
            break;
    }
    cache_snapshot_release(c, s);
}

static void cached_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    if (src_ldap_supposed(q, a))
        return;
    ask_mirrors(source, q, deadline, a);
    /*
     * A mirror follows its directory write by write, so that it too may stand between the two of a designation. It is not looked
     * at more often than every CACHE_LOOK_MS, which the last of the quick looks waits for.
     */
    for (size_t looks = SRC_LDAP_QUICK_LOOKS - 1; a->result == SRC_NO_DEFAULT && !a->stale_since_s; looks++) {
        if (!src_ldap_wait_for_default(looks, deadline, a))
            return;
        a->warning_count = 0; /* said again */
        a->rule[0] = '\0';
        ask_mirrors(source, q, deadline, a);
    }
}

const struct src_ops src_cache = {
    .scheme = "cache",
    .opaque = true,
    .answers = SRC_MP | SRC_SITE | SRC_OBJECTS,
    .open = cached_open,
    .ask = cached_ask,
    .free = cached_free,
};
