#include "config.h"

#include "locator/net/httpc.h"

#include "common/base/addr.h"
#include "common/base/file.h"
#include "common/base/lazy.h"
#include "locator/net/dial.h"
#include "locator/net/peercert.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- what is used of libcurl ---------------------------------------------------------------------------------------- */

#define CURL_TABLE(X)                                                                                                  \
    X(easy_cleanup)                                                                                                    \
    X(easy_getinfo)                                                                                                    \
    X(easy_init)                                                                                                       \
    X(easy_setopt)                                                                                                     \
    X(easy_strerror)                                                                                                   \
    X(global_init)                                                                                                     \
    X(multi_add_handle)                                                                                                \
    X(multi_cleanup)                                                                                                   \
    X(multi_info_read)                                                                                                 \
    X(multi_init)                                                                                                      \
    X(multi_perform)                                                                                                   \
    X(multi_poll)                                                                                                      \
    X(multi_remove_handle)                                                                                             \
    X(slist_append)                                                                                                    \
    X(slist_free_all)

struct curl {
#define CURL_MEMBER(name) __typeof__(&curl_##name) name;
    CURL_TABLE(CURL_MEMBER)
#undef CURL_MEMBER
};

static const struct sl_lazy_symbol curl_symbols[] = {
#define CURL_SYMBOL(name) {"curl_" #name, offsetof(struct curl, name)},
    CURL_TABLE(CURL_SYMBOL)
#undef CURL_SYMBOL
};

static struct curl curl; /* global: constant once the library is loaded */

/* libcurl wants one initialisation per process, which older versions do not make safe themselves. */
static void start_curl(void)
{
    (void)curl.global_init(CURL_GLOBAL_DEFAULT);
}

static struct sl_lazy library = SL_LAZY(LIBCURL_SONAME, curl_symbols, &curl, start_curl); /* global: one for the process */

static const char https[] = "https://";

/* ---- the exchange --------------------------------------------------------------------------------------------------- */

void httpc_prepare(void)
{
    (void)!sl_lazy_need(&library, NULL); /* an exchange will tell why not */
}

void httpc_reply_fini(struct httpc_reply *reply)
{
    if (reply)
        sl_text_fini(&reply->body);
}

bool httpc_url(char *out, size_t size, const char *scheme, const char *host, uint16_t port, const char *path)
{
    bool v6 = strchr(host, ':') != NULL;
    if (!sl_is_host(host))
        return false;
    int n = snprintf(out, size, "%s://%s%s%s:%u%s", scheme, v6 ? "[" : "", host, v6 ? "]" : "", port, path);
    return n > 0 && (size_t)n < size;
}

struct header_wanted {
    const char *name;
    char *value; /* HTTPC_HEADER_MAX octets */
};

static size_t take_body(char *octets, size_t size, size_t count, void *arg)
{
    struct sl_text *body = arg;
    sl_text_add(body, octets, size * count);
    return sl_text_failed(body) ? 0 : size * count;
}

/* Keeps the value of the wanted header; `line` ends in CR LF and is not a string. */
static size_t take_header(char *line, size_t size, size_t count, void *arg)
{
    struct header_wanted *w = arg;
    size_t len = size * count, name = strlen(w->name);
    if (len <= name || line[name] != ':' || strncasecmp(line, w->name, name) != 0)
        return len;
    const char *from = line + name + 1, *to = line + len;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && strchr(" \t\r\n", to[-1]))
        to--;
    if ((size_t)(to - from) < HTTPC_HEADER_MAX)
        (void)snprintf(w->value, HTTPC_HEADER_MAX, "%.*s", (int)(to - from), from);
    return len;
}

enum { HTTPC_WHY_MAX = 512 };

struct exchange {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    struct header_wanted wanted;
    char why[CURL_ERROR_SIZE];
};

static enum sl_status status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return SL_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return SL_NOMEM;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return SL_USAGE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return SL_UNTRUSTED;
    default:
        return SL_UNREACHABLE;
    }
}

static struct curl_slist *append(struct curl_slist *list, const char *before, const char *value, const char *after)
{
    char line[HTTPC_URL_MAX];
    (void)snprintf(line, sizeof line, "%s%s%s", before, value, after);
    return curl.slist_append(list, line);
}

/* "::address:" in libcurl's words: whatever host and port, connect to this address and the same port. */
static struct curl_slist *connect_to(const char *address)
{
    bool v6 = strchr(address, ':') != NULL;
    return append(NULL, v6 ? "::[" : "::", address, v6 ? "]:" : ":");
}

static void set_request(struct exchange *x, const struct httpc_request *r)
{
    CURL *c = x->easy;
    curl.easy_setopt(c, CURLOPT_URL, r->url);
    curl.easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method ? r->method : "GET");
    if (r->user_agent)
        curl.easy_setopt(c, CURLOPT_USERAGENT, r->user_agent);
    if (r->body) {
        curl.easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl.easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
        x->headers = append(x->headers, "Content-Type: ", r->content_type, "");
        x->headers = append(x->headers, "Expect:", "", ""); /* a body of our size waits for no permission */
    }
    if (r->header)
        x->headers = append(x->headers, r->header, "", "");
    if (x->headers)
        curl.easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    if (r->connect_to) {
        x->connect_to = connect_to(r->connect_to);
        curl.easy_setopt(c, CURLOPT_CONNECT_TO, x->connect_to);
    }
    if (r->ca_file)
        curl.easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
    if (r->cert_file) {
        curl.easy_setopt(c, CURLOPT_SSLCERT, r->cert_file);
        curl.easy_setopt(c, CURLOPT_SSLKEY, r->key_file ? r->key_file : r->cert_file);
    }
}

static void set_wanted(struct exchange *x, const struct httpc_request *r, struct httpc_reply *reply)
{
    if (!r->wanted)
        return;
    x->wanted = (struct header_wanted){r->wanted, reply->header};
    curl.easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl.easy_setopt(x->easy, CURLOPT_HEADERDATA, &x->wanted);
}

static void set_rules(struct exchange *x, int left_ms, struct sl_text *body)
{
    CURL *c = x->easy;
    curl.easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(c, CURLOPT_ERRORBUFFER, x->why);
    curl.easy_setopt(c, CURLOPT_PROXY, "");
    curl.easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl.easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl.easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl.easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl.easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl.easy_setopt(c, CURLOPT_WRITEDATA, body);
}

/* Runs the exchange to its end; CURLE_OPERATION_TIMEDOUT when the deadline passed first. */
static CURLcode drive(const struct exchange *x, struct sl_deadline deadline)
{
    CURLcode code = CURLE_OPERATION_TIMEDOUT;
    CURLMcode trouble = curl.multi_add_handle(x->multi, x->easy);
    int running = 1, left;
    while (!trouble && running && !sl_deadline_passed(deadline)) {
        struct curl_waitfd wish = {.fd = sl_deadline_fd(deadline), .events = CURL_WAIT_POLLIN};
        trouble = curl.multi_perform(x->multi, &running);
        if (!trouble && running)
            trouble = curl.multi_poll(x->multi, &wish, wish.fd >= 0, sl_deadline_left_ms(deadline), NULL);
    }
    const CURLMsg *end = curl.multi_info_read(x->multi, &left);
    if (trouble)
        code = CURLE_OUT_OF_MEMORY;
    else if (end && end->msg == CURLMSG_DONE)
        code = end->data.result;
    (void)curl.multi_remove_handle(x->multi, x->easy);
    return code;
}

static enum sl_status perform(struct exchange *x, const struct httpc_request *r, struct sl_deadline deadline,
                              struct httpc_reply *reply, struct sl_error *e)
{
    CURLcode code = drive(x, deadline);
    if (sl_text_failed(&reply->body))
        return sl_fail(e, SL_LIMIT, "%s: the answer is larger than %zu octets", r->url, reply->body.limit);
    if (code != CURLE_OK && sl_deadline_canceled(deadline))
        return sl_fail(e, SL_CANCELED, "%s: canceled", r->url);
    if (code != CURLE_OK)
        return sl_fail(e, status_of(code), "%s: %s", r->url, x->why[0] ? x->why : curl.easy_strerror(code));
    long status = 0;
    const char *type = NULL;
    (void)curl.easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl.easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
    reply->status = (int)status;
    if (type)
        (void)sl_text_copy(reply->content_type, sizeof reply->content_type, type);
    return SL_OK;
}

/* libcurl tells a file that cannot be read in the words of a failed handshake. */
static enum sl_status check_files(const struct httpc_request *r, struct sl_error *e)
{
    const char *const files[] = {r->ca_file, r->cert_file, r->key_file};
    for (size_t i = 0; i < SL_COUNT(files); i++)
        if (sl_file_check(files[i], e) != SL_OK)
            return sl_fail_in(e, SL_USAGE, "TLS");
    return SL_OK;
}

/* The host of an https: URL, without the brackets of an address. */
static void host_of(const char *url, char *out, size_t size)
{
    const char *host = url + strlen(https);
    size_t len = host[0] == '[' ? strcspn(++host, "]") : strcspn(host, ":/");
    (void)snprintf(out, size, "%.*s", (int)len, host);
}

/* Makes a handshake of our own where the exchange went; SL_OK when nothing was found. */
static enum sl_status diagnose_peer(const struct httpc_request *r, const char *address, long port, struct sl_deadline deadline,
                                    char *out, size_t size)
{
    const char *why;
    char host[HTTPC_URL_MAX];
    int fd = loc_dial(address, (uint16_t)port, deadline, NULL, &why);
    if (fd < 0)
        return SL_OK;
    host_of(r->url, host, sizeof host);
    const struct peercert_peer peer = {.fd = fd, .host = host, .ca_file = r->ca_file, .cert_file = r->cert_file,
                                       .key_file = r->key_file, .deadline = deadline};
    enum sl_status found = peercert_explain(&peer, sl_clock_real_s(), out, size);
    (void)close(fd);
    return found;
}

/* libcurl has the words of GnuTLS for what fails in TLS, and few codes: what it was is found out as for a directory. */
static enum sl_status diagnose(const struct exchange *x, const struct httpc_request *r, enum sl_status s,
                               struct sl_deadline deadline, struct sl_error *e)
{
    char why[HTTPC_WHY_MAX];
    char *address = NULL;
    double secured_s = 0;
    long port = 0;
    if (s == SL_OK || s == SL_CANCELED || strncmp(r->url, https, strlen(https)) != 0)
        return s;
    enum sl_status files = peercert_check_files(r->ca_file, r->cert_file, r->key_file, why, sizeof why);
    (void)curl.easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &address);
    (void)curl.easy_getinfo(x->easy, CURLINFO_PRIMARY_PORT, &port);
    (void)curl.easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME, &secured_s);
    bool is_connected = address && address[0]; /* its time of the connect is 0 until TLS is there, too */
    if (files != SL_OK && (is_connected || files == SL_USAGE))
        return sl_fail(e, files, "%s: %s", r->url, why);
    if (!is_connected || (s != SL_TIMEOUT && s != SL_UNREACHABLE && s != SL_UNTRUSTED))
        return s;
    if (s == SL_TIMEOUT)
        return secured_s > 0 ? s : sl_fail(e, s, "%s: TLS handshake: no answer in time", r->url);
    enum sl_status found = diagnose_peer(r, address, port, deadline, why, sizeof why);
    bool says_more = found != SL_OK && (found != SL_UNREACHABLE || s == SL_UNREACHABLE);
    return says_more ? sl_fail(e, found, "%s: %s", r->url, why) : s;
}

enum sl_status httpc_exchange(const struct httpc_request *request, struct sl_deadline deadline, struct httpc_reply *ret_reply,
                              struct sl_error *e)
{
    struct httpc_reply reply = {.body = sl_text_new(request->reply_max ? request->reply_max : HTTPC_REPLY_MAX)};
    enum sl_status s = sl_lazy_need(&library, e);
    if (s == SL_OK)
        s = check_files(request, e);
    if (s != SL_OK)
        return sl_fail_in(e, s, "%s", request->url);
    if (sl_deadline_passed(deadline)) /* to libcurl 0 means "no limit" */
        return sl_fail(e, SL_TIMEOUT, "%s: no time left to ask", request->url);
    struct exchange x = {.easy = curl.easy_init(), .multi = curl.multi_init()};
    if (x.easy && x.multi) {
        set_rules(&x, sl_deadline_left_ms(deadline), &reply.body);
        set_request(&x, request);
        set_wanted(&x, request, &reply);
        s = diagnose(&x, request, perform(&x, request, deadline, &reply, e), deadline, e);
    } else {
        s = sl_fail(e, SL_NOMEM, "%s", request->url);
    }
    curl.slist_free_all(x.headers);
    curl.slist_free_all(x.connect_to);
    curl.easy_cleanup(x.easy);
    (void)curl.multi_cleanup(x.multi);
    if (s == SL_OK)
        *ret_reply = reply;
    else
        httpc_reply_fini(&reply);
    return s;
}
