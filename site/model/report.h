/*
 * report.h - what clients send up (S1.17): the kinds of reports, one report, and the batch of them in which a management point
 * hands them to the site server. Pure, any thread.
 *
 * A batch is text, each report a line and its body; what is not said otherwise is one word without blanks:
 *
 *   sitelocator reports 1 SITE
 *   KIND CLIENT MESSAGE RECEIVED KEY LENGTH
 *   BODY, LENGTH octets of UTF-8 XML, and a line feed
 *
 * CLIENT is the SMSID, MESSAGE the id of the client's message, RECEIVED seconds of real time, KEY the public key that has signed
 * the message (hexadecimal) or "-". The order is that in which the management point has taken them.
 */
#ifndef SL_SITE_MODEL_REPORT_H
#define SL_SITE_MODEL_REPORT_H

#include "common/base/error.h"
#include "common/base/text.h"
#include "site/model/site.h"

/* kind, word */
#define SM_REPORT_TABLE(X)                                                                                             \
    X(REGISTRATION, "registration")                                                                                    \
    X(DISCOVERY, "discovery")                                                                                          \
    X(INVENTORY, "inventory")                                                                                          \
    X(METERING, "metering")                                                                                            \
    X(STATUS, "status")

enum sm_report_kind {
#define SM_REPORT_ENUM(name, word) SM_REPORT_##name,
    SM_REPORT_TABLE(SM_REPORT_ENUM)
#undef SM_REPORT_ENUM
        SM_REPORT_COUNT
};

enum {
    SM_SMSID_SIZE = 42,   /* "GUID:" and 36 characters */
    SM_MESSAGE_SIZE = 39, /* "{" 36 characters "}" */
    SM_KEY_SIZE = 2100,   /* a public key of 8192 bits, hexadecimal */
    SM_REPORT_MAX = 512 << 10, /* octets of a body */
    SM_BATCH_MAX = 900 << 10,  /* octets of a batch, one report at least */
    SM_BATCH_REPORTS_MAX = 1000,
    SM_BATCH_LINE_MAX = SM_KEY_SIZE + 256,
};

/* The word of a kind; SM_REPORT_COUNT for one that is none. */
const char *sm_report_word(enum sm_report_kind kind);
enum sm_report_kind sm_report_parse(const char *word); /* as above */
/* Copies an SMSID in capitals; false when it is none. */
bool sm_smsid_parse(const char *text, char ret_smsid[SM_SMSID_SIZE]);
/* The same for the id of a message. */
bool sm_message_parse(const char *text, char ret_message[SM_MESSAGE_SIZE]);

/* One report as it came; borrows key and body. */
struct sm_report {
    enum sm_report_kind kind;
    char client[SM_SMSID_SIZE];
    char message[SM_MESSAGE_SIZE];
    int64_t received_s;
    const char *key;  /* NULL: not signed */
    const char *body; /* XML in UTF-8 */
    size_t body_len;
};

/* Begins a batch in `out`, made by sl_text_new(SM_BATCH_MAX). */
void sm_batch_begin(struct sl_text *out, const char *site);
/* Appends a report; false, and nothing is changed, when it does not fit. One report alone always fits. */
bool sm_batch_add(struct sl_text *out, const struct sm_report *report);

/* A batch that is read; borrows its octets. */
struct sm_batch {
    char site[SM_CODE_LEN + 1];
    const char *at;
    size_t left;
    size_t line_number;
    char line[SM_BATCH_LINE_MAX];
};

/* Reads the first line; SL_MALFORMED. */
enum sl_status sm_batch_open(const void *octets, size_t len, struct sm_batch *ret_batch, struct sl_error *e) SL_MUST;
/* Reads the next report; *ret_more is false at the end. Key and body are valid until the next call. SL_MALFORMED. */
enum sl_status sm_batch_next(struct sm_batch *batch, struct sm_report *ret_report, bool *ret_more, struct sl_error *e) SL_MUST;

/* ---- what a report says, taken apart ------------------------------------------------------------------------------------ */

/* One instance of a class; owns its strings. */
struct sm_instance {
    char *class, *namespace;
    char *item;       /* what tells it from others of its class; "" in a class of one */
    char *properties; /* a JSON object */
    bool is_deleted;
};

enum { SM_REPORT_FIELD = 64 };

/* What a report says of itself; "" for what it does not say, or at length. */
struct sm_report_facts {
    char content[SM_REPORT_FIELD];        /* ReportDetails/ReportContent, else the name of the outermost element */
    char dated[SM_REPORT_FIELD];          /* ReportDetails/Date, as it stands */
    char version[SM_REPORT_FIELD];        /* ReportDetails/Version */
    char client_version[SM_REPORT_FIELD]; /* Machine/ClientVersion */
};

/* A report of instances, or the name of a client that registers. */
struct sm_content {
    struct sm_report_facts facts;
    char *name;    /* of the client; NULL when it does not say */
    char type[16]; /* "full", "delta", as the client says, in small letters; "" */
    bool is_full;  /* what it does not name is gone */
    size_t count;
    struct sm_instance *instances;
};

/* Frees what it owns and clears it. */
void sm_content_fini(struct sm_content *content);

#endif
