#include "locator/net/dnsc.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/wire/cursor.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 1035 4.1 */
enum { CLASS_IN = 1, TYPE_CNAME = 5, TYPE_SRV = 33, RESPONSE = 0x8000, TRUNCATED = 0x0200, RCODE_BITS = 0x000f };
enum { TRIES = 3, TRY_MS = 2000, SYSTEM_SERVERS = 3 };

/* RFC 2181 8: what is larger counts as 0 */
static const uint32_t ttl_max = 0x7fffffff;

/* One question on its way; the callback fills it once. */
struct ask {
    const char *name;
    bool done;
    int code; /* of c-ares */
    bool malformed;
    struct dnsc_srv_list *srv;
    struct dnsc_addresses *addresses;
};

static enum sl_status status_of(int code)
{
    switch (code) {
    case ARES_SUCCESS:
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return SL_OK;
    case ARES_ETIMEOUT:
        return SL_TIMEOUT;
    case ARES_EFORMERR:
    case ARES_EBADRESP:
        return SL_MALFORMED;
    case ARES_EBADNAME:
        return SL_USAGE;
    case ARES_EREFUSED:
        return SL_DENIED;
    case ARES_ENOMEM:
        return SL_NOMEM;
    default:
        return SL_UNREACHABLE;
    }
}

/* c-ares asks one server after another, each for so long: a dead one must leave time for those behind it. */
static int try_ms(const char *servers, int left_ms)
{
    int count = servers ? 1 : SYSTEM_SERVERS;
    for (const char *p = servers; p && *p; p++)
        count += *p == ',';
    int tries = count + 1 > TRIES ? count + 1 : TRIES;
    return left_ms / tries < TRY_MS ? left_ms / tries + 1 : TRY_MS;
}

static enum sl_status open_channel(const char *server, int flags, struct sl_deadline deadline, ares_channel *ret_channel,
                                   struct sl_error *e)
{
    struct ares_options options = {.tries = TRIES, .lookups = (char *)(server ? "b" : "fb")};
    int mask = ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS | ARES_OPT_LOOKUPS | ARES_OPT_FLAGS;
    struct in_addr none = {.s_addr = 0};
    options.timeout = try_ms(server, sl_deadline_left_ms(deadline));
    options.flags = server ? flags | ARES_FLAG_NOSEARCH : flags;
    if (server) { /* with all of these set none of the system's files is read */
        options.servers = &none;
        options.nservers = options.ndots = 1;
        mask |= ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_NDOTS;
    }
    ares_channel channel;
    int code = ares_init_options(&channel, &options, mask);
    if (code != ARES_SUCCESS)
        return sl_fail(e, SL_UNREACHABLE, "DNS: %s", ares_strerror(code));
    if (server && ares_set_servers_ports_csv(channel, server) != ARES_SUCCESS) {
        ares_destroy(channel);
        return sl_fail(e, SL_USAGE, "DNS server \"%.100s\": not a numeric address", server);
    }
    *ret_channel = channel;
    return SL_OK;
}

void dnsc_search_domains(struct sl_strings *domains)
{
    struct ares_options options;
    ares_channel channel;
    int mask;
    if (ares_init(&channel) != ARES_SUCCESS)
        return;
    if (ares_save_options(channel, &options, &mask) == ARES_SUCCESS) {
        for (int i = 0; i < options.ndomains; i++)
            sl_strings_add(domains, options.domains[i]);
        ares_destroy_options(&options);
    }
    ares_destroy(channel);
}

/* Waits for the sockets of a channel once. */
static void step(ares_channel channel, struct sl_deadline deadline)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd fds[ARES_GETSOCK_MAXNUM + 1];
    unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM); /* c-ares' macros shift a signed 1 by 31 */
    nfds_t count = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        bool readable = bits >> i & 1, writable = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
        short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
        if (events)
            fds[count++] = (struct pollfd){.fd = sockets[i], .events = events};
    }
    fds[count] = (struct pollfd){.fd = sl_deadline_fd(deadline), .events = POLLIN};
    int left_ms = sl_deadline_left_ms(deadline);
    struct timeval max = {left_ms / 1000, left_ms % 1000 * 1000}, buffer;
    const struct timeval *wait = ares_timeout(channel, &max, &buffer);
    int ready = poll(fds, count + 1, (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000));
    for (nfds_t i = 0; i < count; i++) {
        bool broken = fds[i].revents & (POLLERR | POLLHUP);
        ares_process_fd(channel, broken || fds[i].revents & POLLIN ? fds[i].fd : ARES_SOCKET_BAD,
                        fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
    }
    if (ready <= 0)
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* Runs a question to its end or the deadline, and closes the channel. */
static enum sl_status finish(ares_channel channel, struct ask *ask, const char *kind, struct sl_deadline deadline,
                             struct sl_error *e)
{
    while (!ask->done && !sl_deadline_passed(deadline))
        step(channel, deadline);
    bool in_time = ask->done;
    ares_destroy(channel); /* a question still open is called back with ARES_EDESTRUCTION here */
    if (!in_time && sl_deadline_canceled(deadline))
        return sl_fail(e, SL_CANCELED, "DNS %s %s: canceled", ask->name, kind);
    if (!in_time)
        return sl_fail(e, SL_TIMEOUT, "DNS %s %s: no answer in time", ask->name, kind);
    if (ask->malformed)
        return sl_fail(e, SL_MALFORMED, "DNS %s %s: broken answer", ask->name, kind);
    enum sl_status s = status_of(ask->code);
    return s == SL_OK ? s : sl_fail(e, s, "DNS %s %s: %s", ask->name, kind,
                                     ask->code == ARES_ECONNREFUSED ? "each server is out of reach, fails or refuses"
                                                                    : ares_strerror(ask->code));
}

/* Reads a name of a message at the cursor; false on nonsense. */
static bool take_name(struct nb_cursor *c, char *out, size_t size)
{
    char *name = NULL;
    long used = 0;
    if (!nb_cursor_ok(c) || ares_expand_name(c->data + c->at, c->data, (int)c->size, &name, &used) != ARES_SUCCESS)
        return false;
    bool fits = !out || sl_text_copy(out, size, name);
    ares_free_string(name);
    return fits && nb_take(c, (size_t)used) != NULL;
}

struct dnsc_srv *dnsc_srv_list_add(struct dnsc_srv_list *list)
{
    if (list->count == DNSC_SRV_MAX)
        return NULL;
    list->items = sl_grow(list->items, list->count, sizeof *list->items);
    return &list->items[list->count++];
}

void dnsc_srv_list_fini(struct dnsc_srv_list *list)
{
    free(list->items);
    *list = (struct dnsc_srv_list){0, NULL};
}

/* Reads one record: of `owner`, an SRV record is added to the list, an alias becomes the owner that counts from here on. */
static bool take_record(struct nb_cursor *c, char *owner, struct dnsc_srv_list *list)
{
    struct dnsc_srv srv = {.ttl_s = 0};
    char name[DNSC_NAME_MAX];
    if (!take_name(c, name, sizeof name))
        return false;
    uint16_t type = nb_get16(c), class = nb_get16(c);
    uint32_t ttl_s = nb_get32(c);
    uint16_t len = nb_get16(c);
    size_t end = c->at + len;
    if (!nb_cursor_ok(c) || end > c->size)
        return false;
    bool is_asked = class == CLASS_IN && sl_text_iequal(name, owner);
    if (is_asked && type == TYPE_CNAME && (!take_name(c, owner, DNSC_NAME_MAX) || c->at != end))
        return false;
    if (is_asked && type == TYPE_SRV) {
        srv.ttl_s = ttl_s <= ttl_max ? ttl_s : 0;
        srv.priority = nb_get16(c);
        srv.weight = nb_get16(c);
        srv.port = nb_get16(c);
        if (!take_name(c, srv.target, sizeof srv.target) || c->at != end)
            return false;
        struct dnsc_srv *kept = srv.target[0] ? dnsc_srv_list_add(list) : NULL; /* the root: no service here (RFC 2782) */
        if (kept)
            *kept = srv;
    }
    c->at = end;
    return true;
}

/* True for what tells neither what there is nor that there is nothing: our own question sent back, or an answer that came cut
 * over TCP too. */
static bool says_nothing(const uint8_t *octets, size_t len)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    (void)nb_get16(&c);
    return (nb_get16(&c) & (RESPONSE | TRUNCATED)) != RESPONSE && nb_cursor_ok(&c);
}

/* c-ares' own parser of SRV records drops the TTL, so the answer is read here. */
static bool read_srv(const uint8_t *octets, size_t len, struct dnsc_srv_list *list)
{
    char owner[DNSC_NAME_MAX] = "";
    struct nb_cursor c = nb_cursor_read(octets, len);
    (void)nb_take(&c, 4);
    uint16_t questions = nb_get16(&c), answers = nb_get16(&c);
    (void)nb_take(&c, 4);
    while (questions--)
        if (!take_name(&c, owner, sizeof owner) || !nb_take(&c, 4))
            return false;
    while (answers--)
        if (!take_record(&c, owner, list))
            return false;
    return nb_cursor_ok(&c);
}

/* c-ares takes an answer with a code beyond REFUSED (NOTAUTH, NOTZONE ...) for one without records. */
static bool is_error(const uint8_t *octets, size_t len)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    (void)nb_get16(&c);
    return nb_get16(&c) & RCODE_BITS && nb_cursor_ok(&c);
}

static void on_srv(void *arg, int code, int timeouts, unsigned char *octets, int len)
{
    struct ask *ask = arg;
    (void)timeouts;
    ask->done = true;
    ask->code = code == ARES_SUCCESS && octets && is_error(octets, (size_t)len) ? ARES_ESERVFAIL : code;
    if (octets)
        ask->malformed = says_nothing(octets, (size_t)len) || (code == ARES_SUCCESS && !read_srv(octets, (size_t)len, ask->srv));
}

static enum sl_status ask_srv(const char *server, int flags, struct ask *ask, struct sl_deadline deadline, struct sl_error *e)
{
    ares_channel channel;
    enum sl_status s = open_channel(server, flags, deadline, &channel, e);
    if (s != SL_OK)
        return s;
    ares_query(channel, ask->name, CLASS_IN, TYPE_SRV, on_srv, ask);
    return finish(channel, ask, "SRV", deadline, e);
}

enum sl_status dnsc_srv(const char *server, const char *name, struct sl_deadline deadline, struct dnsc_srv_list *ret_list,
                        struct sl_error *e)
{
    struct dnsc_srv_list list = {.count = 0};
    struct ask ask = {.name = name, .srv = &list}, again = ask;
    enum sl_status s = ask_srv(server, 0, &ask, deadline, e);
    if (ask.code == ARES_ECONNREFUSED) /* so c-ares also tells that each server failed or refused: which, the first one says */
        s = ask_srv(server, ARES_FLAG_NOCHECKRESP, &again, deadline, e);
    if (s == SL_OK)
        *ret_list = list;
    else
        dnsc_srv_list_fini(&list);
    return s;
}

static void add_address(struct dnsc_addresses *list, const struct ares_addrinfo_node *node)
{
    if (list->count == DNSC_ADDRESSES_MAX)
        return;
    struct dnsc_address *a = &list->items[list->count];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    const void *octets = &v4.sin_addr;
    if (node->ai_family == AF_INET6) {
        memcpy(&v6, node->ai_addr, sizeof v6);
        octets = &v6.sin6_addr;
    } else {
        memcpy(&v4, node->ai_addr, sizeof v4);
    }
    if (inet_ntop(node->ai_family, octets, a->text, sizeof a->text)) {
        a->ttl_s = node->ai_ttl;
        list->count++;
    }
}

static void on_host(void *arg, int code, int timeouts, struct ares_addrinfo *info)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct ask *ask = arg;
    (void)timeouts;
    ask->done = true;
    ask->code = code;
    for (size_t f = 0; info && f < SL_COUNT(families); f++)
        for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next)
            if (n->ai_family == families[f])
                add_address(ask->addresses, n);
    ares_freeaddrinfo(info);
}

/* A numeric address is its own answer. */
static bool is_numeric(const char *host, struct dnsc_addresses *list)
{
    uint8_t octets[16];
    if (inet_pton(AF_INET, host, octets) != 1 && inet_pton(AF_INET6, host, octets) != 1)
        return false;
    list->count = 1;
    return sl_text_copy(list->items[0].text, sizeof list->items[0].text, host);
}

enum sl_status dnsc_host(const char *server, const char *host, struct sl_deadline deadline, struct dnsc_addresses *ret_list,
                         struct sl_error *e)
{
    struct dnsc_addresses list = {.count = 0};
    struct ask ask = {.name = host, .addresses = &list};
    ares_channel channel;
    enum sl_status s = SL_OK;
    if (!is_numeric(host, &list)) {
        s = open_channel(server, 0, deadline, &channel, e);
        if (s != SL_OK)
            return s;
        struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        ares_getaddrinfo(channel, host, NULL, &hints, on_host, &ask);
        s = finish(channel, &ask, "A/AAAA", deadline, e);
    }
    if (s == SL_OK)
        *ret_list = list;
    return s;
}
