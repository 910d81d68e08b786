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

#include "common/base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The product version whose formats we write: CM2007 SP2 (facts 2.4, mSSMSVersion and <Version>). */
#define SM_SITE_VERSION "4.00.6487.2000"
enum { SM_SITE_BUILD = 6487 };

enum {
    SM_CODE_LEN = 3,
    SM_HOST_MAX = 253,     /* octets of a host name */
    SM_AD_SITE_MAX = 64,   /* octets of an AD site name */
    SM_PACKAGE_ID_MAX = 64,
    SM_URL_MAX = 1024,
    SM_HTTP_PORT = 80,
    SM_ADDRESS_KEY_LEN = 16,
    SM_SHA256_SIZE = 65,     /* 64 hexadecimal digits, lower case, and the NUL */
    SM_FILE_PATH_MAX = 1024, /* octets of the path of a file in a package */
};

/* The site itself. */
struct sm_site {
    char *code;     /* three characters A-Z 0-9 */
    char *domain;   /* DNS domain of the site's hosts: "example.org" */
    char *forest;   /* DNS name of the forest, the same as the domain unless given (mSSMSSourceForest) */
    char *server;   /* host name of the one site server */
    char *database; /* host name of the one site database server */
    char *root_key;      /* public half of the trusted root key, hexadecimal (locator/net/proof.h); NULL while there is none */
    char *certificate;   /* of the root key, likewise */
    bool is_unpublished; /* stays off its targets, registries too, until somebody publishes it again */
};

/* A management point. Compared by host name, case-insensitively. */
struct sm_mp {
    char *host;       /* FQDN as configured */
    char *address;    /* numeric IPv4 or IPv6 text, without a port */
    uint32_t ip4;     /* the same in host byte order, 0 when it is IPv6 (then it has no NetBIOS side) */
    uint16_t port;    /* HTTP */
    bool is_default;
    bool is_nlb;      /* the virtual address of a cluster (S1.22) */
    char *certificate; /* signed by the root key, hexadecimal; NULL while there is none */
};

/* A distribution point is a URL. */
struct sm_dp {
    char *host;
    char *url; /* ends in '/' */
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
};

/* A package and the distribution points that hold it. */
struct sm_package {
    char *id;
    uint32_t version;
    struct sm_dp **dps; /* borrowed from the snapshot's list of distribution points */
    size_t dp_count;
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
    struct sm_target *targets; /* in the order they were added */
    size_t target_count;
    struct sl_strings caps; /* host names of the client access points, sorted (S1.09) */
    char *slp;              /* host name of the server locator point; NULL when it is not in this site */
};

/* Frees a snapshot and all it owns; NULL is accepted. */
void sm_snapshot_free(struct sm_snapshot *snapshot);
/* Frees the strings of one part and clears it. */
void sm_site_fini(struct sm_site *site);
void sm_mp_fini(struct sm_mp *mp);             /* likewise */
void sm_dp_fini(struct sm_dp *dp);             /* likewise */
void sm_boundary_fini(struct sm_boundary *b);  /* likewise */
void sm_target_fini(struct sm_target *target); /* likewise */
void sm_manifest_fini(struct sm_manifest *m);   /* likewise */

/* The default management point, or NULL when the site has none (S1.26). */
const struct sm_mp *sm_default_mp(const struct sm_snapshot *snapshot);
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
/* A management point from text; the address is a numeric unicast IPv4 or IPv6 address without a port; port 1 to 65535. */
enum sl_status sm_mp_make(const char *host, const char *address, int64_t port, struct sm_mp *ret_mp, struct sl_error *e) SL_MUST;
/* A distribution point; without `url` it is http://HOST/SMS_DP_SMSPKG$/. A missing final '/' is added. */
enum sl_status sm_dp_make(const char *host, const char *url, struct sm_dp *ret_dp, struct sl_error *e) SL_MUST;
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
/* Checks the URI's scheme and that the credential flags fit together (a password file needs a bind DN, and so on). */
enum sl_status sm_check_target(const struct sm_target *target, struct sl_error *e) SL_MUST;

#endif
