#include "locator/net/ldapc/internal.h"

#include "common/base/addr.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/thread.h"
#include "locator/net/dial.h"
#include "locator/net/peercert.h"

#include <ldap.h>
#include <openldap.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A waiting thread looks this often whether it is still wanted, and a connecting libldap call is repeated this often. A caller
 * that leaves gives the thread this grace to end, so that as few as possible outlive their caller.
 */
enum { CONNECT_SLICE_MS = 20, GRACE_MS = 100, PASSWORD_MAX = 1024, RESULT_TEXT_MAX = 480 };

/* The largest answer that is taken: an entry with a hundred thousand boundaries has 2 MiB. */
static const ber_len_t message_max = 16 << 20;

/* The least strength of a SASL layer that encrypts, in bits; 1 only signs. */
enum { SSF_SEALED = 56 };

#define ATTEMPT_MAGIC 0xa77e3b01u

struct attempt {
    uint32_t magic;
    pthread_mutex_t lock;
    int refs;              /* the caller and the thread */
    atomic_bool abandoned; /* the caller went away: end soon */
    bool done;
    int done_fd; /* eventfd */
    /* what to do: own copies, only the thread reads them */
    char *server, *host, *bind_dn, *ca_file, *cert_file, *key_file, *pinned;
    char password[PASSWORD_MAX];
    uint16_t port;
    enum ldapc_scheme scheme;
    enum ldapc_sasl sasl;
    bool starttls;
    struct sl_deadline deadline;
    /* what came out, valid once done */
    LDAP *ld;
    bool is_misuse;    /* the CA file, or that of the certificate, is none */
    bool is_handshake; /* it came to a TLS handshake */
    enum ldapc_kind kind;
    int code;
    struct ldapc_security security;
    char text[RESULT_TEXT_MAX];
};

static void attempt_unref(struct attempt *a)
{
    SL_CHECK_MAGIC(a, ATTEMPT_MAGIC);
    pthread_mutex_lock(&a->lock);
    bool last = --a->refs == 0;

    pthread_mutex_unlock(&a->lock);
    if (!last)
        return;
    if (a->ld != NULL)
        ldap_unbind_ext(a->ld, NULL, NULL);
    pthread_mutex_destroy(&a->lock);
    close(a->done_fd);
    explicit_bzero(a->password, sizeof a->password);
    free(a->server);
    free(a->host);
    free(a->bind_dn);
    free(a->ca_file);
    free(a->cert_file);
    free(a->key_file);
    free(a->pinned);
    a->magic = 0;
    free(a);
}

static bool attempt_fail(struct attempt *a, const char *step, int code, const char *server_words)
{
    char words[RESULT_TEXT_MAX - 64];

    ldapc_result_text(words, sizeof words, a->ld, code, server_words);
    a->code = code;
    a->kind = code == LDAP_TIMEOUT ? LDAPC_TIMEOUT : ldapc_kind_of(code, false);
    snprintf(a->text, sizeof a->text, "%s: %s", step, code == LDAP_TIMEOUT ? "no answer in time" : words);
    return false;
}

static bool has_tls(const struct attempt *a)
{
    return a->starttls || a->scheme == LDAPC_LDAPS;
}

/* Every option is set, so that neither ldap.conf nor ldaprc nor the environment decides anything. */
static bool set_options(LDAP *ld, const struct attempt *a)
{
    static const struct {
        int option, value;
    } numbers[] = {
        {LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3},
        {LDAP_OPT_DEREF, LDAP_DEREF_NEVER},
        {LDAP_OPT_SIZELIMIT, LDAP_NO_LIMIT},
        {LDAP_OPT_TIMELIMIT, LDAP_NO_LIMIT},
        {LDAP_OPT_X_TLS_CRLCHECK, LDAP_OPT_X_TLS_CRL_NONE},
        {LDAP_OPT_X_TLS_REQUIRE_SAN, LDAP_OPT_X_TLS_ALLOW},
        {LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2},
        {LDAP_OPT_X_SASL_CBINDING, LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT},
    };
    static const struct {
        int option;
        const void *value;
    } switches[] = {{LDAP_OPT_REFERRALS, LDAP_OPT_OFF},
                    {LDAP_OPT_RESTART, LDAP_OPT_ON},
                    {LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON},
                    {LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON}};
    static const int cleared[] = {LDAP_OPT_X_TLS_CACERTDIR, LDAP_OPT_X_TLS_CIPHER_SUITE, LDAP_OPT_X_TLS_CRLFILE,
                                  LDAP_OPT_X_TLS_DHFILE};
    struct timeval wait = {.tv_sec = sl_deadline_left_ms(a->deadline) / 1000,
                           .tv_usec = sl_deadline_left_ms(a->deadline) % 1000 * 1000};
    int demand = LDAP_OPT_X_TLS_DEMAND;

    for (size_t i = 0; i < SL_COUNT(numbers); i++)
        ldap_set_option(ld, numbers[i].option, &numbers[i].value);
    for (size_t i = 0; i < SL_COUNT(switches); i++)
        ldap_set_option(ld, switches[i].option, switches[i].value);
    for (size_t i = 0; i < SL_COUNT(cleared); i++)
        ldap_set_option(ld, cleared[i], NULL);
    ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &wait);
    ldap_set_option(ld, LDAP_OPT_TIMEOUT, &wait);
    ldap_set_option(ld, LDAP_OPT_X_SASL_SECPROPS, ldapc_sasl_properties(a->sasl, has_tls(a)));
    ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, peercert_trust_file(a->ca_file));
    ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE, a->cert_file);
    ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE, a->key_file);
    ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    return !has_tls(a) || ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &(int){0}) == LDAP_OPT_SUCCESS;
}

static bool is_wanted(struct attempt *a)
{
    return !atomic_load(&a->abandoned) && !sl_deadline_passed(a->deadline);
}

/* Waits until libldap may be asked again while it connects; false when nobody waits any more. */
static bool connect_slice(struct attempt *a)
{
    struct pollfd p = {.fd = -1, .events = POLLIN | POLLOUT};
    int left = sl_deadline_left_ms(a->deadline);

    ldap_get_option(a->ld, LDAP_OPT_DESC, &p.fd);
    poll(&p, 1, left < CONNECT_SLICE_MS ? left : CONNECT_SLICE_MS);
    return is_wanted(a);
}

static int send_start_tls(struct attempt *a, int *ret_id)
{
    return ldap_start_tls(a->ld, NULL, NULL, ret_id);
}

static int send_simple_bind(struct attempt *a, int *ret_id)
{
    struct berval password = {.bv_len = strlen(a->password), .bv_val = a->password};

    return ldap_sasl_bind(a->ld, a->bind_dn != NULL ? a->bind_dn : "", LDAP_SASL_SIMPLE, &password, NULL, NULL, ret_id);
}

/* Only to have a connection before the bind. */
static int send_nothing_read(struct attempt *a, int *ret_id)
{
    char *none[] = {(char[]){LDAP_NO_ATTRS}, NULL};

    return ldap_search_ext(a->ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", none, 0, NULL, NULL, NULL, LDAP_NO_LIMIT, ret_id);
}

/* libldap says only that it cannot connect: the reason is in errno. */
static const char *why_unreachable(int problem)
{
    bool told = problem == ECONNREFUSED || problem == ECONNRESET || problem == ENOENT || problem == EACCES;

    return told ? strerrordesc_np(problem) : NULL;
}

/* Repeats a call while it says LDAP_X_CONNECTING; returns its code or LDAP_TIMEOUT, and errno as libldap left it. */
static int until_connected(struct attempt *a, int (*send)(struct attempt *, int *), int *ret_id)
{
    int code;

    errno = 0;
    while ((code = send(a, ret_id)) == LDAP_X_CONNECTING) {
        if (!connect_slice(a))
            return LDAP_TIMEOUT;
        errno = 0;
    }
    /* libldap tells its own time limits as a lost server */
    return code == LDAP_SERVER_DOWN && sl_deadline_passed(a->deadline) ? LDAP_TIMEOUT : code;
}

/* Waits for the whole answer to `id`: LDAP_SUCCESS, LDAP_TIMEOUT or a code of libldap. */
static int await_answer(struct attempt *a, int id, LDAPMessage **ret_msg)
{
    int type, code = LDAP_SERVER_DOWN;

    while ((type = ldap_result(a->ld, id, LDAP_MSG_ALL, &(struct timeval){.tv_usec = CONNECT_SLICE_MS * 1000}, ret_msg)) == 0) {
        if (!is_wanted(a))
            break;
    }
    if (type > 0)
        return LDAP_SUCCESS;
    if (type == 0)
        return LDAP_TIMEOUT;
    ldap_get_option(a->ld, LDAP_OPT_RESULT_CODE, &code);
    return code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code;
}

enum judged { JUDGED, ANY_ANSWER };

/* Sends, waits and parses; true when the server said success (or answered at all). */
static bool attempt_step(struct attempt *a, const char *step, int (*send)(struct attempt *, int *), enum judged judged)
{
    LDAPMessage *msg = NULL;
    char *words = NULL;
    int id, verdict = LDAP_SUCCESS;
    int code = until_connected(a, send, &id);

    if (code == LDAP_SERVER_DOWN)
        return attempt_fail(a, step, code, why_unreachable(errno));
    if (code == LDAP_SUCCESS)
        code = await_answer(a, id, &msg);
    if (code != LDAP_SUCCESS)
        return attempt_fail(a, step, code, NULL);
    code = ldap_parse_result(a->ld, msg, &verdict, NULL, &words, NULL, NULL, 1);
    if (code == LDAP_SUCCESS && judged == JUDGED)
        code = verdict;
    bool fine = code == LDAP_SUCCESS || attempt_fail(a, step, code, words);

    ldap_memfree(words);
    return fine;
}

/* libldap on GnuTLS takes no notice of LDAP_OPT_X_TLS_PROTOCOL_MIN, and loses memory with a cipher suite of its own. */
static bool is_new_enough(struct attempt *a)
{
    char *version = NULL;
    bool is = ldap_get_option(a->ld, LDAP_OPT_X_TLS_VERSION, &version) == LDAP_OPT_SUCCESS && version != NULL &&
              (strstr(version, "1.2") != NULL || strstr(version, "1.3") != NULL);

    if (!is) {
        a->kind = LDAPC_TLS;
        snprintf(a->text, sizeof a->text, "TLS: protocol refused: the server speaks %s, only TLS 1.2 and 1.3 are accepted",
                 version != NULL ? version : "an unknown one");
    }
    ldap_memfree(version);
    return is;
}

static bool install_tls(struct attempt *a)
{
    int code;

    a->is_handshake = true;
    while ((code = ldap_install_tls(a->ld)) == LDAP_X_CONNECTING && connect_slice(a))
        ;
    if (code == LDAP_SUCCESS)
        return is_new_enough(a);
    if (code == LDAP_TIMEOUT) /* which is also what libldap calls a connection that was reset */
        code = LDAP_SERVER_DOWN;
    return attempt_fail(a, "TLS handshake", sl_deadline_left_ms(a->deadline) < CONNECT_SLICE_MS ? LDAP_TIMEOUT : code, NULL);
}

static bool has_files(struct attempt *a)
{
    char why[RESULT_TEXT_MAX];
    enum sl_status s = peercert_check_files(a->ca_file, a->cert_file, a->key_file, why, sizeof why);

    if (s == SL_OK)
        return true;
    a->kind = LDAPC_TLS;
    a->is_misuse = s == SL_USAGE;
    memcpy(a->text, why, sizeof why);
    return false;
}

/* libldap could make nothing of the files: of which, it does not say. */
static bool fail_without_files(struct attempt *a)
{
    if (has_files(a)) {
        a->kind = LDAPC_TLS;
        snprintf(a->text, sizeof a->text, "TLS could not be prepared");
    }
    return false;
}

/* libldap believes what a peer says about the length of an answer, up to 2 GiB, and takes the memory for it. */
static void limit_answers(LDAP *ld)
{
    Sockbuf *buffer = NULL;
    ber_len_t max = message_max;

    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS && buffer != NULL)
        ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

static bool open_handle(struct attempt *a)
{
    const char *why = NULL;
    int code, fd = -1;

    if (a->scheme != LDAPC_LDAPI) {
        fd = loc_dial(a->pinned != NULL ? a->pinned : a->host, a->port, a->deadline, &a->abandoned, &why);
        if (fd < 0)
            return attempt_fail(a, "connect", why != NULL ? LDAP_SERVER_DOWN : LDAP_TIMEOUT, why);
    }
    code = fd >= 0 ? ldap_init_fd(fd, LDAP_PROTO_TCP, a->server, &a->ld) : ldap_initialize(&a->ld, a->server);
    if (code != LDAP_SUCCESS) {
        a->ld = NULL;
        if (fd >= 0)
            close(fd);
        return attempt_fail(a, "connect", code, NULL);
    }
    limit_answers(a->ld);
    return set_options(a->ld, a) || fail_without_files(a);
}

static void close_handle(struct attempt *a)
{
    if (a->ld != NULL)
        ldap_unbind_ext(a->ld, NULL, NULL);
    a->ld = NULL;
}

/* The connection with its TLS, before any bind. */
static bool establish(struct attempt *a)
{
    if (!open_handle(a))
        return false;
    if (a->starttls && !attempt_step(a, "StartTLS", send_start_tls, JUDGED))
        return false;
    if (has_tls(a))
        return install_tls(a);
    if (a->sasl != LDAPC_SASL_NONE)
        return attempt_step(a, "connect", send_nothing_read, ANY_ANSWER);
    return true;
}

/* libldap does not say why a handshake failed: connects once more, makes the handshake itself and judges what comes. */
static void diagnose_tls(struct attempt *a)
{
    struct attempt kept = {.kind = a->kind, .code = a->code};
    char why[RESULT_TEXT_MAX];
    int fd = -1;

    memcpy(kept.text, a->text, sizeof kept.text);
    close_handle(a);
    bool connected = open_handle(a) && (!a->starttls || attempt_step(a, "StartTLS", send_start_tls, JUDGED));

    a->kind = kept.kind, a->code = kept.code;
    memcpy(a->text, kept.text, sizeof kept.text);
    if (!connected || ldap_get_option(a->ld, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS)
        return;
    const struct peercert_peer peer = {
        .fd = fd, .host = a->host, .ca_file = a->ca_file, .cert_file = a->cert_file, .key_file = a->key_file,
        .deadline = a->deadline, .abandoned = &a->abandoned};
    enum sl_status s = peercert_explain(&peer, sl_clock_real_s(), why, sizeof why);
    bool is_own_name = s == SL_OK && !a->security.tls && strcasecmp(a->host, "localhost") == 0;

    if (is_own_name) /* libldap judges it by what this machine calls itself */
        snprintf(why, sizeof why, "TLS: server not trusted: for localhost the certificate has to bear this machine's own name");
    if (s == SL_UNTRUSTED || is_own_name)
        a->kind = LDAPC_TLS;
    else if (s == SL_DENIED)
        a->kind = LDAPC_DENIED;
    if (why[0] != '\0')
        memcpy(a->text, why, sizeof why);
}

static bool connect_tls(struct attempt *a)
{
    bool reached = establish(a);

    a->security.tls = reached && has_tls(a);
    if (reached || !a->is_handshake || a->kind != LDAPC_UNREACHABLE || sl_deadline_passed(a->deadline))
        return reached;
    if (has_files(a))
        diagnose_tls(a);
    return false;
}

static int await_step(void *ctx, int id, LDAPMessage **ret_msg)
{
    return await_answer(ctx, id, ret_msg);
}

/* Active Directory and others sign or seal, as asked; what follows has to be sealed when nothing else protects it. */
static bool is_sealed(struct attempt *a, const char *mechanism)
{
    ber_len_t ssf = 0;

    if (!ldapc_sasl_mechanism(a->sasl)->has_layer || has_tls(a))
        return true;
    if (ldap_get_option(a->ld, LDAP_OPT_X_SASL_SSF, &ssf) == LDAP_OPT_SUCCESS)
        a->security.ssf = (unsigned)ssf;
    if (ssf >= SSF_SEALED || a->scheme == LDAPC_LDAPI)
        return true;
    a->kind = LDAPC_TLS;
    snprintf(a->text, sizeof a->text, "%s: the server does not seal the connection (strength %u, at least %d is wanted)",
             mechanism, a->security.ssf, SSF_SEALED);
    return false;
}

static bool sasl_bind(struct attempt *a)
{
    const struct ldapc_sasl_mechanism *row = ldapc_sasl_mechanism(a->sasl);
    struct ldapc_sasl_bind bind = {
        .mechanism = row->plus, .user = a->bind_dn, .password = a->password, .await = await_step, .ctx = a};

    if (!has_tls(a) || row->plus == NULL || !ldapc_sasl_offers_plus(a->ld, &bind))
        bind.mechanism = row->name;
    int code = ldapc_sasl_bind(a->ld, &bind);

    if (code == LDAP_SUCCESS)
        return is_sealed(a, row->name);
    attempt_fail(a, bind.mechanism, code, NULL);
    if (a->kind == LDAPC_REFUSED) /* slapd tells what SASL says against an account as "other" (80) */
        a->kind = LDAPC_DENIED;
    return false;
}

static bool bind_as_told(struct attempt *a)
{
    if (a->sasl != LDAPC_SASL_NONE)
        return sasl_bind(a);
    return attempt_step(a, a->bind_dn != NULL ? "bind" : "anonymous bind", send_simple_bind, JUDGED);
}

static bool attempt_run(struct attempt *a)
{
    if (!connect_tls(a))
        return false;
    if (!bind_as_told(a)) {
        bool is_ended = a->kind == LDAPC_UNREACHABLE || (a->sasl == LDAPC_SASL_EXTERNAL && a->code == LDAP_AUTH_UNKNOWN);

        if (has_tls(a) && is_ended && !sl_deadline_passed(a->deadline))
            diagnose_tls(a); /* a server that does not like our certificate ends the connection now */
        return false;
    }
    a->security.bound = a->sasl != LDAPC_SASL_NONE || a->bind_dn != NULL;
    a->security.local = a->scheme == LDAPC_LDAPI;
    return true;
}

/* The first call of libldap in a process reads files and looks up the host's name: it may block, so it is made here. */
static void first_call(void)
{
    ldap_set_option(NULL, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
}

static void *attempt_thread(void *ctx)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct attempt *a = ctx;

    SL_CHECK_MAGIC(a, ATTEMPT_MAGIC);
    pthread_once(&once, first_call);
    if (!attempt_run(a))
        close_handle(a);
    pthread_mutex_lock(&a->lock);
    a->done = true;
    (void)!write(a->done_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_mutex_unlock(&a->lock);
    attempt_unref(a);
    return NULL;
}

/* ---- the caller's side ---------------------------------------------------------------------------------------------- */

static enum sl_status attempt_new(const struct ldapc *dir, struct sl_deadline deadline, struct attempt **ret_attempt,
                                  struct sl_error *e)
{
    const struct ldapc_options *o = &dir->options;
    const struct ldapc_uri_server *server = &dir->uri.servers[dir->at];
    struct attempt *a = sl_new(sizeof *a);

    *a = (struct attempt){
        .magic = ATTEMPT_MAGIC,
        .refs = 1,
        .done_fd = eventfd(0, EFD_CLOEXEC),
        .server = sl_strdup(server->uri),
        .host = sl_strdup(server->host),
        .bind_dn = sl_strdup(o->bind_dn),
        .ca_file = sl_strdup(o->ca_file),
        .cert_file = sl_strdup(o->cert_file),
        .key_file = sl_strdup(o->key_file != NULL ? o->key_file : o->cert_file),
        .pinned = sl_strdup(dir->pinned[dir->at]),
        .port = server->port,
        .scheme = dir->uri.scheme,
        .sasl = (enum ldapc_sasl)o->sasl,
        .starttls = o->starttls,
        .deadline = deadline,
    };
    pthread_mutex_init(&a->lock, NULL);
    enum sl_status s = SL_OK;

    if (a->done_fd < 0)
        s = sl_fail(e, SL_IO, "eventfd: %s", strerror(errno));
    else if (o->bind_dn != NULL)
        s = ldapc_read_password(o->password_file, a->password, sizeof a->password, e);
    if (s == SL_OK && sl_file_check(o->ca_file, e) != SL_OK)
        s = sl_fail_in(e, SL_USAGE, "CA file");
    if (s == SL_OK && (sl_file_check(a->cert_file, e) != SL_OK || sl_file_check(a->key_file, e) != SL_OK))
        s = sl_fail_in(e, SL_USAGE, "client certificate");
    if (s != SL_OK) {
        attempt_unref(a);
        return s;
    }
    *ret_attempt = a;
    return SL_OK;
}

/* Waits for the thread and takes over what it made, or leaves it behind. */
static enum sl_status attempt_await(struct ldapc *dir, struct attempt *a, struct sl_error *e)
{
    struct pollfd p[] = {{.fd = a->done_fd, .events = POLLIN}, {.fd = dir->cancel_fd, .events = POLLIN}};

    while (poll(p, SL_COUNT(p), sl_deadline_left_ms(a->deadline) + CONNECT_SLICE_MS) < 0 && errno == EINTR)
        ;
    bool canceled = p[1].revents != 0;

    if (p[0].revents == 0) {
        atomic_store(&a->abandoned, true);
        poll(p, 1, GRACE_MS);
    }
    pthread_mutex_lock(&a->lock);
    bool done = a->done && !canceled;

    if (done) {
        dir->ld = a->ld;
        a->ld = NULL;
    }
    pthread_mutex_unlock(&a->lock);
    dir->kind = done ? a->kind : canceled ? LDAPC_CANCELED : LDAPC_TIMEOUT;
    dir->code = done ? a->code : 0;
    if (done && dir->kind == LDAPC_FINE) {
        dir->security = a->security;
        return SL_OK;
    }
    if (done && a->is_misuse)
        dir->kind = LDAPC_REFUSED;
    return sl_fail(e, done && a->is_misuse ? SL_USAGE : ldapc_status_of(dir->kind), "%s: %s", ldapc_server(dir),
                   done       ? a->text
                   : canceled ? "canceled"
                              : "no connection in time");
}

enum sl_status ldapc_connect_one(struct ldapc *dir, struct sl_deadline deadline, struct sl_error *e)
{
    struct attempt *a;
    enum sl_status s;

    ldapc_disconnect(dir);
    dir->kind = LDAPC_REFUSED;
    dir->code = 0;
    s = attempt_new(dir, deadline, &a, e);
    if (s != SL_OK)
        return s;
    a->refs++; /* the thread's */
    if (sl_thread_start(attempt_thread, a)) {
        s = attempt_await(dir, a, e);
    } else {
        a->refs--;
        s = sl_fail(e, SL_IO, "%s: no thread for the connection", ldapc_server(dir));
    }
    attempt_unref(a);
    return s;
}
