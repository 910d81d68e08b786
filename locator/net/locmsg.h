/*
 * locmsg.h - the location messages of a management point as plain structs, and their XML both ways.
 *
 *   ContentLocationRequest   which distribution points hold package P, version V, for a client that is here?
 *   ContentLocationReply     per site whose boundaries hold the client: its distribution points
 *   LocalMPLocationRequest   which sites is this client in? The reply names their codes, whose management points the client finds
 *   LocalMPLocationReply     itself; written by us, not asked for, since the locator asks the directory or a server locator point
 *   MPList                   GET /SMS_MP/.sms_aut?MPLIST: the management points of a site
 *
 * Shapes: facts sms.md 5.1 and 5.4 (official in the CM2007 SDK). Readers take the supersets seen on current branch and ignore
 * what they do not know; elements are found by local name. Writers write the documented minimum. The XML is UTF-8 without
 * declaration; ccm.h puts the first two into an envelope.
 *
 * Everything read is hostile: text longer than its field, a site code that is none, more items than the limit are SL_MALFORMED
 * (SL_LIMIT for counts) with the place. Values are data, never parts of SQL, filters or paths. Pure: no input or output, any
 * thread. Structs own what they point to; _fini frees it and accepts a struct that is all zero.
 */
#ifndef SL_LOCATOR_NET_LOCMSG_H
#define SL_LOCATOR_NET_LOCMSG_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LOC_XML_MAX = 512 << 10,     /* octets of a message as UTF-8 */
    LOC_CODE_MAX = 4,            /* a site code and its NUL */
    LOC_PACKAGE_MAX = 65,        /* a package id and its NUL */
    LOC_NAME_MAX = 256,          /* host, AD site, forest, domain name */
    LOC_ADDRESS_MAX = 46,        /* numeric IPv4 or IPv6 text */
    LOC_URL_MAX = 1024,
    LOC_VERSION_MAX = 32,        /* "6487" */
    LOC_ADDRESSES_PER_CLIENT = 32,
    LOC_SITES_PER_REPLY = 64,
    LOC_RECORDS_PER_SITE = 1024,
    LOC_SUBNETS_PER_RECORD = 64,
    LOC_MPS_PER_LIST = 1024,
};

/* One address of the client with the id of its subnet (address AND mask); "" where unknown. */
struct loc_client_address {
    char subnet[LOC_ADDRESS_MAX];
    char address[LOC_ADDRESS_MAX];
};

/* ContentLocationRequest */
struct loc_content_request {
    char package[LOC_PACKAGE_MAX];
    uint32_t version;          /* 0: any (the attribute is absent or empty) */
    char site[LOC_CODE_MAX];   /* AssignedSite/@SiteCode */
    char ad_site[LOC_NAME_MAX];
    char forest[LOC_NAME_MAX]; /* current branch; "" when absent */
    char domain[LOC_NAME_MAX]; /* likewise */
    size_t address_count;
    struct loc_client_address addresses[LOC_ADDRESSES_PER_CLIENT];
};

/* value of SiteLocality: word as written; read without regard to case. Best first. */
#define LOC_LOCALITY_TABLE(X)                                                                                          \
    X(LOCAL, "LOCAL")       /* the client is inside local roaming boundaries */                                        \
    X(REMOTE, "REMOTE")     /* inside remote (slow) roaming boundaries */                                              \
    X(FALLBACK, "FALLBACK") /* the answer of the assigned site for a client that is in none */

enum loc_locality {
#define LOC_LOCALITY_ENUM(name, word) LOC_##name,
    LOC_LOCALITY_TABLE(LOC_LOCALITY_ENUM)
#undef LOC_LOCALITY_ENUM
        LOC_LOCALITY_COUNT
};

/* LocationRecord: one distribution point. Strings are NULL when absent, malloc'd otherwise. */
struct loc_record {
    char *url;                  /* URL/@Name: "http://dp/SMS_DP_SMSPKG$/P01.2/" */
    char *smb_path;             /* SMBPath: "\\\\dp\\share" */
    char *server;               /* ServerRemoteName */
    char *ad_site;              /* ADSite/@Name */
    char **subnets;             /* IPSubnets/IPSubnet/@Address */
    size_t subnet_count;
    enum loc_locality locality; /* Locality; that of the site when absent */
};

/* Site */
struct loc_site {
    char code[LOC_CODE_MAX];        /* MPSite/@SiteCode */
    char master_code[LOC_CODE_MAX]; /* MPSite/@MasterSiteCode: the assignment site */
    enum loc_locality locality;     /* MPSite/@SiteLocality */
    struct loc_record *records;
    size_t record_count;
};

/* ContentLocationReply. No site, or only sites without records, means that the package is nowhere to be had. */
struct loc_content_reply {
    struct loc_site *sites;
    size_t site_count;
};

/* MP of an MPList. */
struct loc_mp {
    char name[LOC_NAME_MAX];      /* @Name */
    char fqdn[LOC_NAME_MAX];      /* @FQDN */
    char site[LOC_CODE_MAX];      /* @SiteCode, MPLIST1 only; "" leaves it out */
    char version[LOC_VERSION_MAX]; /* Version: the build, "6487" */
    uint32_t ssl_state;           /* Capabilities/Property[@Name='SSLState']/@Value; 0 = HTTP */
};

struct loc_mp_list {
    struct loc_mp *items;
    size_t count;
};

/* "LOCAL", "REMOTE", "FALLBACK". */
const char *loc_locality_word(enum loc_locality locality);

/* Which request of MP_LocationManager. */
enum loc_question { LOC_CONTENT, LOC_LOCAL_MP };
/*
 * Reads either request, by its element; a LocalMPLocationRequest leaves package and version empty. Nothing is allocated.
 * SL_MALFORMED names an element that is neither.
 */
enum sl_status loc_request_read(const char *xml, size_t len, enum loc_question *ret_question,
                                struct loc_content_request *ret_request, struct sl_error *e) SL_MUST;
/* Appends a ContentLocationRequest to `out`; a failure is sticky there (sl_text_failed). */
void loc_content_request_write(const struct loc_content_request *request, struct sl_text *out);

/* Reads and writes a ContentLocationReply; the caller owns *ret_reply (loc_content_reply_fini). */
enum sl_status loc_content_reply_read(const char *xml, size_t len, struct loc_content_reply *ret_reply,
                                      struct sl_error *e) SL_MUST;
void loc_content_reply_write(const struct loc_content_reply *reply, struct sl_text *out); /* as above */
/* Appends a LocalMPLocationReply: the sites of the reply without their records. */
void loc_local_mp_reply_write(const struct loc_content_reply *reply, struct sl_text *out);
/* Appends a site; the pointer is valid until the next one is added. SL_LIMIT beyond LOC_SITES_PER_REPLY. */
enum sl_status loc_content_reply_add_site(struct loc_content_reply *reply, const char *code, const char *master_code,
                                          enum loc_locality locality, struct loc_site **ret_site, struct sl_error *e) SL_MUST;
/* Appends a distribution point to a site; `server` may be NULL. SL_LIMIT beyond LOC_RECORDS_PER_SITE. */
enum sl_status loc_site_add_record(struct loc_site *site, const char *url, const char *server, struct loc_record **ret_record,
                                   struct sl_error *e) SL_MUST;
/* Frees what the reply owns and clears it. */
void loc_content_reply_fini(struct loc_content_reply *reply);

/* Reads and writes an MPList; the caller owns *ret_list (loc_mp_list_fini). */
enum sl_status loc_mp_list_read(const char *xml, size_t len, struct loc_mp_list *ret_list, struct sl_error *e) SL_MUST;
void loc_mp_list_write(const struct loc_mp_list *list, struct sl_text *out); /* as above */
/* Appends a copy of a management point. SL_LIMIT beyond LOC_MPS_PER_LIST. */
enum sl_status loc_mp_list_add(struct loc_mp_list *list, const struct loc_mp *mp, struct sl_error *e) SL_MUST;
/* Frees what the list owns and clears it. */
void loc_mp_list_fini(struct loc_mp_list *list);

#endif
