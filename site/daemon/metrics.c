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

void sited_metrics(const struct srv *srv, const struct web *web, const struct nbn *names, struct sl_text *out)
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
