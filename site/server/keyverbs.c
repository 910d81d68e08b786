#include "site/server/private.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "site/server/keys.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DATE_MAX = 32 };

static const char *date_text(char out[DATE_MAX], int64_t at_s)
{
    time_t when = (time_t)at_s;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(out, DATE_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
    return out;
}

/* "mp1.example.org until 2027-11-22T09:00:00Z" for each management point that has a certificate. */
static void list_certificates(const struct sm_snapshot *site, struct sl_text *out)
{
    for (size_t i = 0; i < site->mp_count; i++) {
        const struct sm_mp *mp = &site->mps[i];
        struct proof_certificate c;
        char until[DATE_MAX];
        if (mp->certificate != NULL && proof_certificate_read(mp->certificate, strlen(mp->certificate), &c, NULL) == SL_OK)
            sl_text_printf(out, "%s%s until %s", out->len > 0 ? "\n" : "", c.host, date_text(until, c.until_s));
    }
}

/* The fingerprint of a stored key, "" when there is none. */
static void fingerprint(const char *root_key, char out[PROOF_PRINT_MAX])
{
    struct proof_public key;
    out[0] = '\0';
    if (root_key != NULL && proof_public_read(root_key, strlen(root_key), &key, NULL) == SL_OK)
        proof_public_print(&key, out);
}

static enum sl_status read_site(struct srv_call *call, struct sm_snapshot **ret_site, struct sl_error *e)
{
    enum sl_status status = sst_snapshot(call->store, call->site, ret_site, e);
    if (status == SL_OK && *ret_site == NULL)
        status = sl_fail(e, SL_CONFLICT, "site %s has just been removed", call->site);
    return status;
}

enum sl_status srv_key_show(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "fingerprint:text", "root_key:text", "certificates:list"};
    struct sm_snapshot *site;
    char print[PROOF_PRINT_MAX];
    enum sl_status status = read_site(call, &site, e);
    if (status != SL_OK)
        return status;
    struct sl_text certificates = sl_text_new(SL_FRAME_MAX);
    list_certificates(site, &certificates);
    fingerprint(site->site.root_key, print);
    const char *const cells[] = {call->site, print, site->site.root_key, sl_text_str(&certificates)};
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
    sl_text_fini(&certificates);
    sm_snapshot_free(site);
    return SL_OK;
}

/* What sitectl writes into the file that it was given. */
enum sl_status srv_key_export(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "root_key:text"};
    struct sm_snapshot *site;
    enum sl_status status = read_site(call, &site, e);
    if (status != SL_OK)
        return status;
    if (site->site.root_key == NULL) {
        status = sl_fail(e, SL_CONFLICT, "site %s has no trusted root key yet: start its site server", call->site);
    } else {
        host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
        host_reply_row(call->reply, (const char *const[]){call->site, site->site.root_key}, SL_COUNT(columns));
    }
    sm_snapshot_free(site);
    return status;
}

enum sl_status srv_key_replace(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "fingerprint:text", "previous:text"};
    struct sm_snapshot *before, *after = NULL;
    char previous[PROOF_PRINT_MAX], print[PROOF_PRINT_MAX];
    enum sl_status status = read_site(call, &before, e);
    if (status != SL_OK)
        return status;
    fingerprint(before->site.root_key, previous);
    sm_snapshot_free(before);
    status = srv_keys_replace(call->srv->options.state, call->site, e);
    if (status == SL_OK)
        status = srv_keys_certify(call->store, call->srv->options.state, call->site, call->srv->options.times.certificate_days,
                                  sl_clock_real_s(), e);
    if (status == SL_OK)
        status = read_site(call, &after, e);
    if (status != SL_OK)
        return status;
    call->changed = true;
    fingerprint(after->site.root_key, print);
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, (const char *const[]){call->site, print, previous}, SL_COUNT(columns));
    sm_snapshot_free(after);
    return SL_OK;
}
