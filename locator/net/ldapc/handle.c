#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"

#include <ldap.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

static enum sl_status check_options(const struct ldapc *dir, struct sl_error *e)
{
    const struct ldapc_options *o = &dir->options;
    const struct ldapc_sasl_mechanism *mechanism = ldapc_sasl_mechanism((enum ldapc_sasl)o->sasl);
    const char *server = dir->uri.server;

    if (o->base != NULL && !ldapc_dn_valid(o->base))
        return sl_fail(e, SL_USAGE, "%s: base \"%s\" is not a DN", server, o->base);
    if (!ldapc_dn_valid(o->container))
        return sl_fail(e, SL_USAGE, "%s: container \"%s\" is not a list of RDNs", server, o->container);
    if (o->sasl == LDAPC_SASL_NONE && o->bind_dn != NULL && !ldapc_dn_valid(o->bind_dn) && strchr(o->bind_dn, '@') == NULL &&
        strchr(o->bind_dn, '\\') == NULL)
        return sl_fail(e, SL_USAGE, "%s: bind DN \"%s\" is not a DN", server, o->bind_dn);
    if ((o->bind_dn == NULL) != (o->password_file == NULL))
        return sl_fail(e, SL_USAGE, "%s: a bind DN and a password file belong together", server);
    if (o->bind_dn != NULL && o->sasl != LDAPC_SASL_NONE && !mechanism->has_password)
        return sl_fail(e, SL_USAGE, "%s: SASL %s takes no bind DN and no password", server, mechanism->name);
    if (o->bind_dn == NULL && mechanism->has_password)
        return sl_fail(e, SL_USAGE, "%s: SASL %s needs a user as the bind DN, and a password file", server, mechanism->name);
    if (o->starttls && dir->uri.scheme != LDAPC_LDAP)
        return sl_fail(e, SL_USAGE, "%s: StartTLS is for ldap:// only", server);
    if (o->key_file != NULL && o->cert_file == NULL)
        return sl_fail(e, SL_USAGE, "%s: a key without a certificate", server);
    bool shows = o->cert_file != NULL && (o->starttls || dir->uri.scheme == LDAPC_LDAPS);
    if (o->sasl == LDAPC_SASL_EXTERNAL && dir->uri.scheme != LDAPC_LDAPI && !shows)
        return sl_fail(e, SL_USAGE, "%s: SASL EXTERNAL is for ldapi://, or for TLS with a client certificate", server);
    return SL_OK;
}

static void set_options_copy(struct ldapc *dir, const struct ldapc_options *o)
{
    dir->options = (struct ldapc_options){
        .base = sl_strdup(o->base),
        .container = sl_strdup(o->container != NULL ? o->container : LDAPC_CONTAINER),
        .bind_dn = sl_strdup(o->bind_dn),
        .password_file = sl_strdup(o->password_file),
        .sasl = o->sasl,
        .starttls = o->starttls,
        .ca_file = sl_strdup(o->ca_file),
        .cert_file = sl_strdup(o->cert_file),
        .key_file = sl_strdup(o->key_file),
        .timeout_ms = o->timeout_ms,
    };
    dir->health = o->health != NULL ? ldapc_health_ref(o->health) : ldapc_health_new();
}

enum sl_status ldapc_new(const char *uri, const struct ldapc_options *options, struct ldapc **ret_dir, struct sl_error *e)
{
    struct ldapc *dir = sl_new(sizeof *dir);
    enum sl_status s = ldapc_uri_parse(uri, &dir->uri, e);

    if (s != SL_OK) {
        free(dir);
        return s;
    }
    dir->magic = LDAPC_MAGIC;
    set_options_copy(dir, options);
    dir->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s = dir->cancel_fd < 0 ? sl_fail(e, SL_IO, "%s: eventfd: %s", uri, strerror(errno)) : check_options(dir, e);
    if (s != SL_OK) {
        ldapc_free(dir);
        return s;
    }
    *ret_dir = dir;
    return SL_OK;
}

enum sl_status ldapc_new_dump(const char *name, struct ldapc_entries *entries, const struct ldapc_options *options,
                              struct ldapc **ret_dir, struct sl_error *e)
{
    struct ldapc *dir = sl_new(sizeof *dir);
    const char *bad = "";
    enum sl_status s = SL_OK;

    dir->magic = LDAPC_MAGIC;
    dir->cancel_fd = -1;
    dir->uri.server = sl_strdup(name);
    set_options_copy(dir, options);
    if (dir->options.base != NULL && !ldapc_dn_valid(dir->options.base))
        s = sl_fail(e, SL_USAGE, "%s: base \"%s\" is not a DN", name, dir->options.base);
    else if (!ldapc_dn_valid(dir->options.container))
        s = sl_fail(e, SL_USAGE, "%s: container \"%s\" is not a list of RDNs", name, dir->options.container);
    else if (ldapc_dump_new(entries, dir->options.container, &dir->dump, &bad) != SL_OK)
        s = sl_fail(e, SL_MALFORMED, "%s: \"%s\" is not a DN", name, bad);
    if (s != SL_OK) {
        ldapc_free(dir);
        return s;
    }
    *ret_dir = dir;
    return SL_OK;
}

bool ldapc_is_dump(const struct ldapc *dir)
{
    return dir->dump != NULL;
}

void ldapc_disconnect(struct ldapc *dir)
{
    if (dir->ld != NULL) {
        struct ldapc_pipe guard = ldapc_pipe_block();

        ldap_unbind_ext(dir->ld, NULL, NULL);
        ldapc_pipe_restore(&guard);
    }
    dir->ld = NULL;
    dir->security = (struct ldapc_security){0};
}

void ldapc_free(struct ldapc *dir)
{
    if (dir == NULL)
        return;
    SL_CHECK_MAGIC(dir, LDAPC_MAGIC);
    ldapc_disconnect(dir);
    ldapc_dump_free(dir->dump);
    if (dir->cancel_fd >= 0)
        close(dir->cancel_fd);
    for (size_t i = 0; i < dir->uri.count; i++)
        free(dir->pinned[i]);
    ldapc_uri_fini(&dir->uri);
    ldapc_health_unref(dir->health);
    free(dir->options.base);
    free(dir->options.container);
    free(dir->options.bind_dn);
    free(dir->options.password_file);
    free(dir->options.ca_file);
    free(dir->options.cert_file);
    free(dir->options.key_file);
    free(dir->base);
    free(dir->container);
    dir->magic = 0;
    free(dir);
}

void ldapc_cancel(struct ldapc *dir)
{
    SL_CHECK_MAGIC(dir, LDAPC_MAGIC);
    (void)!write(dir->cancel_fd, &(uint64_t){1}, sizeof(uint64_t));
}

enum ldapc_kind ldapc_kind(const struct ldapc *dir)
{
    return dir->kind;
}

int ldapc_code(const struct ldapc *dir)
{
    return dir->code;
}

struct ldapc_security ldapc_security(const struct ldapc *dir)
{
    return dir->security;
}

bool ldapc_is_trusted(const struct ldapc *dir)
{
    return dir->security.tls || dir->security.local || dir->security.ssf > 0;
}

bool ldapc_dn_valid(const char *text)
{
    LDAPDN dn = NULL;

    if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return false;
    ldap_dnfree(dn);
    return true;
}

static int compare_values(const struct berval *a, const struct berval *b)
{
    size_t len = a->bv_len < b->bv_len ? a->bv_len : b->bv_len;
    int order = strncasecmp(a->bv_val, b->bv_val, len);

    return order != 0 ? order : (a->bv_len > b->bv_len) - (a->bv_len < b->bv_len);
}

static int compare_parts(const void *a, const void *b)
{
    const LDAPAVA *x = *(LDAPAVA *const *)a, *y = *(LDAPAVA *const *)b;
    int order = compare_values(&x->la_attr, &y->la_attr);

    return order != 0 ? order : compare_values(&x->la_value, &y->la_value);
}

/* The parts of an RDN ("ou=a+l=b") are a set: each server writes them in an order of its own. */
static void sort_parts(LDAPDN dn)
{
    for (size_t i = 0; dn != NULL && dn[i] != NULL; i++) {
        size_t count = 0;

        while (dn[i][count] != NULL)
            count++;
        qsort(dn[i], count, sizeof *dn[i], compare_parts);
    }
}

char *ldapc_dn_normal(const char *text)
{
    LDAPDN dn = NULL;
    char *out = NULL;

    if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return NULL;
    sort_parts(dn);
    if (ldap_dn2str(dn, &out, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        out = NULL;
    ldap_dnfree(dn);
    char *normal = sl_strdup(out);

    ldap_memfree(out);
    for (char *p = normal; p != NULL && *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    }
    return normal;
}

bool ldapc_dn_equal(const char *a, const char *b)
{
    char *x = ldapc_dn_normal(a), *y = ldapc_dn_normal(b);
    bool equal = x != NULL && y != NULL && strcmp(x, y) == 0;

    free(x);
    free(y);
    return equal;
}

const char *ldapc_dn_parent(const char *dn)
{
    for (; *dn != '\0'; dn++) {
        if (*dn == ',')
            return dn + 1;
        if (*dn == '\\' && dn[1] != '\0')
            dn++;
    }
    return NULL;
}
