#include "site/nbname/private.h"

#include "common/base/memory.h"
#include "locator/net/dnsc.h"

#include <stdlib.h>
#include <string.h>

static enum sl_status find(struct nbn_lookup *l)
{
    struct dnsc_addresses found;
    enum sl_status s = dnsc_host(NULL, l->host, sl_deadline_in(NBN_LOOKUP_MS), &found, &l->e);
    for (size_t i = 0; s == SL_OK && i < found.count; i++) {
        uint32_t ip;
        if (sl_ip4_parse(found.items[i].text, &ip)) {
            l->server = sl_endpoint_ip4(ip, l->port);
            return SL_OK;
        }
    }
    return s ? s : sl_fail(&l->e, SL_UNREACHABLE, "%s has no IPv4 address", l->host);
}

static void *work(void *ctx)
{
    struct nbn_lookup *l = ctx;
    l->status = find(l);
    atomic_store(&l->is_done, true);
    nbn_wake(l->names);
    return NULL;
}

enum sl_status nbn_find_server(struct nbn_claim *c, struct sl_error *e)
{
    struct nbn_lookup *l = sl_new(sizeof *l);
    uint32_t ip;
    l->names = c->names;
    l->claim = c;
    enum sl_status s = nbc_split(c->registry, l->host, sizeof l->host, &l->port, e);
    if (s == SL_OK && sl_ip4_parse(l->host, &ip)) {
        c->question.server = sl_endpoint_ip4(ip, l->port);
        c->has_server = true;
    } else if (s == SL_OK && pthread_create(&l->thread, NULL, work, l) == 0) {
        c->lookup = l;
        l->next = c->names->lookups;
        c->names->lookups = l;
        return SL_OK;
    } else if (s == SL_OK) {
        s = sl_fail(e, SL_LIMIT, "no thread to look up %s", l->host);
    }
    free(l);
    return s;
}

void nbn_lookups_collect(struct nbn *names, void (*fn)(struct nbn_claim *c, const struct nbn_lookup *lookup))
{
    for (struct nbn_lookup **at = &names->lookups; *at;) {
        struct nbn_lookup *l = *at;
        if (!atomic_load(&l->is_done)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        pthread_join(l->thread, NULL);
        if (l->claim) {
            l->claim->lookup = NULL;
            fn(l->claim, l);
        }
        free(l);
    }
}

void nbn_lookups_end(struct nbn *names)
{
    while (names->lookups) {
        struct nbn_lookup *l = names->lookups;
        names->lookups = l->next;
        pthread_join(l->thread, NULL);
        free(l);
    }
}
