#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"

#include <ldap.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define OID_TXN_START "1.3.6.1.1.21.1"
#define OID_TXN_CONTROL "1.3.6.1.1.21.2"
#define OID_TXN_END "1.3.6.1.1.21.3"

/*
 * slapd 2.5 frees a queued write when the transaction ends, even while the thread that has just answered it still works on it,
 * and then dies: the end is asked for only after the answers have been out for this long.
 */
enum { SETTLE_MS = 250 };

/* Many writes under way on one handle. */
struct batch {
    struct ldapc_op op; /* its dn and verb are those of the write that an error is about */
    const struct ldapc_writes *writes;
    LDAPControl *controls[2]; /* of every request */
    struct {
        int id; /* 0: free */
        size_t index;
    } flying[LDAPC_WINDOW];
    size_t flying_count;
    size_t next;     /* the first that was not sent */
    size_t failures; /* that the server told */
};

static const char *const verbs[] = {[LDAPC_WRITE_ADD] = "add", [LDAPC_WRITE_MODIFY] = "modify", [LDAPC_WRITE_DELETE] = "delete"};

static struct ldapc_write describe(struct batch *b, size_t index)
{
    struct ldapc_write write = {0};

    b->writes->describe(b->writes->ctx, index, &write);
    b->op.verb = verbs[write.op];
    b->op.dn = write.dn;
    return write;
}

static void tell(const struct batch *b, size_t index, enum sl_status status, const struct sl_error *why)
{
    if (b->writes->done != NULL)
        b->writes->done(b->writes->ctx, index, status, why);
}

static enum sl_status send_write(struct batch *b, size_t slot)
{
    struct ldapc_write write = describe(b, b->next);
    LDAP *ld = b->op.dir->ld;
    LDAPMod **mods = NULL;
    int id = 0, code;

    if (write.op != LDAPC_WRITE_DELETE) {
        mods = ldapc_mods_new(write.mods, write.count, write.op == LDAPC_WRITE_ADD);
        if (mods == NULL)
            return sl_fail(b->op.e, SL_NOMEM, "%s: %s \"%s\": out of memory", ldapc_server(b->op.dir), b->op.verb, write.dn);
    }
    if (write.op == LDAPC_WRITE_ADD)
        code = ldap_add_ext(ld, write.dn, mods, b->controls, NULL, &id);
    else if (write.op == LDAPC_WRITE_MODIFY)
        code = ldap_modify_ext(ld, write.dn, mods, b->controls, NULL, &id);
    else
        code = ldap_delete_ext(ld, write.dn, b->controls, NULL, &id);
    free(mods);
    if (code != LDAP_SUCCESS)
        return ldapc_op_fail_code(&b->op, code, NULL);
    b->flying[slot].id = id;
    b->flying[slot].index = b->next++;
    b->flying_count++;
    return SL_OK;
}

/* Takes the answer to one of them; what the server refuses is told and ends nothing. */
static enum sl_status take_answer(struct batch *b)
{
    struct sl_error why = {0}, *outer = b->op.e;
    LDAPMessage *msg;
    size_t slot = 0;
    int code;
    enum sl_status s = ldapc_op_next(&b->op, &msg);

    if (s != SL_OK)
        return s;
    while (slot < LDAPC_WINDOW && b->flying[slot].id != ldap_msgid(msg))
        slot++;
    if (slot == LDAPC_WINDOW) { /* unsolicited: the connection is about to end, which the next read tells */
        ldap_msgfree(msg);
        return SL_OK;
    }
    size_t index = b->flying[slot].index;

    b->flying[slot].id = 0;
    b->flying_count--;
    describe(b, index);
    b->op.e = &why;
    b->op.dir->kind = LDAPC_FINE;
    b->op.dir->code = LDAP_SUCCESS;
    s = ldapc_op_result(&b->op, msg, NULL, &code);
    b->op.e = outer;
    b->failures += s != SL_OK;
    tell(b, index, s, &why);
    return SL_OK;
}

/* Keeps the window full until all are answered. */
static enum sl_status run(struct batch *b)
{
    enum sl_status s = SL_OK;

    b->op.id = LDAP_RES_ANY;
    while (s == SL_OK && (b->next < b->writes->count || b->flying_count > 0)) {
        for (size_t slot = 0; s == SL_OK && slot < LDAPC_WINDOW && b->next < b->writes->count; slot++) {
            if (b->flying[slot].id == 0)
                s = send_write(b, slot);
        }
        if (s == SL_OK)
            s = take_answer(b);
    }
    return s;
}

/* What was under way when the connection failed: nobody knows what became of it. */
static void tell_rest(struct batch *b, enum sl_status s)
{
    for (size_t slot = 0; slot < LDAPC_WINDOW; slot++) {
        if (b->flying[slot].id != 0)
            tell(b, b->flying[slot].index, s, b->op.e);
    }
    for (; b->next < b->writes->count; b->next++)
        tell(b, b->next, s, b->op.e);
}

enum sl_status ldapc_write_many(struct ldapc *dir, const struct ldapc_writes *writes, struct sl_deadline deadline,
                                struct sl_error *e)
{
    struct sl_error why = {0};
    struct batch b = {.op = {.dir = dir, .verb = "write", .dn = "", .deadline = deadline, .e = e != NULL ? e : &why},
                      .writes = writes};
    enum sl_status s = ldapc_op_begin(&b.op);

    if (s == SL_OK)
        s = run(&b);
    if (s != SL_OK)
        tell_rest(&b, s);
    return ldapc_op_end(&b.op, s);
}

/* ---- transactions (RFC 5805) ---------------------------------------------------------------------------------------- */

/* An extended request and its answer; *ret_value (ber_bvfree) may be NULL. */
static enum sl_status extended(struct batch *b, const char *oid, struct berval *value, struct berval **ret_value)
{
    LDAPMessage *msg;
    int code;

    b->op.verb = "transaction";
    b->op.dn = "";
    code = ldap_extended_operation(b->op.dir->ld, oid, value, NULL, NULL, &b->op.id);
    enum sl_status s = code == LDAP_SUCCESS ? ldapc_op_next(&b->op, &msg) : ldapc_op_fail_code(&b->op, code, NULL);

    if (s != SL_OK)
        return s;
    *ret_value = NULL;
    (void)ldap_parse_extended_result(b->op.dir->ld, msg, NULL, ret_value, 0);
    s = ldapc_op_result(&b->op, msg, NULL, &code);
    if (s != SL_OK) {
        ber_bvfree(*ret_value);
        *ret_value = NULL;
    }
    return s;
}

/* Ends it: commits, or takes everything back. */
static enum sl_status end_transaction(struct batch *b, bool commit, struct berval *identifier)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    struct berval *value = NULL, *answer = NULL;
    enum sl_status s = SL_NOMEM;

    if (ber != NULL && ber_printf(ber, "{bON}", (ber_int_t)commit, identifier) != -1 && ber_flatten(ber, &value) != -1)
        s = extended(b, OID_TXN_END, value, &answer);
    else
        (void)sl_fail(b->op.e, SL_NOMEM, "%s: transaction: out of memory", ldapc_server(b->op.dir));
    ber_bvfree(answer);
    ber_bvfree(value);
    ber_free(ber, 1);
    return s;
}

/* Waits a moment; SL_CANCELED when told to stop. */
static enum sl_status settle(struct batch *b)
{
    struct pollfd canceled = {.fd = b->op.dir->cancel_fd, .events = POLLIN};

    if (poll(&canceled, 1, SETTLE_MS) > 0)
        return ldapc_op_fail_code(&b->op, LDAP_USER_CANCELLED, NULL);
    return SL_OK;
}

static enum sl_status run_transaction(struct batch *b)
{
    char oid[] = OID_TXN_CONTROL, nothing[] = "";
    struct berval *identifier = NULL, none = {.bv_len = 0, .bv_val = nothing};
    LDAPControl control = {.ldctl_oid = oid, .ldctl_iscritical = 1};
    enum sl_status s = extended(b, OID_TXN_START, NULL, &identifier);

    if (s != SL_OK)
        return s;
    control.ldctl_value = identifier != NULL && identifier->bv_val != NULL ? *identifier : none;
    b->controls[0] = &control;
    s = run(b);
    if (s == SL_OK)
        s = settle(b);
    if (s == SL_OK) {
        bool commit = b->failures == 0;

        s = end_transaction(b, commit, &control.ldctl_value);
        if (s == SL_OK && !commit)
            s = sl_fail(b->op.e, SL_CONFLICT, "%s: %zu of %zu writes of the transaction were refused", ldapc_server(b->op.dir),
                        b->failures, b->writes->count);
    }
    ber_bvfree(identifier);
    return s;
}

enum sl_status ldapc_write_atomic(struct ldapc *dir, const struct ldapc_writes *writes, struct sl_deadline deadline,
                                  struct sl_error *e)
{
    struct ldapc_writes quiet = *writes; /* the answer to a queued write says only that it was queued */
    struct sl_error why = {0};
    struct batch b = {.op = {.dir = dir, .verb = "transaction", .dn = "", .deadline = deadline, .e = e != NULL ? e : &why},
                      .writes = &quiet};

    quiet.done = NULL;
    enum sl_status s = ldapc_op_begin(&b.op);

    if (s == SL_OK)
        s = run_transaction(&b);
    return ldapc_op_end(&b.op, s);
}
