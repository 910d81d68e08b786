/*
 * check.h - `sitectl check`: rules with stable ids over what is configured, published and answering. Inside site/server.
 *
 * srv_chk_look runs on the publisher's thread, after a publication in diff mode with `is_check`, whose report it reads;
 * it asks the management points over HTTP until the deadline.
 */
#ifndef SL_SITE_SERVER_CHECK_H
#define SL_SITE_SERVER_CHECK_H

#include "site/publish/publish.h"
#include "site/store/fetch.h"
#include "site/store/neighbour.h"
#include "site/store/systems.h"

/* name, id, severity, text, origin */
#define CHK_RULE_TABLE(X)                                                                                              \
    X(NO_MP, "no-mp", WARNING, "the site has no management point", "S2.05")                                            \
    X(NO_DEFAULT_MP, "no-default-mp", WARNING, "no management point is the default one", "S1.04")                      \
    X(NO_DP, "no-dp", WARNING, "the site has no distribution point", "S2.08")                                          \
    X(EXTRA_MP, "extra-mp", NOTE, "it is neither the default one nor in its cluster, and never used", "S1.23")         \
    X(EMPTY_CLUSTER, "empty-cluster", WARNING, "the cluster has no members", "S1.22")                                  \
    X(MP_SILENT, "mp-not-answering", ERROR, "the management point does not answer", "S1.03")                           \
    X(NEIGHBOUR_SILENT, "neighbour-silent", WARNING, "a site with a database of its own tells us nothing", "S1.27")      \
    X(PACKAGE_MISSING, "package-missing", WARNING, "a distribution point cannot get what lies on it", "S2.09")          \
    X(OVERLAP, "overlapping-boundaries", WARNING, "two sites claim the same clients", "KB2002059")                     \
    X(TARGET_FAILED, "target-failed", ERROR, "a target could not be read", "S1.19")                                    \
    X(NOT_PUBLISHED, "not-published", WARNING, "a target does not hold what it should", "S1.25")                       \
    X(STALE, "stale-object", WARNING, "a target holds what it should not", "KB2002059")                                \
    X(TWO_DEFAULTS, "two-defaults", ERROR, "another management point claims to be the default one", "S1.20")           \
    X(SRV_WITHOUT_HOST, "srv-without-host", ERROR, "the SRV record names a host without an address", "P03")            \
    X(WRONG_REGISTRY, "wrong-registry", ERROR, "registered where no client looks", "cc179878")

enum srv_chk_rule {
#define CHK_RULE_ENUM(name, id, severity, text, origin) CHK_##name,
    CHK_RULE_TABLE(CHK_RULE_ENUM)
#undef CHK_RULE_ENUM
        CHK_RULE_COUNT
};

/* word, worse ones later */
#define CHK_SEVERITY_TABLE(X) X(NOTE, "note") X(WARNING, "warning") X(ERROR, "error")

enum srv_chk_severity {
#define CHK_SEVERITY_ENUM(name, word) CHK_##name,
    CHK_SEVERITY_TABLE(CHK_SEVERITY_ENUM)
#undef CHK_SEVERITY_ENUM
        CHK_SEVERITY_COUNT
};

/* A case of a rule; owns its strings. */
struct srv_chk_finding {
    enum srv_chk_rule rule;
    char *subject, *detail;
};

struct srv_chk_findings {
    struct srv_chk_finding *items;
    size_t count;
};

enum { CHK_FINDINGS_MAX = 1000, CHK_MP_MS = 3000, CHK_ALL_MS = 15000, CHK_SILENCE_S = 86400 };

/* The severity of a word; CHK_SEVERITY_COUNT for none. */
enum srv_chk_severity srv_chk_severity_parse(const char *word);
/* How management points over HTTPS are asked; borrowed files in PEM, each may be NULL. */
struct srv_chk_trust {
    const char *ca;     /* authorities of their certificates; NULL: those of the system */
    const char *client; /* certificate and key to show them */
};

/*
 * True when a management point answers MPLIST1 of the site and MPCERT with 200 (S1.03); else `ret_detail` has what was wrong with
 * which. Any thread.
 */
bool srv_chk_answers(const char *site, const struct sm_mp *mp, const struct srv_chk_trust *trust, struct sl_deadline deadline,
                     char ret_detail[SL_ERROR_TEXT_MAX]);
/* What is looked at; borrowed. */
struct srv_chk_matter {
    const struct sm_snapshot *site;
    const struct sl_strings *overlaps; /* sst_overlaps */
    const struct sst_neighbours *neighbours;
    const struct sst_holding *holdings; /* that are not everywhere they should be */
    size_t holding_count;
    const struct pub_report *report;
    const struct srv_chk_trust *trust;
    int64_t now_s;
};

/* Looks at one site. Freed by srv_chk_fini. */
void srv_chk_look(const struct srv_chk_matter *matter, struct sl_deadline deadline, struct srv_chk_findings *ret_findings);
/* Frees what was found and clears it. */
void srv_chk_fini(struct srv_chk_findings *findings);
/* The cells of a row: rule, severity, subject, text, detail, origin; borrowed from the finding. */
enum { CHK_CELLS = 6 };
extern const char *const srv_chk_columns[CHK_CELLS];
/* Writes them. */
void srv_chk_cells(const struct srv_chk_finding *finding, const char *cells[CHK_CELLS]);
/* True when something found is at least so bad. */
bool srv_chk_reaches(const struct srv_chk_findings *findings, enum srv_chk_severity least);

#endif
