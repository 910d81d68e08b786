#include "locator/net/httpc.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcurl wants one initialisation per process, which older versions do not make safe themselves. */
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void httpc_reply_fini(struct httpc_reply *reply)
{
    if (reply)
        sl_text_fini(&reply->body);
}

bool httpc_url(char *out, size_t size, const char *host, uint16_t port, const char *path)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    bool v6 = strchr(host, ':') != NULL;
    if (!host[0] || host[strspn(host, allowed)])
        return false;
    int n = snprintf(out, size, "http://%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "", port, path);
    return n > 0 && (size_t)n < size;
}

static size_t take_body(char *octets, size_t size, size_t count, void *arg)
{
    struct sl_text *body = arg;
    sl_text_add(body, octets, size * count);
    return sl_text_failed(body) ? 0 : size * count;
}

struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
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
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
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
    return curl_slist_append(list, line);
}

/* "::address:" in libcurl's words: whatever host and port, connect to this address and the same port. */
static struct curl_slist *connect_to(const char *address)
{
    bool v6 = strchr(address, ':') != NULL;
    return append(NULL, v6 ? "::[" : "::", address, v6 ? "]:" : ":");
}

static void set_request(struct exchange *x, const struct httpc_request *r)
{
    CURL *c = x->curl;
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method ? r->method : "GET");
    if (r->user_agent)
        curl_easy_setopt(c, CURLOPT_USERAGENT, r->user_agent);
    if (r->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
        x->headers = append(x->headers, "Content-Type: ", r->content_type, "");
        x->headers = append(x->headers, "Expect:", "", ""); /* a body of our size waits for no permission */
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    }
    if (r->connect_to) {
        x->connect_to = connect_to(r->connect_to);
        curl_easy_setopt(c, CURLOPT_CONNECT_TO, x->connect_to);
    }
    if (r->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
}

static void set_rules(struct exchange *x, int left_ms, struct sl_text *body)
{
    CURL *c = x->curl;
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->why);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
}

static enum sl_status perform(struct exchange *x, const struct httpc_request *r, struct httpc_reply *reply, struct sl_error *e)
{
    CURLcode code = curl_easy_perform(x->curl);
    if (sl_text_failed(&reply->body))
        return sl_fail(e, SL_LIMIT, "%s: the answer is larger than %zu octets", r->url, reply->body.limit);
    if (code != CURLE_OK)
        return sl_fail(e, status_of(code), "%s: %s", r->url, x->why[0] ? x->why : curl_easy_strerror(code));
    long status = 0;
    const char *type = NULL;
    (void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(x->curl, CURLINFO_CONTENT_TYPE, &type);
    reply->status = (int)status;
    if (type)
        (void)sl_text_copy(reply->content_type, sizeof reply->content_type, type);
    return SL_OK;
}

enum sl_status httpc_exchange(const struct httpc_request *request, struct sl_deadline deadline, struct httpc_reply *ret_reply,
                              struct sl_error *e)
{
    int left_ms = sl_deadline_left_ms(deadline);
    if (!left_ms) /* to libcurl 0 means "no limit" */
        return sl_fail(e, SL_TIMEOUT, "%s: no time left to ask", request->url);
    (void)pthread_once(&curl_once, init_curl);
    struct exchange x = {.curl = curl_easy_init()};
    if (!x.curl)
        return sl_fail(e, SL_NOMEM, "%s", request->url);
    struct httpc_reply reply = {.body = sl_text_new(request->reply_max ? request->reply_max : HTTPC_REPLY_MAX)};
    set_rules(&x, left_ms, &reply.body);
    set_request(&x, request);
    enum sl_status s = perform(&x, request, &reply, e);
    curl_slist_free_all(x.headers);
    curl_slist_free_all(x.connect_to);
    curl_easy_cleanup(x.curl);
    if (s == SL_OK)
        *ret_reply = reply;
    else
        httpc_reply_fini(&reply);
    return s;
}
