/*
 * site.h - a site as plain data: what the database holds, what is published, what the management point serves.
 *
 * A struct sm_snapshot is one consistent picture of one site, read in one transaction (sst_snapshot) and never changed
 * afterwards. It owns everything below it; sm_snapshot_free frees it all. Strings are never NULL unless said so. Pure: no input
 * or output.
 *
 * The checks (sm_check_...) are the only judges of what may be stored; the database repeats the constraints that concern
 * several rows (S1.08: at most one default management point; S2.02, S2.04: one site server, one site database).
 */
#ifndef SL_SITE_MODEL_SITE_H
#define SL_SITE_MODEL_SITE_H

#include "common/base/addr.h"
#include "common/base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The product version whose formats we write: CM2007 SP2 (facts 2.4, mSSMSVersion and <Version>). */
#define SM_SITE_VERSION "4.00.6487.2000"
enum { SM_SITE_BUILD = 6487 };

enum {
    SM_CODE_LEN = 3,
    SM_HOST_MAX = SL_HOST_MAX, /* octets of a host name */
    SM_AD_SITE_MAX = 64,   /* octets of an AD site name */
    SM_PACKAGE_ID_MAX = 64,
    SM_URL_MAX = 1024,
    SM_SERVER_URL_MAX = 255,
    SM_HTTP_PORT = 80,
    SM_HTTPS_PORT = 443,
    SM_ADDRESS_KEY_LEN = 16,
    SM_ROLE_MAX = 32,
    SM_PROGRAM_MAX = 64,
    SM_CLIENT_MAX = 64,
    SM_SHA256_SIZE = 65,     /* 64 hexadecimal digits, lower case, and the NUL */
    SM_FILE_PATH_MAX = 1024, /* octets of the path of a file in a package */
};

/* word. A central site is above all others of its hierarchy, below a secondary one there is none. */
#define SM_SITE_KIND_TABLE(X) X(PRIMARY, "primary") X(CENTRAL, "central") X(SECONDARY, "secondary")

enum sm_site_kind {
#define SM_SITE_KIND_ENUM(name, word) SM_SITE_##name,
    SM_SITE_KIND_TABLE(SM_SITE_KIND_ENUM)
#undef SM_SITE_KIND_ENUM
        SM_SITE_KIND_COUNT
};

/* The site itself. */
struct sm_site {
    char *code;     /* three characters A-Z 0-9 */
    enum sm_site_kind kind;
    char parent[SM_CODE_LEN + 1];     /* "" when it has none */
    char assignment[SM_CODE_LEN + 1]; /* the site that its clients are assigned to: itself, or the parent of a secondary one */
    char *assignment_server;          /* host name of the site server of that one, which what clients report goes to */
    char root[SM_CODE_LEN + 1];       /* the top of its hierarchy, perhaps itself */
    char *domain;   /* DNS domain of the site's hosts: "example.org" */
    char *forest;   /* DNS name of the forest, the same as the domain unless given (mSSMSSourceForest) */
    char *server;   /* host name of the one site server */
    char *database; /* host name of the one site database server */
    char *root_key;      /* public half of the trusted root key, hexadecimal (locator/net/proof.h); NULL while there is none */
    char *certificate;   /* of the root key, likewise */
    bool is_unpublished; /* stays off its targets, registries too, until somebody publishes it again */
};

/* word. One server, or the virtual address of a cluster of them (S1.06, S1.22). */
#define SM_MP_KIND_TABLE(X) X(SINGLE, "single") X(NLB, "nlb")

enum sm_mp_kind {
#define SM_MP_KIND_ENUM(name, word) SM_MP_##name,
    SM_MP_KIND_TABLE(SM_MP_KIND_ENUM)
#undef SM_MP_KIND_ENUM
        SM_MP_KIND_COUNT
};

/* word. Where a management point reads (S1.05); "" is as its sited was started: the replica when it has one. */
#define SM_DATA_TABLE(X) X(ANY, "") X(SITE, "site") X(REPLICA, "replica")

enum sm_data {
#define SM_DATA_ENUM(name, word) SM_DATA_##name,
    SM_DATA_TABLE(SM_DATA_ENUM)
#undef SM_DATA_ENUM
        SM_DATA_COUNT
};

/* The public key of a management point on a host of its own, hexadecimal, and the certificate for it. */
struct sm_mp_key {
    char *owner; /* host name of the management point that has the private half: itself, or a member of the cluster */
    char *key;
    char *certificate; /* NULL while there is none */
};

/* A management point. Compared by host name, case-insensitively. */
struct sm_mp {
    char *host;       /* FQDN as configured */
    char *address;    /* numeric IPv4 or IPv6 text, without a port */
    uint32_t ip4;     /* the same in host byte order, 0 when it is IPv6 (then it has no NetBIOS side) */
    uint16_t port;
    bool is_https;    /* clients reach it over TLS alone (native mode); else HTTP */
    bool is_default;
    bool is_nlb;      /* the virtual address of a cluster (S1.22) */
    char **members;   /* of a cluster: host names of management points of the site */
    size_t member_count;
    enum sm_data data;
    char *certificate; /* signed by the root key, hexadecimal; NULL while there is none */
    struct sm_mp_key *keys; /* by owner; none: it is on the machine of the site server, or has a copy of its key file */
    size_t key_count;
};

/* A distribution point is a URL. */
struct sm_dp {
    char *host;
    char *url;                       /* ends in '/' */
    struct sm_boundary **boundaries; /* it is protected: for clients inside these alone; borrowed from the snapshot's list */
    size_t boundary_count;           /* 0: not protected */
};

/*
 * word, title, where it is kept: SITE is a column of the site (exactly one, S2.02 S2.04), OWN has verbs and a table of its own,
 * OPEN is a row of the role list, as is every other word (S2.07). Of server locator points a database has one.
 */
#define SM_ROLE_TABLE(X)                                                                                               \
    X("server", "site server", SITE)                                                                                   \
    X("database", "site database server", SITE)                                                                        \
    X("mp", "management point", OWN)                                                                                   \
    X("dp", "distribution point", OWN)                                                                                 \
    X("slp", "server locator point", OPEN)                                                                             \
    X("cap", "client access point", OPEN)                                                                              \
    X("rp", "reporting point", OPEN)                                                                                   \
    X("fsp", "fallback status point", OPEN)                                                                            \
    X("sup", "software update point", OPEN)                                                                            \
    X("pxe", "PXE service point", OPEN)                                                                                \
    X("smp", "state migration point", OPEN)                                                                            \
    X("shv", "system health validator point", OPEN)

/* A host and one of its roles; a host may have many, a role may be on many hosts (S2.09). */
struct sm_role {
    char *host;
    char *role; /* a word of the table, or any other */
};

/* kind, word of the command line and of the database, help */
#define SM_BOUNDARY_TABLE(X)                                                                                           \
    X(SUBNET, "subnet", "an IPv4 subnet a.b.c.d/len")                                                                  \
    X(RANGE, "range", "an inclusive IPv4 range a.b.c.d-e.f.g.h")                                                       \
    X(AD_SITE, "ad-site", "the name of an Active Directory site")                                                      \
    X(IPV6_PREFIX, "ipv6-prefix", "an IPv6 prefix 2001:db8::/32")

enum sm_boundary_kind {
#define SM_BOUNDARY_ENUM(name, word, help) SM_BOUNDARY_##name,
    SM_BOUNDARY_TABLE(SM_BOUNDARY_ENUM)
#undef SM_BOUNDARY_ENUM
        SM_BOUNDARY_COUNT
};

struct sm_boundary {
    enum sm_boundary_kind kind;
    char *value;        /* canonical text: "10.1.0.0/16", "10.1.0.1-10.1.0.99", "Berlin", "2001:db8::/32" */
    uint32_t low, high; /* first and last address of SUBNET and RANGE, host byte order, compared unsigned; else 0 */
    bool is_slow;       /* SLOW of CM2007, a remote roaming boundary of SMS 2003 (facts sms.md 7) */
};

/* A package and the distribution points that hold it. */
struct sm_package {
    char *id;
    uint32_t version;
    char source[SM_CODE_LEN + 1]; /* the site that it comes from; "": this one */
    struct sm_dp **dps; /* borrowed from the snapshot's list of distribution points */
    size_t dp_count;
};

/* A program of a package, offered to clients (S1.14). */
struct sm_advertisement {
    char *id;
    char *package;
    char *program;
    char **clients; /* their ids or names; none: for all clients of the site */
    size_t client_count;
};

/* A file of a package: its path below the package ("setup/app.msi"), never empty, absolute or with "." or ".." in it. */
struct sm_file {
    char *path;
    uint64_t size;
    char sha256[SM_SHA256_SIZE];
};

/* The files of a package by path, and the hash over all of them (cnt_manifest_hash). */
struct sm_manifest {
    char sha256[SM_SHA256_SIZE];
    size_t count;
    struct sm_file *files;
};

/* scheme of the URI, kind, what follows */
#define SM_TARGET_TABLE(X)                                                                                             \
    X("ldap://", DIRECTORY, "HOST[:PORT][/BASE]")                                                                      \
    X("ldaps://", DIRECTORY, "HOST[:PORT][/BASE]")                                                                     \
    X("ldapi://", DIRECTORY, "%2Fpath[/BASE]")                                                                         \
    X("wins://", REGISTRY, "HOST[:PORT]") /* the management point's own host registers its names there */              \
    X("winsd://", STATIC, "PATH")         /* static names, through the control socket of a winsd */                    \
    X("dns://", DNS, "HOST[:PORT]/ZONE")  /* dynamic update */                                                         \
    X("ldif:", LDIF, "PATH")              /* from here on: files, for an administrator who applies them by hand */     \
    X("zone:", ZONE, "PATH")                                                                                           \
    X("lmhosts:", NAMES, "PATH")                                                                                       \
    X("winsdat:", NAMES, "PATH")                                                                                       \
    X("netsh:", NAMES, "PATH")

enum sm_target_kind {
    SM_TARGET_DIRECTORY,
    SM_TARGET_REGISTRY,
    SM_TARGET_STATIC,
    SM_TARGET_DNS,
    SM_TARGET_LDIF,
    SM_TARGET_ZONE,
    SM_TARGET_NAMES,
    SM_TARGET_UNKNOWN,
};

/*
 * A place to publish to. Strings other than `uri` are NULL when not given; they are the credential flags of struct
 * ldapc_options (locator/net/ldapc.h) as text, and the secret itself is never stored, only the name of its file.
 */
struct sm_target {
    char *uri;
    char *base;
    char *container;
    char *bind_dn;
    char *password_file;
    char *sasl; /* a word of ldapc_sasl_words but "none" */
    char *ca;
    char *cert, *key;   /* the certificate to show inside TLS */
    char *tsig_key;     /* file of the key for a DNS server */
    char *slp;          /* IPv4 address to register as SMS_SLP: only by hand, once in a registry (facts sms.md 3) */
    bool starttls;
    bool transactions;  /* write all at once (RFC 5805) where the directory can */
    int64_t timeout_ms; /* 0: the default */
};

struct sm_snapshot {
    int64_t generation; /* of the database when it was read */
    struct sm_site site;
    struct sm_mp *mps; /* by host name */
    size_t mp_count;
    struct sm_dp *dps; /* by host name */
    size_t dp_count;
    struct sm_boundary *boundaries; /* by kind and value */
    size_t boundary_count;
    struct sm_package *packages; /* by id */
    size_t package_count;
    int64_t packages_changed; /* the number of the last change of its own ones (site/store/flow.h); 0: never any */
    struct sm_target *targets; /* in the order they were added */
    size_t target_count;
    struct sl_strings caps; /* host names of the client access points, sorted (S1.09) */
    char *slp;              /* host name of the server locator point; NULL when it is not in this site */
    struct sm_role *roles; /* the open ones, those two among them, by host and role */
    size_t role_count;
    struct sm_advertisement *advertisements; /* by id */
    size_t advertisement_count;
};

/* Frees a snapshot and all it owns; NULL is accepted. */
void sm_snapshot_free(struct sm_snapshot *snapshot);
/* Frees the strings of one part and clears it. */
void sm_site_fini(struct sm_site *site);
void sm_mp_fini(struct sm_mp *mp);             /* likewise */
void sm_dp_fini(struct sm_dp *dp);             /* likewise */
void sm_advertisement_fini(struct sm_advertisement *a); /* likewise */
void sm_boundary_fini(struct sm_boundary *b);  /* likewise */
void sm_target_fini(struct sm_target *target); /* likewise */
void sm_manifest_fini(struct sm_manifest *m);   /* likewise */

/* The default management point, or NULL when the site has none (S1.26). */
const struct sm_mp *sm_default_mp(const struct sm_snapshot *snapshot);
/* The management point of this host name, case-insensitively, or NULL. */
const struct sm_mp *sm_find_mp(const struct sm_snapshot *snapshot, const char *host);
/* The boundary of this kind and canonical value, or NULL. */
struct sm_boundary *sm_find_boundary(const struct sm_snapshot *snapshot, enum sm_boundary_kind kind, const char *value);
/* True when a management point can be used at all: it is the default one, or a member of the cluster that is (S1.23). */
bool sm_mp_is_used(const struct sm_snapshot *snapshot, const struct sm_mp *mp);
/* The picture as it would be with this management point as the default one (NULL: none); SL_USAGE when there is no such host. */
enum sl_status sm_designate(struct sm_snapshot *snapshot, const char *host, struct sl_error *e) SL_MUST;
/* The cluster to designate: the one named, or the only one when `host` is NULL; one without members is SL_CONFLICT (S1.22). */
enum sl_status sm_choose_cluster(const struct sm_snapshot *snapshot, const char *host, const struct sm_mp **ret_mp,
                                 struct sl_error *e) SL_MUST;
/* The distribution point of this host name, case-insensitively, or NULL. */
const struct sm_dp *sm_find_dp(const struct sm_snapshot *snapshot, const char *host);
/* The kind of a target; SM_TARGET_UNKNOWN for a URI that is in no row of the table. */
enum sm_target_kind sm_target_kind(const struct sm_target *target);
/* What stands behind the scheme of its URI. */
const char *sm_target_place(const struct sm_target *target);
/* True when the target is a name registry where the management point's own host registers ("wins:" URI). */
bool sm_target_is_registry(const struct sm_target *target);

/* Three characters A-Z 0-9; lower case is refused so that nothing is stored in two spellings. Errors are SL_USAGE. */
enum sl_status sm_check_code(const char *code, struct sl_error *e) SL_MUST;
/* Letters, digits, '-', '_' in labels of 1 to 63 octets, at most SM_HOST_MAX; `what` names the value in the error. */
enum sl_status sm_check_host(const char *what, const char *host, struct sl_error *e) SL_MUST;
/* 1 to SM_PACKAGE_ID_MAX characters out of letters, digits and "-_.:{}". */
enum sl_status sm_check_package_id(const char *id, struct sl_error *e) SL_MUST;
/* A site of these parts, the forest the domain when NULL, the database on the site server when NULL. */
enum sl_status sm_site_make(const char *code, const char *domain, const char *forest, const char *server, const char *database,
                            struct sm_site *ret_site, struct sl_error *e) SL_MUST;
/* A management point over HTTP from text; the address is a numeric unicast IPv4 or IPv6 one without a port; port 1 to 65535. */
enum sl_status sm_mp_make(const char *host, const char *address, int64_t port, struct sm_mp *ret_mp, struct sl_error *e) SL_MUST;
/* A distribution point; without `url` it is http://HOST/SMS_DP_SMSPKG$/. A missing final '/' is added. */
enum sl_status sm_dp_make(const char *host, const char *url, struct sm_dp *ret_dp, struct sl_error *e) SL_MUST;
/* An advertisement of these parts, for all clients when `client_count` is 0. */
enum sl_status sm_advertisement_make(const char *id, const char *package, const char *program, const char *const *clients,
                                     size_t client_count, struct sm_advertisement *ret_ad, struct sl_error *e) SL_MUST;
/* A role for the open list: 1 to SM_ROLE_MAX of a-z 0-9 and '-'. One that is kept elsewhere is SL_USAGE and says where. */
enum sl_status sm_check_role(const char *role, struct sl_error *e) SL_MUST;
/* "server locator point" of a well known word, "" of another. */
const char *sm_role_title(const char *role);
/* The kind of site of a word; SM_SITE_KIND_COUNT for none. */
enum sm_site_kind sm_site_kind_parse(const char *word);
/* Its word. */
const char *sm_site_kind_word(enum sm_site_kind kind);
/* The kind of a management point of a word; SM_MP_KIND_COUNT for none. */
enum sm_mp_kind sm_mp_kind_parse(const char *word);
/* The word of its kind. */
const char *sm_mp_kind_word(const struct sm_mp *mp);
/* Where data is read, of a word; SM_DATA_COUNT for none. */
enum sm_data sm_data_parse(const char *word);
/* Its word. */
const char *sm_data_word(enum sm_data data);
/* The kind of a word of SM_BOUNDARY_TABLE, or SM_BOUNDARY_COUNT. */
enum sm_boundary_kind sm_boundary_kind_parse(const char *word);
/* The word of a kind. */
const char *sm_boundary_word(enum sm_boundary_kind kind);
/* A boundary in canonical form. Host bits that are set, reversed ranges and prefixes out of bounds are SL_USAGE. */
enum sl_status sm_boundary_make(enum sm_boundary_kind kind, const char *value, struct sm_boundary *ret_boundary,
                                struct sl_error *e) SL_MUST;
/* The 16 octets by which addresses are compared, IPv4 as ::ffff:a.b.c.d; false when the text is no numeric address. */
bool sm_address_key(const char *text, uint8_t ret_key[SM_ADDRESS_KEY_LEN]);
/* The first and the last key inside a boundary; false for an AD site, which has none. */
bool sm_boundary_keys(const struct sm_boundary *boundary, uint8_t ret_low[SM_ADDRESS_KEY_LEN],
                      uint8_t ret_high[SM_ADDRESS_KEY_LEN]);
/* "http://HOST[:PORT]" of a site server, and no path. */
enum sl_status sm_check_server_url(const char *url, struct sl_error *e) SL_MUST;
/* Checks the URI's scheme and that the credential flags fit together (a password file needs a bind DN, and so on). */
enum sl_status sm_check_target(const struct sm_target *target, struct sl_error *e) SL_MUST;

#endif
