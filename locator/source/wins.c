#include "locator/source/source.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/dnsc.h"
#include "locator/net/nbc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RCODE_NO_SUCH_NAME = 3, RCODE_REFUSED = 5 };

struct wins {
    char host[NBC_HOST_MAX];
    char address[DNSC_ADDRESS_MAX]; /* of an override, or "" */
    uint16_t port;
};

static enum sl_status wins_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    struct wins w = {.port = 0};
    enum sl_status s = nbc_split(uri, w.host, sizeof w.host, &w.port, e);
    if (s != SL_OK)
        return s;
    const char *address = src_override_find(config, w.host);
    if (address && !sl_text_copy(w.address, sizeof w.address, address))
        return sl_fail(e, SL_USAGE, "address \"%.60s\" for %s: too long", address, w.host);
    struct wins *source = sl_new(sizeof *source);
    *source = w;
    *ret_source = source;
    return SL_OK;
}

/* Finds the server's address; says why not in the answer. */
static bool find_server(const struct wins *w, struct sl_deadline deadline, struct src_answer *a, struct sl_endpoint *ret_server)
{
    struct dnsc_addresses list = {.count = 0};
    struct sl_error e = {.status = SL_OK};
    uint32_t ip = 0;
    enum sl_status s = dnsc_host(NULL, w->address[0] ? w->address : w->host, deadline, &list, &e);
    if (s != SL_OK) {
        src_say_failed(a, s, &e);
        return false;
    }
    for (size_t i = 0; i < list.count; i++)
        if (!ip && !sl_ip4_parse(list.items[i].text, &ip))
            ip = 0;
    if (!ip) {
        src_say(a, SRC_FAILED, "name server %s: no IPv4 address", w->host);
        return false;
    }
    *ret_server = sl_endpoint_ip4(ip, w->port);
    (void)snprintf(a->server, sizeof a->server, "%s", sl_endpoint_text(ret_server).text);
    return true;
}

/* Asks for one name; true when the answer holds its addresses, else `a` says why not. */
static bool ask_name(const struct sl_endpoint *server, const struct nb_name *name, struct sl_deadline deadline,
                     struct src_answer *a)
{
    struct nbc_reply reply;
    struct sl_error e = {.status = SL_OK};
    struct nb_name_text text = nb_name_text(name);
    src_note(a, "name query %s", text.text);
    enum sl_status s = nbc_query(server, name, deadline, &reply, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        src_say_failed(a, s, &e);
        return false;
    }
    if (reply.rcode || !reply.address_count) {
        enum src_result result = !reply.rcode || reply.rcode == RCODE_NO_SUCH_NAME ? SRC_NOT_FOUND
                                 : reply.rcode == RCODE_REFUSED                    ? SRC_REFUSED
                                                                                   : SRC_FAILED;
        const char *why = reply.rcode ? nbc_rcode_text(reply.rcode) : "no address";
        src_note_end(a, "%s", why);
        src_say(a, result, "%s is not registered: %s", text.text, why);
        return false;
    }
    a->group = reply.group;
    a->node[0] = "BPMH"[reply.nb_flags >> 13 & 3];
    a->ttl_s = reply.ttl_s ? (int64_t)reply.ttl_s : SRC_AGE_UNKNOWN; /* servers that do not tell it write 0 */
    a->address_count = reply.address_count < SRC_ADDRESSES_MAX ? reply.address_count : SRC_ADDRESSES_MAX;
    memcpy(a->addresses, reply.addresses, a->address_count * sizeof a->addresses[0]);
    src_note_end(a, "%s%s", sl_ip4_text(a->addresses[0]).text, a->address_count > 1 ? " and more" : "");
    src_say(a, SRC_ANSWER, "%s is registered", text.text);
    return true;
}

static void ask_mp(const struct sl_endpoint *server, const struct src_question *q, struct sl_deadline deadline,
                   struct src_answer *a)
{
    for (size_t i = 0; i < SRC_MP_NAMES; i++) {
        struct nb_name name = src_mp_name(i, q->site);
        if (ask_name(server, &name, deadline, a)) {
            src_mp_of_name(q->site, a);
            return;
        }
        if (a->result != SRC_NOT_FOUND)
            return;
    }
    src_say(a, SRC_NOT_FOUND, "neither MP_%s#1A nor NLB_%s#1A is registered", q->site, q->site);
}

static void wins_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct wins *w = source;
    struct sl_endpoint server;
    if (!find_server(w, deadline, a, &server))
        return;
    if (q->what == SRC_NAME)
        (void)ask_name(&server, &q->name, deadline, a);
    else
        ask_mp(&server, q, deadline, a);
}

const struct src_ops src_wins = {
    .scheme = "wins",
    .answers = SRC_MP | SRC_NAME,
    .open = wins_open,
    .ask = wins_ask,
    .free = free,
};
