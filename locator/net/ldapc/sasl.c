#include "locator/net/ldapc/internal.h"

#include <ldap.h>
#include <sasl/sasl.h>

#include <string.h>
#include <strings.h>

static const struct ldapc_sasl_mechanism mechanisms[] = {
#define MECHANISM_ROW(key, word, mechanism, bound, password, layer)                                                    \
    [LDAPC_SASL_##key] = {.name = mechanism, .plus = bound, .has_password = password, .has_layer = layer},
    LDAPC_SASL_TABLE(MECHANISM_ROW)
#undef MECHANISM_ROW
};

const struct ldapc_sasl_mechanism *ldapc_sasl_mechanism(enum ldapc_sasl sasl)
{
    return &mechanisms[sasl];
}

const char *ldapc_sasl_properties(enum ldapc_sasl sasl, bool tls)
{
    return mechanisms[sasl].has_layer && tls ? "noplain,noanonymous,maxssf=0" : "noplain,noanonymous";
}

/* Cyrus SASL asks for user and password; for names to use instead of those it knows: none. */
static int interact(LDAP *ld, unsigned flags, void *ctx, void *questions)
{
    const struct ldapc_sasl_bind *bind = ctx;

    (void)ld;
    (void)flags;
    for (sasl_interact_t *q = questions; q->id != SASL_CB_LIST_END; q++) {
        const char *answer = q->id == SASL_CB_AUTHNAME ? bind->user : q->id == SASL_CB_PASS ? bind->password : NULL;

        q->result = answer != NULL ? answer : "";
        q->len = (unsigned)strlen(q->result);
    }
    return LDAP_SUCCESS;
}

static bool lists(LDAP *ld, LDAPMessage *msg, const char *attr, const char *value)
{
    LDAPMessage *entry = ldap_first_entry(ld, msg);
    struct berval **values = entry != NULL ? ldap_get_values_len(ld, entry, attr) : NULL;
    bool found = false;

    for (size_t i = 0; values != NULL && values[i] != NULL && !found; i++)
        found = values[i]->bv_len == strlen(value) && strncasecmp(values[i]->bv_val, value, values[i]->bv_len) == 0;
    ldap_value_free_len(values);
    return found;
}

bool ldapc_sasl_offers_plus(struct ldap *ld, const struct ldapc_sasl_bind *bind)
{
    char attr[] = "supportedSASLMechanisms", *attrs[] = {attr, NULL};
    LDAPMessage *msg = NULL;
    int id;

    if (ldap_search_ext(ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", attrs, 0, NULL, NULL, NULL, LDAP_NO_LIMIT, &id) !=
            LDAP_SUCCESS ||
        bind->await(bind->ctx, id, &msg) != LDAP_SUCCESS)
        return false;
    bool offers = lists(ld, msg, attr, bind->mechanism);

    ldap_msgfree(msg);
    return offers;
}

int ldapc_sasl_bind(struct ldap *ld, const struct ldapc_sasl_bind *bind)
{
    LDAPMessage *msg = NULL;
    const char *used = NULL;
    int id, code;

    while ((code = ldap_sasl_interactive_bind(ld, NULL, bind->mechanism, NULL, NULL, LDAP_SASL_QUIET, interact,
                                              (void *)(uintptr_t)bind, msg, &used, &id)) == LDAP_SASL_BIND_IN_PROGRESS) {
        ldap_msgfree(msg);
        msg = NULL;
        code = bind->await(bind->ctx, id, &msg);
        if (code != LDAP_SUCCESS)
            break;
    }
    ldap_msgfree(msg);
    return code;
}
