/*
 * locator.h - finding the site systems of Systems Management Server 2003 and Configuration Manager 2007 from C.
 *
 * CONCEPTS. A site has a code of three characters ("PS1"). Its clients talk to one default management point (MP), which tells
 * them the distribution points (DP) that hold a package. Site systems publish themselves in a directory (LDAP, extended schema),
 * in a name registry (NetBIOS name service, "WINS") and in the DNS. This library asks such places, called sources, and says what
 * it found, where it came from, and every step of the way.
 *
 * SOURCES are URIs, and their order is their priority:
 *
 *     ldap://HOST[:PORT][,HOST...][/BASE]  ldaps://...  ldapi://%2FPATH[/BASE]          directory, servers by preference
 *     ldap:DOMAIN                                                                       one that the DNS names
 *     ldif:FILE                                                                         a dump of one
 *     dns:[//ADDR[:PORT][,...]/]DOMAIN                                                  SRV _mssms_mp_<code>._tcp.DOMAIN
 *     zone:FILE                                                                         a master file of the DNS
 *     http://HOST[:PORT]  https://HOST[:PORT]                                           the MP list of an MP
 *     slp+http://HOST[:PORT][/PATH]  slp+https://HOST[:PORT][/PATH]                     server locator point
 *     slp:SOURCE[;SOURCE...]                                                            the one that these name
 *     mplist:SOURCE[;SOURCE...]                                                         MP list of the MP that these name
 *     wins://HOST[:PORT]                                                                name registry (port 137)
 *     winsdat:FILE  lmhosts:FILE  netsh:FILE                                            names as a file
 *     cache:                                                                            directories that are watched
 *
 * All are asked at the same time and judged in order: the first that has an answer decides. A dead source costs at most its
 * time-out, a live first source answers at once.
 *
 * OUTCOMES. A call always gives a result; its outcome is LOCATOR_OK, or says in which way there is no answer, and a reason word
 * tells more: "schema-not-extended", "nothing-published", "no-default-mp" and "not-found" with LOCATOR_NEGATIVE, "bad-file" (a
 * dump that is not of its format) with LOCATOR_USAGE, "container-unreadable" and "access-refused" with LOCATOR_DENIED,
 * "could-not-ask" and "canceled" with LOCATOR_UNREACHABLE. LOCATOR_NEGATIVE always means that every source was asked to the end.
 * An answer of a source that is not the first comes with a warning, and as LOCATOR_DEGRADED when LOCATOR_STRICT is set.
 *
 * TRUST. A directory that proved to be the server meant over a protected connection is believed ("directory"). A management point
 * learned from elsewhere is asked to prove itself when the site's trusted root key is pinned (locator_add_root_key): its answer
 * is "proven", or "refuted" with the reason, and then LOCATOR_UNTRUSTED with one of the reason words "no-certificate",
 * "certificate-unreadable", "other-root-key", "other-site", "other-host", "certificate-expired", "certificate-not-yet-valid",
 * "no-proof", "proof-unreadable", "proof-wrong". Without a pinned key an answer is "unproven", LOCATOR_OK with a warning. One
 * that is less than LOCATOR_TRUST_LEAST is LOCATOR_UNTRUSTED, "trust-too-low". A management point that cannot be reached for its
 * proof is LOCATOR_UNREACHABLE, "proof-not-obtained". What is refused leaves it to the next source.
 *
 * CACHE. With LOCATOR_CACHE_FILE what sources say is kept on disk, with its source, server, owner, TTL, trust and time, for this
 * and other processes. With LOCATOR_MAX_AGE_MS an answer that is fresh enough (and within its TTL) is used without asking;
 * LOCATOR_CACHED_S tells how old it is. When a question ends as LOCATOR_UNREACHABLE, an old answer to it is given instead,
 * never silently: with a warning that begins with "degraded", and as LOCATOR_DEGRADED, "stale", when LOCATOR_STRICT is set. A
 * cache that is damaged or cannot be used costs a warning, never an answer. Distribution points are not kept.
 *
 * OWNERSHIP. Contexts and results are freed by their caller (locator_free, locator_result_free; NULL is accepted). Text that an
 * accessor returns belongs to the object it was asked of and lives as long. Text passed in is copied. A result does not need its
 * context.
 *
 * THREADS. Any number of contexts may be used side by side, and any number of threads may find and cancel with one context. Its
 * settings (and locator_error) are the business of one thread at a time; while a call runs in the context they are refused. A
 * result is read-only and may be read by several threads. There is no global state, no logging, no signal handler and no event
 * loop. While a call runs the library has threads of its own, with all signals blocked; one that is stuck in a library that
 * blocks is left behind at the deadline and ends by itself. A program that ends meanwhile had better leave by _exit, past the
 * destructors of the libraries that such a thread still uses.
 *
 * CALLS come in two forms. locator_find_x waits, at most for LOCATOR_TOTAL_TIMEOUT_MS. locator_start_find_x does not wait: it
 * gives a call, whose file descriptor becomes readable when the result is there, for any event loop. Both end early, from any
 * thread, by a wish to cancel.
 *
 * UNITS. Times are milliseconds in names that end in _MS, else seconds (age, ttl). All text is UTF-8.
 *
 * ERRORS. Functions that set something return 0, or -1 with a text in locator_error. Finding functions return NULL only without
 * memory.
 *
 * EXAMPLE. See docs/examples (find-mp.c, find-mp-poll.c, find-mp-cancel.c); in short:
 *
 *     struct locator *l = locator_new();
 *     locator_add_source(l, "ldap://dc1.example.com");
 *     struct locator_result *r = locator_find_mp(l, "PS1");
 *     if (locator_result_outcome(r) == LOCATOR_OK)
 *         puts(locator_result_text(r, LOCATOR_MP));
 *     locator_result_free(r);
 *     locator_free(l);
 *
 * Compile with `cc find-mp.c $(pkg-config --cflags --libs locator)`. New options, fields and step texts may be added at the end
 * of their enumerations; numbers never change.
 */
#ifndef LOCATOR_LOCATOR_H
#define LOCATOR_LOCATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct locator;        /* a context: sources, credentials, limits */
struct locator_call;   /* a call that does not wait */
struct locator_result; /* what a call found */

/* Outcomes; the numbers are the exit codes of the program `locator`. */
enum locator_outcome {
    LOCATOR_OK = 0,
    LOCATOR_NEGATIVE = 1,    /* asked properly, the answer is no */
    LOCATOR_USAGE = 2,       /* a bad argument or setting */
    LOCATOR_UNREACHABLE = 3, /* a source could not be asked to the end, and none answered */
    LOCATOR_UNTRUSTED = 4,   /* a server's certificate failed verification, or an answer is not trusted enough */
    LOCATOR_DEGRADED = 5,    /* an answer of a lower-ranked source, with LOCATOR_STRICT */
    LOCATOR_DENIED = 6,      /* refused by the server */
    LOCATOR_CONFLICT = 7,    /* compared sources do not agree */
    LOCATOR_INTERNAL = 70    /* a defect of the library */
};

/* Settings of a context. Text is given by locator_set_text, numbers by locator_set_number; the comment gives kind and default. */
enum locator_option {
    LOCATOR_PROFILE = 1,          /* text: "sms2003", "cm2007" (default) or "cb": whose rules count */
    LOCATOR_TIMEOUT_MS = 2,       /* number: longest wait for one source; 2000 */
    LOCATOR_TOTAL_TIMEOUT_MS = 3, /* number: longest wait of a whole call; 10000 */
    LOCATOR_STRICT = 4,           /* number, 0 or 1: an answer of a lower-ranked source is LOCATOR_DEGRADED; 0 */
    LOCATOR_SEED = 5,             /* number: seed of random choices; by default a new one for each call, shown in its result */
    LOCATOR_MP_PORT = 6,          /* number: port of management points, whatever they publish; 0 = as published */
    LOCATOR_NOW_S = 7,            /* number: seconds since the epoch, for ages; 0 = the clock */
    LOCATOR_CLIENT_AD_SITE = 8,   /* text: Active Directory site of the client */
    LOCATOR_BASE = 16,            /* text: base DN of directories; by default of the URI, else of the server */
    LOCATOR_CONTAINER = 17,       /* text: container below the base; "CN=System Management,CN=System" */
    LOCATOR_BIND_DN = 18,         /* text: account of a simple bind (DN), or user of the SASL mechanism scram-* */
    LOCATOR_PASSWORD_FILE = 19,   /* text: file with its password on the first line */
    LOCATOR_SASL = 20,            /* text: "none" (default), "external", "gssapi", "gss-spnego", "scram-sha-256" (-1, -512) */
    LOCATOR_STARTTLS = 21,        /* number, 0 or 1: protect ldap: connections; 0 */
    LOCATOR_CA_FILE = 22,         /* text: PEM file of trusted authorities instead of the system's */
    LOCATOR_CERT_FILE = 32,       /* text: PEM file of the certificate to show to servers inside TLS */
    LOCATOR_KEY_FILE = 33,        /* text: PEM file of its key; by default it stands in the same file */
    LOCATOR_SEQUENTIAL = 40,      /* number, 0 or 1: ask a source when all before it have left it open, as the product does; 0 */
    LOCATOR_CLIENT_FOREST = 41,   /* text: forest of the client; directories serve clients of their own forest only */
    LOCATOR_NO_SCHEMA = 42,       /* number, 0 or 1: suppose that no directory has the schema; 0 */
    LOCATOR_CLIENT_TYPE = 43,     /* text: "advanced" (default), or "legacy": gets client access points, never an MP */
    LOCATOR_CLIENT_VERSION = 44,  /* text, "4.00.6487.2000": sites of older versions are not valid for it; NULL = any is */
    LOCATOR_ROAMING = 45,         /* number, 0 or 1: find mp and dp for where the client is, by the rules of roaming; 0 */
    LOCATOR_CACHE_FILE = 55,      /* text: file of the cache (CACHE above); "" = the usual one of this user; NULL = none */
    LOCATOR_MAX_AGE_MS = 56,      /* number: an answer that was kept no longer ago is used without asking; 0 = always ask */
    LOCATOR_TRUST_LEAST = 50      /* text: "any", "unproven", "proven" or "directory" (TRUST above); by default "proven" for
                                     management points of a site whose root key is pinned, else "unproven" */
};

/* What is published about sites. */
enum locator_kind {
    LOCATOR_KIND_MP = 1,       /* management points */
    LOCATOR_KIND_SITE = 2,     /* sites */
    LOCATOR_KIND_SLP = 3,      /* server locator points */
    LOCATOR_KIND_BOUNDARY = 4, /* boundaries: subnets, prefixes, AD sites, ranges */
    LOCATOR_KIND_NAME = 5      /* registered names; locator_compare only */
};

/* What a result may hold. Which calls fill a field stands in brackets; a field that is not filled is NULL, -1 or an empty
 * list. */
enum locator_field {
    LOCATOR_SITE = 1,        /* text: site code [all but name] */
    LOCATOR_ASSIGNED_BY = 2, /* text: "site-code", "ad-site", "subnet", "range" [site] */
    LOCATOR_MP = 3,       /* text: host name of the default management point, or its address when no name is known [site mp dp] */
    LOCATOR_ADDRESS = 4,  /* text: its numeric address, when known [mp] */
    LOCATOR_PORT = 5,     /* number: port to ask it at [mp] */
    LOCATOR_DEFAULT = 6,  /* number: 1 when it is the site's default [mp] */
    LOCATOR_VERSION = 7,  /* text: its version [mp] */
    LOCATOR_SOURCE = 8,   /* text: URI of the source that answered [all] */
    LOCATOR_SERVER = 9,   /* text: the server of that source; of a dump the file and line, "FILE:LINE" [all] */
    LOCATOR_OWNER = 10,   /* text: who published it: the forest [mp] */
    LOCATOR_AGE_S = 11,   /* number: how long ago it was published or changed; of a dump: its file [mp] */
    LOCATOR_TTL_S = 12,   /* number: how long it may be kept [mp name] */
    LOCATOR_TRUST = 13,   /* text: "directory", "proven", "unproven" or "refuted" (TRUST); also of what was refused [all] */
    LOCATOR_PACKAGE = 14, /* text [dp] */
    LOCATOR_PACKAGE_VERSION = 15, /* number; -1 = not said [dp] */
    LOCATOR_DP = 16,              /* text: host of the distribution point chosen [dp] */
    LOCATOR_URL = 17,             /* text: where the package is on it [dp] */
    LOCATOR_LOCALITY = 18,        /* text: "LOCAL", "REMOTE" or "FALLBACK" [dp] */
    LOCATOR_CHOICE_SEED = 19,     /* text: seed of the choice, decimal [dp] */
    LOCATOR_CANDIDATES = 20,      /* list: URLs that had the same chance [dp] */
    LOCATOR_NAME = 21,            /* text: the name as asked, "NAME#XX" [name] */
    LOCATOR_KIND = 22,            /* text: "unique" or "group" [name] */
    LOCATOR_ADDRESSES = 23,       /* list: numeric addresses [name] */
    LOCATOR_NODE = 24,            /* text: node type "B", "P", "M" or "H" [name] */
    LOCATOR_ROLE = 25,            /* text: "primary-contact": clients talk to this MP; "extra": they do not [mp list] */
    LOCATOR_DN = 32,              /* text: of the object [list] */
    LOCATOR_SITE_TYPE = 33,       /* text: "primary", "secondary", "central", of the MP's capabilities [list] */
    LOCATOR_WHY_UNUSED = 34,      /* text: why clients do not use this MP: "not-default-not-in-cluster" ... [list] */
    LOCATOR_DEVICE_MP = 35,       /* number: 1 when mobile devices may use this MP [list] */
    LOCATOR_ASSIGNMENT_SITE = 36, /* text: where clients of this site are assigned [list] */
    LOCATOR_RESIDENT_SITE = 37,   /* text: the site in whose boundaries the client is [site mp dp] */
    LOCATOR_ASSIGNED_MP = 38,     /* text: default MP of the assigned site [mp dp] */
    LOCATOR_RESIDENT_MP = 39,     /* text: default MP of the site where the client is [mp dp] */
    LOCATOR_PROXY_MP = 40,        /* text: MP of the secondary site where the client is, below its assigned site [mp dp] */
    LOCATOR_MP_NAME = 41,         /* text: mSSMSMPName [list] */
    LOCATOR_BUILD = 42,           /* number: mSSMSVersion [list] */
    LOCATOR_ROOT_SITE = 43,       /* text: RootSiteCode of the capabilities [list] */
    LOCATOR_COMMAND_SITE = 44,    /* text: SMSSITECODE of the capabilities' command line [list] */
    LOCATOR_FSPS = 45,            /* list: fallback status points of the capabilities [list] */
    LOCATOR_SSL_STATE = 46,       /* number: SSLState of the capabilities; 0 = HTTP [list] */
    LOCATOR_SECURITY_MASK = 47,   /* number: SecurityModeMaskEx of the capabilities; bit 0 = HTTPS [list] */
    LOCATOR_HTTPS_PORT = 48,      /* number: HTTPSPort of the capabilities [list] */
    LOCATOR_HEALTH_STATE = 49,    /* text: mSSMSHealthState [list] */
    LOCATOR_SITE_GUID = 50,       /* text: the GUID in it [list] */
    LOCATOR_SITE_BOUNDARIES = 51, /* list: mSSMSSiteBoundaries [list] */
    LOCATOR_ROAMING_BOUNDARIES = 52, /* list: mSSMSRoamingBoundaries [list] */
    LOCATOR_RANGE_LOW = 53,       /* text: mSSMSRangedIPLow as an address [list] */
    LOCATOR_RANGE_HIGH = 54,      /* text: mSSMSRangedIPHigh as an address [list] */
    LOCATOR_BOUNDARY_KIND = 55,   /* text: "subnet", "ipv6-prefix", "ad-site", "range" [list] */
    LOCATOR_BOUNDARY = 56,        /* text: its value [list] */
    LOCATOR_CAPS = 57,            /* list: client access points [mp, client type legacy] */
    LOCATOR_CHOSEN = 58,          /* number: how often this DP was chosen [dp report] */
    LOCATOR_CHI_SQUARE = 59,      /* text: how far the choices are from even, "2.13 (3 degrees of freedom)" [dp report] */
    LOCATOR_SUSPECT_UNTIL_S = 63, /* number: until when the answer is suspect, in seconds since 1970 [report_failure] */
    LOCATOR_ANSWER_ID = 64,       /* text: by which it is reported [site mp dp name report_failure] */
    LOCATOR_CACHED_S = 65,        /* number: how long ago the answer was kept; -1 = it was asked for now [all but compare] */
    LOCATOR_ASKED = 66,           /* text: the question in words [cache] */
    LOCATOR_EXPIRED = 67,         /* number: 1 when it is beyond its TTL or LOCATOR_MAX_AGE_MS [cache] */
    LOCATOR_STALE_SINCE_S = 68,   /* number: since when it may be out of date, in seconds since 1970 [site mp dp list watch] */
    LOCATOR_CHANGE = 69,          /* text: "added", "changed", "deleted", "current", "stale", "unreachable" [watch] */
    LOCATOR_REPLICATED_FROM = 70, /* text: the server that took the last write, "sid 002" or a name [site mp dp list compare] */
    LOCATOR_RESULT = 80,          /* text: what a source said, a reason word or "answer" [compare] */
    LOCATOR_VERDICT = 81,         /* text: "agrees", "differs", "undecided" or "silent" [compare] */
    LOCATOR_SAID = 82             /* text: the answer, or why there is none [compare] */
};

/* The parts of a rule. */
enum locator_rule_field {
    LOCATOR_RULE_ID = 1,       /* "S1.21" */
    LOCATOR_RULE_PROFILES = 2, /* the profiles that have it, "sms2003 cm2007" */
    LOCATOR_RULE_TEXT = 3,
    LOCATOR_RULE_ORIGIN = 4    /* the documentation it comes from, or that it is ours */
};

/* The parts of a step. */
enum locator_step_field {
    LOCATOR_STEP_SOURCE = 1, /* text: URI */
    LOCATOR_STEP_ASKED = 2,  /* text: the question */
    LOCATOR_STEP_RESULT =
        3, /* text: what came back; in the last step of a source one word: "answer", "schema-not-extended" ... */
    LOCATOR_STEP_VERDICT = 4, /* text: "accepted", "passed on", "failed", "outranked", "not asked", "refused", "suspect"; ""
                                 but for the last step of a source */
    LOCATOR_STEP_RULE = 5,  /* text: ids of the rules that say so: "J1 S1.21" */
    LOCATOR_STEP_MS = 6,    /* number: how long it took */
    LOCATOR_STEP_AGE_S = 7, /* number: -1 = not known */
    LOCATOR_STEP_TTL_S = 8, /* number: -1 = not known */
    LOCATOR_STEP_OWNER = 9, /* text */
    LOCATOR_STEP_TRUST = 10 /* text */
};

/* ---- context -------------------------------------------------------------------------------------------------------- */

/* A context with default settings and no source; NULL without memory. Freed by locator_free. */
struct locator *locator_new(void);
/* Frees a context; NULL is accepted. Results stay valid, and calls under way go on. */
void locator_free(struct locator *l);
/* Why the last call that returned -1 did so; "" when none has. Valid until the next call with this context. */
const char *locator_error(const struct locator *l);

/* Adds a source behind those already there (at most 64). -1: unknown scheme (the text lists the known ones) or a malformed
 * URI. */
int locator_add_source(struct locator *l, const char *uri);
/*
 * Adds a source that was found in `origin` ("URI of ldap.conf") rather than named. Such sources are asked behind those of
 * locator_add_source, in the order of the profile: "sms2003" directory, registry; "cm2007" directory, DNS, server locator point,
 * registry; "cb" MP list, directory, DNS; other kinds are not asked. Each has a step of its own that tells the origin.
 */
int locator_add_source_from(struct locator *l, const char *uri, const char *origin);
/*
 * Adds, in this way, the sources that this host's configuration names: the servers of libldap's (ldap.conf: URI with BASE;
 * TLS_CACERT becomes LOCATOR_CA_FILE where that is not set), else "ldap:DOMAIN", and "dns:DOMAIN", for each search domain of
 * resolv.conf; "wins://HOST" for each `wins server` of smb.conf. Returns how many were added. Reads files; may look up names.
 * What these files have that cannot be read or used is a warning of every result of this context, with FILE:LINE.
 */
int locator_add_default_sources(struct locator *l);
/* Connects to the numeric address `address` wherever the host `host` is meant, instead of looking it up. */
int locator_add_address(struct locator *l, const char *host, const char *address);
/*
 * Pins the trusted root key of a site, or with NULL of any site that has none of its own; several, so that an old and a new key
 * may stand side by side: `file` holds a public key in PEM (sitectl key export), a
 * certificate in PEM, or the hexadecimal text that is published. Read at once; -1 when it is no such file.
 */
int locator_add_root_key(struct locator *l, const char *site, const char *file);
/* Says where the client is, "ADDR" or "ADDR/PREFIXLEN"; may be called up to 16 times. Without it the host's own addresses
 * count. */
int locator_add_client_address(struct locator *l, const char *address);
/* Sets a text option; NULL sets its default again. -1: no such text option, or a value that it does not take. */
int locator_set_text(struct locator *l, enum locator_option option, const char *value);
/* Sets a number option. -1: no such number option, or a value that it does not take. */
int locator_set_number(struct locator *l, enum locator_option option, int64_t value);

/* ---- finding -------------------------------------------------------------------------------------------------------- */

/* The site of the client by its addresses and AD site, or, with a code, that this site is published. `site` may be NULL. */
struct locator_result *locator_find_site(struct locator *l, const char *site);
/*
 * The default management point of a site. With LOCATOR_ROAMING `site` is the client's assigned site, and the management point is
 * the one that the client asks where it is: the proxy, resident or assigned one, each in a field of its own. With the client type
 * "legacy": the client access points of the site.
 */
struct locator_result *locator_find_mp(struct locator *l, const char *site);
/*
 * A distribution point that holds a package, chosen at random among those that the site's management point names. `version` 0
 * takes any version. The result also says which management point was asked.
 */
struct locator_result *locator_find_dp(struct locator *l, const char *site, const char *package, uint32_t version);
/*
 * The same choice made `draws` times (at most 1000000), with the seeds from that of the context on: a row for each distribution
 * point of the best locality with how often it was chosen, and how far that is from even.
 */
struct locator_result *locator_report_dp(struct locator *l, const char *site, const char *package, uint32_t version,
                                         uint32_t draws);
/* The addresses of a registered name, "NAME#XX" (XX is the type in hexadecimal). */
struct locator_result *locator_find_name(struct locator *l, const char *name);
/* Every published object of a kind, of one site or (NULL) of all, a row each, decoded; of management points also the unused. */
struct locator_result *locator_list(struct locator *l, enum locator_kind kind, const char *site);
/*
 * Asks every source the same question (LOCATOR_KIND_MP and LOCATOR_KIND_SITE: of the site code `subject`, or NULL for the site of
 * the client; LOCATOR_KIND_NAME: of the name) and compares: a row for each source. LOCATOR_OK when all that answer agree,
 * LOCATOR_CONFLICT when they do not; when none answers, as the finding call.
 */
struct locator_result *locator_compare(struct locator *l, enum locator_kind kind, const char *subject);
/* What is in the cache, the newest first: a row for each answer with its question, source, server, owner, trust, age and TTL. */
struct locator_result *locator_list_cache(struct locator *l);
/* Forgets what is in the cache, or only what has expired. */
struct locator_result *locator_flush_cache(struct locator *l, int only_expired);
/*
 * Marks an answer (LOCATOR_ANSWER_ID), which proved to be of no use, as suspect for `for_ms`, a day at most: callers who share
 * the cache get a lower-ranked one instead, or, where there is none, this one with a warning, and as LOCATOR_DEGRADED, "suspect",
 * when LOCATOR_STRICT is set. Said again it counts from then on; 0 takes it back. It is on disk when the call returns.
 */
struct locator_result *locator_report_failure(struct locator *l, const char *answer_id, int64_t for_ms);
/*
 * Watches the first source that is a directory (ldap://, ldaps://, ldapi://) and keeps a copy of what is published there in the
 * cache, where the source "cache:" finds it. Returns after `for_ms`, or with 0 when it is canceled; at once when the directory
 * cannot tell of changes (RFC 4533, or the notification of Active Directory) or refuses. `watched` is called in the calling
 * thread; its result is freed behind it, and it may call nothing of the context but locator_cancel. It is told LOCATOR_CHANGE,
 * LOCATOR_DN and LOCATOR_SOURCE: first of what differs from the copy, then "current", then of each change when it is on disk.
 * When the connection is lost it is told "stale" with LOCATOR_STALE_SINCE_S, when the copy was last known to be current; the
 * server is then tried again, after 1 s and up to 60 s apart, and the changes meanwhile are told.
 */
struct locator_result *locator_watch(struct locator *l, int64_t for_ms,
                                     void (*watched)(void *ctx, const struct locator_result *change), void *ctx);
/* Makes every call that runs in the context at this moment end at once; any thread.
 * What was not found by then is LOCATOR_UNREACHABLE with the reason "canceled". Later calls are not concerned. */
void locator_cancel(struct locator *l);

/* ---- finding without waiting ---------------------------------------------------------------------------------------- */

/*
 * The same questions, asked by a thread of the library. NULL without memory, thread or file descriptor; every other mistake is in
 * the result. Texts are copied. The context may be freed, or asked more, while the call runs. Freed by locator_call_free.
 *
 *     struct locator_call *c = locator_start_find_mp(l, "PS1");
 *     struct pollfd p = {.fd = locator_call_fd(c), .events = POLLIN};
 *     while (!locator_call_process(c))
 *         poll(&p, 1, locator_call_timeout_ms(c));
 *     struct locator_result *r = locator_call_result(c);
 *     locator_call_free(c);
 */
struct locator_call *locator_start_find_site(struct locator *l, const char *site);
struct locator_call *locator_start_find_mp(struct locator *l, const char *site); /* as above */
/* As above. */
struct locator_call *locator_start_find_dp(struct locator *l, const char *site, const char *package, uint32_t version);
struct locator_call *locator_start_find_name(struct locator *l, const char *name); /* as above */
/* As above. */
struct locator_call *locator_start_report_dp(struct locator *l, const char *site, const char *package, uint32_t version,
                                             uint32_t draws);
struct locator_call *locator_start_list(struct locator *l, enum locator_kind kind, const char *site);         /* as above */
struct locator_call *locator_start_compare(struct locator *l, enum locator_kind kind, const char *subject); /* as above */
/* The file descriptor to poll for POLLIN, which stays readable once the result is there. It belongs to the call: do not read or
 * close it. */
int locator_call_fd(const struct locator_call *c);
/* How long the call may still take, for the time-out of poll(2); 0 once the result is there. */
int locator_call_timeout_ms(const struct locator_call *c);
/* Does what can be done without waiting; 1 when the result is there, else 0. */
int locator_call_process(struct locator_call *c);
/* The result, which passes to the caller (locator_result_free); NULL while there is none, and the second time. */
struct locator_result *locator_call_result(struct locator_call *c);
/* Makes the call end at once, as locator_cancel does; any thread. */
void locator_call_cancel(struct locator_call *c);
/* Frees a call, which is canceled if it still runs; does not wait. NULL is accepted. */
void locator_call_free(struct locator_call *c);

/* ---- results -------------------------------------------------------------------------------------------------------- */

/* Frees a result; NULL is accepted. */
void locator_result_free(struct locator_result *r);
/* The outcome; LOCATOR_INTERNAL for NULL. */
enum locator_outcome locator_result_outcome(const struct locator_result *r);
/* The reason word when there is no answer and the outcome alone does not tell why, else "". */
const char *locator_result_reason(const struct locator_result *r);
/* One line for people: what was found, or why nothing was. */
const char *locator_result_message(const struct locator_result *r);
/* A text field; NULL when it is not filled or not of that kind. */
const char *locator_result_text(const struct locator_result *r, enum locator_field field);
/* A number field; -1 when it is not filled or not of that kind. */
int64_t locator_result_number(const struct locator_result *r, enum locator_field field);
/* Number of items of a list field. */
size_t locator_result_count(const struct locator_result *r, enum locator_field field);
/* An item of a list field, NULL beyond its end. */
const char *locator_result_item(const struct locator_result *r, enum locator_field field, size_t index);
/*
 * Rows of locator_list, locator_compare and locator_report_dp: their number, and the fields of one as above (`item` counts the
 * items of a list field); NULL, -1 and 0 where there is nothing.
 */
size_t locator_row_count(const struct locator_result *r);
const char *locator_row_text(const struct locator_result *r, size_t row, enum locator_field field);   /* as above */
int64_t locator_row_number(const struct locator_result *r, size_t row, enum locator_field field);     /* as above */
size_t locator_row_items(const struct locator_result *r, size_t row, enum locator_field field);       /* as above */
const char *locator_row_item(const struct locator_result *r, size_t row, enum locator_field field, size_t item); /* as above */
/* Warnings: their number, and one of them (NULL beyond the end). */
size_t locator_warning_count(const struct locator_result *r);
const char *locator_warning(const struct locator_result *r, size_t index); /* as above */
/* Steps, source by source in order of priority: their number, a text and a number of one of them ("" and -1 beyond the end). */
size_t locator_step_count(const struct locator_result *r);
const char *locator_step_text(const struct locator_result *r, size_t step, enum locator_step_field field); /* as above */
int64_t locator_step_number(const struct locator_result *r, size_t step, enum locator_step_field field);   /* as above */
/* The rules that decide: their number, and a part of one (NULL beyond the end). Constant. */
size_t locator_rule_count(void);
const char *locator_rule_text(size_t rule, enum locator_rule_field field); /* as above */
/* The word of an outcome: "ok", "negative" ... Constant. */
const char *locator_outcome_word(enum locator_outcome outcome);

#ifdef __cplusplus
}
#endif

#endif
