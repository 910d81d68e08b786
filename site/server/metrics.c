#include "site/server/private.h"

#include <inttypes.h>

/* The value of a label, with its quotes. */
static void put_label(struct sl_text *out, const char *value)
{
    sl_text_puts(out, "\"");
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            sl_text_puts(out, "\\");
        if (*value == '\n')
            sl_text_puts(out, "\\n");
        else
            sl_text_add(out, value, 1);
    }
    sl_text_puts(out, "\"");
}

static void put_result(struct sl_text *out, const char *name, const struct srv_result *r, int64_t value)
{
    sl_text_printf(out, "%s{site=\"%s\",target=", name, r->site);
    put_label(out, r->target);
    sl_text_printf(out, "} %" PRId64 "\n", value);
}

static void put_gauge(struct sl_text *out, const char *name, const char *help, int64_t value)
{
    sl_text_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 "\n", name, help, name, name, value);
}

static void put_counts(struct sl_text *out, const char *name, const char *help, const char *const *labels, const uint64_t *values,
                       size_t count)
{
    sl_text_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
    for (size_t i = 0; i < count; i++)
        sl_text_printf(out, "%s{result=\"%s\"} %" PRIu64 "\n", name, labels[i], values[i]);
}

/* The way up: the outbox of the management point, the intake of the site server. */
static void put_reports(const struct srv *srv, struct sl_text *out)
{
    static const char *const ends[] = {"accepted", "refused", "forwarded"};
    static const char *const taken[] = {
#define TAKEN_WORD(name, word) word,
        SST_TAKEN_TABLE(TAKEN_WORD)
#undef TAKEN_WORD
    };
    if (srv->options.outbox != NULL) {
        const struct obx_stats o = obx_stats(srv->options.outbox);
        put_gauge(out, "sited_outbox_waiting", "reports of clients that wait for the site server", o.waiting);
        put_gauge(out, "sited_outbox_octets", "their size", o.octets);
        put_gauge(out, "sited_outbox_oldest_seconds", "when the first of them came, seconds since 1970, or 0", o.oldest_s);
        put_counts(out, "sited_outbox_reports_total", "reports of clients; refused: no room", ends,
                   (const uint64_t[]){o.accepted, o.refused, o.forwarded}, SL_COUNT(ends));
    }
    if (srv->options.intake != NULL) {
        const struct srv_intake_stats in = srv_intake_stats(srv->options.intake);
        put_counts(out, "sited_intake_reports_total", "reports that management points handed over", taken, in.taken,
                   SL_COUNT(taken));
    }
}

static void put_drift(const struct srv *srv, struct sl_text *out)
{
    sl_text_puts(out, "# HELP sited_target_drift objects that were not as planned when a target was last read, before they were "
                      "mended\n# TYPE sited_target_drift gauge\n");
    for (size_t i = 0; i < srv->result_count; i++)
        if (srv->results[i].drift >= 0)
            put_result(out, "sited_target_drift", &srv->results[i], srv->results[i].drift);
    sl_text_puts(out, "# HELP sited_target_mended_total objects that were written\n# TYPE sited_target_mended_total counter\n");
    for (size_t i = 0; i < srv->result_count; i++)
        put_result(out, "sited_target_mended_total", &srv->results[i], (int64_t)srv->results[i].mended);
}

void srv_metrics(struct srv *srv, struct sl_text *out)
{
    put_gauge(out, SRV_DATABASE_UP, "the site database could be read when it was last looked at", !srv->lost);
    put_gauge(out, "sited_site_server", "this process is the site server of the database", srv->is_locked);
    int64_t generation = srv->generation;
    put_gauge(out, "sited_generation", "changes of the database that were seen", generation < 0 ? 0 : generation);
    put_reports(srv, out);
    if (srv->publisher == NULL)
        return;
    srv_selftest_metrics(srv->selftest, out);
    put_gauge(out, "sited_publications_waiting", "publications that wait or run", (int64_t)srv_publishing(srv->publisher));
    pthread_mutex_lock(&srv->telling);
    sl_text_puts(out, "# HELP sited_target_ok the last publication to a target was as planned\n# TYPE sited_target_ok gauge\n");
    for (size_t i = 0; i < srv->result_count; i++)
        put_result(out, "sited_target_ok", &srv->results[i], srv->results[i].outcome == SL_OUTCOME_OK);
    sl_text_puts(out, "# HELP sited_target_seconds when it ended, seconds since 1970\n# TYPE sited_target_seconds gauge\n");
    for (size_t i = 0; i < srv->result_count; i++)
        put_result(out, "sited_target_seconds", &srv->results[i], srv->results[i].at_s);
    put_drift(srv, out);
    pthread_mutex_unlock(&srv->telling);
}
