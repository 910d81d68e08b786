/*
 * ldapc.h - the directory client (RFC 4511). Its code is the folder ldapc/, the only one that includes libldap and liblber.
 *
 * A struct ldapc is a connection to one server of one URI, which may list several. ldapc_new only parses; ldapc_connect makes
 * the connection, TLS and bind; every other call is one operation with a deadline. A handle that failed with LDAPC_UNREACHABLE
 * or LDAPC_TIMEOUT is disconnected; ldapc_connect may be called again. An operation that ended by its deadline may still be
 * carried out by the server: read back after writing.
 *
 * Several servers are tried in their order, each for its share of the time that is left, so that one that is silent does not
 * cost the whole (libldap's own list moves on only when a connect fails). One that failed is avoided for BACKOFF_FIRST_MS,
 * doubled with each failure in a row up to BACKOFF_MAX_MS: it is then tried after the others. Handles that share a struct
 * ldapc_health share what they learned.
 *
 *     struct ldapc *dir;
 *     s = ldapc_new("ldap://dc1.example.com/DC=example,DC=com", &options, &dir, e);
 *     s = ldapc_connect(dir, sl_deadline_in(2000), e);
 *     s = ldapc_probe(dir, LDAPC_PROBE_ALL, sl_deadline_in(2000), &probe, e);
 *     s = ldapc_search(dir, &(struct ldapc_search){.base = probe.container_dn, .filter = filter}, deadline, &found, e);
 *     ldapc_entries_fini(&found); ldapc_probe_fini(&probe); ldapc_free(dir);
 *
 * Threads: a handle is used by one thread at a time (it may move between threads); only ldapc_cancel may be called from
 * any thread meanwhile. Several handles are independent: to ask servers side by side use a thread and a handle each.
 * libldap blocks in connect, TLS and Kerberos whatever its options say, so ldapc_connect does these in a short-lived
 * thread of its own and leaves it behind when the deadline passes (it ends by itself and frees what it holds). All
 * later operations are asynchronous calls awaited with poll(2). No call raises SIGPIPE.
 *
 * What a server, a user's ~/.ldaprc, ./ldaprc or the LDAP* variables say never changes what is done here: every option
 * is set per handle.
 *
 * Failures: enum sl_status as everywhere, its text "URI: what was asked: result text (code): the server's own text".
 * Beside it the handle keeps the kind of the last operation (ldapc_kind) and the LDAP code (ldapc_code).
 */
#ifndef SL_LOCATOR_NET_LDAPC_H
#define SL_LOCATOR_NET_LDAPC_H

#include "common/base/clock.h"
#include "common/base/option.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- credentials and options, the same flags in every program ----------------------------------------------------- */

/* name, word of --sasl, mechanism (RFC 4422 5802 7677 4752 4178), the same bound to TLS, user and password, signs and seals */
#define LDAPC_SASL_TABLE(X)                                                                                            \
    X(NONE, "none", NULL, NULL, false, false)                                                                          \
    X(EXTERNAL, "external", "EXTERNAL", NULL, false, false)                                                            \
    X(GSSAPI, "gssapi", "GSSAPI", NULL, false, true)                                                                   \
    X(GSS_SPNEGO, "gss-spnego", "GSS-SPNEGO", NULL, false, true)                                                       \
    X(SCRAM_SHA_1, "scram-sha-1", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", true, false)                                      \
    X(SCRAM_SHA_256, "scram-sha-256", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", true, false)                              \
    X(SCRAM_SHA_512, "scram-sha-512", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS", true, false)

enum ldapc_sasl {
#define LDAPC_SASL_ENUM(name, word, mechanism, plus, password, layer) LDAPC_SASL_##name,
    LDAPC_SASL_TABLE(LDAPC_SASL_ENUM)
#undef LDAPC_SASL_ENUM
};

/* The words of --sasl, NULL-terminated. */
extern const char *const ldapc_sasl_words[];

/*
 * What connections that share it learned about servers: which failed lately, and how often in a row. Counted references: every
 * handle has one of its own. Any thread.
 */
struct ldapc_health;
/* An empty one, with one reference. */
struct ldapc_health *ldapc_health_new(void);
/* One reference more; returns it. */
struct ldapc_health *ldapc_health_ref(struct ldapc_health *health);
/* One reference less; the last one frees it. NULL is accepted. */
void ldapc_health_unref(struct ldapc_health *health);

enum { LDAPC_BACKOFF_FIRST_MS = 1000, LDAPC_BACKOFF_MAX_MS = 60000 };

/*
 * Without bind_dn and sasl the bind is anonymous. Strings may be NULL; ldapc_new copies what it needs.
 *
 * GSSAPI and GSS-SPNEGO take the ticket of the Kerberos credential cache (KRB5CCNAME; a daemon may have MIT Kerberos fill it
 * from KRB5_CLIENT_KTNAME). On a connection without TLS they sign and seal, or the connection is not used; inside TLS they do
 * neither, since Active Directory refuses both at once. SCRAM proves the password to the server and the server to us, but
 * protects nothing that follows. Inside TLS every SASL bind is bound to the channel (tls-server-end-point) where the server
 * offers it.
 */
struct ldapc_options {
    char *base;          /* base DN; the path of a URI wins; without both the rootDSE says */
    char *container;     /* of the published objects, relative to the base; "" is the base itself; NULL is the default */
    char *bind_dn;       /* account: DN of a simple bind, or user of scram-* */
    char *password_file; /* its first line is the password; read at each connect, never from argv */
    int sasl;            /* enum ldapc_sasl */
    bool starttls;       /* ldap: only; never falls back to clear text */
    char *ca_file;       /* PEM; NULL is the system's trust store */
    char *cert_file;     /* PEM of the certificate to show inside TLS, where SASL EXTERNAL is the account that it names */
    char *key_file;      /* PEM of its key; NULL: it stands in cert_file */
    int64_t timeout_ms;  /* bounds each ldapc_connect, beside its deadline; 0 is LDAPC_TIMEOUT_MS */
    struct ldapc_health *health; /* NULL: of the handle alone; no flag of its own */
};

#define LDAPC_CONTAINER "CN=System Management,CN=System"

enum { LDAPC_TIMEOUT_MS = 2000 };

/*
 * The rows of the flags for a values struct `holder` whose member `where` is a struct ldapc_options:
 *
 *     static const struct sl_option rows[] = {
 *         LDAPC_CREDENTIAL_ROWS(struct values, ldap),
 *         LDAPC_TIMEOUT_ROW(struct values, ldap),
 *     };
 */
#define LDAPC_CREDENTIAL_ROWS(holder, where) LDAPC_CREDENTIAL_ROWS_WITH(holder, where, 0)

/* The same with more flags, such as SL_OPT_IN_FILE. */
#define LDAPC_CREDENTIAL_ROWS_WITH(holder, where, more)                                                                \
    {.name = "base", .type = SL_OPT_STRING, .offset = offsetof(holder, where.base), .arg = "DN", .flags = (more),      \
     .help = "Base DN of the directory; without it the URI or the server says"},                                       \
    {.name = "container", .type = SL_OPT_STRING, .offset = offsetof(holder, where.container), .arg = "RDNS",           \
     .fallback = LDAPC_CONTAINER, .flags = (more), .help = "Container of the published objects, relative to the base"}, \
    {.name = "bind-dn", .type = SL_OPT_STRING, .offset = offsetof(holder, where.bind_dn), .arg = "DN", .flags = (more), \
     .help = "Account of a simple bind (DN), or user of --sasl scram-sha-256"},                                        \
    {.name = "password-file", .type = SL_OPT_STRING, .offset = offsetof(holder, where.password_file), .arg = "FILE",   \
     .flags = SL_OPT_PATH | (more), .help = "File with the password of --bind-dn on its first line"},                  \
    {.name = "sasl", .type = SL_OPT_WORD, .offset = offsetof(holder, where.sasl), .arg = "MECHANISM",                  \
     .fallback = "none", .flags = (more), .words = ldapc_sasl_words,                                                   \
     .help = "Bind with SASL: external (ldapi:, or TLS with --cert), gssapi or gss-spnego (Kerberos credential cache), "   \
             "scram-* (password)"},                                                                                    \
    {.name = "starttls", .type = SL_OPT_FLAG, .offset = offsetof(holder, where.starttls), .flags = (more),             \
     .help = "Protect an ldap: connection with TLS before the bind"},                                                  \
    {.name = "ca", .type = SL_OPT_STRING, .offset = offsetof(holder, where.ca_file), .arg = "FILE",                    \
     .flags = SL_OPT_PATH | (more), .help = "PEM file of the authorities trusted for TLS instead of the system's"}

/* The certificate to show. */
#define LDAPC_CERTIFICATE_ROWS(holder, where) LDAPC_CERTIFICATE_ROWS_WITH(holder, where, 0)
#define LDAPC_CERTIFICATE_ROWS_WITH(holder, where, more)                                                               \
    {.name = "cert", .type = SL_OPT_STRING, .offset = offsetof(holder, where.cert_file), .arg = "FILE",                \
     .flags = SL_OPT_PATH | (more), .help = "PEM file of the certificate to show to servers inside TLS"},              \
    {.name = "key", .type = SL_OPT_STRING, .offset = offsetof(holder, where.key_file), .arg = "FILE",                  \
     .flags = SL_OPT_PATH | (more), .help = "PEM file of its key (by default it stands in the file of --cert)"}

#define LDAPC_TIMEOUT_ROW(holder, where) LDAPC_TIMEOUT_ROW_WITH(holder, where, 0)
#define LDAPC_TIMEOUT_ROW_WITH(holder, where, more)                                                                    \
    {.name = "timeout", .type = SL_OPT_DURATION, .offset = offsetof(holder, where.timeout_ms), .arg = "TIME",          \
     .fallback = "2s", .min = 1, .max = 3600000, .flags = (more), .help = "Longest wait for one server"}

/* ---- URIs, escaping ------------------------------------------------------------------------------------------------ */

enum ldapc_scheme { LDAPC_LDAP, LDAPC_LDAPS, LDAPC_LDAPI };

enum { LDAPC_SERVERS_MAX = 16 };

struct ldapc_uri_server {
    char *host;    /* name or address without brackets; for ldapi: the path of the socket or "" */
    uint16_t port; /* 0 for ldapi */
    char *uri;     /* of this server alone, without a base, as given to libldap and shown in errors */
};

/*
 * ldap://HOST[:PORT][,HOST[:PORT]...][/BASE], ldaps://..., ldapi://%2Fpath[/BASE], ldapi:///[BASE] (the socket that libldap was
 * built for); [v6] in brackets; the base percent-decoded.
 */
struct ldapc_uri {
    enum ldapc_scheme scheme;
    struct ldapc_uri_server servers[LDAPC_SERVERS_MAX];
    size_t count;
    char *base;   /* NULL when the URI has none */
    char *server; /* the URI without the base */
};

/* Parses a URI; SL_USAGE names what is wrong. Release with ldapc_uri_fini. */
enum sl_status ldapc_uri_parse(const char *text, struct ldapc_uri *ret_uri, struct sl_error *e) SL_MUST;
/* Frees the strings of a parsed URI. */
void ldapc_uri_fini(struct ldapc_uri *uri);

/* What libldap's own configuration says (ldap.conf, ldaprc, LDAP* variables); no other function here looks at it. */
struct ldapc_defaults {
    struct sl_strings uris; /* URI; "ldap://localhost", which libldap also says when nothing is configured, only where it is */
    char *base;             /* BASE, or NULL */
    char *ca_file;          /* TLS_CACERT, or NULL */
};

/*
 * Asks libldap, which may read files and look up the host's name. Release with ldapc_defaults_fini. `warnings` gets what it
 * passes over in its files without a word (hostconf.h).
 */
void ldapc_defaults_read(struct ldapc_defaults *ret_defaults, struct sl_strings *warnings);
/* Frees them; all zero is accepted. */
void ldapc_defaults_fini(struct ldapc_defaults *defaults);
/* The URI with a base DN as its path, percent-encoded; malloc'd, NULL without memory. */
char *ldapc_uri_with_base(const char *uri, const char *base);

/* Appends a value for use inside a filter (RFC 4515): NUL ( ) * \ and octets above 0x7f become \xx. */
void ldapc_escape_filter(struct sl_text *out, const char *value, size_t len);
/* Appends a value for use in an RDN (RFC 4514): leading blank or #, trailing blank, NUL and " + , ; < = > \ are escaped. */
void ldapc_escape_rdn(struct sl_text *out, const char *value, size_t len);
/* True when `text` is a syntactically valid DN (also the empty one). */
bool ldapc_dn_valid(const char *text);
/* True when both are the same DN after normalisation (spacing, escapes, ASCII case); false when one is invalid. */
bool ldapc_dn_equal(const char *a, const char *b);

/* ---- handle --------------------------------------------------------------------------------------------------------- */

struct ldapc;
struct ldapc_entries;

enum ldapc_kind {
    LDAPC_FINE,
    LDAPC_UNREACHABLE, /* no connection, connection lost, busy (51), unavailable (52) */
    LDAPC_TIMEOUT,     /* the deadline passed */
    LDAPC_CANCELED,    /* ldapc_cancel */
    LDAPC_TLS,         /* handshake or certificate; the text has our own diagnosis */
    LDAPC_DENIED,      /* 7 8 13 48 49 50, and operationsError (1) as Active Directory answers the anonymous */
    LDAPC_ABSENT,      /* 32: the entry (or the parent, for an add) is not there, or hidden */
    LDAPC_EXISTS,      /* 68 entry, 20 value: already there */
    LDAPC_SCHEMA,      /* 16 17 18 19 21 64 65 69: probe the schema again; also delete of a value that is not there (16) */
    LDAPC_LIMITED,     /* 3 4 11: a limit of the server */
    LDAPC_REFUSED,     /* every other code of the server */
};

/* A handle for a URI; SL_USAGE for a bad URI, base, container or combination of options. No input or output happens. */
enum sl_status ldapc_new(const char *uri, const struct ldapc_options *options, struct ldapc **ret_dir,
                         struct sl_error *e) SL_MUST;
/*
 * A handle for a directory in memory, such as a dump, called `name` in errors. It is not connected; searches (with equality,
 * presence and substrings) find what is in `entries`, everything else fails. Takes the entries over on success; base and
 * container are those of the options, else the base is what the container stands in. Searches fail (SL_UNREACHABLE) where the
 * entries hold nothing at, below or above the base. What they find is valid as long as the handle. SL_MALFORMED: a DN is none.
 */
enum sl_status ldapc_new_dump(const char *name, struct ldapc_entries *entries, const struct ldapc_options *options,
                              struct ldapc **ret_dir, struct sl_error *e) SL_MUST;
/* Disconnects and frees; NULL is accepted. */
void ldapc_free(struct ldapc *dir);
/* True for a handle of ldapc_new_dump, which says the same for ever. */
bool ldapc_is_dump(const struct ldapc *dir);
/* Connects to this numeric address wherever the host is one of the URI's servers (--resolve). Before ldapc_connect. */
void ldapc_pin(struct ldapc *dir, const char *host, const char *address);
/*
 * Connects, starts TLS and binds, by the deadline and the timeout of the options, whichever is earlier.
 * SL_UNREACHABLE, SL_TIMEOUT, SL_DENIED, SL_UNTRUSTED (certificate), SL_USAGE (password, CA or certificate file), SL_CANCELED.
 * A server that cannot be reached or trusted leaves it to the next one; when all fail the status is that of the first.
 */
enum sl_status ldapc_connect(struct ldapc *dir, struct sl_deadline deadline, struct sl_error *e) SL_MUST;
/* Ends the running and every later operation of the handle with SL_CANCELED; any thread, sticky. */
void ldapc_cancel(struct ldapc *dir);
/* The kind of the last operation. */
enum ldapc_kind ldapc_kind(const struct ldapc *dir);
/* The LDAP result code of the last operation; negative when libldap made it up; 0 when fine. */
int ldapc_code(const struct ldapc *dir);
/* The server that is connected, or was tried last ("ldap://host:389"). */
const char *ldapc_server(const struct ldapc *dir);
/* Why servers before the connected one were passed over, for a warning; "" when none was. */
const char *ldapc_detour(const struct ldapc *dir);

/* What protects the connection, for the trust of answers. */
struct ldapc_security {
    bool bound;     /* not anonymous */
    bool tls;       /* TLS with a verified certificate */
    bool local;     /* ldapi */
    unsigned ssf;   /* strength of the SASL layer, 0 without */
};
/* True when the server is authenticated and the connection protected against change: TLS, a SASL layer, or ldapi. */
bool ldapc_is_trusted(const struct ldapc *dir);
/* Details of the connection; all zero before ldapc_connect. */
struct ldapc_security ldapc_security(const struct ldapc *dir);

/* ---- entries -------------------------------------------------------------------------------------------------------- */

struct ldapc_value {
    const char *data; /* in results followed by a NUL that is not counted */
    size_t len;
};

struct ldapc_attr {
    const char *name;
    struct ldapc_value *values;
    size_t count;
};

struct ldapc_entry {
    const char *dn;
    struct ldapc_attr *attrs;
    size_t count;
};

/* The result of a search, owned by the caller until ldapc_entries_fini. All zero is an empty result. */
struct ldapc_entries {
    struct ldapc_entry *items;
    size_t count;
    bool incomplete;  /* a limit of the server (code 3, 4, 11) or of the search cut it: never "all" */
    bool base_absent; /* 32: the base of the search is not there, or hidden */
    void *memory;     /* private */
};

/* One attribute and value to come into an entry by ldapc_entries_put. */
struct ldapc_pair {
    const char *attr; /* ";range=..." is left out, and marks the entries incomplete unless it is the last range */
    const char *data;
    size_t len;
};
/* Appends a copy of an entry, values gathered by attribute. SL_LIMIT when there is no room left. */
enum sl_status ldapc_entries_put(struct ldapc_entries *entries, const char *dn, const struct ldapc_pair *pairs, size_t count,
                                 struct sl_error *e) SL_MUST;
/* Appends an entry whose octets stay those of another result, which must live as long. SL_LIMIT as above. */
enum sl_status ldapc_entries_share(struct ldapc_entries *entries, const struct ldapc_entry *entry, struct sl_error *e) SL_MUST;
/* Frees a result and empties it; all zero is accepted. */
void ldapc_entries_fini(struct ldapc_entries *entries);
/* The attribute of this name (ASCII case ignored), or NULL. */
const struct ldapc_attr *ldapc_entry_attr(const struct ldapc_entry *entry, const char *name);
/* The first value of an attribute as text, or NULL when absent or with a NUL inside. */
const char *ldapc_entry_text(const struct ldapc_entry *entry, const char *name);
/* True when the attribute has this value, ASCII case ignored. */
bool ldapc_entry_has(const struct ldapc_entry *entry, const char *name, const char *value);

/* ---- operations ----------------------------------------------------------------------------------------------------- */

/* The classes of what sites publish, and the attribute of the one there may be thousands of: for `classes` and `split_by`. */
extern const char *const ldapc_published_classes[];
extern const char *const ldapc_published_split;

enum ldapc_scope { LDAPC_SUBTREE, LDAPC_ONE_LEVEL, LDAPC_BASE };

enum { LDAPC_PAGE = 500, LDAPC_ENTRIES_MAX = 200000, LDAPC_OCTETS_MAX = 256 << 20 };

struct ldapc_search {
    const char *base; /* NULL or "" is the rootDSE (with LDAPC_BASE) */
    enum ldapc_scope scope;
    const char *filter;       /* NULL is (objectClass=*) */
    const char *const *attrs; /* NULL-terminated; NULL is all user attributes */
    size_t page_size;         /* 0 is LDAPC_PAGE; paging is asked for with LDAPC_SUBTREE and LDAPC_ONE_LEVEL */
    size_t max_entries;       /* 0 is LDAPC_ENTRIES_MAX; more than that: incomplete */
    /*
     * What to do when a limit of the server cuts the answer (slapd: 500 entries, over all pages): the object classes of what is
     * looked for, asked for one by one, and an attribute of 32-bit integers by whose values a class is halved until each answer
     * is whole. NULL: nothing, the result is incomplete. It stays so when an entry turns out to be of no such class.
     */
    const char *const *classes; /* NULL-terminated */
    const char *split_by;
};

/*
 * Searches. An absent base and a size limit are results, not failures (see struct ldapc_entries). Values that Active Directory
 * holds back (";range=0-1499") are fetched.
 */
enum sl_status ldapc_search(struct ldapc *dir, const struct ldapc_search *search, struct sl_deadline deadline,
                            struct ldapc_entries *ret_entries, struct sl_error *e) SL_MUST;
/* Reads one entry: ret_entries->count is 1, or 0 when it is absent (base_absent) or may not be read. */
enum sl_status ldapc_read(struct ldapc *dir, const char *dn, const char *const *attrs, struct sl_deadline deadline,
                          struct ldapc_entries *ret_entries, struct sl_error *e) SL_MUST;
/* Compares; *ret_true is false too when the entry has no such attribute (16); an unknown attribute is LDAPC_SCHEMA. */
enum sl_status ldapc_compare(struct ldapc *dir, const char *dn, const char *attr, const char *value,
                             struct sl_deadline deadline, bool *ret_true, struct sl_error *e) SL_MUST;

enum ldapc_mod_op {
    LDAPC_REPLACE, /* all values; no values removes the attribute, which may be absent */
    LDAPC_ADD,     /* these values */
    LDAPC_DELETE,  /* these values; needs an equality rule: use LDAPC_REPLACE for dNSHostName */
};

struct ldapc_mod {
    enum ldapc_mod_op op; /* ignored by ldapc_add */
    const char *attr;
    const struct ldapc_value *values;
    size_t count;
};

/* Adds an entry. LDAPC_EXISTS when the DN is there, LDAPC_ABSENT when its parent is not. */
enum sl_status ldapc_add(struct ldapc *dir, const char *dn, const struct ldapc_mod *attrs, size_t count,
                         struct sl_deadline deadline, struct sl_error *e) SL_MUST;
/* Changes an entry, all or nothing. */
enum sl_status ldapc_modify(struct ldapc *dir, const char *dn, const struct ldapc_mod *mods, size_t count,
                            struct sl_deadline deadline, struct sl_error *e) SL_MUST;

/* ---- many writes ---------------------------------------------------------------------------------------------------- */

enum { LDAPC_WINDOW = 64 }; /* requests under way at a time */

enum ldapc_write_op { LDAPC_WRITE_ADD, LDAPC_WRITE_MODIFY, LDAPC_WRITE_DELETE };

struct ldapc_write {
    enum ldapc_write_op op;
    const char *dn;
    const struct ldapc_mod *mods; /* as for ldapc_add and ldapc_modify; none for a deletion */
    size_t count;
};

/* Writes that need not wait for each other. */
struct ldapc_writes {
    size_t count;
    /* Tells write number `index`; what it points to is needed until the next call. May be asked for the same one again. */
    void (*describe)(void *ctx, size_t index, struct ldapc_write *ret_write);
    /* What became of it, once for each, with ldapc_kind and ldapc_code of its own when the server said so; may be NULL. */
    void (*done)(void *ctx, size_t index, enum sl_status status, const struct sl_error *why);
    void *ctx;
};

/*
 * Sends them without waiting for each answer; the server may carry them out in any order. A write that the server refuses is
 * told and ends nothing; fails only when the connection is lost or the deadline passes, which the rest is then told.
 */
enum sl_status ldapc_write_many(struct ldapc *dir, const struct ldapc_writes *writes, struct sl_deadline deadline,
                                struct sl_error *e) SL_MUST;
/*
 * All or none, in this order, seen by others at once: one transaction (RFC 5805), for a server with LDAPC_CONTROL_TXN. Nobody is
 * told of single writes. On failure nothing was written, unless the connection was lost at the end: read back.
 */
enum sl_status ldapc_write_atomic(struct ldapc *dir, const struct ldapc_writes *writes, struct sl_deadline deadline,
                                  struct sl_error *e) SL_MUST;

/* ---- being told of changes -------------------------------------------------------------------------------------------- */

enum { LDAPC_UUID_LEN = 16 };

/* What has become of an entry. */
enum ldapc_sync_state { LDAPC_SYNC_PRESENT, LDAPC_SYNC_ADDED, LDAPC_SYNC_MODIFIED, LDAPC_SYNC_DELETED };

/* Content synchronisation (RFC 4533). Each function may end it with a status, which ldapc_sync then returns. */
struct ldapc_sync {
    const char *base; /* and all below it */
    const char *filter;
    const char *const *attrs;
    int64_t quiet_ms;   /* after so long without a word the server is asked whether it is still there */
    int64_t timeout_ms; /* and has so long for its answer */
    /* An entry is there as before, new, changed, or gone; `entry` as it is now for what is new or changed, else NULL. */
    enum sl_status (*entry)(void *ctx, enum ldapc_sync_state state, const uint8_t uuid[LDAPC_UUID_LEN],
                            const struct ldapc_entry *entry, struct sl_error *e);
    /*
     * What was told so far is a consistent state, and everything is known: called once for the content, with `rest_is_gone`
     * (what was not mentioned is not there), then for each change.
     */
    enum sl_status (*state)(void *ctx, bool rest_is_gone, struct sl_error *e);
    /* The server has just said that it is there, and that nothing else has changed. */
    enum sl_status (*alive)(void *ctx, struct sl_error *e);
    void *ctx;
};

/*
 * Tells the whole content and then every change, until the deadline (SL_TIMEOUT), a wish to cancel (SL_CANCELED), or the end of
 * the connection, which is noticed at the latest after quiet_ms and timeout_ms. Never returns SL_OK. SL_UNSUPPORTED when the
 * server does not know it.
 */
enum sl_status ldapc_sync(struct ldapc *dir, const struct ldapc_sync *sync, struct sl_deadline deadline,
                          struct sl_error *e) SL_MUST;

/*
 * Change notification of Active Directory (control .528), which tells that something has changed, but not of deletions: these are
 * noticed within a second or two by the number of the server's last change (highestCommittedUSN), which no right is needed for.
 */
struct ldapc_notify {
    const char *base; /* and what is one level below it */
    int64_t quiet_ms; /* longest time between two looks */
    enum sl_status (*look)(void *ctx, struct sl_error *e); /* reads what there is, on the same handle */
    void *ctx;
};

/* Looks at once, after every notification, when that number has moved, and after quiet_ms. Ends as ldapc_sync does. */
enum sl_status ldapc_notify(struct ldapc *dir, const struct ldapc_notify *how, struct sl_deadline deadline,
                            struct sl_error *e) SL_MUST;

/* ---- what kind of server, which schema, which container ---------------------------------------------- */

enum ldapc_server_kind { LDAPC_SERVER_OTHER, LDAPC_SERVER_OPENLDAP, LDAPC_SERVER_AD, LDAPC_SERVER_389DS };

enum ldapc_schema {
    LDAPC_SCHEMA_UNKNOWN,  /* the subschema may not be read and nothing else tells */
    LDAPC_SCHEMA_NONE,     /* none of the four classes */
    LDAPC_SCHEMA_PARTLY,   /* some classes, or classes without attributes that SMS 2003 had */
    LDAPC_SCHEMA_2003,     /* all of SMS 2003, not all of Configuration Manager 2007: publish and find work, less is said */
    LDAPC_SCHEMA_EXTENDED, /* four classes with all attributes */
};

enum ldapc_container {
    LDAPC_CONTAINER_NOT_ASKED,
    LDAPC_CONTAINER_PRESENT,
    LDAPC_CONTAINER_ABSENT,     /* base or naming context can be read, the container is not there; or the base is not served */
    LDAPC_CONTAINER_UNREADABLE, /* refused, or nothing of the tree can be seen */
};

/* supportedControl and supportedExtension, as bits */
enum {
    LDAPC_CONTROL_SYNC = 1,    /* RFC 4533 content synchronisation */
    LDAPC_CONTROL_NOTIFY = 2,  /* Active Directory change notification .528 */
    LDAPC_CONTROL_DIRSYNC = 4, /* Active Directory DirSync .841 */
    LDAPC_CONTROL_PSEARCH = 8, /* persistent search */
    LDAPC_CONTROL_PAGED = 16,  /* simple paged results */
    LDAPC_CONTROL_TXN = 32,    /* RFC 5805 transactions */
};

enum ldapc_probe_what { LDAPC_PROBE_ALL, LDAPC_PROBE_SCHEMA };

struct ldapc_probe {
    enum ldapc_server_kind kind;
    unsigned controls;
    char *vendor;            /* vendorName or a word for the kind; never NULL */
    char *base_dn;           /* NULL with LDAPC_PROBE_SCHEMA when several naming contexts leave it open */
    char *container_dn;      /* likewise */
    char *subschema_dn;      /* NULL when the rootDSE names none */
    char *schema_context;    /* Active Directory: schemaNamingContext, else NULL */
    struct sl_strings naming_contexts;
    enum ldapc_schema schema;
    struct sl_strings missing_classes;    /* of the four */
    struct sl_strings missing_attributes; /* of the fourteen */
    struct sl_strings lacking;            /* "class/attribute": class there, but does not allow the attribute */
    enum ldapc_container container;
    char *container_why; /* the server's words when it is not present, or NULL */
};

/*
 * Asks in the order that tells: rootDSE, schema, container. With LDAPC_PROBE_ALL a base that cannot be found (several
 * naming contexts and none given) is SL_USAGE listing them; LDAPC_PROBE_SCHEMA does not ask for the container.
 * Fails only when the server could not be asked; *ret_probe is released with ldapc_probe_fini.
 */
enum sl_status ldapc_probe(struct ldapc *dir, enum ldapc_probe_what what, struct sl_deadline deadline,
                           struct ldapc_probe *ret_probe, struct sl_error *e) SL_MUST;
/* Frees what a probe found; all zero is accepted. */
void ldapc_probe_fini(struct ldapc_probe *probe);
/*
 * The schema that a directory has, read once; for Active Directory only the names of the extension are asked for.
 * *ret_sub is NULL when this account may not read it. Fails only when the connection is lost. `probe` needs its names only.
 */
struct ldapc_subschema;
enum sl_status ldapc_subschema_read(struct ldapc *dir, const struct ldapc_probe *probe, struct sl_deadline deadline,
                                    struct ldapc_subschema **ret_sub, struct sl_error *e) SL_MUST;
/* Frees it; NULL is accepted. */
void ldapc_subschema_free(struct ldapc_subschema *sub);
/* True when an attribute with this OID or name is there (Active Directory: this name). */
bool ldapc_subschema_has_attribute(const struct ldapc_subschema *sub, const char *oid, const char *name);
/* The description of a class (Active Directory: the DN of its classSchema entry), valid as long as `sub`; NULL when not there. */
const char *ldapc_subschema_class(const struct ldapc_subschema *sub, const char *oid, const char *name);
/* True when the class itself, not its superclasses, allows the attribute. */
bool ldapc_subschema_allows(const struct ldapc_subschema *sub, const char *oid, const char *name, const char *attribute);
/* The words for JSON: "openldap" "ad" "389ds" "other". */
const char *ldapc_server_kind_word(enum ldapc_server_kind kind);
/* "unknown" "none" "partly" "sms2003" "extended" */
const char *ldapc_schema_word(enum ldapc_schema schema);
/* "not-asked" "present" "absent" "unreadable" */
const char *ldapc_container_word(enum ldapc_container container);
/* The base DN: of the URI, the options, or the rootDSE (asked once and kept). Several naming contexts: SL_USAGE listing them. */
enum sl_status ldapc_base(struct ldapc *dir, struct sl_deadline deadline, const char **ret_dn, struct sl_error *e) SL_MUST;
/* The DN of the container: the container of the options below ldapc_base. Both stay valid until ldapc_free. */
enum sl_status ldapc_container(struct ldapc *dir, struct sl_deadline deadline, const char **ret_dn, struct sl_error *e) SL_MUST;

#endif
