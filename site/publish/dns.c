#include "site/publish/private.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/host/run.h"
#include "locator/net/dnsc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DNS_PORT = 53, SCRIPT_MAX = 4096, SAID_MAX = 300, OUTPUT_MAX = 65536, SERVER_MAX = 128, HOST_MAX = 256 };

/* A zone on a server. */
struct zone {
    struct pub_run *run;
    char host[HOST_MAX]; /* as in the URI */
    char domain[DNSC_NAME_MAX];
    uint16_t port;
    char server[SERVER_MAX]; /* "ADDR:PORT" of host */
    char owner[PUB_SRV_NAME_MAX];
    const struct sm_mp *wanted; /* NULL: no record */
    struct dnsc_srv_list found;
};

/* "dns://HOST[:PORT]/ZONE"; names go to nsupdate as text, so only what a name is made of is let through. */
static enum sl_status parse(const struct sm_target *target, struct zone *z, struct sl_error *e)
{
    const char *text = sm_target_place(target), *slash = strchr(text, '/');
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    char authority[HOST_MAX];
    uint64_t port = DNS_PORT;
    if (slash == NULL || slash == text || (size_t)(slash - text) >= sizeof authority)
        return sl_fail(e, SL_USAGE, "target %s: must be dns://HOST[:PORT]/ZONE", target->uri);
    snprintf(authority, sizeof authority, "%.*s", (int)(slash - text), text);
    char *colon = authority[0] == '[' ? strstr(authority, "]:") : strchr(authority, ':');
    if (colon && authority[0] == '[')
        colon++;
    if (colon && (!sl_parse_u64(colon + 1, UINT16_MAX, &port) || port == 0))
        return sl_fail(e, SL_USAGE, "target %s: port \"%s\"", target->uri, colon + 1);
    if (colon)
        *colon = '\0';
    size_t len = strlen(slash + 1);
    if (len == 0 || len >= sizeof z->domain || strspn(slash + 1, allowed) != len)
        return sl_fail(e, SL_USAGE, "target %s: \"%s\" is not the name of a zone", target->uri, slash + 1);
    if (authority[0] != '[' && strspn(authority, allowed) != strlen(authority))
        return sl_fail(e, SL_USAGE, "target %s: \"%s\" is not a host", target->uri, authority);
    (void)sl_text_copy(z->host, sizeof z->host, authority);
    (void)sl_text_copy(z->domain, sizeof z->domain, slash + 1);
    if (z->domain[len - 1] == '.')
        z->domain[len - 1] = '\0';
    z->port = (uint16_t)port;
    return SL_OK;
}

enum sl_status pub_dns_check(const struct sm_target *target, struct sl_error *e)
{
    struct zone z = {.run = NULL};
    return parse(target, &z, e);
}

/* The server's address: what is asked and what is updated are one and the same. */
static enum sl_status find_server(struct zone *z, struct sl_error *e)
{
    struct sl_endpoint endpoint;
    struct dnsc_addresses list;
    if (sl_endpoint_parse(z->host, z->port, &endpoint, NULL) != SL_OK) {
        char text[SERVER_MAX];
        enum sl_status s = dnsc_host(NULL, z->host, z->run->deadline, &list, e);
        if (s)
            return s;
        if (list.count == 0)
            return sl_fail(e, SL_UNREACHABLE, "%s: %s has no address", z->run->target->uri, z->host);
        snprintf(text, sizeof text, strchr(list.items[0].text, ':') ? "[%s]" : "%s", list.items[0].text);
        s = sl_endpoint_parse(text, z->port, &endpoint, e);
        if (s)
            return s;
    }
    snprintf(z->server, sizeof z->server, "%s", sl_endpoint_text(&endpoint).text);
    return SL_OK;
}

static struct sl_deadline one_try(const struct zone *z)
{
    int64_t ms = z->run->target->timeout_ms ? z->run->target->timeout_ms : LDAPC_TIMEOUT_MS;
    return sl_deadline_min(z->run->deadline, sl_deadline_in(ms));
}

static enum sl_status look(struct zone *z, struct sl_error *e)
{
    dnsc_srv_list_fini(&z->found);
    return dnsc_srv(z->server, z->owner, one_try(z), &z->found, e);
}

/* ---- differences -------------------------------------------------------------------------------------------------------- */

static bool is_as_wanted(const struct zone *z)
{
    const struct dnsc_srv *srv = z->found.items;
    if (z->wanted == NULL)
        return z->found.count == 0;
    return z->found.count == 1 && sl_text_iequal(srv->target, z->wanted->host) && srv->port == z->wanted->port &&
           srv->priority == 0 && srv->weight == 0 && srv->ttl_s == PUB_SRV_TTL_S;
}

static void tell(const struct zone *z, enum pub_action action, const struct dnsc_srv_list *before)
{
    struct sl_text text = sl_text_new(PUB_TEXT_MAX);
    for (size_t i = 0; i < before->count; i++) {
        const struct dnsc_srv *srv = &before->items[i];
        sl_text_printf(&text, "%s%u %u %u %s (%lld s)", i ? ", " : "", srv->priority, srv->weight, srv->port, srv->target,
                       (long long)srv->ttl_s);
    }
    sl_text_puts(&text, before->count ? " -> " : "none -> ");
    if (z->wanted)
        sl_text_printf(&text, "0 0 %u %s (%d s)", z->wanted->port, z->wanted->host, PUB_SRV_TTL_S);
    else
        sl_text_puts(&text, "none");
    pub_line_add(z->run, action, z->owner, "SRV: %s", sl_text_str(&text));
    sl_text_fini(&text);
}

/* An SRV record leads nowhere without an address of its target; that record is the host's own business. */
static void check_host(struct zone *z)
{
    struct dnsc_addresses list;
    struct sl_error e = {.status = SL_OK};
    bool is_told = false;
    if (z->wanted == NULL)
        return;
    if (dnsc_host(z->server, z->wanted->host, one_try(z), &list, &e) != SL_OK) {
        pub_warn(z->run, "%s: the address of %s could not be asked for: %s", z->run->target->uri, z->wanted->host, e.text);
        return;
    }
    for (size_t i = 0; i < list.count; i++)
        is_told = is_told || strcmp(list.items[i].text, z->wanted->address) == 0;
    if (list.count == 0)
        pub_warn_of(z->run, "srv-without-host", "%s: management point %s has no address record there", z->run->target->uri,
                    z->wanted->host);
    else if (!is_told)
        pub_warn(z->run, "%s: management point %s has the address %s there, not %s", z->run->target->uri, z->wanted->host,
                 list.items[0].text, z->wanted->address);
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

/* S1.20: what is taken away and what is added are one update, which the server carries out as a whole (RFC 2136 3.7). */
static char *make_script(const struct zone *z)
{
    struct sl_text script = sl_text_new(SCRIPT_MAX);
    char address[SERVER_MAX];
    snprintf(address, sizeof address, "%s", z->server[0] == '[' ? z->server + 1 : z->server);
    address[strcspn(address, z->server[0] == '[' ? "]" : ":")] = '\0';
    sl_text_printf(&script, "server %s %u\nzone %s.\nupdate delete %s. SRV\n", address, z->port, z->domain, z->owner);
    if (z->wanted)
        sl_text_printf(&script, "update add %s. %d SRV 0 0 %u %s.\n", z->owner, PUB_SRV_TTL_S, z->wanted->port, z->wanted->host);
    sl_text_puts(&script, "send\n");
    return sl_text_take(&script);
}

/* The length of a text without the line feeds at its end, at most SAID_MAX. */
static int trimmed(const char *text)
{
    size_t len = strnlen(text, SAID_MAX);
    while (len > 0 && text[len - 1] == '\n')
        len--;
    return (int)len;
}

/* What nsupdate says on failure, by what it means. */
static enum sl_status judge(const char *output)
{
    static const struct {
        const char *word;
        enum sl_status status;
    } words[] = {{"timed out", SL_UNREACHABLE},  {"failed: connection", SL_UNREACHABLE}, {"unreachable", SL_UNREACHABLE},
                 {"SERVFAIL", SL_UNREACHABLE},   {"REFUSED", SL_DENIED},                 {"NOTAUTH", SL_DENIED},
                 {"tsig", SL_DENIED},            {"TKEY", SL_DENIED},                    {"GSS", SL_DENIED},
                 {"could not read key", SL_USAGE}};
    for (size_t i = 0; i < SL_COUNT(words); i++)
        if (strcasestr(output, words[i].word))
            return words[i].status;
    return SL_CONFLICT;
}

static enum sl_status update(struct zone *z, struct sl_error *e)
{
    const struct sm_target *t = z->run->target;
    const char *argv[] = {"nsupdate", "-t", "5", "-r", "1", NULL, NULL, NULL};
    struct sl_text output = sl_text_new(OUTPUT_MAX);
    int code = 0;
    if (t->tsig_key) {
        argv[5] = "-k";
        argv[6] = t->tsig_key;
        if (access(t->tsig_key, R_OK) != 0)
            return sl_fail(e, SL_USAGE, "%s: key file %s: %s", t->uri, t->tsig_key, strerror(errno));
    } else if (t->sasl) {
        argv[5] = "-g";
    }
    char *script = make_script(z);
    enum sl_status s = script ? host_run(argv, script, z->run->deadline, &output, &code, e)
                              : sl_fail(e, SL_LIMIT, "%s: names too long", t->uri);
    if (s == SL_UNSUPPORTED)
        s = sl_fail(e, SL_USAGE, "%s: there is no nsupdate: install the package bind9-dnsutils", t->uri);
    else if (s == SL_OK && code != 0)
        s = sl_fail(e, judge(sl_text_str(&output)), "%s: nsupdate: %.*s", t->uri, trimmed(sl_text_str(&output)),
                    sl_text_str(&output));
    free(script);
    sl_text_fini(&output);
    return s;
}

static enum sl_status apply(struct zone *z, struct sl_error *e)
{
    enum sl_status s = update(z, e);
    if (s == SL_OK)
        s = look(z, e);
    if (s == SL_OK && !is_as_wanted(z))
        s = sl_fail(e, SL_CONFLICT, "%s: %s: read back after writing it is not as written", z->run->target->uri, z->owner);
    return s;
}

/* One name of the zone: z->owner, z->wanted. */
static enum sl_status publish(struct zone *z, struct sl_error *e)
{
    enum sl_status s = look(z, e);
    if (s)
        return s;
    bool is_same = is_as_wanted(z);
    struct dnsc_srv_list before = z->found;
    z->found = (struct dnsc_srv_list){0, NULL};
    if (!is_same)
        pub_differs(z->run);
    if (!is_same && !pub_is_diff(z->run))
        s = apply(z, e);
    if (s == SL_OK && is_same && z->wanted)
        pub_line_add(z->run, PUB_SAME_LINE, z->owner, "%s", "");
    else if (s == SL_OK && !is_same)
        tell(z, before.count == 0 ? PUB_ADD_LINE : z->wanted ? PUB_CHANGE_LINE : PUB_REMOVE_LINE, &before);
    dnsc_srv_list_fini(&before);
    if (s)
        return s;
    if (!is_same && pub_is_diff(z->run))
        pub_result_set(z->run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
    check_host(z);
    return SL_OK;
}

static void publish_name(struct zone *z, const char *code, const struct sm_mp *wanted)
{
    struct sl_error e = {.status = SL_OK};
    pub_srv_name(z->owner, code, z->domain);
    z->wanted = wanted;
    enum sl_status s = publish(z, &e);
    if (s == SL_OK)
        return;
    pub_line_add(z->run, PUB_FAILED_LINE, z->owner, "%s", sl_error_text(&e));
    pub_result_fail(z->run, s, &e);
}

void pub_dns(struct pub_run *run)
{
    struct zone *z = sl_new(sizeof *z);
    struct sl_error e = {.status = SL_OK};
    const struct sm_mp *wanted = pub_srv_target(run);
    z->run = run;
    enum sl_status s = parse(run->target, z, &e);
    if (s == SL_OK)
        s = find_server(z, &e);
    if (s)
        pub_result_fail(run, s, &e);
    if (s == SL_OK && (wanted == NULL || !pub_is_prune(run)))
        publish_name(z, run->site->site.code, wanted);
    for (size_t i = 0; s == SL_OK && i < run->order->sites.count; i++)
        publish_name(z, run->order->sites.items[i], NULL);
    dnsc_srv_list_fini(&z->found);
    free(z);
}
