#include "site/daemon/metrics.h"

#include <inttypes.h>
#include <string.h>

static void write_counts(const char *role, const uint64_t counts[WEB_CLASSES], void *ctx)
{
    struct sl_text *out = ctx;
    for (size_t i = 1; i < WEB_CLASSES; i++)
        sl_text_printf(out, "sited_http_requests_total{role=\"%s\",code=\"%zuxx\"} %" PRIu64 "\n", role, i, counts[i]);
}

struct names {
    size_t claimed, registered;
};

static void count_name(const struct nbn_state *state, void *ctx)
{
    struct names *n = ctx;
    n->claimed++;
    n->registered += strcmp(state->state, "registered") == 0;
}

void sited_metrics(struct srv *srv, const struct web *web, struct nbn *names, struct sl_text *out)
{
    struct names n = {0};
    srv_metrics(srv, out);
    if (names != NULL)
        nbn_each(names, count_name, &n);
    sl_text_printf(out,
                   "# HELP sited_names NetBIOS names that belong to this host, and those of them that a registry holds\n"
                   "# TYPE sited_names gauge\nsited_names{state=\"claimed\"} %zu\nsited_names{state=\"registered\"} %zu\n",
                   n.claimed, n.registered);
    if (web == NULL)
        return;
    sl_text_puts(out, "# HELP sited_http_requests_total requests answered, by role and first digit of the status code\n"
                      "# TYPE sited_http_requests_total counter\n");
    web_counts(web, write_counts, out);
    sl_text_printf(out,
                   "# HELP sited_http_connections connections that are open\n# TYPE sited_http_connections gauge\n"
                   "sited_http_connections %zu\n",
                   web_connections(web));
}

void sited_content_metrics(const struct dp_fetch *fetch, const struct dp_verify *verify, struct sl_text *out)
{
    const struct dp_fetch_stats f = dp_fetch_stats(fetch);
    const struct dp_verify_stats v = dp_verify_stats(verify);
    sl_text_printf(out,
                   "# HELP sited_content_octets_total octets that were fetched, and compared again with their hashes\n"
                   "# TYPE sited_content_octets_total counter\n"
                   "sited_content_octets_total{how=\"fetched\"} %" PRIu64 "\n"
                   "sited_content_octets_total{how=\"verified\"} %" PRIu64 "\n",
                   f.octets, v.octets);
    sl_text_printf(out,
                   "# HELP sited_content_lost_total files that were found damaged or missing and are fetched again\n"
                   "# TYPE sited_content_lost_total counter\n"
                   "sited_content_lost_total{how=\"damaged\"} %" PRIu64 "\n"
                   "sited_content_lost_total{how=\"missing\"} %" PRIu64 "\n",
                   f.damaged + v.damaged, f.missing + v.missing);
    sl_text_printf(out,
                   "# HELP sited_content_verified_seconds when all was last compared, seconds since 1970, or 0\n"
                   "# TYPE sited_content_verified_seconds gauge\nsited_content_verified_seconds %" PRId64 "\n",
                   v.passed_s);
}
