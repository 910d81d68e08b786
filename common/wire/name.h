/*
 * name.h - NetBIOS names: 16 octets (15 and a type) and an optional scope. RFC 1001 14.1, RFC 1002 4.1; wins.md 1.5.
 *
 * Names and scopes compare octet by octet. Text form: `NAME#XX` or `NAME#XX.scope`, trailing padding left out; octets
 * outside 0x21..0x7e and `#`, `.`, `\` are written `\xNN`. Reading it also takes blanks as they are.
 */
#ifndef SL_COMMON_WIRE_NAME_H
#define SL_COMMON_WIRE_NAME_H

#include "common/base/error.h"
#include "common/wire/cursor.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    NB_NAME_LEN = 16,
    NB_SCOPE_MAX = 237, /* scope text a name server stores (rules R06, L02) */
    NB_SCOPE_READ = 255, /* scope text that is read at all: RFC 1002 has room for 220, others take more (wins.md 1.5) */
    NB_LABEL_MAX = 63,
    NB_WIRE_NAME_MAX = 34 + NB_SCOPE_READ + 1, /* encoded: name, scope labels, root */
    NB_NAME_TEXT_MAX = NB_NAME_LEN * 4 + 5 + NB_SCOPE_READ * 4,
};

/* Types that the rules name. */
enum nb_suffix {
    NB_WORKSTATION = 0x00,
    NB_MASTER_DOMAIN = 0x1b, /* domain master browser: "1B" */
    NB_DOMAIN_GROUP = 0x1c,  /* domain controllers: "1C" */
    NB_MASTER_LOCAL = 0x1d,  /* "1D": accepted, never found */
    NB_BROWSER_ELECTION = 0x1e,
    NB_SERVER = 0x20,
    NB_SMS = 0x1a, /* MP_<code>, NLB_<code>, SMS_SLP */
};

struct nb_name {
    uint8_t octets[NB_NAME_LEN]; /* the last one is the type */
    uint8_t scope_len;           /* of the text "a.b.c"; 0 = no scope */
    char scope[NB_SCOPE_READ];   /* labels joined by dots; undefined beyond scope_len */
};

struct nb_name_text {
    char text[NB_NAME_TEXT_MAX];
};

/* A name from its first 15 octets as text (padded with blanks; "*" with NULs) and type, without scope; false when too long. */
bool nb_name_make(const char *text, uint8_t suffix, struct nb_name *ret_name);
/* Parses the text form; the type is required. A "#" within the name may stand as it is. */
enum sl_status nb_name_parse(const char *text, struct nb_name *ret_name, struct sl_error *e) SL_MUST;
/* The text form as a value: its text is gone after the full expression unless the value is kept. */
struct nb_name_text nb_name_text(const struct nb_name *name);
/*
 * True when one of the 15 octets is a lower case letter: names compare octet by octet, and clients make theirs upper case, so
 * what somebody wrote in lower case is found by nobody.
 */
bool nb_name_has_lower(const struct nb_name *name);
static inline uint8_t nb_name_suffix(const struct nb_name *name)
{
    return name->octets[NB_NAME_LEN - 1];
}
/* All 16 octets and the scope. */
bool nb_name_equal(const struct nb_name *a, const struct nb_name *b);
/* True for the name "*" (padded with NULs) of any type. */
bool nb_name_is_wildcard(const struct nb_name *name);
/*
 * Reads an encoded name at the cursor; follows at most one pointer, backwards only (RFC 1002 4.1). Fails the cursor on anything
 * else.
 */
void nb_get_name(struct nb_cursor *c, struct nb_name *ret_name);
/* Writes an encoded name, without pointers. */
void nb_put_name(struct nb_cursor *c, const struct nb_name *name);

#endif
