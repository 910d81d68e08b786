/*
 * internal.h - what the files of the directory client share; nobody else includes it. This folder alone includes libldap.
 */
#ifndef SL_LOCATOR_NET_LDAPC_INTERNAL_H
#define SL_LOCATOR_NET_LDAPC_INTERNAL_H

#include "locator/net/ldapc.h"

#include "common/base/assert.h"

#include <signal.h>
#include <stdatomic.h>

#define LDAPC_MAGIC 0x1dabc001u

struct ldap; /* of libldap */
struct ldapmsg;
struct ldapmod;
struct ldapcontrol;

struct ldapc {
    uint32_t magic;
    struct ldapc_uri uri;
    size_t at; /* the server of the uri that is connected, or was asked last */
    char *pinned[LDAPC_SERVERS_MAX]; /* ldapc_pin, by server, or NULL */
    struct ldapc_options options; /* own copies */
    int cancel_fd;                /* eventfd; readable = canceled */
    struct ldap *ld;              /* NULL while disconnected */
    struct ldapc_security security;
    enum ldapc_kind kind;
    int code;
    char *base;      /* known once asked */
    char *container; /* likewise */
    struct ldapc_dump *dump; /* NULL for a server */
    struct ldapc_health *health; /* a reference, never NULL */
    char detour[SL_ERROR_TEXT_MAX];
};

/* One form for each DN, in lower case with the parts of each RDN sorted; NULL when it is none. Freed by the caller. */
char *ldapc_dn_normal(const char *text);
/* The DN above, or NULL. */
const char *ldapc_dn_parent(const char *dn);

/*
 * A directory in memory. Takes the entries over when all their DNs are such, else SL_MALFORMED with the one that is not. The base
 * is found by `container`, or is the only entry without a parent.
 */
enum sl_status ldapc_dump_new(struct ldapc_entries *entries, const char *container, struct ldapc_dump **ret_dump,
                              const char **ret_bad_dn) SL_MUST;
/* Frees it; NULL is accepted. */
void ldapc_dump_free(struct ldapc_dump *dump);
/* ldapc_search for a handle with a dump; the values of what is found stay those of the dump. */
enum sl_status ldapc_dump_search(struct ldapc *dir, const struct ldapc_search *search, struct ldapc_entries *ret_entries,
                                 struct sl_error *e) SL_MUST;
/* Judges a filter over an entry (no values: everything is absent); false when it is no filter of those that filter.c knows. */
bool ldapc_filter_matches(const char *filter, const struct ldapc_entry *entry, bool *ret_matches);

/* The kind of an LDAP result code; Active Directory answers the `anonymous` with operationsError. */
enum ldapc_kind ldapc_kind_of(int code, bool anonymous);
/* The status of a kind. */
enum sl_status ldapc_status_of(enum ldapc_kind kind);
/* "Invalid credentials (49): the server's words"; without `server_words` those that `ld` (may be NULL) keeps. */
void ldapc_result_text(char *out, size_t size, struct ldap *ld, int code, const char *server_words);

/* Keeps SIGPIPE from the process while libldap writes to a connection that may have been reset. */
struct ldapc_pipe {
    sigset_t old;
    bool pending;
};

/* Blocks SIGPIPE in this thread. */
struct ldapc_pipe ldapc_pipe_block(void);
/* Takes a SIGPIPE that came meanwhile and restores what was. */
void ldapc_pipe_restore(const struct ldapc_pipe *guard);

/* How long a server is still to be avoided, in ms; 0 when it is not. Any thread. */
int64_t ldapc_health_wait_ms(struct ldapc_health *health, const char *server);
/* Notes that a server answered, or failed; each failure in a row doubles the time that it is avoided. Any thread. */
void ldapc_health_note(struct ldapc_health *health, const char *server, bool is_good);

/* Reads the password that is the first line of a file; SL_USAGE names what is wrong with it. */
enum sl_status ldapc_read_password(const char *path, char *out, size_t size, struct sl_error *e) SL_MUST;
/* Connects to the server dir->at of the list, by the deadline. */
enum sl_status ldapc_connect_one(struct ldapc *dir, struct sl_deadline deadline, struct sl_error *e);

/*
 * Octets of an attribute's name without a range: Active Directory cuts attributes of many values and says so in the name,
 * "attr;range=0-1499". *ret_next is the number of the first value that is missing, 0 when none is ("-*" is the last part).
 */
size_t ldapc_name_length(const char *name, size_t len, uint64_t *ret_next);

/* Ends the connection, if any. */
void ldapc_disconnect(struct ldapc *dir);

/* ---- an operation under way: ldapc_op_begin, requests and their messages, ldapc_op_end ---- */

struct ldapc_op {
    struct ldapc *dir;
    const char *verb; /* for the error: "add" */
    const char *dn;
    struct sl_deadline deadline;
    struct sl_error *e;
    struct ldapc_pipe pipe;
    int id;
    bool flows; /* the request has left as a whole, since something of its answer has come */
};

/* Holds back SIGPIPE and checks that the handle is connected and not canceled; ldapc_op_end whatever it says. */
enum sl_status ldapc_op_begin(struct ldapc_op *op);
/* Gives up a connection after which nothing is known, and restores the signals; returns `s`. */
enum sl_status ldapc_op_end(struct ldapc_op *op, enum sl_status s);
/* Records a result code of the server or of libldap: the kind and code of the handle, and the error text. */
enum sl_status ldapc_op_fail_code(struct ldapc_op *op, int code, const char *server_words);
/* Waits for the next message of the request op->id; ldap_msgfree it. */
enum sl_status ldapc_op_next(struct ldapc_op *op, struct ldapmsg **ret_msg);
/* Parses a final message and frees it; *ret_code is the server's code. `ret_controls` may be NULL. */
enum sl_status ldapc_op_result(struct ldapc_op *op, struct ldapmsg *msg, struct ldapcontrol ***ret_controls, int *ret_code);
/* libldap's form of a list of changes, in one piece of memory, freed by free(); NULL without memory. */
struct ldapmod **ldapc_mods_new(const struct ldapc_mod *mods, size_t count, bool add);

/* Appends the entry of a message to a result; false without memory or when it cannot be decoded. */
bool ldapc_entries_take(struct ldapc_entries *entries, struct ldap *ld, struct ldapmsg *msg);
/* Memory of `size` octets that lives as long as the result; NULL when there is none or the result is too large. */
void *ldapc_entries_alloc(struct ldapc_entries *entries, size_t size);
/* A copy of octets with a NUL behind, in the memory of the result; NULL as above. */
char *ldapc_entries_copy(struct ldapc_entries *entries, const void *octets, size_t len);
/* Makes room for one more entry and returns it zeroed, not yet counted; NULL as above. */
struct ldapc_entry *ldapc_entries_next(struct ldapc_entries *entries);

/* ---- SASL (sasl.c) ---- */

struct ldapc_sasl_mechanism {
    const char *name;  /* of the protocol: "SCRAM-SHA-256" */
    const char *plus;  /* the same bound to the channel, where the server lists it; NULL: needs no name of its own */
    bool has_password; /* user and password file */
    bool has_layer;    /* Kerberos: signs and seals what follows */
};

/* The row of a mechanism. */
const struct ldapc_sasl_mechanism *ldapc_sasl_mechanism(enum ldapc_sasl sasl);
/* The security properties (Cyrus SASL) that libldap is given before the bind. */
const char *ldapc_sasl_properties(enum ldapc_sasl sasl, bool tls);

/* What a bind needs. */
struct ldapc_sasl_bind {
    const char *mechanism;
    const char *user, *password; /* NULL: of the credential cache or the connection */
    int (*await)(void *ctx, int id, struct ldapmsg **ret_msg); /* waits for the whole answer to a request; a code of libldap */
    void *ctx;
};

/* True when the server lists the mechanism of `bind`, with -PLUS: bound to the channel (RFC 5802 section 6). */
bool ldapc_sasl_offers_plus(struct ldap *ld, const struct ldapc_sasl_bind *bind);
/* Binds; a code of libldap or the server. */
int ldapc_sasl_bind(struct ldap *ld, const struct ldapc_sasl_bind *bind);

#endif
