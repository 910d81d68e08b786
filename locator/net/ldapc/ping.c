/* The packets of the LDAP ping: libldap of Debian is built without connectionless LDAP, liblber is enough. */
#include "locator/net/cldap.h"

#include <lber.h>
#include <ldap.h>

#include <string.h>
#include <strings.h>

static const char attribute[] = "netlogon";

/* NETLOGON_NT_VERSION_5, _5EX and _WITH_CLOSEST_SITE, little endian ([MS-ADTS] 6.3.1.1). */
static const uint8_t version[] = {0x16, 0, 0, 0};

enum sl_status cldap_ping_build(int id, const char *domain, struct sl_text *out, struct sl_error *e)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    struct berval packet;
    bool fine = ber != NULL &&
                ber_printf(ber, "{it{seeiib", id, LDAP_REQ_SEARCH, "", LDAP_SCOPE_BASE, LDAP_DEREF_NEVER, 0, 0, 0) >= 0 &&
                ber_printf(ber, "t{t{ss}t{so}}", LDAP_FILTER_AND, LDAP_FILTER_EQUALITY, "DnsDomain", domain, LDAP_FILTER_EQUALITY,
                           "NtVer", (const char *)version, (ber_len_t)sizeof version) >= 0 &&
                ber_printf(ber, "{s}}}", attribute) >= 0 && ber_flatten2(ber, &packet, 0) >= 0;

    if (fine)
        sl_text_add(out, packet.bv_val, packet.bv_len);
    ber_free(ber, 1);
    return fine ? SL_OK : sl_fail(e, SL_NOMEM, "LDAP ping");
}

/* The values of one attribute; the first is appended when it is ours. */
static bool take_attribute(BerElement *ber, struct sl_text *out)
{
    struct berval type, *values = NULL;

    if (ber_scanf(ber, "{mW}", &type, &values) == LBER_ERROR)
        return false;
    if (type.bv_len == sizeof attribute - 1 && strncasecmp(type.bv_val, attribute, type.bv_len) == 0 && values != NULL &&
        values[0].bv_val != NULL && out->len == 0)
        sl_text_add(out, values[0].bv_val, values[0].bv_len);
    ber_bvarray_free(values);
    return true;
}

/* "{ dn { { type { values } } ... } }" */
static bool take_entry(BerElement *ber, struct sl_text *out)
{
    struct berval dn;
    ber_len_t len;
    char *last;

    if (ber_scanf(ber, "{m", &dn) == LBER_ERROR)
        return false;
    for (ber_tag_t tag = ber_first_element(ber, &len, &last); tag != LBER_DEFAULT; tag = ber_next_element(ber, &len, last)) {
        if (!take_attribute(ber, out))
            return false;
    }
    return true;
}

enum sl_status cldap_ping_read(int id, const uint8_t *octets, size_t len, struct sl_text *out, struct sl_error *e)
{
    struct berval packet = {.bv_len = len, .bv_val = (char *)(uintptr_t)octets};
    BerElement *ber = len > 0 ? ber_init(&packet) : NULL; /* liblber reads the first octet of nothing */
    ber_int_t got = 0;
    ber_len_t inside;
    bool fine = ber != NULL && ber_scanf(ber, "{i", &got) != LBER_ERROR && got == id;

    if (fine && ber_peek_tag(ber, &inside) == LDAP_RES_SEARCH_ENTRY)
        fine = take_entry(ber, out);
    else
        fine = fine && ber_peek_tag(ber, &inside) == LDAP_RES_SEARCH_RESULT;
    ber_free(ber, 1);
    return fine ? SL_OK : sl_fail(e, SL_MALFORMED, "not an answer to an LDAP ping");
}
