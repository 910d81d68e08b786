/*
 * message.h - the XML of what clients send up (facts sms.md 10): ClientRegistrationRequest and Report.
 *
 * The management point reads it to refuse what cannot be read before it takes it, the site server to take it apart. Everything
 * is hostile: sizes and counts are bounded, SL_MALFORMED and SL_LIMIT name the place. Pure, any thread.
 *
 * What tells the instances of a class from each other no source says: it is the first of the properties DeviceID, Name, Tag and
 * ID that an instance has, else its first property.
 */
#ifndef SL_SITE_REPORT_MESSAGE_H
#define SL_SITE_REPORT_MESSAGE_H

#include "site/model/report.h"

enum {
    REP_INSTANCES_MAX = 20000, /* in one report */
    REP_PROPERTIES_MAX = 256,  /* of one instance */
    REP_NAME_MAX = 256,
};

/* Action id of a discovery report; any other is inventory. */
#define REP_DISCOVERY "{00000000-0000-0000-0000-000000000003}"

/*
 * Reads a message of this kind: of registrations the client's name, of discovery and inventory type and instances; metering and
 * status have no shape that a source gives and only must be XML. The id of the client in it (Data/@SMSID, ClientID) must be
 * `client`, or be absent or empty. The caller owns *ret_content (sm_content_fini).
 */
enum sl_status rep_read(enum sm_report_kind kind, const char *client, const char *xml, size_t len,
                        struct sm_content *ret_content, struct sl_error *e) SL_MUST;
/* The SMSID that a ClientRegistrationRequest asks for; "" when it leaves it to us. SL_MALFORMED. */
enum sl_status rep_registration_id(const char *xml, size_t len, char ret_smsid[SM_SMSID_SIZE], struct sl_error *e) SL_MUST;

/*
 * The key that has signed a ClientRegistrationRequest, malloc'd: that of the certificate Data/Certificates/Signing, by which
 * Signature/SignatureValue is over the element Data as it stands, in UTF-16LE (facts sms.md 5.3; locator/net/mssign.h). NULL when
 * it has no SignatureValue. SL_UNTRUSTED: the signature is another's, or over something else; SL_MALFORMED: it cannot be checked.
 */
enum sl_status rep_registration_key(const char *xml, size_t len, char **ret_key, struct sl_error *e) SL_MUST;

#endif
