#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/source/srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DNS_PORT = 53, SERVERS_TEXT_MAX = 512 };

struct dns {
    char server[SERVERS_TEXT_MAX]; /* one or several, joined by commas; "" = the system's */
    char domain[DNSC_NAME_MAX];
};

/* "ADDR[:PORT],..." between the slashes, as c-ares wants it. */
static enum sl_status parse_servers(const char *text, size_t len, char *out, size_t size, struct sl_error *e)
{
    const char *end = text + len;
    struct sl_text list = sl_text_new(size - 1);
    enum sl_status s = SL_OK;
    while (s == SL_OK && text < end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t one = (size_t)((comma ? comma : end) - text);
        char server[SL_ENDPOINT_TEXT_MAX];
        struct sl_endpoint ep;
        (void)snprintf(server, sizeof server, "%.*s", (int)one, text);
        s = sl_endpoint_parse(server, DNS_PORT, &ep, e);
        if (s == SL_OK)
            sl_text_printf(&list, "%s%s", list.len ? "," : "", sl_endpoint_text(&ep).text);
        text += one + (comma != NULL);
    }
    if (s == SL_OK && sl_text_failed(&list))
        s = sl_fail(e, SL_USAGE, "too many servers");
    if (s == SL_OK)
        (void)sl_text_copy(out, size, sl_text_str(&list));
    sl_text_fini(&list);
    return s;
}

/* dns:DOMAIN or dns://[ADDR[:PORT],...]/DOMAIN (RFC 4501, but for the list). */
static enum sl_status dns_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    struct dns d = {.server = ""};
    const char *rest = strchr(uri, ':') + 1;
    (void)config;
    if (!strncmp(rest, "//", 2)) {
        const char *host = rest + 2, *slash = strchr(host, '/');
        if (!slash)
            return sl_fail(e, SL_USAGE, "source \"%.100s\": dns://ADDR[:PORT]/DOMAIN is wanted", uri);
        enum sl_status s = parse_servers(host, (size_t)(slash - host), d.server, sizeof d.server, e);
        if (s != SL_OK)
            return sl_fail_in(e, s, "source \"%.100s\": the servers of a dns: source are numeric", uri);
        rest = slash + 1;
    }
    size_t len = strlen(rest);
    if (len && rest[len - 1] == '.')
        len--;
    if (len >= sizeof d.domain)
        return sl_fail(e, SL_USAGE, "source \"%.100s\": the domain is too long", uri);
    memcpy(d.domain, rest, len);
    if (!sl_is_host_name(d.domain, NULL))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": no DNS domain at its end", uri);
    struct dns *source = sl_new(sizeof *source);
    *source = d;
    *ret_source = source;
    return SL_OK;
}

/* The address of the target; without one the answer stands, since the caller may resolve the name in another way. */
static void add_address(const struct dns *d, struct sl_deadline deadline, struct src_answer *a)
{
    struct dnsc_addresses list;
    struct sl_error e = {.status = SL_OK};
    src_note(a, "A/AAAA %s", a->mp.name);
    enum sl_status s = dnsc_host(d->server[0] ? d->server : NULL, a->mp.name, deadline, &list, &e);
    if (s == SL_OK) {
        src_srv_address(list.count ? list.items[0].text : NULL, a);
        return;
    }
    src_note_end(a, "%s", sl_error_text(&e));
    src_warn(a, "%s", sl_error_text(&e));
}

static void dns_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct dns *d = source;
    char label[DNSC_NAME_MAX], name[DNSC_NAME_MAX * 2];
    struct dnsc_srv_list list;
    struct sl_error e = {.status = SL_OK};
    size_t index;
    (void)snprintf(a->server, sizeof a->server, "%s", d->server[0] ? d->server : "system resolver");
    src_srv_label(q->site, label, sizeof label);
    (void)snprintf(name, sizeof name, "%s.%s", label, d->domain);
    src_note(a, "SRV %s", name);
    enum sl_status s = dnsc_srv(d->server[0] ? d->server : NULL, name, deadline, &list, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        src_say_failed(a, s, &e);
        return;
    }
    if (src_srv_choose(&list, q, a, &index))
        add_address(d, deadline, a);
    else
        src_say(a, SRC_NOT_FOUND, "no record %s", name);
    dnsc_srv_list_fini(&list);
}

const struct src_ops src_dns = {
    .scheme = "dns",
    .answers = SRC_MP,
    .open = dns_open,
    .ask = dns_ask,
    .free = free,
};
