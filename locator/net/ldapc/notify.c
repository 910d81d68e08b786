/* Change notification of Active Directory: a search that never ends and gives an entry whenever one has changed. */
#include "locator/net/ldapc/internal.h"

#include <ldap.h>

#include <stdio.h>
#include <string.h>

#define OID_NOTIFICATION "1.2.840.113556.1.4.528"

enum {
    GATHER_MS = 50,  /* what comes within this time after a change is looked at together with it */
    COUNT_MS = 1000, /* between two looks at the number of the server's last change */
    REST = 20,       /* looks for that number's sake alone take at most one part in so many of the time */
    NUMBER_MAX = 24, /* octets of it as text */
};

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

/*
 * The number of the server's last change, "" when it does not say. Every write moves it, of whatever object; a deletion, which is
 * not notified, too.
 */
static enum sl_status read_number(const struct ldapc_op *op, char out[NUMBER_MAX])
{
    static const char attr[] = "highestCommittedUSN";
    static const char *const attrs[] = {attr, NULL};
    struct ldapc_entries root;
    enum sl_status s = ldapc_read(op->dir, "", attrs, op->deadline, &root, op->e);

    if (s != SL_OK)
        return s;
    const char *text = root.count > 0 ? ldapc_entry_text(&root.items[0], attr) : NULL;

    (void)snprintf(out, NUMBER_MAX, "%s", text != NULL ? text : "");
    ldapc_entries_fini(&root);
    return SL_OK;
}

/* Waits for a reason to look: a notification, another number than `before`, or `quiet_ms` without either. */
static enum sl_status await_change(const struct ldapc_op *op, int64_t quiet_ms, int64_t count_ms, const char *before)
{
    struct sl_deadline quiet = sl_deadline_min(op->deadline, sl_deadline_in(quiet_ms));
    char now[NUMBER_MAX];
    bool came = false;
    enum sl_status s = SL_OK;

    while (s == SL_OK && !came && !sl_deadline_passed(quiet)) {
        int64_t left_ms = sl_deadline_left_ms(quiet);

        s = await(op, count_ms < left_ms ? count_ms : left_ms, &came);
        if (s == SL_OK && !came)
            s = read_number(op, now);
        if (s == SL_OK && !came && strcmp(now, before) != 0)
            return SL_OK;
    }
    while (s == SL_OK && came)
        s = await(op, GATHER_MS, &came);
    return s;
}

enum sl_status ldapc_notify(struct ldapc *dir, const struct ldapc_notify *how, struct sl_deadline deadline, struct sl_error *e)
{
    struct ldapc_op op = {.dir = dir, .verb = "watch", .dn = how->base, .deadline = deadline, .e = e};
    enum sl_status s = ldapc_op_begin(&op);

    if (s == SL_OK)
        s = send_request(&op); /* before the first look, so that nothing is missed between */
    while (s == SL_OK) {
        char number[NUMBER_MAX];
        int64_t began_ms = sl_clock_mono_ms();

        s = read_number(&op, number); /* likewise */
        if (s == SL_OK)
            s = how->look(how->ctx, e);
        int64_t rest_ms = REST * (sl_clock_mono_ms() - began_ms);

        if (s == SL_OK)
            s = await_change(&op, how->quiet_ms, rest_ms > COUNT_MS ? rest_ms : COUNT_MS, number);
    }
    (void)ldapc_op_end(&op, s);
    ldapc_disconnect(dir); /* the search would go on */
    return s;
}
