/* Which server took the last write of an entry, out of what OpenLDAP and Active Directory tell. */
#include "locator/source/ldap.h"
#include "tests/unit/unit.h"

#include <string.h>

enum { HEAD = 16, ROW = 48, ROWS = 3, METADATA = HEAD + ROWS * ROW };

/* Of the writer `who` all sixteen octets of the id are `who`, but for the first, which is 0x01. */
struct row {
    uint64_t when_s, usn;
    uint8_t who;
};

static void put_number(uint8_t *at, uint64_t number, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static void put_id(uint8_t *at, uint8_t who)
{
    memset(at, who, SRC_WRITER_ID);
    at[0] = 0x01;
}

static void make(const struct row rows[ROWS], uint8_t out[METADATA])
{
    memset(out, 0, METADATA);
    put_number(out, 1, 4);
    put_number(out + 8, ROWS, 4);
    for (size_t i = 0; i < ROWS; i++) {
        uint8_t *row = out + HEAD + i * ROW;
        put_number(row, 0x90001 + i, 4);
        put_number(row + 4, 7, 4);
        put_number(row + 8, rows[i].when_s, 8);
        put_id(row + 16, rows[i].who);
        put_number(row + 32, 1000000 - rows[i].usn, 8);
        put_number(row + 40, rows[i].usn, 8);
    }
}

static const struct row rows[ROWS] = {{13000000000, 70, 0xaa}, {13000000900, 20, 0xbb}, {13000000100, 90, 0xcc}};

START_TEST(X10_the_newest_row_counts_and_of_a_second_the_one_that_came_last)
{
    static const struct row same[ROWS] = {{13000000000, 70, 0xaa}, {13000000000, 90, 0xbb}, {13000000000, 20, 0xcc}};
    uint8_t metadata[METADATA], id[SRC_WRITER_ID], wanted[SRC_WRITER_ID];
    put_id(wanted, 0xbb);
    make(rows, metadata);
    ck_assert(src_ldap_newest_writer(metadata, sizeof metadata, id));
    ck_assert_mem_eq(id, wanted, sizeof id);
    make(same, metadata);
    ck_assert(src_ldap_newest_writer(metadata, sizeof metadata, id));
    ck_assert_mem_eq(id, wanted, sizeof id);
}
END_TEST

START_TEST(X10_metadata_that_is_cut_or_promises_too_much_tells_nothing)
{
    static const uint32_t counts[] = {0, ROWS + 1, 0x05555556, 0xffffffff};
    uint8_t metadata[METADATA], id[SRC_WRITER_ID];
    make(rows, metadata);
    for (size_t len = 0; len < sizeof metadata; len++) {
        uint8_t *cut = malloc(len ? len : 1); /* of its own, so that a sanitizer sees what is read behind it */
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, metadata, len);
        ck_assert_msg(!src_ldap_newest_writer(cut, len, id), "%zu octets", len);
        free(cut);
    }
    for (size_t i = 0; i < SL_COUNT(counts); i++) {
        put_number(metadata + 8, counts[i], 4);
        ck_assert_msg(!src_ldap_newest_writer(metadata, sizeof metadata, id), "%u rows", counts[i]);
    }
    make(rows, metadata);
    put_number(metadata, 2, 4);
    ck_assert(!src_ldap_newest_writer(metadata, sizeof metadata, id));
}
END_TEST

static void put(struct ldapc_entries *entries, const char *dn, const struct ldapc_pair *pairs, size_t count)
{
    struct sl_error e = {.status = SL_OK};
    ok(ldapc_entries_put(entries, dn, pairs, count, &e), &e);
}

#define SERVERS "CN=Servers,CN=HQ,CN=Sites,CN=Configuration,DC=lab,DC=example"
#define TEXT(attr, text) {attr, text, sizeof text - 1}

START_TEST(X10_the_id_becomes_the_name_of_the_server_else_it_is_told_as_a_guid)
{
    static const struct {
        uint8_t who;
        const char *origin;
    } cases[] = {{0xaa, "dc1.lab.example"}, {0xbb, "DC2"}, {0xcc, "cccccc01-cccc-cccc-cccc-cccccccccccc"},
                 {0xdd, "dddddd01-dddd-dddd-dddd-dddddddddddd"}};
    struct src_origins origins = {.asked = true};
    uint8_t ids[3][SRC_WRITER_ID] = {{0}};
    for (size_t i = 0; i < SL_COUNT(ids); i++) {
        static const char *const dns[] = {"CN=NTDS Settings,CN=DC1," SERVERS, "CN=NTDS Settings,CN=DC2," SERVERS,
                                          "CN=NTDS Settings,CN=DC3," SERVERS};
        put_id(ids[i], cases[i].who);
        const struct ldapc_pair pairs[] = {TEXT("objectClass", "nTDSDSA"), {"invocationId", (const char *)ids[i], SRC_WRITER_ID}};
        put(&origins.servers, dns[i], pairs, SL_COUNT(pairs));
    }
    put(&origins.servers, "CN=DC1," SERVERS,
        (const struct ldapc_pair[]){TEXT("objectClass", "server"), TEXT("cn", "DC1"), TEXT("dNSHostName", "dc1.lab.example")}, 3);
    put(&origins.servers, "cn=dc2," SERVERS, (const struct ldapc_pair[]){TEXT("objectClass", "server"), TEXT("cn", "DC2")}, 2);
    put(&origins.servers, "CN=DC3," SERVERS,
        (const struct ldapc_pair[]){TEXT("objectClass", "server"), TEXT("cn", "a b\x1b[2J")}, 2);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        const struct row last[ROWS] = {rows[0], {13000009000, 20, cases[i].who}, rows[2]};
        struct ldapc_entries found = {.count = 0};
        char origin[LM_ORIGIN_MAX];
        uint8_t metadata[METADATA];
        make(last, metadata);
        put(&found, "CN=SMS-MP", (const struct ldapc_pair[]){{SRC_METADATA, (const char *)metadata, METADATA}}, 1);
        src_ldap_origin(&origins, &found.items[0], origin);
        ck_assert_str_eq(origin, cases[i].origin);
        ldapc_entries_fini(&found);
    }
    src_ldap_origins_fini(&origins);
}
END_TEST

START_TEST(X10_openldap_tells_a_number_unless_it_does_not_replicate)
{
    static const struct {
        const char *csn, *origin;
    } cases[] = {{"20261122193551.382185Z#000000#003#000000", "sid 003"}, {"20261122193551.382185Z#00000a#0ff#000000", "sid 0ff"},
                 {"20261122193551.382185Z#000000#000#000000", ""}, {"20261122193551.382185Z", ""}, {"#", ""}};
    struct src_origins origins = {.asked = false};
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct ldapc_entries found = {.count = 0};
        char origin[LM_ORIGIN_MAX];
        put(&found, "cn=SMS-MP", &(struct ldapc_pair){SRC_ENTRY_CSN, cases[i].csn, strlen(cases[i].csn)}, 1);
        src_ldap_origin(&origins, &found.items[0], origin);
        ck_assert_str_eq(origin, cases[i].origin);
        ldapc_entries_fini(&found);
    }
}
END_TEST

UNIT_MAIN("origin", X10_the_newest_row_counts_and_of_a_second_the_one_that_came_last,
          X10_metadata_that_is_cut_or_promises_too_much_tells_nothing,
          X10_the_id_becomes_the_name_of_the_server_else_it_is_told_as_a_guid,
          X10_openldap_tells_a_number_unless_it_does_not_replicate)
