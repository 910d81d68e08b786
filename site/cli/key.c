#include "site/cli/key.h"

#include "common/cli/remote.h"
#include "locator/net/proof.h"
#include "site/model/site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The one row of the answer. */
struct received {
    char site[SM_CODE_LEN + 1];
    struct proof_public key;
};

static bool on_row(void *ctx, const char *const *cells, size_t count)
{
    struct received *r = ctx;
    if (count != 2 || cells[0] == NULL || cells[1] == NULL || !sl_text_copy(r->site, sizeof r->site, cells[0]))
        return false;
    return proof_public_read(cells[1], strlen(cells[1]), &r->key, NULL) == SL_OK;
}

static enum sl_status write_file(const char *path, const struct proof_public *key, struct sl_error *e)
{
    struct sl_text pem = sl_text_new(PROOF_PEM_MAX);
    proof_public_pem(key, &pem);
    FILE *file = fopen(path, "we");
    bool is_written = file != NULL && fputs(sl_text_str(&pem), file) >= 0;
    if (file != NULL && fclose(file) != 0)
        is_written = false;
    sl_text_fini(&pem);
    return is_written ? SL_OK : sl_fail(e, SL_IO, "%s: %s", path, strerror(errno));
}

enum sl_outcome sctl_key_export(struct cli_call *call, const char *control, int64_t timeout_ms)
{
    static const struct cli_column columns[] = {{"site", CLI_TEXT}, {"fingerprint", CLI_TEXT}, {"file", CLI_TEXT}};
    struct received r = {.key = {.len = 0}};
    struct sl_error e = {0};
    char print[PROOF_PRINT_MAX];
    enum sl_outcome outcome =
        cli_remote_with(call, control, timeout_ms, &(struct cli_remote_extra){.fd = -1, .row = on_row, .ctx = &r});
    if (outcome != SL_OUTCOME_OK)
        return outcome;
    enum sl_status status = write_file(call->args[0], &r.key, &e);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    proof_public_print(&r.key, print);
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), true);
    cli_doc_row(call->doc, (const char *const[]){r.site, print, call->args[0]});
    return SL_OUTCOME_OK;
}
