/*
 * Content synchronisation (RFC 4533), decoded here: libldap's ldap_sync_poll, asked not to wait, keeps the last change back until
 * the next one comes, and cannot say that nothing is left.
 */
#include "locator/net/ldapc/internal.h"

#include <ldap.h>

#include <string.h>

enum { MODE_REFRESH_AND_PERSIST = 3 };

struct sync {
    struct ldapc_op op;
    const struct ldapc_sync *how;
    bool is_current;
};

static enum sl_status bad(struct sync *s, const char *what)
{
    return sl_fail(s->op.e, SL_MALFORMED, "%s: %s that cannot be decoded", ldapc_server(s->op.dir), what);
}

/* ---- the request ------------------------------------------------------------------------------------------------------ */

/*
 * syncRequestValue ::= SEQUENCE { mode ENUMERATED, cookie OCTET STRING OPTIONAL, reloadHint BOOLEAN DEFAULT FALSE }. Never with a
 * cookie: a server whose database was restored, or whose access rules changed meanwhile, goes on from one without a word.
 */
static int make_control(BerElement *ber, struct berval *ret_value)
{
    return ber_printf(ber, "{e}", MODE_REFRESH_AND_PERSIST) >= 0 ? ber_flatten2(ber, ret_value, 0) : -1;
}

static enum sl_status send_request(struct sync *s)
{
    const struct ldapc_sync *how = s->how;
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    LDAPControl control = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_SYNC, .ldctl_iscritical = 1},
                *controls[] = {&control, NULL};
    int code = LDAP_NO_MEMORY;

    if (ber != NULL && make_control(ber, &control.ldctl_value) >= 0)
        code = ldap_search_ext(s->op.dir->ld, how->base, LDAP_SCOPE_SUBTREE, how->filter, (char **)(uintptr_t)how->attrs, 0,
                               controls, NULL, NULL, LDAP_NO_LIMIT, &s->op.id);
    ber_free(ber, 1);
    return code == LDAP_SUCCESS ? SL_OK : ldapc_op_fail_code(&s->op, code, NULL);
}

/* ---- what comes --------------------------------------------------------------------------------------------------------- */

/* A change is a state of its own once everything is known; before, only the server's word makes one. */
static enum sl_status reached(struct sync *s)
{
    return s->is_current ? s->how->state(s->how->ctx, false, s->op.e) : SL_OK;
}

static enum sl_status tell_entry(struct sync *s, LDAPMessage *msg, int state, const struct berval *uuid)
{
    static const enum ldapc_sync_state states[] = {LDAPC_SYNC_PRESENT, LDAPC_SYNC_ADDED, LDAPC_SYNC_MODIFIED,
                                                   LDAPC_SYNC_DELETED};
    struct ldapc_entries found = {0};
    bool has_entry = state == LDAP_SYNC_ADD || state == LDAP_SYNC_MODIFY;

    if (uuid->bv_len != LDAPC_UUID_LEN || state < 0 || (size_t)state >= SL_COUNT(states))
        return bad(s, "a Sync State control");
    if (has_entry && !ldapc_entries_take(&found, s->op.dir->ld, msg)) {
        ldapc_entries_fini(&found);
        return bad(s, "an entry");
    }
    enum sl_status status = s->how->entry(s->how->ctx, states[state], (const uint8_t *)uuid->bv_val,
                                          has_entry ? found.items : NULL, s->op.e);

    ldapc_entries_fini(&found);
    return status;
}

/* syncStateValue ::= SEQUENCE { state ENUMERATED, entryUUID OCTET STRING, cookie OCTET STRING OPTIONAL } */
static enum sl_status take_entry(struct sync *s, LDAPMessage *msg)
{
    LDAPControl **controls = NULL, *control = NULL;
    struct berval uuid;
    ber_int_t state = 0;
    enum sl_status status;

    if (ldap_get_entry_controls(s->op.dir->ld, msg, &controls) == LDAP_SUCCESS && controls != NULL)
        control = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
    BerElement *ber = control != NULL ? ber_init(&control->ldctl_value) : NULL;
    bool fine = ber != NULL && ber_scanf(ber, "{em", &state, &uuid) != LBER_ERROR;

    status = fine ? tell_entry(s, msg, state, &uuid) : bad(s, "a Sync State control");
    if (status == SL_OK)
        status = reached(s);
    ber_free(ber, 1);
    ldap_controls_free(controls);
    return status;
}

/* What of a Sync Info message may stand before its own members. */
static bool skip_cookie(BerElement *ber)
{
    ber_len_t len;

    return ber_peek_tag(ber, &len) != LDAP_TAG_SYNC_COOKIE || ber_scanf(ber, "x") != LBER_ERROR;
}

static bool scan_bool(BerElement *ber, ber_int_t *value)
{
    ber_len_t len;

    return ber_peek_tag(ber, &len) != LBER_BOOLEAN || ber_scanf(ber, "b", value) != LBER_ERROR;
}

/* refreshDelete [1], refreshPresent [2]: SEQUENCE { cookie OPTIONAL, refreshDone BOOLEAN DEFAULT TRUE } */
static enum sl_status take_phase(struct sync *s, BerElement *ber)
{
    ber_tag_t tag;
    ber_int_t done = 1;

    if (ber_scanf(ber, "t{", &tag) == LBER_ERROR || !skip_cookie(ber) || !scan_bool(ber, &done))
        return bad(s, "a Sync Info message");
    if (!done || s->is_current)
        return SL_OK;
    s->is_current = true;
    return s->how->state(s->how->ctx, true, s->op.e); /* nothing was said to be known, so everything was told */
}

/* syncIdSet [3]: SEQUENCE { cookie OPTIONAL, refreshDeletes BOOLEAN DEFAULT FALSE, syncUUIDs SET OF OCTET STRING } */
static enum sl_status take_set(struct sync *s, BerElement *ber)
{
    BerVarray uuids = NULL;
    ber_tag_t tag;
    ber_int_t gone = 0;
    enum sl_status status = SL_OK;

    if (ber_scanf(ber, "t{", &tag) == LBER_ERROR || !skip_cookie(ber) || !scan_bool(ber, &gone) ||
        ber_scanf(ber, "[W]", &uuids) == LBER_ERROR)
        return bad(s, "a Sync Info message");
    for (size_t i = 0; status == SL_OK && uuids != NULL && uuids[i].bv_val != NULL; i++) {
        status = uuids[i].bv_len == LDAPC_UUID_LEN
                     ? s->how->entry(s->how->ctx, gone ? LDAPC_SYNC_DELETED : LDAPC_SYNC_PRESENT,
                                     (const uint8_t *)uuids[i].bv_val, NULL, s->op.e)
                     : bad(s, "a Sync Info message");
    }
    ber_bvarray_free(uuids);
    return status == SL_OK ? reached(s) : status;
}

static enum sl_status take_info(struct sync *s, LDAPMessage *msg)
{
    char *oid = NULL;
    struct berval *data = NULL;
    enum sl_status status = SL_OK;
    ber_len_t len;
    int code = ldap_parse_intermediate(s->op.dir->ld, msg, &oid, &data, NULL, 0);
    bool is_ours = code == LDAP_SUCCESS && oid != NULL && strcmp(oid, LDAP_SYNC_INFO) == 0 && data != NULL;
    BerElement *ber = is_ours ? ber_init(data) : NULL;
    ber_tag_t tag = ber != NULL ? ber_peek_tag(ber, &len) : LBER_ERROR;

    if (tag == LDAP_TAG_SYNC_NEW_COOKIE)
        status = reached(s);
    else if (tag == LDAP_TAG_SYNC_REFRESH_DELETE || tag == LDAP_TAG_SYNC_REFRESH_PRESENT)
        status = take_phase(s, ber);
    else if (tag == LDAP_TAG_SYNC_ID_SET)
        status = take_set(s, ber);
    else if (is_ours)
        status = bad(s, "a Sync Info message");
    ber_free(ber, 1);
    ber_bvfree(data);
    ldap_memfree(oid);
    return status;
}

/* The server has ended it. */
static enum sl_status take_result(struct sync *s, LDAPMessage *msg)
{
    int code;
    enum sl_status status = ldapc_op_result(&s->op, msg, NULL, &code);

    if (s->op.dir->code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
        return sl_fail(s->op.e, SL_UNSUPPORTED,
                       "%s: no content synchronisation (RFC 4533) there: OpenLDAP has it in the overlay syncprov, 389 Directory "
                       "Server in the plugins Content Synchronization and Retro Changelog",
                       ldapc_server(s->op.dir));
    return status != SL_OK ? status : ldapc_op_fail_code(&s->op, LDAP_UNAVAILABLE, "the server has ended the synchronisation");
}

static enum sl_status take(struct sync *s, LDAPMessage *msg)
{
    enum sl_status status = SL_OK;
    int type = ldap_msgtype(msg);

    if (type == LDAP_RES_SEARCH_RESULT)
        return take_result(s, msg);
    if (type == LDAP_RES_SEARCH_ENTRY)
        status = take_entry(s, msg);
    else if (type == LDAP_RES_INTERMEDIATE)
        status = take_info(s, msg);
    ldap_msgfree(msg);
    return status;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------ */

/* A connection that is cut somewhere on the way says nothing: the server is asked for what costs it least. */
static enum sl_status check(struct sync *s)
{
    static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
    struct ldapc_op ask = s->op;
    LDAPMessage *msg;
    int code;

    ask.deadline = sl_deadline_min(s->op.deadline, sl_deadline_in(s->how->timeout_ms));
    ask.deadline.cancel = s->op.deadline.cancel;
    ask.flows = false;
    int sent = ldap_search_ext(ask.dir->ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", (char **)(uintptr_t)nothing, 0, NULL, NULL,
                               NULL, LDAP_NO_LIMIT, &ask.id);
    enum sl_status status = sent == LDAP_SUCCESS ? ldapc_op_next(&ask, &msg) : ldapc_op_fail_code(&ask, sent, NULL);

    while (status == SL_OK && ldap_msgtype(msg) != LDAP_RES_SEARCH_RESULT) {
        ldap_msgfree(msg);
        status = ldapc_op_next(&ask, &msg);
    }
    if (status == SL_OK)
        status = ldapc_op_result(&ask, msg, NULL, &code);
    return status == SL_OK ? s->how->alive(s->how->ctx, s->op.e) : status;
}

/* The next message, or NULL when the server was silent and is there. */
static enum sl_status next(struct sync *s, LDAPMessage **ret_msg)
{
    struct sl_deadline whole = s->op.deadline;

    *ret_msg = NULL;
    s->op.deadline = sl_deadline_min(whole, sl_deadline_in(s->how->quiet_ms));
    s->op.deadline.cancel = whole.cancel;
    enum sl_status status = ldapc_op_next(&s->op, ret_msg);

    s->op.deadline = whole;
    if (status != SL_TIMEOUT || sl_deadline_passed(whole))
        return status;
    s->op.dir->kind = LDAPC_FINE;
    return check(s);
}

enum sl_status ldapc_sync(struct ldapc *dir, const struct ldapc_sync *how, struct sl_deadline deadline, struct sl_error *e)
{
    struct sync s = {.op = {.dir = dir, .verb = "watch", .dn = how->base, .deadline = deadline, .e = e}, .how = how};
    enum sl_status status = ldapc_op_begin(&s.op);

    if (status == SL_OK)
        status = send_request(&s);
    while (status == SL_OK) {
        LDAPMessage *msg;

        status = next(&s, &msg);
        if (status == SL_OK && msg != NULL)
            status = take(&s, msg);
    }
    (void)ldapc_op_end(&s.op, status);
    ldapc_disconnect(dir); /* the search would go on */
    return status;
}
