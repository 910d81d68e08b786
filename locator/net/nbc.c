#include "locator/net/nbc.h"

#include "common/base/random.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- pure: packets and their judgement ------------------------------------------------------------------------------ */

uint16_t nbc_id(void)
{
    uint16_t id;
    sl_random_os(&id, sizeof id);
    return id;
}

/* kind: flags word of the request, flags word of its answer */
static const struct {
    uint16_t ask, answer;
} words[] = {
    [NBC_QUERY] = {NB_ASK_QUERY, NB_REPLY_QUERY},
    [NBC_REGISTER] = {NB_ASK_REGISTER, NB_REPLY_REGISTER},
    [NBC_REFRESH] = {NB_ASK_REFRESH, NB_REPLY_REGISTER},
    [NBC_RELEASE] = {NB_ASK_RELEASE, NB_REPLY_RELEASE},
};

size_t nbc_build(const struct nbc_question *question, uint16_t id, uint8_t *out, size_t size)
{
    struct nb_message m;
    uint16_t word = words[question->kind].ask;
    if (question->kind == NBC_QUERY)
        nb_make_query(&m, id, word, &question->name, NB_RR_NB);
    else
        nb_make_request(&m, id, word, &question->name, question->ttl_s,
                        (struct nb_address){.flags = question->nb_flags, .address = question->address});
    return nb_message_build(&m, out, size);
}

static void take_addresses(const struct nb_message *m, struct nbc_reply *reply)
{
    reply->address_count = m->count;
    for (size_t i = 0; i < m->count; i++)
        reply->addresses[i] = m->addresses[i].address;
    reply->nb_flags = m->count ? m->addresses[0].flags : 0;
    reply->group = reply->nb_flags & NB_GROUP;
}

static uint32_t wack_seconds(uint32_t ttl_s)
{
    return ttl_s < NBC_WACK_MIN_S || ttl_s > NBC_WACK_MAX_S ? NBC_WACK_MAX_S : ttl_s;
}

enum nbc_verdict nbc_judge(const struct nbc_question *question, uint16_t id, const struct sl_endpoint *from,
                           const uint8_t *packet, size_t len, struct nbc_reply *ret_reply)
{
    struct nb_message m;
    if (!sl_endpoint_equal(from, &question->server) || nb_message_parse(packet, len, &m, NULL) != SL_OK || m.id != id ||
        !nb_is_response(m.flags) || m.record != NB_SECTION_ANSWER || !nb_name_equal(&m.name, &question->name))
        return NBC_FOREIGN;
    bool claims = question->kind == NBC_REGISTER || question->kind == NBC_REFRESH || question->kind == NBC_RELEASE;
    struct nbc_reply reply = {
        .rcode = nb_rcode(m.flags), .ttl_s = m.ttl_s, .is_registry = (m.flags & NB_RECURSION_AVAILABLE) != 0};
    if (claims && nb_opcode(m.flags) == NB_OP_WACK && m.rdata == NB_RDATA_WACK) {
        reply.ttl_s = wack_seconds(m.ttl_s);
        *ret_reply = reply;
        return NBC_WAIT;
    }
    if (nb_opcode(m.flags) != nb_opcode(words[question->kind].answer))
        return NBC_FOREIGN;
    if (m.rdata == NB_RDATA_ADDRESSES)
        take_addresses(&m, &reply);
    else if (reply.rcode == NB_OK)
        return NBC_FOREIGN;
    *ret_reply = reply;
    return NBC_ANSWER;
}

const char *nbc_rcode_text(uint8_t rcode)
{
    static const char *const texts[] = {
        [NB_OK] = "success",
        [NB_FMT_ERR] = "request malformed (FMT_ERR)",
        [NB_SRV_ERR] = "registry failed (SRV_ERR)",
        [NB_NAM_ERR] = "no such name (NAM_ERR)",
        [NB_IMP_ERR] = "request not supported (IMP_ERR)",
        [NB_RFS_ERR] = "refused by policy (RFS_ERR)",
        [NB_ACT_ERR] = "owned by another (ACT_ERR)",
        [NB_CFT_ERR] = "name in conflict (CFT_ERR)",
    };
    return rcode < SL_COUNT(texts) ? texts[rcode] : "unknown refusal";
}

enum sl_status nbc_split(const char *target, char *ret_host, size_t host_size, uint16_t *ret_port, struct sl_error *e)
{
    static const char scheme[] = "wins://";
    const char *rest = strncasecmp(target, scheme, sizeof scheme - 1) == 0 ? target + sizeof scheme - 1 : target;
    const char *colon = strchr(rest, ':');
    size_t len = colon ? (size_t)(colon - rest) : strlen(rest);
    uint64_t port = NBC_PORT;
    if (len > 0 && colon == NULL && rest[len - 1] == '/')
        len--;
    if (len == 0 || strcspn(rest, "/@?#[] ") < len)
        return sl_fail(e, SL_USAGE, "%s: must be wins://HOST[:PORT], the host a name or an IPv4 address", target);
    if (len >= host_size)
        return sl_fail(e, SL_USAGE, "%.64s...: the host name is too long", target);
    if (colon && (!sl_parse_u64(colon + 1, 65535, &port) || port == 0))
        return sl_fail(e, SL_USAGE, "%s: the port must be a number from 1 to 65535", target);
    memcpy(ret_host, rest, len);
    ret_host[len] = '\0';
    *ret_port = (uint16_t)port;
    return SL_OK;
}

/* ---- sockets -------------------------------------------------------------------------------------------------------- */

/* A UDP socket that tells ICMP errors (ip(7), IP_RECVERR) although it may be unconnected. */
static int new_socket(const struct sl_endpoint *ep)
{
    int fd = socket(ep->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd >= 0 && ep->any.sa_family == AF_INET)
        (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    return fd;
}

enum sl_status nbc_open(const struct sl_endpoint *local, int *ret_fd, struct sl_error *e)
{
    const struct sl_endpoint_text where = sl_endpoint_text(local);
    const char *text = where.text;
    if (local->any.sa_family != AF_INET || sl_endpoint_is_wildcard(local))
        return sl_fail(e, SL_USAGE, "%s: must be one IPv4 address, not a wildcard", text);
    int fd = new_socket(local);
    if (fd < 0)
        return sl_fail(e, SL_IO, "%s: socket: %s", text, strerror(errno));
    if (bind(fd, &local->any, local->len) != 0) {
        int why = errno;
        close(fd);
        if (why == EADDRINUSE)
            return sl_fail(e, SL_CONFLICT, "%s: UDP port held by another program", text);
        if (why == EACCES)
            return sl_fail(e, SL_DENIED, "%s: a port below 1024 needs CAP_NET_BIND_SERVICE", text);
        return sl_fail(e, SL_IO, "%s: bind: %s", text, strerror(why));
    }
    *ret_fd = fd;
    return SL_OK;
}

/* One exchange under way. */
struct exchange {
    const struct nbc_question *question;
    int fd;
    bool is_connected;
    uint16_t id;
    size_t len;
    uint8_t packet[NB_DATAGRAM_MAX];
    struct nbc_reply reply;
};

static enum sl_status fail_errno(const struct exchange *x, int why, struct sl_error *e)
{
    bool is_refused = why == ECONNREFUSED;
    return sl_fail(e, SL_UNREACHABLE, "%s: %s", sl_endpoint_text(&x->question->server).text,
                   is_refused ? "nothing listens there (ICMP port unreachable)" : strerror(why));
}

int nbc_next_error(int fd, struct sl_endpoint *ret_to)
{
    struct sl_endpoint to = {.len = 0};
    char control[512];
    struct msghdr msg = {
        .msg_name = &to.any, .msg_namelen = sizeof to.v6, .msg_control = control, .msg_controllen = sizeof control};
    while (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
        to.len = msg.msg_namelen;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
            struct sock_extended_err err;
            if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR || c->cmsg_len < CMSG_LEN(sizeof err))
                continue;
            memcpy(&err, CMSG_DATA(c), sizeof err);
            if (err.ee_origin != SO_EE_ORIGIN_ICMP)
                continue;
            *ret_to = to;
            return (int)err.ee_errno;
        }
        msg.msg_namelen = sizeof to.v6;
        msg.msg_controllen = sizeof control;
    }
    return 0;
}

/* Errors of earlier exchanges with others are passed over. */
static int pending_error(const struct exchange *x)
{
    struct sl_endpoint to;
    int why;
    while ((why = nbc_next_error(x->fd, &to)) != 0)
        if (sl_endpoint_equal(&to, &x->question->server))
            return why;
    return 0;
}

static int socket_error(const struct exchange *x, int why)
{
    return x->is_connected ? why : pending_error(x);
}

static enum sl_status send_packet(const struct exchange *x, struct sl_error *e)
{
    const struct sl_endpoint *to = &x->question->server;
    for (int tries = 0; tries < 2; tries++) {
        ssize_t n = x->is_connected ? send(x->fd, x->packet, x->len, 0) : sendto(x->fd, x->packet, x->len, 0, &to->any, to->len);
        if (n >= 0 || errno == EAGAIN || errno == ENOBUFS)
            return SL_OK;
        int why = errno; /* perhaps the error of an earlier packet, which is thereby cleared: once more then */
        int ours = socket_error(x, why);
        if (ours || tries > 0)
            return fail_errno(x, ours ? ours : why, e);
    }
    return SL_OK;
}

/* Reads what is there. NBC_FOREIGN with SL_OK: nothing of ours yet. */
static enum sl_status receive(struct exchange *x, enum nbc_verdict *ret_verdict, struct sl_error *e)
{
    for (;;) {
        uint8_t octets[NB_RECEIVE_MAX];
        struct sl_endpoint from = {.len = sizeof from.v6};
        ssize_t n = recvfrom(x->fd, octets, sizeof octets, 0, &from.any, &from.len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            *ret_verdict = NBC_FOREIGN;
            return SL_OK;
        }
        if (n < 0) {
            int why = socket_error(x, errno);
            if (why)
                return fail_errno(x, why, e);
            continue;
        }
        enum nbc_verdict verdict = nbc_judge(x->question, x->id, &from, octets, (size_t)n, &x->reply);
        if (verdict != NBC_FOREIGN) {
            *ret_verdict = verdict;
            return SL_OK;
        }
    }
}

/* Waits until something of ours comes or `until` passes (NBC_FOREIGN). */
static enum sl_status await(struct exchange *x, struct sl_deadline until, enum nbc_verdict *ret_verdict, struct sl_error *e)
{
    enum nbc_verdict verdict = NBC_FOREIGN;
    enum sl_status s = receive(x, &verdict, e);
    while (s == SL_OK && verdict == NBC_FOREIGN && !sl_deadline_passed(until)) {
        struct pollfd p[] = {{.fd = x->fd, .events = POLLIN}, {.fd = sl_deadline_fd(until), .events = POLLIN}};
        int n = poll(p, SL_COUNT(p), sl_deadline_left_ms(until));
        int why = n > 0 && (p[0].revents & POLLERR) && !x->is_connected ? pending_error(x) : 0;
        if (why)
            return fail_errno(x, why, e);
        if (n > 0)
            s = receive(x, &verdict, e);
    }
    if (s == SL_OK)
        *ret_verdict = verdict;
    return s;
}

static enum sl_status run(struct exchange *x, struct sl_deadline deadline, struct sl_error *e)
{
    const struct sl_endpoint_text where = sl_endpoint_text(&x->question->server);
    const char *server = where.text;
    enum nbc_verdict verdict = NBC_FOREIGN;
    for (int i = 0; i < NBC_TRIES && verdict == NBC_FOREIGN && (i == 0 || !sl_deadline_passed(deadline)); i++) {
        enum sl_status s = send_packet(x, e);
        if (s == SL_OK)
            s = await(x, sl_deadline_min(deadline, sl_deadline_in(NBC_RETRY_MS)), &verdict, e);
        if (s)
            return s;
    }
    if (verdict == NBC_WAIT) {
        uint32_t wait_s = x->reply.ttl_s;
        enum sl_status s = await(x, sl_deadline_min(deadline, sl_deadline_in((int64_t)wait_s * 1000)), &verdict, e);
        if (s)
            return s;
        if (verdict == NBC_WAIT)
            return sl_fail(e, SL_MALFORMED, "%s: asked to wait twice", server);
        if (verdict == NBC_FOREIGN)
            return sl_fail(e, SL_TIMEOUT, "%s: asked to wait %u s, but no answer followed in time", server, wait_s);
    }
    return verdict == NBC_ANSWER ? SL_OK : sl_fail(e, SL_TIMEOUT, "%s: no answer in time", server);
}

enum sl_status nbc_ask(const struct nbc_question *question, int fd, struct sl_deadline deadline, struct nbc_reply *ret_reply,
                       struct sl_error *e)
{
    struct exchange x = {.question = question, .fd = fd, .is_connected = fd < 0, .id = nbc_id()};
    x.len = nbc_build(question, x.id, x.packet, sizeof x.packet);
    if (x.len == 0 || question->server.any.sa_family != AF_INET)
        return sl_fail(e, SL_USAGE, "%s: %s", sl_endpoint_text(&question->server).text,
                       x.len ? "the name service knows IPv4 only" : "the name does not fit a request");
    if (x.is_connected) {
        x.fd = new_socket(&question->server);
        if (x.fd < 0)
            return sl_fail(e, SL_IO, "socket: %s", strerror(errno));
    }
    enum sl_status s = SL_OK;
    if (x.is_connected && connect(x.fd, &question->server.any, question->server.len) != 0)
        s = fail_errno(&x, errno, e);
    if (s == SL_OK)
        s = run(&x, deadline, e);
    if (s == SL_OK)
        *ret_reply = x.reply;
    if (x.is_connected)
        close(x.fd);
    return s;
}

enum sl_status nbc_query(const struct sl_endpoint *server, const struct nb_name *name, struct sl_deadline deadline,
                         struct nbc_reply *ret_reply, struct sl_error *e)
{
    struct nbc_question question = {.kind = NBC_QUERY, .name = *name, .server = *server};
    return nbc_ask(&question, -1, deadline, ret_reply, e);
}
