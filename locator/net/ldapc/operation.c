#include "locator/net/ldapc/internal.h"

#include <ldap.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libldap is asked again this often while a request may not have left entirely. */
enum { REQUEST_SLICE_MS = 100, WORDS_MAX = 360 };

static enum sl_status op_fail(struct ldapc_op *op, enum ldapc_kind kind, int code, const char *words)
{
    op->dir->kind = kind;
    op->dir->code = code;
    return sl_fail(op->e, ldapc_status_of(kind), "%s: %s \"%s\": %s", ldapc_server(op->dir), op->verb, op->dn, words);
}

/* From a result code of the server or of libldap. */
enum sl_status ldapc_op_fail_code(struct ldapc_op *op, int code, const char *server_words)
{
    char words[WORDS_MAX];
    enum ldapc_kind kind = ldapc_kind_of(code, !op->dir->security.bound);

    ldapc_result_text(words, sizeof words, op->dir->ld, code, server_words);
    return op_fail(op, kind, code, words);
}

enum sl_status ldapc_op_begin(struct ldapc_op *op)
{
    SL_CHECK_MAGIC(op->dir, LDAPC_MAGIC);
    op->pipe = ldapc_pipe_block();
    op->dir->kind = LDAPC_FINE;
    op->dir->code = 0;
    if (op->dir->ld == NULL)
        return op_fail(op, LDAPC_UNREACHABLE, 0, "not connected");
    if (poll(&(struct pollfd){.fd = op->dir->cancel_fd, .events = POLLIN}, 1, 0) > 0)
        return op_fail(op, LDAPC_CANCELED, 0, "canceled");
    return SL_OK;
}

/* Gives up a connection after which nothing is known, and restores the signals. */
enum sl_status ldapc_op_end(struct ldapc_op *op, enum sl_status s)
{
    struct ldapc *dir = op->dir;
    bool is_lost = s != SL_OK && (dir->kind == LDAPC_UNREACHABLE || dir->kind == LDAPC_TIMEOUT);

    if (is_lost && dir->ld != NULL)
        ldapc_health_note(dir->health, ldapc_server(dir), false); /* one that hung after the bind would hang again */
    if (is_lost || (s != SL_OK && dir->kind == LDAPC_CANCELED))
        ldapc_disconnect(dir);
    ldapc_pipe_restore(&op->pipe);
    return s;
}

/* Waits for the next message of the operation. */
enum sl_status ldapc_op_next(struct ldapc_op *op, LDAPMessage **ret_msg)
{
    for (;;) {
        struct pollfd p[] = {{.fd = -1, .events = POLLIN},
                             {.fd = op->dir->cancel_fd, .events = POLLIN},
                             {.fd = sl_deadline_fd(op->deadline), .events = POLLIN}};
        int type = ldap_result(op->dir->ld, op->id, LDAP_MSG_ONE, &(struct timeval){0}, ret_msg);
        int left = sl_deadline_left_ms(op->deadline), code = LDAP_SERVER_DOWN;

        if (type > 0) {
            op->flows = true;
            return SL_OK;
        }
        if (type < 0) {
            ldap_get_option(op->dir->ld, LDAP_OPT_RESULT_CODE, &code);
            return ldapc_op_fail_code(op, code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code, NULL);
        }
        if (left == 0)
            return op_fail(op, LDAPC_TIMEOUT, 0, "no answer in time");
        ldap_get_option(op->dir->ld, LDAP_OPT_DESC, &p[0].fd);
        if (poll(p, SL_COUNT(p), left < REQUEST_SLICE_MS || op->flows ? left : REQUEST_SLICE_MS) > 0 &&
            (p[1].revents != 0 || p[2].revents != 0))
            return op_fail(op, LDAPC_CANCELED, 0, "canceled");
    }
}

/* Parses a final message and frees it; *ret_code is the server's code. `ret_controls` may be NULL. */
enum sl_status ldapc_op_result(struct ldapc_op *op, LDAPMessage *msg, LDAPControl ***ret_controls, int *ret_code)
{
    char *words = NULL;
    enum sl_status s = SL_OK;
    int code = LDAP_SUCCESS, parsed = ldap_parse_result(op->dir->ld, msg, &code, NULL, &words, NULL, ret_controls, 1);

    if (parsed != LDAP_SUCCESS)
        s = ldapc_op_fail_code(op, parsed, NULL);
    else if (ldapc_kind_of(code, !op->dir->security.bound) != LDAPC_FINE)
        s = ldapc_op_fail_code(op, code, words);
    *ret_code = code;
    ldap_memfree(words);
    return s;
}

/* The rest of an operation with a single answer; `sent` is what libldap said when it was sent. */
static enum sl_status op_finish(struct ldapc_op *op, int sent, int *ret_code)
{
    LDAPMessage *msg;
    enum sl_status s = sent == LDAP_SUCCESS ? ldapc_op_next(op, &msg) : ldapc_op_fail_code(op, sent, NULL);

    if (s == SL_OK)
        s = ldapc_op_result(op, msg, NULL, ret_code);
    return ldapc_op_end(op, s);
}

/* ---- compare and changes -------------------------------------------------------------------------------------------- */

enum sl_status ldapc_compare(struct ldapc *dir, const char *dn, const char *attr, const char *value,
                             struct sl_deadline deadline, bool *ret_true, struct sl_error *e)
{
    struct ldapc_op op = {.dir = dir, .verb = "compare", .dn = dn, .deadline = deadline, .e = e};
    struct berval octets = {.bv_len = strlen(value), .bv_val = (char *)(uintptr_t)value};
    enum sl_status s = ldapc_op_begin(&op);
    int code;

    if (s != SL_OK)
        return ldapc_op_end(&op, s);
    s = op_finish(&op, ldap_compare_ext(dir->ld, dn, attr, &octets, NULL, NULL, &op.id), &code);
    if (s != SL_OK && dir->code == LDAP_NO_SUCH_ATTRIBUTE) {
        dir->kind = LDAPC_FINE;
        dir->code = 0;
        code = LDAP_COMPARE_FALSE;
        s = SL_OK;
    }
    if (s == SL_OK)
        *ret_true = code == LDAP_COMPARE_TRUE;
    return s;
}

/* libldap's form of a list of changes, in one piece of memory; NULL without memory. */
LDAPMod **ldapc_mods_new(const struct ldapc_mod *mods, size_t count, bool add)
{
    static const int ops[] = {[LDAPC_REPLACE] = LDAP_MOD_REPLACE, [LDAPC_ADD] = LDAP_MOD_ADD, [LDAPC_DELETE] = LDAP_MOD_DELETE};
    size_t values = 0;

    for (size_t i = 0; i < count; i++)
        values += mods[i].count;
    LDAPMod **list = calloc(1, (count + 1) * sizeof(LDAPMod *) + count * sizeof(LDAPMod) +
                                   (values + count) * sizeof(struct berval *) + values * sizeof(struct berval));

    if (list == NULL)
        return NULL;
    LDAPMod *mod = (LDAPMod *)(list + count + 1);
    struct berval **pointers = (struct berval **)(mod + count), *octets = (struct berval *)(pointers + values + count);

    for (size_t i = 0; i < count; i++, mod++) {
        list[i] = mod;
        mod->mod_op = (add ? LDAP_MOD_ADD : ops[mods[i].op]) | LDAP_MOD_BVALUES;
        mod->mod_type = (char *)(uintptr_t)mods[i].attr;
        mod->mod_bvalues = pointers;
        for (size_t v = 0; v < mods[i].count; v++, octets++) {
            *octets = (struct berval){.bv_len = mods[i].values[v].len, .bv_val = (char *)(uintptr_t)mods[i].values[v].data};
            *pointers++ = octets;
        }
        *pointers++ = NULL;
    }
    return list;
}

/* An add or a modify. */
static enum sl_status change(struct ldapc_op *op, const struct ldapc_mod *mods, size_t count, bool add)
{
    enum sl_status s = ldapc_op_begin(op);
    LDAPMod **list;
    int code;

    if (s != SL_OK)
        return ldapc_op_end(op, s);
    list = ldapc_mods_new(mods, count, add);
    if (list == NULL)
        return ldapc_op_end(op,
                            sl_fail(op->e, SL_NOMEM, "%s: %s \"%s\": out of memory", ldapc_server(op->dir), op->verb, op->dn));
    int sent = add ? ldap_add_ext(op->dir->ld, op->dn, list, NULL, NULL, &op->id)
                   : ldap_modify_ext(op->dir->ld, op->dn, list, NULL, NULL, &op->id);

    free(list);
    return op_finish(op, sent, &code);
}

enum sl_status ldapc_add(struct ldapc *dir, const char *dn, const struct ldapc_mod *attrs, size_t count,
                         struct sl_deadline deadline, struct sl_error *e)
{
    return change(&(struct ldapc_op){.dir = dir, .verb = "add", .dn = dn, .deadline = deadline, .e = e}, attrs, count, true);
}

enum sl_status ldapc_modify(struct ldapc *dir, const char *dn, const struct ldapc_mod *mods, size_t count,
                            struct sl_deadline deadline, struct sl_error *e)
{
    return change(&(struct ldapc_op){.dir = dir, .verb = "modify", .dn = dn, .deadline = deadline, .e = e}, mods, count, false);
}
