/*
 * ldap.h - inside the directory source only: what its files share.
 */
#ifndef SL_LOCATOR_SOURCE_LDAP_H
#define SL_LOCATOR_SOURCE_LDAP_H

#include "locator/net/ldapc.h"
#include "locator/source/source.h"

enum { SRC_LDAP_FILTER_MAX = 64 << 10, SRC_LDAP_QUICK_LOOKS = 3 };

/*
 * Where entries come from (X10). OpenLDAP tells it in entryCSN, "TIME#COUNT#SID#MOD" in hexadecimal: the number of the server
 * that took the last write, 0 where it does not replicate. Active Directory tells it in replPropertyMetaData ([MS-DRSR] 5.162):
 * of each attribute who wrote it last, by an id that the configuration of the forest knows. The newest of all rows counts,
 * whichever attribute it is of, as in entryCSN; which number an attribute of the extension has there is up to each controller.
 */
#define SRC_ENTRY_CSN "entryCSN"
#define SRC_METADATA "replPropertyMetaData"
enum { SRC_WRITER_ID = 16 };

/* Of the entries of a question; all zero at its begin. */
struct src_origins {
    bool asked;                   /* for the servers */
    struct ldapc_entries servers; /* Active Directory: of class nTDSDSA, and server */
};

/*
 * Learns from what a search found: whether the directory has several writers, for `a`, and once the servers of an Active
 * Directory, which is a step of `a` that takes half of the time left at most. That they cannot be read is no failure.
 */
void src_ldap_origins_learn(struct ldapc *dir, const struct ldapc_entries *found, struct sl_deadline deadline,
                            struct src_answer *a, struct src_origins *origins);
/* Frees what was learned. */
void src_ldap_origins_fini(struct src_origins *origins);
/*
 * The server that took the last write of an entry: "sid 002", or "dc1.example.com", or the id as a GUID when no server has it. ""
 * when the directory does not tell.
 */
void src_ldap_origin(const struct src_origins *origins, const struct ldapc_entry *entry, char ret_origin[LM_ORIGIN_MAX]);
/* The id of the writer of the newest row of a replPropertyMetaData, in its order of octets; false when it is none. */
bool src_ldap_newest_writer(const void *metadata, size_t len, uint8_t ret_id[SRC_WRITER_ID]);
/*
 * Reads a management point object. What is odd about it becomes a warning of `a`; it is of use all the same, unless what it names
 * is no host: false.
 */
bool src_ldap_mp(const struct ldapc_entry *entry, struct lm_mp *ret_mp, struct src_answer *a);
/* Every published object of a kind (ldap_objects.c). */
void src_ldap_ask_objects(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a);
/* Adds the objects of `kind` that an entry stands for: one, none, or, of boundaries, one for each value. */
void src_ldap_objects(const struct ldapc_entry *entry, enum lm_object_kind kind, const struct src_origins *origins, int64_t now_s,
                      struct src_answer *a);
/*
 * The answer of a directory to a question that supposes it without the schema (X08); false when the question supposes nothing,
 * and the directory is to be asked.
 */
bool src_ldap_supposed(const struct src_question *q, struct src_answer *a);
/* Says that something of the forest `forest` does not serve the client (F1). */
void src_ldap_say_foreign(const char *what, const char *forest, const struct src_question *q, struct src_answer *a);
/* Seconds since the entry was changed, SRC_AGE_UNKNOWN when the server does not tell. */
int64_t src_ldap_age(const struct ldapc_entry *entry, int64_t now_s);
/*
 * One search below the container, noted in `a` as `asked`. True when there is a result (the caller frees it); a failure has been
 * said in `a`. An absent container is an empty result.
 */
bool src_ldap_search(struct ldapc *dir, const char *filter, const char *const *attrs, const char *asked,
                     struct sl_deadline deadline, struct src_answer *a, struct ldapc_entries *ret_entries);
/* Connects and puts the question to the directory: the whole `ask` of a source that is one. */
void src_ldap_ask(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a);
/* Puts the question to a directory that is connected, or a dump. */
void src_ldap_question(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a);
/* Finds the default management point of `site` and says so. */
void src_ldap_ask_mp(struct ldapc *dir, const struct src_question *q, const char *site, struct sl_deadline deadline,
                     struct src_answer *a);
/*
 * S1.20: a designation clears one default before it names the next, and servers that merge two sides carry both writes over one
 * by one. Lets some time pass after look number `looks` (the first is 0), as a step of `a`: 0.3 s with all looks together, 5 s
 * where the directory has several writers. False when it is time to say that there is none, when no time is left, or the call is
 * canceled.
 */
bool src_ldap_wait_for_default(size_t looks, struct sl_deadline deadline, struct src_answer *a);
/* Finds the site of the client, or the site of a code, and says so (ldap_site.c). */
void src_ldap_ask_site(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a);
/*
 * Says why a search found nothing of what was asked, by probing: a search alone never tells (directory.md 2). `missing` is what
 * the caller looked for, as in "site P01".
 */
void src_ldap_say_absent(struct ldapc *dir, const char *missing, struct sl_deadline deadline, struct src_answer *a);
/* After a search that failed: when it was refused, probes all the same, since a directory without the schema has nothing to
 * hide. */
void src_ldap_say_unreadable(struct ldapc *dir, const char *missing, struct sl_deadline deadline, struct src_answer *a);

#endif
