#include "locator/net/cldap.h"

#include "common/base/random.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* [MS-ADTS] 6.3.1.9: opcode, reserved, flags, GUID, then names. */
enum { OPCODE = 23, OPCODE_PAUSED = 24, OPCODE_USER_UNKNOWN = 25, FLAGS_AT = 4, NAMES_AT = 24, LABEL_MAX = 63, POINTER = 0xc0 };

/* ---- the value -------------------------------------------------------------------------------------------------------- */

/*
 * A name compressed as in RFC 1035 4.1.4, from *at on, which moves behind it. Pointers lead backwards only, so following them
 * ends. Labels are joined by dots; a site's name is one label.
 */
static bool take_name(const uint8_t *octets, size_t len, size_t *at, char out[CLDAP_NAME_MAX])
{
    size_t from = *at, end = 0, used = 0;
    while (from < len && octets[from]) {
        size_t label = octets[from];
        if ((label & POINTER) == POINTER) {
            size_t to = from + 1 < len ? (label & ~(size_t)POINTER) << 8 | octets[from + 1] : len;
            end = end ? end : from + 2;
            if (to >= from)
                return false;
            from = to;
            continue;
        }
        if (label > LABEL_MAX || from + 1 + label > len || used + label + 2 > CLDAP_NAME_MAX ||
            memchr(octets + from + 1, '\0', label))
            return false;
        if (used)
            out[used++] = '.';
        memcpy(out + used, octets + from + 1, label);
        used += label;
        from += 1 + label;
    }
    out[used] = '\0';
    *at = end ? end : from + 1;
    return from < len;
}

enum sl_status cldap_netlogon_read(const uint8_t *octets, size_t len, struct cldap_answer *ret_answer, struct sl_error *e)
{
    struct cldap_answer a = {.flags = 0};
    char skipped[CLDAP_NAME_MAX];
    char *const names[] = {a.forest, a.domain, a.host, skipped, skipped, skipped, a.site, a.client_site};
    unsigned opcode = len > 1 ? octets[0] | (unsigned)octets[1] << 8 : 0;
    size_t at = NAMES_AT;
    if (len < NAMES_AT || opcode < OPCODE || opcode > OPCODE_USER_UNKNOWN)
        return sl_fail(e, SL_MALFORMED, "netlogon: opcode %u, %zu octets", opcode, len);
    for (size_t i = 0; i < 4; i++)
        a.flags |= (uint32_t)octets[FLAGS_AT + i] << 8 * i;
    for (size_t i = 0; i < SL_COUNT(names); i++)
        if (!take_name(octets, len, &at, names[i]))
            return sl_fail(e, SL_MALFORMED, "netlogon: name %zu is broken", i + 1);
    *ret_answer = a;
    return opcode == OPCODE_PAUSED ? sl_fail(e, SL_UNREACHABLE, "%s: its logon service is paused", a.host) : SL_OK;
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

struct ping {
    struct pollfd fds[CLDAP_SERVERS_MAX + 1]; /* the last is the wish to cancel; -1 for a server that is out */
    size_t count, left;
    const char *domain;
    int id;
    struct sl_text packet;
};

static void drop(struct ping *p, size_t i)
{
    (void)close(p->fds[i].fd);
    p->fds[i].fd = -1;
    p->left--;
}

static void open_sockets(struct ping *p, const struct sl_endpoint *servers)
{
    for (size_t i = 0; i < p->count; i++) {
        int fd = socket(servers[i].any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        p->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
        p->left += fd >= 0;
        if (fd >= 0 && connect(fd, &servers[i].any, servers[i].len) != 0)
            drop(p, i);
    }
}

/* A socket that reports an error (ICMP: nobody listens) is out. */
static void send_all(struct ping *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->fds[i].fd >= 0 && send(p->fds[i].fd, p->packet.data, p->packet.len, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            drop(p, i);
}

/* True when the packet answers for the domain; what does not is passed over. */
static bool take(const struct ping *p, const uint8_t *octets, size_t len, struct cldap_answer *ret_answer)
{
    struct sl_text value = sl_text_new(CLDAP_PACKET_MAX);
    bool good = cldap_ping_read(p->id, octets, len, &value, NULL) == SL_OK && value.len &&
                cldap_netlogon_read((const uint8_t *)value.data, value.len, ret_answer, NULL) == SL_OK &&
                sl_text_iequal(ret_answer->domain, p->domain);
    sl_text_fini(&value);
    return good;
}

/* Reads what has come; true with the first answer that counts. */
static bool receive(struct ping *p, size_t *ret_index, struct cldap_answer *ret_answer)
{
    uint8_t octets[CLDAP_PACKET_MAX];
    for (size_t i = 0; i < p->count; i++) {
        if (p->fds[i].fd < 0 || !p->fds[i].revents)
            continue;
        ssize_t len = recv(p->fds[i].fd, octets, sizeof octets, 0);
        if (len < 0 && errno != EAGAIN && errno != EINTR)
            drop(p, i);
        if (len > 0 && take(p, octets, (size_t)len, ret_answer)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static enum sl_status run(struct ping *p, struct sl_deadline deadline, size_t *ret_index, struct cldap_answer *ret_answer,
                          struct sl_error *e)
{
    int64_t next_ms = 0;
    p->fds[p->count] = (struct pollfd){.fd = sl_deadline_fd(deadline), .events = POLLIN};
    while (p->left && !sl_deadline_passed(deadline)) {
        if (sl_clock_mono_ms() >= next_ms) {
            send_all(p);
            next_ms = sl_clock_mono_ms() + CLDAP_RETRY_MS;
        }
        int wait_ms = (int)(next_ms - sl_clock_mono_ms()), left_ms = sl_deadline_left_ms(deadline);
        wait_ms = wait_ms > left_ms ? left_ms : wait_ms;
        if (poll(p->fds, p->count + 1, wait_ms > 0 ? wait_ms : 0) > 0 && receive(p, ret_index, ret_answer))
            return SL_OK;
    }
    if (sl_deadline_canceled(deadline))
        return sl_fail(e, SL_CANCELED, "LDAP ping for %s: canceled", p->domain);
    if (!p->left)
        return sl_fail(e, SL_UNREACHABLE, "LDAP ping for %s: nobody listens on UDP", p->domain);
    return sl_fail(e, SL_TIMEOUT, "LDAP ping for %s: no answer in time", p->domain);
}

enum sl_status cldap_ping(const struct sl_endpoint *servers, size_t count, const char *domain, struct sl_deadline deadline,
                          size_t *ret_index, struct cldap_answer *ret_answer, struct sl_error *e)
{
    struct ping p = {.count = count < CLDAP_SERVERS_MAX ? count : CLDAP_SERVERS_MAX, .domain = domain,
                     .packet = sl_text_new(CLDAP_PACKET_MAX)};
    for (size_t i = 0; i < p.count; i++)
        p.fds[i].fd = -1;
    p.id = (int)(sl_random_os_seed() & INT16_MAX) + 1;
    enum sl_status s = cldap_ping_build(p.id, domain, &p.packet, e);
    if (s == SL_OK) {
        open_sockets(&p, servers);
        s = run(&p, deadline, ret_index, ret_answer, e);
    }
    for (size_t i = 0; i < p.count; i++)
        if (p.fds[i].fd >= 0)
            (void)close(p.fds[i].fd);
    sl_text_fini(&p.packet);
    return s;
}
