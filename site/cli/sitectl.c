#include "site/cli/sitectl.h"

#include "common/base/clock.h"
#include "common/cli/remote.h"
#include "locator/net/ldapc.h"
#include "site/cli/database.h"
#include "site/cli/key.h"
#include "site/cli/policy.h"
#include "site/cli/schema.h"
#include "site/server/keys.h"
#include "site/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Longest silence of the site server: publications before ours may wait for dead directories. */
enum { REMOTE_TIMEOUT_MS = 180000 };

struct values {
    struct cli_common common; /* first */
    char *db, *control, *site;
};

static const struct sl_option options[] = {
    {.name = "control", .type = SL_OPT_STRING, .offset = offsetof(struct values, control), .arg = "PATH",
     .fallback = "/run/sitelocator/sited.sock", .help = "Control socket of the sited to ask"},
    {.name = "site", .type = SL_OPT_STRING, .offset = offsetof(struct values, site), .arg = "CODE",
     .help = "The site meant, when the database holds several"},
    {.name = "db", .type = SL_OPT_STRING, .offset = offsetof(struct values, db), .arg = "FILE",
     .fallback = "/var/lib/sitelocator/site.db", .flags = SL_OPT_PATH,
     .help = "Site database, a file or postgresql://..., for init and db"},
};

/* ---- init ------------------------------------------------------------------------------------------------------------- */

struct init_values {
    char *domain, *forest, *server, *database, *state;
};

static const struct sl_option init_options[] = {
    {.name = "domain", .type = SL_OPT_STRING, .offset = offsetof(struct init_values, domain), .arg = "DNS",
     .help = "DNS domain of the site's hosts"},
    {.name = "server", .type = SL_OPT_STRING, .offset = offsetof(struct init_values, server), .arg = "HOST",
     .help = "Host name of the site server"},
    {.name = "forest", .type = SL_OPT_STRING, .offset = offsetof(struct init_values, forest), .arg = "DNS",
     .help = "DNS name of the forest, when it is not the domain"},
    {.name = "database", .type = SL_OPT_STRING, .offset = offsetof(struct init_values, database), .arg = "HOST",
     .help = "Host name of the site database server, when it is not the site server"},
    {.name = "state", .type = SL_OPT_STRING, .offset = offsetof(struct init_values, state), .arg = "DIR", .flags = SL_OPT_PATH,
     .help = "Folder for the key of the site, as sited has it"},
};

static void tell_site(struct cli_call *call, const struct sm_site *site)
{
    static const struct cli_column columns[] = {
        {"site", CLI_TEXT}, {"domain", CLI_TEXT}, {"forest", CLI_TEXT}, {"server", CLI_TEXT}, {"database", CLI_TEXT},
        {"file", CLI_TEXT},
    };
    const struct values *values = call->values;
    const char *const cells[] = {site->code, site->domain, site->forest, site->server, site->database, values->db};
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), true);
    cli_doc_row(call->doc, cells);
}

static enum sl_status init_site(const char *path, const char *folder, const struct sm_site *site, struct sl_error *e)
{
    struct sst *store;
    char state[PATH_MAX];
    if (!sst_state(path, folder, state, sizeof state))
        return sl_fail(e, SL_USAGE, "--state: the name is too long");
    enum sl_status status = sst_open(path, SST_CREATE, &store, e);
    if (status != SL_OK)
        return status;
    status = sst_init_site(store, site, e);
    if (status == SL_OK)
        status = srv_keys_certify(store, state, site->code, SRV_CERTIFICATE_DAYS, sl_clock_real_s(), e);
    sst_close(store);
    return status;
}

static enum sl_outcome init(struct cli_call *call)
{
    const struct values *values = call->values;
    const struct init_values *v = call->verb_values;
    struct sm_site site;
    struct sl_error e = {0};
    if (v->domain == NULL || v->server == NULL)
        return cli_usage(call, "init needs --domain DNS and --server HOST");
    enum sl_status status = sm_site_make(call->args[0], v->domain, v->forest, v->server, v->database, &site, &e);
    if (status != SL_OK)
        return cli_fail(call, status, &e);
    status = init_site(values->db, v->state, &site, &e);
    if (status == SL_OK)
        tell_site(call, &site);
    sm_site_fini(&site);
    return status == SL_OK ? SL_OUTCOME_OK : cli_fail(call, status, &e);
}

/* ---- the database ------------------------------------------------------------------------------------------------------ */

#define DB_VERB(name)                                                                                                           \
    static enum sl_outcome name(struct cli_call *call)                                                                           \
    {                                                                                                                            \
        const struct values *values = call->values;                                                                             \
        return sctl_##name(call, values->db);                                                                                    \
    }
DB_VERB(db_check)
DB_VERB(db_backup)
DB_VERB(db_restore)
DB_VERB(db_move)

/* ---- verbs of the site server ------------------------------------------------------------------------------------------ */

static enum sl_outcome remote(struct cli_call *call)
{
    const struct values *values = call->values;
    return cli_remote(call, values->control, REMOTE_TIMEOUT_MS);
}

static enum sl_outcome key_export(struct cli_call *call)
{
    const struct values *values = call->values;
    return sctl_key_export(call, values->control, REMOTE_TIMEOUT_MS);
}

struct mp_values {
    char *address;
    int64_t port;
    bool https;
};

static const struct sl_option mp_add_options[] = {
    {.name = "address", .type = SL_OPT_STRING, .offset = offsetof(struct mp_values, address), .arg = "IP",
     .help = "Its IPv4 or IPv6 address"},
    {.name = "port", .type = SL_OPT_INT, .offset = offsetof(struct mp_values, port), .arg = "N", .min = 1, .max = UINT16_MAX,
     .help = "Its port; 80, with --https 443"},
    {.name = "https", .type = SL_OPT_FLAG, .offset = offsetof(struct mp_values, https),
     .help = "It answers over TLS (sited --https) and is published so: SSLState 1, HTTPSPort, and this port in the DNS"},
};

/* One flag or text. */
struct one_value {
    bool flag;
    char *text;
};

struct mp_set_values {
    char *kind, *members, *data;
};

static const struct sl_option mp_set_options[] = {
    {.name = "kind", .type = SL_OPT_STRING, .offset = offsetof(struct mp_set_values, kind), .arg = "KIND",
     .help = "single, one server, or nlb, the virtual address of a cluster: registered as NLB_CODE too, not in the DNS"},
    {.name = "members", .type = SL_OPT_STRING, .offset = offsetof(struct mp_set_values, members), .arg = "HOST,HOST",
     .help = "Of a cluster: the management points that answer at its address, these and no others; '' are none"},
    {.name = "data", .type = SL_OPT_STRING, .offset = offsetof(struct mp_set_values, data), .arg = "WHERE",
     .help = "What it reads: site, the site database, or replica, the copy that its sited was given by --replica"},
};

struct boundary_values {
    bool slow;
};

static const struct sl_option boundary_add_options[] = {
    {.name = "slow", .type = SL_OPT_FLAG, .offset = offsetof(struct boundary_values, slow),
     .help = "Clients there have a slow connection: they are remote"},
};

struct advertise_values {
    char *package, *program;
    struct sl_strings to;
};

static const struct sl_option advertise_add_options[] = {
    {.name = "package", .type = SL_OPT_STRING, .offset = offsetof(struct advertise_values, package), .arg = "ID",
     .help = "The package"},
    {.name = "program", .type = SL_OPT_STRING, .offset = offsetof(struct advertise_values, program), .arg = "NAME",
     .help = "Which program of the package is to run"},
    {.name = "to", .type = SL_OPT_STRINGS, .offset = offsetof(struct advertise_values, to), .arg = "CLIENT",
     .help = "all, or a client by its id or name; more may follow as arguments"},
};

struct place_values {
    char *kind, *parent;
};

static const struct sl_option site_set_options[] = {
    {.name = "kind", .type = SL_OPT_STRING, .offset = offsetof(struct place_values, kind), .arg = "KIND", .fallback = "primary",
     .help = "primary, central (above all others) or secondary (its clients are assigned to its parent)"},
    {.name = "parent", .type = SL_OPT_STRING, .offset = offsetof(struct place_values, parent), .arg = "CODE",
     .help = "The site above it; without, none"},
};

struct neighbour_values {
    char *server, *root_key;
};

static const struct sl_option site_add_options[] = {
    {.name = "server", .type = SL_OPT_STRING, .offset = offsetof(struct neighbour_values, server), .arg = "URL",
     .help = "http://HOST[:PORT] of its site server (sited --http)"},
    {.name = "root-key", .type = SL_OPT_STRING, .offset = offsetof(struct neighbour_values, root_key), .arg = "FILE",
     .flags = SL_OPT_PATH, .help = "Its trusted root key, as key export wrote it there"},
};

struct designate_values {
    bool none, wait, vip, diff;
};

static const struct sl_option mp_designate_options[] = {
    {.name = "none", .type = SL_OPT_FLAG, .offset = offsetof(struct designate_values, none),
     .help = "Leave the site without a default management point"},
    {.name = "vip", .type = SL_OPT_FLAG, .offset = offsetof(struct designate_values, vip),
     .help = "The virtual address of the cluster: HOST, or the only one that the site has"},
    {.name = "diff", .type = SL_OPT_FLAG, .offset = offsetof(struct designate_values, diff),
     .help = "Only show what would change at each target, and for how many clients; negative when something would"},
    {.name = "wait", .type = SL_OPT_FLAG, .offset = offsetof(struct designate_values, wait),
     .help = "Wait until it is published, and show how long each target took to agree"},
};

static const struct sl_option dp_add_options[] = {
    {.name = "url", .type = SL_OPT_STRING, .offset = offsetof(struct one_value, text), .arg = "URL",
     .help = "Where its packages lie; http://HOST/SMS_DP_SMSPKG$/ when not given"},
};

struct package_values {
    int64_t version;
    struct sl_strings on;
    char *dir;
};

static const struct sl_option package_add_options[] = {
    {.name = "version", .type = SL_OPT_INT, .offset = offsetof(struct package_values, version), .arg = "N", .min = 1,
     .max = UINT32_MAX, .help = "Version of its source"},
    {.name = "on", .type = SL_OPT_STRINGS, .offset = offsetof(struct package_values, on), .arg = "DP",
     .help = "A distribution point that holds it; more may follow as arguments"},
    {.name = "dir", .type = SL_OPT_STRING, .offset = offsetof(struct package_values, dir), .arg = "DIR", .flags = SL_OPT_PATH,
     .help = "Its files: they are copied into the content library of the site server"},
};

/* Like the folder of a package, the file is opened with the rights of who asks. */
static enum sl_outcome add_site(struct cli_call *call)
{
    const struct values *values = call->values;
    const struct neighbour_values *v = call->verb_values;
    if (v->server == NULL || v->root_key == NULL)
        return cli_usage(call, "site add needs --server URL and --root-key FILE");
    struct cli_remote_extra extra = {.fd = open(v->root_key, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (extra.fd < 0)
        return cli_usage(call, "--root-key %s: %s", v->root_key, strerror(errno));
    enum sl_outcome outcome = cli_remote_with(call, values->control, REMOTE_TIMEOUT_MS, &extra);
    close(extra.fd);
    return outcome;
}

/* The folder is opened here, with the rights and the working directory of who asks, and travels along. */
static enum sl_outcome add_package(struct cli_call *call)
{
    const struct values *values = call->values;
    const struct package_values *v = call->verb_values;
    struct cli_remote_extra extra = {.fd = -1};
    if (v->dir != NULL && (extra.fd = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return cli_usage(call, "--dir %s: %s", v->dir, strerror(errno));
    enum sl_outcome outcome = cli_remote_with(call, values->control, REMOTE_TIMEOUT_MS, &extra);
    if (extra.fd >= 0)
        close(extra.fd);
    return outcome;
}

static enum sl_outcome policy_import(struct cli_call *call)
{
    const struct values *values = call->values;
    return sctl_policy_import(call, values->control, REMOTE_TIMEOUT_MS);
}

struct target_values {
    struct ldapc_options ldap;
    bool transactions;
    char *tsig_key, *slp;
};

static const struct sl_option target_add_options[] = {
    LDAPC_CREDENTIAL_ROWS(struct target_values, ldap), LDAPC_CERTIFICATE_ROWS(struct target_values, ldap),
    LDAPC_TIMEOUT_ROW(struct target_values, ldap),
    {.name = "tsig-key", .type = SL_OPT_STRING, .offset = offsetof(struct target_values, tsig_key), .arg = "FILE",
     .flags = SL_OPT_PATH, .help = "Key of a dns: target, as tsig-keygen writes it; or --sasl gssapi for GSS-TSIG"},
    {.name = "slp", .type = SL_OPT_STRING, .offset = offsetof(struct target_values, slp), .arg = "IP",
     .help = "Register this address as SMS_SLP, the server locator point, at this registry"},
    {.name = "transactions", .type = SL_OPT_FLAG, .offset = offsetof(struct target_values, transactions),
     .help = "Write all at once (RFC 5805) where the directory can; read docs/site.md first"},
};

static const struct sl_option check_options[] = {
    {.name = "fail-at", .type = SL_OPT_STRING, .offset = offsetof(struct one_value, text), .arg = "SEVERITY",
     .fallback = "warning",
     .help = "note, warning or error: negative (1) when something so bad is found"},
};

struct publish_values {
    bool diff, apply;
};

static const struct sl_option publish_options[] = {
    {.name = "apply", .type = SL_OPT_FLAG, .offset = offsetof(struct publish_values, apply), .help = "Do it, and read back"},
    {.name = "diff", .type = SL_OPT_FLAG, .offset = offsetof(struct publish_values, diff),
     .help = "Show what would change (the default); negative when something would"},
};

struct list_values {
    bool stale;
};

static const struct sl_option list_options[] = {
    {.name = "stale", .type = SL_OPT_FLAG, .offset = offsetof(struct list_values, stale),
     .help = "Only what should not be there, or is of a site that is not in this database"},
};

struct prune_values {
    bool apply;
    struct sl_strings of;
    char *forest;
};

static const struct sl_option prune_options[] = {
    {.name = "apply", .type = SL_OPT_FLAG, .offset = offsetof(struct prune_values, apply), .help = "Do it, and read back"},
    {.name = "of", .type = SL_OPT_STRINGS, .offset = offsetof(struct prune_values, of), .arg = "CODE",
     .help = "Also all that this site left behind, which is not in this database"},
    {.name = "forest", .type = SL_OPT_STRING, .offset = offsetof(struct prune_values, forest), .arg = "DNS",
     .help = "Of the sites of --of only what names this forest"},
};

struct report_values {
    char *client, *kind, *content;
    int64_t since_ms, limit;
};

static const struct sl_option report_options[] = {
    {.name = "client", .type = SL_OPT_STRING, .offset = offsetof(struct report_values, client), .arg = "SMSID",
     .help = "Only of this client"},
    {.name = "kind", .type = SL_OPT_STRING, .offset = offsetof(struct report_values, kind), .arg = "KIND",
     .help = "Only discovery, inventory, metering or status"},
    {.name = "content", .type = SL_OPT_STRING, .offset = offsetof(struct report_values, content), .arg = "TEXT",
     .help = "Only those that say that they hold this: ReportContent, else the name of the outermost element"},
    {.name = "since", .type = SL_OPT_DURATION, .offset = offsetof(struct report_values, since_ms), .arg = "TIME", .min = 0,
     .max = 36500 * 86400000LL, .help = "Only what management points have taken in this time until now"},
    {.name = "limit", .type = SL_OPT_INT, .offset = offsetof(struct report_values, limit), .arg = "N", .fallback = "1000",
     .min = 1, .max = 1000000, .help = "No more than so many, the newest"},
};

#define OPTIONS(rows, values_type) .options = (rows), .option_count = SL_COUNT(rows), .values_size = sizeof(values_type)

static const struct cli_verb verbs[] = {
    {.name = "init", .args = "CODE --domain DNS --server HOST",
               .min_args = 1, .max_args = 1, .summary = "Make a site in the database file --db",
     .detail = "Makes the file when it is not there. A code that is taken is a conflict.",
     OPTIONS(init_options, struct init_values),
     .run = init},
    {.name = "db check", .args = "", .summary = "Look for damage in the database --db", .run = db_check,
     .detail = "Works beside a running sited. Negative when something is wrong."},
    {.name = "db backup", .args = "FILE", .min_args = 1, .max_args = 1, .summary = "Copy the database --db into a new file",
     .detail = "One consistent state, read back before it counts; works beside a running sited. An existing FILE is a conflict.",
     .run = db_backup, .examples = {"sitectl db backup site-2026-11-22.db", "Everything but the content library"}},
    {.name = "db restore", .args = "FILE", .min_args = 1, .max_args = 1, .summary = "Copy a backup into the empty database --db",
     .detail = "The database, a file or postgresql://..., must hold no site yet.", .run = db_restore,
     .examples = {"sitectl db restore site-2026-11-22.db", "After the old one was lost"}},
    {.name = "db move", .args = "DATABASE", .min_args = 1, .max_args = 1,
     .summary = "Copy the database --db into an empty one of either engine, to be used from now on",
     .detail = "The site server must be stopped (else conflict); the old database stays as it is. Every row is read back and "
               "compared before the copy is committed.",
     .run = db_move,
     .examples = {"sitectl db move postgresql://site@db1.example.org/site", "From one host to several"}},
    {.name = "mp add", .args = "HOST --address IP", .min_args = 1, .max_args = 1, .summary = "Add a management point",
     OPTIONS(mp_add_options, struct mp_values), .run = remote,
     .examples = {"sitectl mp add mp1.example.org --address 192.0.2.11", "Add a management point that answers on port 80"}},
    {.name = "mp designate", .args = "[HOST]", .min_args = 0, .max_args = 1,
     .summary = "Make a management point the default of its site",
     .detail = "The one that was the default is it no longer; both happen in one transaction, and the change is published at "
               "once. Nothing but this verb ever moves the default. The answer says how many clients it touches and with which "
               "command it is undone.",
     OPTIONS(mp_designate_options, struct designate_values), .run = remote,
     .examples = {"sitectl mp designate mp2.example.org --diff", "See what that would change, and for how many clients",
                  "sitectl mp designate mp2.example.org --wait", "Make it the default and see every target agree"}},
    {.name = "mp set", .args = "HOST", .min_args = 1, .max_args = 1,
     .summary = "Say whether a management point is one server or a cluster, and what it reads",
     .detail = "All of it is changed in one transaction, and published at once. The answer says how many clients it touches and "
               "with which command it is what it was again.",
     OPTIONS(mp_set_options, struct mp_set_values), .run = remote,
     .examples = {"sitectl mp set mp3.example.org --data replica", "It reads the replicated copy of the site database",
                  "sitectl mp set nlb.example.org --kind nlb --members mp1.example.org,mp2.example.org",
                  "Its address is the virtual one of a cluster of these two"}},
    {.name = "mp remove", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "Remove a management point", .run = remote,
     .examples = {"sitectl mp remove mp1.example.org", "Remove it; the default one must be replaced first"}},
    {.name = "mp list", .args = "", .summary = "List the management points", .run = remote},
    {.name = "dp add", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "Add a distribution point",
     OPTIONS(dp_add_options, struct one_value), .run = remote,
     .examples = {"sitectl dp add dp1.example.org", "Add it with the usual URL",
                  "sitectl dp add dp2.example.org --url http://dp2.example.org:8080/packages/", "Add it with a URL of its own"}},
    {.name = "dp protect", .args = "HOST KIND VALUE [KIND VALUE]...", .min_args = 3, .max_args = -1,
     .summary = "Protect a distribution point: it serves clients inside these boundaries alone",
     .detail = "The boundaries must be those of the site. A client inside gets the protected distribution points that hold the "
               "package and no others; a client outside never gets them.",
     .run = remote,
     .examples = {"sitectl dp protect dp1.example.org subnet 10.1.0.0/16 ad-site Berlin", "Only for clients of these two"}},
    {.name = "dp unprotect", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "End its protection",
     .run = remote, .examples = {"sitectl dp unprotect dp1.example.org", "It serves everybody again"}},
    {.name = "dp remove", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "Remove a distribution point without packages",
     .run = remote,
     .examples = {"sitectl dp remove dp1.example.org", "Remove it; packages that lie there must go first"}},
    {.name = "dp list", .args = "", .summary = "List the distribution points", .run = remote},
    {.name = "cap add", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "Add a client access point for legacy clients",
     .detail = "The server locator point tells legacy clients the client access points of a site, and never a management point.",
     .run = remote, .examples = {"sitectl cap add cap1.example.org", "Legacy clients of the site find this host"}},
    {.name = "cap remove", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "Remove a client access point", .run = remote,
     .examples = {"sitectl cap remove cap1.example.org", "Legacy clients find it no longer"}},
    {.name = "cap list", .args = "", .summary = "List the client access points", .run = remote},
    {.name = "slp-role add", .args = "HOST", .min_args = 1, .max_args = 1,
     .summary = "Say which host is the server locator point, the one of the hierarchy",
     .detail = "It is published in the directories of the site, and run by sited --role slp on that host. A database has one.",
     .run = remote, .examples = {"sitectl slp-role add slp1.example.org", "Publish this host as the server locator point"}},
    {.name = "slp-role remove", .args = "HOST", .min_args = 1, .max_args = 1, .summary = "Remove the server locator point",
     .run = remote, .examples = {"sitectl slp-role remove slp1.example.org", "Publish it no longer"}},
    {.name = "slp-role list", .args = "", .summary = "Show the server locator point, if it is in this site", .run = remote},
    {.name = "boundary add", .args = "KIND VALUE", .min_args = 2, .max_args = 2, .summary = "Add a boundary of the site",
     .detail = "KIND is subnet (10.1.0.0/16), range (10.2.0.1-10.2.0.99), ad-site (Berlin) or ipv6-prefix (2001:db8::/32).",
     OPTIONS(boundary_add_options, struct boundary_values), .run = remote,
     .examples = {"sitectl boundary add subnet 10.1.0.0/16", "Clients of this subnet belong to the site",
                  "sitectl boundary add ad-site Berlin", "Clients of this Active Directory site belong to the site"}},
    {.name = "boundary remove", .args = "KIND VALUE", .min_args = 2, .max_args = 2, .summary = "Remove a boundary",
     .run = remote,
     .examples = {"sitectl boundary remove subnet 10.1.0.0/16", "Remove the boundary"}},
    {.name = "boundary list", .args = "", .summary = "List the boundaries", .run = remote},
    {.name = "package add", .args = "ID --version N --on DP...", .min_args = 1, .max_args = -1,
     .summary = "Add a package and say which distribution points hold it",
     .detail = "With --dir the files below that folder are copied into the content library and served by the distribution points "
               "that share it; each is known by its SHA-256. Without, the files lie at the distribution points already.",
     OPTIONS(package_add_options, struct package_values), .run = add_package,
     .examples = {"sitectl package add LAB00001 --version 3 --on dp1.example.org dp2.example.org",
                  "Version 3 of the package lies on two distribution points",
                  "sitectl package add LAB00002 --version 1 --on dp1.example.org --dir ./source",
                  "The files of this folder are the package"}},
    {.name = "package verify", .args = "[ID]", .max_args = 1,
     .summary = "Compare the files of a package, or of all, with their hashes, here and on all distribution points",
     .detail = "What a distribution point that fetches finds damaged it no longer serves, and fetches again. Exit code 1: not "
               "all is in order; 3 and 8: none, or not each, of them answers.", .run = remote,
     .examples = {"sitectl package verify LAB00002", "Negative when a file is missing or its octets have changed"}},
    {.name = "package remove", .args = "ID", .min_args = 1, .max_args = 1, .summary = "Remove a package", .run = remote,
     .examples = {"sitectl package remove LAB00001", "Forget the package"}},
    {.name = "package list", .args = "", .summary = "List the packages, also those that sites above have told", .run = remote},
    {.name = "package status", .args = "[ID]", .max_args = 1,
     .summary = "Tell how far the distribution points are that fetch a package, or which packages they lack", .run = remote,
     .examples = {"sitectl package status", "What is not yet where it should be",
                  "sitectl package status LAB00002", "One package everywhere: available, fetching, failed, waiting, shared"}},
    {.name = "policy import", .args = "FILE", .min_args = 1, .max_args = 1,
     .summary = "Store a file SMS_def.mof and make the site's policies from it",
     .detail = "The text and its hash are kept in the site database; the same file again changes nothing. What is wrong with it "
               "is told by line, and then nothing is stored. Without a default management point a site has no active policy.",
     .run = policy_import,
     .examples = {"sitectl policy import SMS_def.mof", "Say what clients are to report of themselves"}},
    {.name = "policy list", .args = "", .summary = "List the policies of a site", .run = remote},
    {.name = "policy show", .args = "[POLICY]", .min_args = 0, .max_args = 1,
     .summary = "Show a policy with its body, or the file that policies are made from",
     .detail = "POLICY is a category (SiteSettings, HardwareInventory) or an id.", .run = remote,
     .examples = {"sitectl policy show HardwareInventory", "Show what clients are told to report"}},
    {.name = "role add", .args = "HOST ROLE", .min_args = 2, .max_args = 2, .summary = "Give a host a role",
     .detail = "ROLE is a well known one (slp, cap, rp, fsp, sup, pxe, smp, shv) or any other word. A host may have many roles. "
               "Management points, distribution points, the site server and its database have verbs of their own.",
     .run = remote,
     .examples = {"sitectl role add srv2.example.org sup", "This host is a software update point"}},
    {.name = "role remove", .args = "HOST ROLE", .min_args = 2, .max_args = 2, .summary = "Take a role from a host",
     .run = remote,
     .examples = {"sitectl role remove srv2.example.org sup", "It is one no more"}},
    {.name = "role list", .args = "", .summary = "List all hosts of the site and their roles", .run = remote},
    {.name = "advertise add", .args = "ID --package P --program NAME --to all|CLIENT...", .min_args = 1, .max_args = -1,
     .summary = "Offer a program of a package to clients", OPTIONS(advertise_add_options, struct advertise_values), .run = remote,
     .examples = {"sitectl advertise add LAB20001 --package LAB00001 --program setup --to all", "To every client of the site",
                  "sitectl advertise add LAB20002 --package LAB00001 --program setup --to pc1 pc2", "To these two"}},
    {.name = "advertise remove", .args = "ID", .min_args = 1, .max_args = 1, .summary = "Withdraw an advertisement",
     .run = remote,
     .examples = {"sitectl advertise remove LAB20001", "Offer it no longer"}},
    {.name = "advertise list", .args = "", .summary = "List the advertisements", .run = remote},
    {.name = "site add", .args = "CODE --server URL --root-key FILE", .min_args = 1, .max_args = 1,
     .summary = "Make a site of the hierarchy known that has a database of its own",
     .detail = "Both site servers must be told of each other. From then on they tell each other what their site is and where its "
               "parts are, signed by their root keys; the one below also asks for the packages of the one above.",
     OPTIONS(site_add_options, struct neighbour_values), .run = add_site,
     .examples = {"sitectl site add CHD --server http://srv.child.example.org --root-key chd.pem",
                  "The clients of this site that roam into CHD find its management point"}},
    {.name = "site remove", .args = "CODE", .min_args = 1, .max_args = 1,
     .summary = "Forget a site that has a database of its own", .run = remote,
     .examples = {"sitectl site remove CHD", "Neither tell it anything nor be told"}},
    {.name = "site set", .args = "CODE", .min_args = 1, .max_args = 1, .summary = "Say what a site is in the hierarchy",
     .detail = "Its parent is a site of this database, or one that site add made known. The clients of a secondary site are "
               "assigned to its parent, below it there is no site; a central site has no parent.",
     OPTIONS(site_set_options, struct place_values), .run = remote,
     .examples = {"sitectl site set SEC --kind secondary --parent LAB", "SEC lies below LAB and assigns its clients to it"}},
    {.name = "site list", .args = "", .summary = "List the sites that are known and which is above which", .run = remote,
     .detail = "Of those with a database of their own also where their site server is, and when what they told was made."},
    {.name = "target add", .args = "URI", .min_args = 1, .max_args = 1,
     .summary = "Add a directory, name registry, DNS server or file to publish to",
     .detail = "URI is ldap://HOST[:PORT][/BASE], ldaps://..., ldapi://%2Fpath; wins://HOST[:PORT], where the management point's "
               "own host registers; winsd://PATH, static names through the control socket of a winsd; dns://HOST[:PORT]/ZONE, "
               "by nsupdate; or ldif:PATH, zone:PATH, lmhosts:PATH, winsdat:PATH, netsh:PATH, a file to be applied by hand. "
               "The site server reads the files of keys and passwords each time; only their names are stored.",
     OPTIONS(target_add_options, struct target_values), .run = remote,
     .examples = {"sitectl target add ldaps://dc1.example.org --bind-dn cn=sites,dc=example,dc=org --password-file password",
                  "Publish to this directory with this account",
                  "sitectl target add dns://192.0.2.53/example.org --tsig-key /etc/sitelocator/tsig.key",
                  "Name the management point in this zone"}},
    {.name = "target remove", .args = "URI", .min_args = 1, .max_args = 1,
     .summary = "Remove a target; what was published there stays (see unpublish)", .run = remote,
     .examples = {"sitectl target remove wins://192.0.2.53", "Publish there no longer"}},
    {.name = "target list", .args = "", .summary = "List the targets and what became of the last publication", .run = remote},
    {.name = "check", .args = "", .summary = "Look for what is wrong with a site: configured, published, answering",
     .detail = "Reads every target, asks every management point for MPLIST and MPCERT, and changes nothing.",
     OPTIONS(check_options, struct one_value), .run = remote,
     .examples = {"sitectl check --fail-at error", "List what is found; the exit code is 1 when an error is among it"}},
    {.name = "publish", .args = "", .summary = "Show what publishing would change, and do it with --apply",
     OPTIONS(publish_options, struct publish_values), .run = remote,
     .examples = {"sitectl publish --diff", "Show what would change; the exit code is 1 when something would",
                  "sitectl publish --apply", "Publish now and read back"}},
    {.name = "list", .args = "", .summary = "List what the targets hold of sites, and what of it is stale",
     .detail = "`same` and `change`: of this site and planned. `stale`: of this site and planned no more. `other-forest`: of a "
               "site with the same code. `other-site`: with the boundaries that it shares with this one; clients there find "
               "both.",
     OPTIONS(list_options, struct list_values), .run = remote,
     .examples = {"sitectl list --stale", "Show what may be left behind"}},
    {.name = "prune", .args = "", .summary = "Show what is stale and would be removed, and do it with --apply",
     .detail = "What is of this site and planned no more, and with --of everything of sites that were torn down without "
               "unpublishing. Whether another site is alive nobody can tell from outside: look at `list` first.",
     OPTIONS(prune_options, struct prune_values), .run = remote,
     .examples = {"sitectl prune --of OLD", "Show what site OLD left behind",
                  "sitectl prune --of OLD --apply", "Remove it"}},
    {.name = "unpublish", .args = "", .summary = "Show which of our objects would be removed, and do it with --apply",
     .detail = "Once removed, the site stays unpublished, whatever changes and across restarts, until: sitectl publish --apply. "
               "The hosts of its management points release its name at the name registries.",
     .options = publish_options, .option_count = 1, .values_size = sizeof(struct publish_values), .run = remote,
     .examples = {"sitectl unpublish", "Show what would be removed",
                  "sitectl unpublish --apply", "Remove it"}},
    {.name = "client list", .args = "", .summary = "List the clients that are registered with a site", .run = remote},
    {.name = "client show", .args = "SMSID", .min_args = 1, .max_args = 1,
     .summary = "Show a client: its key, when it was last heard of, and how much it has reported", .run = remote,
     .examples = {"sitectl client show GUID:11111111-2222-3333-4444-555555555555", "Negative when it is not registered"}},
    {.name = "client remove", .args = "SMSID", .min_args = 1, .max_args = 1,
     .summary = "Forget a client with all that it has reported",
     .detail = "Until it registers again it gets nothing but locations. This is also how a client may come back with another "
               "key.",
     .run = remote,
     .examples = {"sitectl client remove GUID:11111111-2222-3333-4444-555555555555", "Let it register anew"}},
    {.name = "report list", .args = "", .summary = "List what clients have reported, the newest first",
     OPTIONS(report_options, struct report_values), .run = remote,
     .examples = {"sitectl report list --kind inventory --since 1d", "Whose inventory came within a day"}},
    {.name = "report count", .args = "", .summary = "Count what clients have reported, by kind and by what it holds",
     OPTIONS(report_options, struct report_values), .run = remote,
     .examples = {"sitectl report count --kind metering --since 1d", "How much of what was metered within a day"}},
    {.name = "key show", .args = "", .summary = "Show the trusted root key of a site and what it has signed", .run = remote},
    {.name = "key export", .args = "FILE", .min_args = 1, .max_args = 1,
     .summary = "Write the public half of the trusted root key, for clients to pin",
     .detail = "FILE is written in PEM: locator --trusted-root-key FILE or --pin CODE:FILE takes it.", .run = key_export,
     .examples = {"sitectl key export root.pem", "Write the key that clients pin"}},
    {.name = "key replace", .args = "", .summary = "Make a new trusted root key and sign everything with it",
     .detail = "The old one is gone for good. Clients that have pinned it refuse the site's management points until they have "
               "the new one.",
     .run = remote},
    {.name = "status", .args = "", .summary = "Show what a sited does: roles, sites, targets, names", .run = remote},
    SCTL_SCHEMA_VERBS,
};

const struct cli_program sctl_program = {
    .name = "sitectl",
    .section = "8",
    .summary = "administer sites and the schema of their directories",
    .description =
        "Makes sites, says which management points, distribution points, boundaries, packages and publication targets they have, "
        "designates the default management point, and publishes.\n\n"
        "Every verb but init and the schema verbs is carried out by the running sited that has the role server, reached over its "
        "control socket: while the site server is down there is no administration. Adding what is there already is fine; adding "
        "it with other particulars is a conflict.",
    .options = options,
    .option_count = SL_COUNT(options),
    .values_size = sizeof(struct values),
    .verbs = verbs,
    .verb_count = SL_COUNT(verbs),
    .examples = {"sitectl --db site.db init LAB --domain example.org --server srv.example.org", "make the database of site LAB",
                 "sitectl mp designate mp2.example.org",
                 "make mp2 the default management point, here and wherever it is published",
                 NULL},
    .files = "/var/lib/sitelocator/site.db, the site database.\n\n"
             "/var/lib/sitelocator/site.db-CODE.key, the trusted root key of site CODE.\n\n"
             "/run/sitelocator/sited.sock, the control socket of sited.",
    .see_also = "sited(8), locator(1), winsctl(8)",
};

int sctl_main(int argc, char **argv)
{
    return cli_main(&sctl_program, argc, argv);
}
