#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which servers failed lately ------------------------------------------------------------------------------------ */

#define HEALTH_MAGIC 0x4ea174e1u

enum { HEALTH_MAX = 64, SERVER_TEXT_MAX = 320 };

/* A server that failed and has not answered since. */
struct ailing {
    char server[SERVER_TEXT_MAX];
    int64_t pause_ms;
    int64_t until_ms;
};

struct ldapc_health {
    uint32_t magic;
    pthread_mutex_t lock;
    int refs;
    size_t count;
    struct ailing rows[HEALTH_MAX];
};

struct ldapc_health *ldapc_health_new(void)
{
    struct ldapc_health *health = sl_new(sizeof *health);

    health->magic = HEALTH_MAGIC;
    health->refs = 1;
    pthread_mutex_init(&health->lock, NULL);
    return health;
}

struct ldapc_health *ldapc_health_ref(struct ldapc_health *health)
{
    SL_CHECK_MAGIC(health, HEALTH_MAGIC);
    pthread_mutex_lock(&health->lock);
    health->refs++;
    pthread_mutex_unlock(&health->lock);
    return health;
}

void ldapc_health_unref(struct ldapc_health *health)
{
    if (health == NULL)
        return;
    SL_CHECK_MAGIC(health, HEALTH_MAGIC);
    pthread_mutex_lock(&health->lock);
    bool last = --health->refs == 0;

    pthread_mutex_unlock(&health->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&health->lock);
    health->magic = 0;
    free(health);
}

static struct ailing *find(struct ldapc_health *health, const char *server)
{
    for (size_t i = 0; i < health->count; i++) {
        if (sl_text_iequal(health->rows[i].server, server))
            return &health->rows[i];
    }
    return NULL;
}

/* A row for one more server; the one that is over soonest makes room. */
static struct ailing *add(struct ldapc_health *health, const char *server)
{
    struct ailing *row = &health->rows[0];

    if (health->count < HEALTH_MAX)
        row = &health->rows[health->count++];
    else
        for (size_t i = 1; i < HEALTH_MAX; i++)
            row = health->rows[i].until_ms < row->until_ms ? &health->rows[i] : row;
    *row = (struct ailing){0};
    (void)sl_text_copy(row->server, sizeof row->server, server);
    return row;
}

int64_t ldapc_health_wait_ms(struct ldapc_health *health, const char *server)
{
    pthread_mutex_lock(&health->lock);
    const struct ailing *row = find(health, server);
    int64_t wait_ms = row != NULL ? row->until_ms - sl_clock_mono_ms() : 0;

    pthread_mutex_unlock(&health->lock);
    return wait_ms > 0 ? wait_ms : 0;
}

void ldapc_health_note(struct ldapc_health *health, const char *server, bool is_good)
{
    if (strlen(server) >= SERVER_TEXT_MAX)
        return;
    pthread_mutex_lock(&health->lock);
    struct ailing *row = find(health, server);

    if (is_good && row != NULL) {
        *row = health->rows[--health->count];
    } else if (!is_good) {
        row = row != NULL ? row : add(health, server);
        row->pause_ms = row->pause_ms == 0 ? LDAPC_BACKOFF_FIRST_MS : row->pause_ms * 2;
        if (row->pause_ms > LDAPC_BACKOFF_MAX_MS)
            row->pause_ms = LDAPC_BACKOFF_MAX_MS;
        row->until_ms = sl_clock_mono_ms() + row->pause_ms;
    }
    pthread_mutex_unlock(&health->lock);
}

/* ---- one server after the other ------------------------------------------------------------------------------------- */

void ldapc_pin(struct ldapc *dir, const char *host, const char *address)
{
    for (size_t i = 0; i < dir->uri.count && dir->uri.scheme != LDAPC_LDAPI; i++) {
        if (!sl_text_iequal(dir->uri.servers[i].host, host))
            continue;
        free(dir->pinned[i]);
        dir->pinned[i] = sl_strdup(address);
    }
}

const char *ldapc_server(const struct ldapc *dir)
{
    return dir->uri.count > 0 ? dir->uri.servers[dir->at].uri : dir->uri.server; /* a dump has no server */
}

const char *ldapc_detour(const struct ldapc *dir)
{
    return dir->detour;
}

/* The servers in the order to try them: as listed, but those that failed lately last, the one that may be well again first. */
static void set_order(struct ldapc *dir, size_t *order, int64_t *waits)
{
    for (size_t i = 0; i < dir->uri.count; i++) {
        int64_t wait_ms = ldapc_health_wait_ms(dir->health, dir->uri.servers[i].uri);
        size_t at = i;

        for (; at > 0 && waits[at - 1] > wait_ms; at--) {
            waits[at] = waits[at - 1];
            order[at] = order[at - 1];
        }
        waits[at] = wait_ms;
        order[at] = i;
    }
}

/* True when another server may do better. */
static bool is_of_the_server(enum ldapc_kind kind)
{
    return kind == LDAPC_UNREACHABLE || kind == LDAPC_TIMEOUT || kind == LDAPC_TLS;
}

static void add_detour(struct ldapc *dir, const char *text)
{
    size_t used = strlen(dir->detour);

    snprintf(dir->detour + used, sizeof dir->detour - used, "%s%s", used > 0 ? "; " : "", text);
}

/* Tells which servers are avoided although they come before the connected one in the list. */
static void add_avoided(struct ldapc *dir, const size_t *order, const int64_t *waits, size_t tried)
{
    char text[SERVER_TEXT_MAX + 80];

    for (size_t i = tried + 1; i < dir->uri.count; i++) {
        if (waits[i] == 0 || order[i] > dir->at)
            continue;
        snprintf(text, sizeof text, "%.300s: failed lately, not asked again for %lld ms", dir->uri.servers[order[i]].uri,
                 (long long)waits[i]);
        add_detour(dir, text);
    }
}

enum sl_status ldapc_connect(struct ldapc *dir, struct sl_deadline deadline, struct sl_error *e)
{
    SL_CHECK_MAGIC(dir, LDAPC_MAGIC);
    struct sl_deadline all =
        sl_deadline_min(deadline, sl_deadline_in(dir->options.timeout_ms > 0 ? dir->options.timeout_ms : LDAPC_TIMEOUT_MS));
    size_t order[LDAPC_SERVERS_MAX], count = dir->uri.count;
    int64_t waits[LDAPC_SERVERS_MAX];
    enum sl_status first = SL_OK;
    enum ldapc_kind kind = LDAPC_FINE;
    int code = 0;

    set_order(dir, order, waits);
    dir->detour[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct sl_error why = {0};

        dir->at = order[i];
        enum sl_status s = ldapc_connect_one(dir, sl_deadline_in(sl_deadline_left_ms(all) / (int)(count - i)), &why);

        if (s == SL_OK || is_of_the_server(dir->kind))
            ldapc_health_note(dir->health, ldapc_server(dir), s == SL_OK);
        if (s == SL_OK) {
            add_avoided(dir, order, waits, i);
            return SL_OK;
        }
        add_detour(dir, why.text);
        if (first == SL_OK || !is_of_the_server(dir->kind)) {
            first = s;
            kind = dir->kind;
            code = dir->code;
        }
        if (!is_of_the_server(dir->kind))
            break;
    }
    dir->kind = kind;
    dir->code = code;
    return sl_fail(e, first, "%s", dir->detour);
}
