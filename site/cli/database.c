#include "site/cli/database.h"

#include "site/store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum sl_outcome sctl_db_check(struct cli_call *call, const char *path)
{
    static const struct cli_column columns[] = {{"finding", CLI_TEXT}};
    struct sst *store;
    struct sl_strings findings = {0};
    struct sl_error e = {0};
    enum sl_status status = sst_open(path, SST_READ_ONLY, &store, &e);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    status = sst_check(store, &findings, &e);
    sst_close(store);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < findings.count; i++)
        cli_doc_row(call->doc, (const char *const[]){findings.items[i]});
    enum sl_outcome outcome = findings.count > 0 ? SL_OUTCOME_NEGATIVE : SL_OUTCOME_OK;
    sl_strings_fini(&findings);
    return outcome;
}

/* Copies one database into another, which is made, and removed again when the copy failed. */
static enum sl_status copy(const char *from_path, const char *to_path, uint64_t *ret_rows, struct sl_error *e)
{
    struct sst *from, *to;
    bool is_new = sst_is_file(to_path) && access(to_path, F_OK) != 0;
    enum sl_status status = sst_open(from_path, SST_READ_ONLY, &from, e);
    if (status != SL_OK)
        return status;
    status = sst_open(to_path, SST_CREATE, &to, e);
    if (status == SL_OK) {
        status = sst_copy(from, to, ret_rows, e);
        sst_close(to);
    }
    sst_close(from);
    if (status != SL_OK && is_new)
        unlink(to_path);
    return status;
}

static enum sl_outcome tell_copy(struct cli_call *call, const char *from, const char *to)
{
    static const struct cli_column columns[] = {{"from", CLI_TEXT}, {"to", CLI_TEXT}, {"rows", CLI_NUMBER}};
    char rows_text[24];
    uint64_t rows = 0;
    struct sl_error e = {0};
    enum sl_status status = copy(from, to, &rows, &e);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    snprintf(rows_text, sizeof rows_text, "%" PRIu64, rows);
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), true);
    cli_doc_row(call->doc, (const char *const[]){from, to, rows_text});
    return SL_OUTCOME_OK;
}

enum sl_outcome sctl_db_backup(struct cli_call *call, const char *path)
{
    const char *file = call->args[0];
    if (!sst_is_file(file))
        return cli_usage(call, "db backup writes a file; db move copies into a PostgreSQL database");
    if (access(file, F_OK) == 0) {
        struct sl_error e = {0};
        return cli_fail(call, sl_fail(&e, SL_CONFLICT, "%s exists already", file), &e);
    }
    return tell_copy(call, path, file);
}

enum sl_outcome sctl_db_restore(struct cli_call *call, const char *path)
{
    return tell_copy(call, call->args[0], path);
}

/* The right to be the site server is held meanwhile: nobody changes what is being moved. */
enum sl_outcome sctl_db_move(struct cli_call *call, const char *path)
{
    struct sst_lock *lock;
    struct sl_error e = {0};
    enum sl_status status = sst_lock_server(path, &lock, &e);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    enum sl_outcome outcome = tell_copy(call, path, call->args[0]);
    sst_unlock_server(lock);
    return outcome;
}
