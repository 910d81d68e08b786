#include "locator/source/source.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/dnsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DNS_PORT = 53 };

struct dns {
    char server[SL_ENDPOINT_TEXT_MAX]; /* "" = the system's */
    char domain[DNSC_NAME_MAX];
};

/* Letters, digits, '-', '_' and single dots between labels: what may stand behind "_tcp." without escaping. */
static bool domain_ok(const char *domain)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return domain[0] && domain[0] != '.' && !strstr(domain, "..") && domain[strspn(domain, allowed)] == '\0';
}

/* dns:DOMAIN or dns://[ADDR[:PORT]]/DOMAIN (RFC 4501). */
static enum sl_status dns_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    struct dns d = {.server = ""};
    const char *rest = strchr(uri, ':') + 1;
    (void)config;
    if (!strncmp(rest, "//", 2)) {
        const char *host = rest + 2, *slash = strchr(host, '/');
        char server[SL_ENDPOINT_TEXT_MAX];
        if (!slash || (size_t)(slash - host) >= sizeof server)
            return sl_fail(e, SL_USAGE, "source \"%.100s\": dns://ADDR[:PORT]/DOMAIN is wanted", uri);
        memcpy(server, host, (size_t)(slash - host));
        server[slash - host] = '\0';
        struct sl_endpoint ep;
        if (server[0]) {
            enum sl_status s = sl_endpoint_parse(server, DNS_PORT, &ep, e);
            if (s != SL_OK)
                return sl_fail_in(e, s, "source \"%.100s\": the server of a dns: source is numeric", uri);
            (void)sl_text_copy(d.server, sizeof d.server, sl_endpoint_text(&ep).text);
        }
        rest = slash + 1;
    }
    size_t len = strlen(rest);
    if (len && rest[len - 1] == '.')
        len--;
    if (len >= sizeof d.domain)
        return sl_fail(e, SL_USAGE, "source \"%.100s\": the domain is too long", uri);
    memcpy(d.domain, rest, len);
    if (!domain_ok(d.domain))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": no DNS domain at its end", uri);
    struct dns *source = sl_new(sizeof *source);
    *source = d;
    *ret_source = source;
    return SL_OK;
}

/*
 * CM2007 publishes the default management point alone, current branch every one (sms.md 4). So each record speaks of a default
 * one, but in profile cb, where the choice is by name.
 */
static size_t to_mps(const struct dnsc_srv_list *list, const struct src_question *q, struct lm_mp *mps)
{
    for (size_t i = 0; i < list->count; i++) {
        mps[i] = lm_mp_unknown();
        (void)sl_text_copy(mps[i].site, sizeof mps[i].site, q->site);
        (void)sl_text_copy(mps[i].name, sizeof mps[i].name, list->items[i].target);
        mps[i].srv_port = list->items[i].port;
        mps[i].is_default = q->profile != LM_CB;
    }
    return list->count;
}

/* The address of the target; without one the answer stands, since the caller may resolve the name in another way. */
static void add_address(const struct dns *d, struct sl_deadline deadline, struct src_answer *a)
{
    struct dnsc_addresses list;
    struct sl_error e = {.status = SL_OK};
    src_note(a, "A/AAAA %s", a->mp.name);
    if (dnsc_host(d->server[0] ? d->server : NULL, a->mp.name, deadline, &list, &e) != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        src_warn(a, "%s", sl_error_text(&e));
    } else if (!list.count) {
        src_note_end(a, "no address");
        src_warn(a, "%s: the SRV record's target has no address", a->mp.name);
    } else {
        src_note_end(a, "%s", list.items[0].text);
        (void)sl_text_copy(a->mp.address, sizeof a->mp.address, list.items[0].text);
    }
}

static void dns_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct dns *d = source;
    char name[DNSC_NAME_MAX * 2];
    struct dnsc_srv_list list;
    struct sl_error e = {.status = SL_OK};
    struct lm_mp mps[DNSC_SRV_MAX];
    (void)snprintf(a->server, sizeof a->server, "%s", d->server[0] ? d->server : "system resolver");
    (void)snprintf(name, sizeof name, "_mssms_mp_%s._tcp.%s", q->site, d->domain);
    src_note(a, "SRV %s", name);
    enum sl_status s = dnsc_srv(d->server[0] ? d->server : NULL, name, deadline, &list, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        src_say_failed(a, s, &e);
        return;
    }
    struct lm_choice choice = lm_choose_mp(mps, to_mps(&list, q, mps), q->profile);
    if (choice.kind == LM_CHOICE_NOTHING) {
        src_note_end(a, "no such record");
        src_say(a, SRC_NOT_FOUND, "no record %s", name);
        return;
    }
    a->mp = mps[choice.index];
    a->ttl_s = list.items[choice.index].ttl_s;
    src_note_end(a, "%s port %u", a->mp.name, a->mp.srv_port);
    if (choice.kind == LM_CHOICE_SEVERAL) {
        (void)sl_text_copy(a->rule, sizeof a->rule, "Q12");
        src_warn(a, "%zu SRV records for site %s: the first by name is taken", choice.defaults, q->site);
    }
    src_say(a, SRC_ANSWER, "%s is published in the DNS", a->mp.name);
    add_address(d, deadline, a);
}

const struct src_ops src_dns = {
    .scheme = "dns",
    .synopsis = "dns:[//ADDR[:PORT]/]DOMAIN",
    .answers = SRC_MP,
    .open = dns_open,
    .ask = dns_ask,
    .free = free,
};
