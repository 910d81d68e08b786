/* Change notification of Active Directory: a search that never ends and gives an entry whenever one has changed. */
#include "locator/net/ldapc/internal.h"

#include <ldap.h>

#define OID_NOTIFICATION "1.2.840.113556.1.4.528"

/* What comes within this time after a change is looked at together with it. */
enum { GATHER_MS = 50 };

static enum sl_status send_request(struct ldapc_op *op)
{
    static const char *const attrs[] = {"objectGUID", NULL};
    LDAPControl control = {.ldctl_oid = (char *)(uintptr_t)OID_NOTIFICATION, .ldctl_iscritical = 1};
    LDAPControl *controls[] = {&control, NULL};
    int code = ldap_search_ext(op->dir->ld, op->dn, LDAP_SCOPE_ONELEVEL, "(objectClass=*)", (char **)(uintptr_t)attrs, 0,
                               controls, NULL, NULL, LDAP_NO_LIMIT, &op->id);

    return code == LDAP_SUCCESS ? SL_OK : ldapc_op_fail_code(op, code, NULL);
}

/* Waits for a notification, at most so long; *ret_came is false when none came. */
static enum sl_status await(const struct ldapc_op *op, int64_t ms, bool *ret_came)
{
    struct ldapc_op wait = *op;
    LDAPMessage *msg;
    int code;

    *ret_came = false;
    wait.deadline = sl_deadline_min(op->deadline, sl_deadline_in(ms));
    enum sl_status s = ldapc_op_next(&wait, &msg);

    if (s == SL_TIMEOUT && !sl_deadline_passed(op->deadline)) {
        op->dir->kind = LDAPC_FINE;
        return SL_OK;
    }
    if (s != SL_OK)
        return s;
    if (ldap_msgtype(msg) == LDAP_RES_SEARCH_RESULT) {
        s = ldapc_op_result(&wait, msg, NULL, &code);
        return s != SL_OK ? s : ldapc_op_fail_code(&wait, LDAP_UNAVAILABLE, "the server has ended the notification");
    }
    ldap_msgfree(msg);
    *ret_came = true;
    return SL_OK;
}

enum sl_status ldapc_notify(struct ldapc *dir, const struct ldapc_notify *how, struct sl_deadline deadline, struct sl_error *e)
{
    struct ldapc_op op = {.dir = dir, .verb = "watch", .dn = how->base, .deadline = deadline, .e = e};
    enum sl_status s = ldapc_op_begin(&op);

    if (s == SL_OK)
        s = send_request(&op); /* before the first look, so that nothing is missed between */
    while (s == SL_OK) {
        bool came;

        s = how->look(how->ctx, e);
        if (s == SL_OK)
            s = await(&op, how->quiet_ms, &came);
        while (s == SL_OK && came)
            s = await(&op, GATHER_MS, &came);
    }
    (void)ldapc_op_end(&op, s);
    ldapc_disconnect(dir); /* the search would go on */
    return s;
}
