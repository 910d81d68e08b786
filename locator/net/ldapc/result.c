#include "locator/net/ldapc/internal.h"

#include <ldap.h>

#include <signal.h>
#include <stdio.h>
#include <time.h>

static const struct {
    int code;
    enum ldapc_kind kind;
} code_kinds[] = {
    {LDAP_SUCCESS, LDAPC_FINE},
    {LDAP_COMPARE_TRUE, LDAPC_FINE},
    {LDAP_COMPARE_FALSE, LDAPC_FINE},
    {LDAP_TIMELIMIT_EXCEEDED, LDAPC_LIMITED},
    {LDAP_SIZELIMIT_EXCEEDED, LDAPC_LIMITED},
    {LDAP_ADMINLIMIT_EXCEEDED, LDAPC_LIMITED},
    {LDAP_AUTH_METHOD_NOT_SUPPORTED, LDAPC_DENIED},
    {LDAP_STRONG_AUTH_REQUIRED, LDAPC_DENIED},
    {LDAP_CONFIDENTIALITY_REQUIRED, LDAPC_DENIED},
    {LDAP_INAPPROPRIATE_AUTH, LDAPC_DENIED},
    {LDAP_INVALID_CREDENTIALS, LDAPC_DENIED},
    {LDAP_INSUFFICIENT_ACCESS, LDAPC_DENIED},
    {LDAP_NO_SUCH_ATTRIBUTE, LDAPC_SCHEMA},
    {LDAP_UNDEFINED_TYPE, LDAPC_SCHEMA},
    {LDAP_INAPPROPRIATE_MATCHING, LDAPC_SCHEMA},
    {LDAP_CONSTRAINT_VIOLATION, LDAPC_SCHEMA},
    {LDAP_INVALID_SYNTAX, LDAPC_SCHEMA},
    {LDAP_NAMING_VIOLATION, LDAPC_SCHEMA},
    {LDAP_OBJECT_CLASS_VIOLATION, LDAPC_SCHEMA},
    {LDAP_NO_OBJECT_CLASS_MODS, LDAPC_SCHEMA},
    {LDAP_TYPE_OR_VALUE_EXISTS, LDAPC_EXISTS},
    {LDAP_ALREADY_EXISTS, LDAPC_EXISTS},
    {LDAP_NO_SUCH_OBJECT, LDAPC_ABSENT},
    {LDAP_BUSY, LDAPC_UNREACHABLE},
    {LDAP_UNAVAILABLE, LDAPC_UNREACHABLE},
    {LDAP_SERVER_DOWN, LDAPC_UNREACHABLE},
    {LDAP_CONNECT_ERROR, LDAPC_UNREACHABLE},
    {LDAP_TIMEOUT, LDAPC_TIMEOUT},
    {LDAP_LOCAL_ERROR, LDAPC_DENIED}, /* SASL: no ticket, no mechanism */
    {LDAP_AUTH_UNKNOWN, LDAPC_DENIED},
};

enum ldapc_kind ldapc_kind_of(int code, bool anonymous)
{
    if (code == LDAP_OPERATIONS_ERROR && anonymous)
        return LDAPC_DENIED;
    for (size_t i = 0; i < SL_COUNT(code_kinds); i++) {
        if (code_kinds[i].code == code)
            return code_kinds[i].kind;
    }
    return LDAPC_REFUSED;
}

enum sl_status ldapc_status_of(enum ldapc_kind kind)
{
    static const enum sl_status statuses[] = {
        [LDAPC_FINE] = SL_OK,           [LDAPC_UNREACHABLE] = SL_UNREACHABLE, [LDAPC_TIMEOUT] = SL_TIMEOUT,
        [LDAPC_CANCELED] = SL_CANCELED, [LDAPC_TLS] = SL_UNTRUSTED,           [LDAPC_DENIED] = SL_DENIED,
        [LDAPC_ABSENT] = SL_CONFLICT,   [LDAPC_EXISTS] = SL_CONFLICT,         [LDAPC_SCHEMA] = SL_CONFLICT,
        [LDAPC_LIMITED] = SL_LIMIT,     [LDAPC_REFUSED] = SL_CONFLICT,
    };

    return statuses[kind];
}

void ldapc_result_text(char *out, size_t size, struct ldap *ld, int code, const char *server_words)
{
    char *kept = NULL;

    if (server_words == NULL && ld != NULL && ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &kept) == LDAP_OPT_SUCCESS)
        server_words = kept;
    snprintf(out, size, "%s (%d)%s%s", ldap_err2string(code), code, server_words != NULL && server_words[0] != '\0' ? ": " : "",
             server_words != NULL ? server_words : "");
    ldap_memfree(kept);
}

struct ldapc_pipe ldapc_pipe_block(void)
{
    struct ldapc_pipe guard;
    sigset_t set, pending;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigpending(&pending);
    guard.pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &set, &guard.old);
    return guard;
}

void ldapc_pipe_restore(const struct ldapc_pipe *guard)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    if (!guard->pending)
        sigtimedwait(&set, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}
