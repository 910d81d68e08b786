/* The envelope of a management point's messages and the location messages: round trips and hostile input (sms.md 5.3, 5.4). */
#include "tests/unit/unit.h"

#include "common/base/random.h"
#include "locator/net/ccm.h"
#include "locator/net/locmsg.h"

#include <stdio.h>
#include <string.h>

static void put16(struct sl_text *out, const char *ascii)
{
    for (; *ascii; ascii++)
        sl_text_add(out, (const char[]){*ascii, 0}, 2);
}

/* An envelope written by hand, so that the reader is not only tested with what the writer makes. */
static struct sl_text envelope(const char *boundary, const char *header, const char *body, bool nul)
{
    struct sl_text out = sl_text_new(CCM_ENVELOPE_MAX);
    sl_text_printf(&out, "--%s\r\nContent-Type: text/plain; charset=UTF-16\r\n\r\n", boundary);
    sl_text_add(&out, "\xff\xfe", 2);
    put16(&out, header);
    sl_text_printf(&out, "\r\n--%s\r\ncontent-type: application/octet-stream\r\n\r\n", boundary);
    put16(&out, body);
    if (nul)
        sl_text_add(&out, "\0\0", 2);
    sl_text_printf(&out, "\r\n--%s--", boundary);
    return out;
}

static enum sl_status read_envelope(const struct sl_text *octets, const char *type, struct ccm_message *m)
{
    struct sl_error e = {.status = SL_OK};
    enum sl_status s = ccm_read(type, octets->data, octets->len, NULL, m, &e);
    if (s != SL_OK)
        ck_assert_str_ne(sl_error_text(&e), sl_status_text(s)); /* the text says more than the status */
    return s;
}

#define MIXED "multipart/mixed; boundary=\"aAbBcC\""
#define MSG "<Msg SchemaVersion=\"1.1\"><ID>{1}</ID><TargetEndpoint>MP_LocationManager</TargetEndpoint></Msg>"

START_TEST(round_trip_keeps_every_field)
{
    static const char *const bodies[] = {"", "<a/>", "<a b=\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"/>", "--ccm-part-00000000"};
    for (size_t i = 0; i < SL_COUNT(bodies); i++) {
        struct ccm_message m = {.timeout_ms = 60000}, back;
        char type[CCM_CONTENT_TYPE_MAX];
        ccm_new_id(m.id);
        (void)snprintf(m.source_host, sizeof m.source_host, "client <&> \"1\"");
        (void)snprintf(m.target_endpoint, sizeof m.target_endpoint, CCM_ENDPOINT_LOCATION);
        (void)snprintf(m.correlation_id, sizeof m.correlation_id, "{2}");
        m.body = strdup(bodies[i]);
        m.body_len = strlen(bodies[i]);
        struct sl_text out = sl_text_new(CCM_ENVELOPE_MAX);
        ck_assert_int_eq(ccm_write(&m, &out, type, NULL), SL_OK);
        ck_assert_int_eq(read_envelope(&out, type, &back), SL_OK);
        ck_assert_str_eq(back.id, m.id);
        ck_assert_str_eq(back.source_host, m.source_host);
        ck_assert_str_eq(back.target_endpoint, m.target_endpoint);
        ck_assert_str_eq(back.correlation_id, "{2}");
        ck_assert_int_eq(back.timeout_ms, 60000);
        ck_assert_uint_eq(back.body_len, m.body_len);
        ck_assert_str_eq(back.body, m.body);
        ccm_fini(&m);
        ccm_fini(&back);
        sl_text_fini(&out);
    }
}
END_TEST

/* A body whose UTF-16 octets spell the boundary that would come first: another one must be taken. */
START_TEST(a_body_cannot_end_its_own_part)
{
    char boundary[] = "ccm-part-00000000"; /* odd length: a blank in front makes it even */
    struct sl_text utf8 = sl_text_new(256), out = sl_text_new(CCM_ENVELOPE_MAX);
    char padded[sizeof boundary + 1] = " ";
    memcpy(padded + 1, boundary, sizeof boundary);
    for (size_t i = 0; padded[i]; i += 2) {
        unsigned c = (unsigned char)padded[i] | (unsigned)(unsigned char)padded[i + 1] << 8;
        char o[3] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))};
        sl_text_add(&utf8, o, 3);
    }
    struct ccm_message m = {.body = (char *)(uintptr_t)sl_text_str(&utf8), .body_len = utf8.len}, back;
    char type[CCM_CONTENT_TYPE_MAX];
    ck_assert_int_eq(ccm_write(&m, &out, type, NULL), SL_OK);
    ck_assert_ptr_null(strstr(type, boundary));
    ck_assert_int_eq(read_envelope(&out, type, &back), SL_OK);
    ck_assert_str_eq(back.body, sl_text_str(&utf8));
    ccm_fini(&back);
    sl_text_fini(&utf8);
    sl_text_fini(&out);
}
END_TEST

START_TEST(reads_what_others_write)
{
    struct ccm_message m;
    struct sl_text in = envelope("aAbBcC", MSG, "<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>", true);
    ck_assert_int_eq(read_envelope(&in, "Multipart/Mixed;charset=x; Boundary=aAbBcC; more=1", &m), SL_OK);
    ck_assert_str_eq(m.body, "<a/>");
    ck_assert_str_eq(m.id, "{1}");
    ck_assert_str_eq(m.reply_to, "");
    ccm_fini(&m);
    sl_text_fini(&in);
    in = envelope("aAbBcC", "<Msg><Body Type=\"ByteRange\" Offset=\"2\" Length=\"8\"/></Msg>", "x<a/>yz", false);
    ck_assert_int_eq(read_envelope(&in, MIXED, &m), SL_OK);
    ck_assert_str_eq(m.body, "<a/>");
    ccm_fini(&m);
    sl_text_fini(&in);
}
END_TEST

START_TEST(refuses_bad_envelopes)
{
    static const struct {
        const char *type, *boundary, *header, *body;
        enum sl_status status;
    } rows[] = {
        {NULL, "aAbBcC", MSG, "<a/>", SL_MALFORMED},
        {"text/xml", "aAbBcC", MSG, "<a/>", SL_MALFORMED},
        {"multipart/mixed", "aAbBcC", MSG, "<a/>", SL_MALFORMED},
        {"multipart/mixed; boundary=", "aAbBcC", MSG, "<a/>", SL_MALFORMED},
        {"multipart/mixed; boundary=\"aAbBcC", "aAbBcC", MSG, "<a/>", SL_MALFORMED},
        {"multipart/mixed; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aAbBcC",
         MSG, "", SL_MALFORMED},
        {MIXED, "other", MSG, "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<Msg>", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<Other/>", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<!DOCTYPE Msg [<!ENTITY a 'b'>]><Msg>&a;</Msg>", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<Msg><Body Offset=\"0\" Length=\"999\"/></Msg>", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<Msg><Body Offset=\"4\" Length=\"18446744073709551615\"/></Msg>", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<Msg><Body Offset=\"0\" Length=\"3\"/></Msg>", "<a/>", SL_MALFORMED},
        {MIXED, "aAbBcC", "<Msg><Hooks><Hook3 Name=\"zlib-compress\"/></Hooks></Msg>", "<a/>", SL_UNSUPPORTED},
        {MIXED, "aAbBcC", "<Msg><ID>0123456789012345678901234567890123456789012345678901234567890123456789</ID></Msg>", "",
         SL_MALFORMED},
    };
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct sl_text in = envelope(rows[i].boundary, rows[i].header, rows[i].body, true);
        struct ccm_message m;
        ck_assert_msg(read_envelope(&in, rows[i].type, &m) == rows[i].status, "row %zu", i);
        sl_text_fini(&in);
    }
}
END_TEST

START_TEST(refuses_bad_utf16_in_the_body)
{
    static const struct {
        const char *octets;
        size_t len;
    } rows[] = {{"a", 1}, {"\x00\xd8", 2}, {"\x00\xdc", 2}, {"\x00\xd8" "a\0", 4}, {"a\0\0\0b\0", 6}, {"\0\0\0\0", 4}};
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct sl_text in = sl_text_new(4096);
        struct ccm_message m;
        sl_text_puts(&in, "--aAbBcC\r\nA: b\r\n\r\n\xff\xfe");
        put16(&in, MSG);
        sl_text_puts(&in, "\r\n--aAbBcC\r\nA: b\r\n\r\n");
        sl_text_add(&in, rows[i].octets, rows[i].len);
        sl_text_puts(&in, "\r\n--aAbBcC--");
        ck_assert_msg(read_envelope(&in, MIXED, &m) == SL_MALFORMED, "row %zu", i);
        sl_text_fini(&in);
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    struct sl_text in = envelope("aAbBcC", MSG, "<a>text</a>", true);
    size_t whole = in.len - 2; /* the last "--" may be missing: the part has ended */
    for (size_t len = 0; len < whole; len++) {
        struct ccm_message m;
        char *cut = malloc(len + 1); /* of exactly this size, for the sanitizers */
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, in.data, len);
        ck_assert_msg(ccm_read(MIXED, cut, len, NULL, &m, NULL) != SL_OK, "%zu octets", len);
        free(cut);
    }
    sl_text_fini(&in);
}
END_TEST

START_TEST(octets_turned_at_random_never_crash)
{
    struct sl_text in = envelope("aAbBcC", MSG, "<ContentLocationReply><Sites/></ContentLocationReply>", true);
    const char *given = getenv("SL_SEED");
    uint64_t seed = 7;
    ck_assert(!given || sl_parse_u64(given, UINT64_MAX, &seed));
    printf("seed %llu\n", (unsigned long long)seed);
    struct sl_random r = sl_random_seeded(seed);
    for (int run = 0; run < 3000; run++) {
        char *copy = malloc(in.len);
        struct ccm_message m;
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, in.data, in.len);
        for (int n = 0; n < 3; n++)
            copy[sl_random_below(&r, in.len)] = (char)sl_random_next(&r);
        if (ccm_read(MIXED, copy, in.len, NULL, &m, NULL) == SL_OK) {
            struct loc_content_reply reply;
            if (loc_content_reply_read(m.body, m.body_len, &reply, NULL) == SL_OK)
                loc_content_reply_fini(&reply);
            ccm_fini(&m);
        }
        free(copy);
    }
    sl_text_fini(&in);
}
END_TEST

/* Reads what has to be a ContentLocationRequest. */
static enum sl_status read_content(const char *xml, size_t len, struct loc_content_request *ret_request, struct sl_error *e)
{
    enum loc_question question = LOC_LOCAL_MP;
    enum sl_status s = loc_request_read(xml, len, &question, ret_request, e);
    ck_assert(s != SL_OK || question == LOC_CONTENT);
    return s;
}

START_TEST(sizes_are_bounded)
{
    char *big = malloc(CCM_ENVELOPE_MAX + 1), type[CCM_CONTENT_TYPE_MAX];
    ck_assert_ptr_nonnull(big);
    memset(big, 'a', CCM_ENVELOPE_MAX + 1);
    struct ccm_message m;
    ck_assert_int_eq(ccm_read(MIXED, big, CCM_ENVELOPE_MAX + 1, NULL, &m, NULL), SL_LIMIT);
    ck_assert_int_eq(ccm_read(MIXED, big, CCM_ENVELOPE_MAX, NULL, &m, NULL), SL_MALFORMED);
    struct sl_text out = sl_text_new(CCM_ENVELOPE_MAX);
    struct ccm_message heavy = {.body = big, .body_len = CCM_ENVELOPE_MAX};
    ck_assert_int_eq(ccm_write(&heavy, &out, type, NULL), SL_LIMIT);
    ck_assert_int_eq(ccm_write(&(struct ccm_message){.body = (char[]){"\xff"}, .body_len = 1}, &out, type, NULL), SL_MALFORMED);
    struct loc_content_request request;
    ck_assert_int_eq(read_content(big, CCM_ENVELOPE_MAX, &request, NULL), SL_LIMIT);
    sl_text_fini(&out);
    free(big);
}
END_TEST

/* ---- location messages ---------------------------------------------------------------------------------------------- */

START_TEST(content_request_round_trip)
{
    struct loc_content_request r = {.version = 2, .address_count = 2}, back;
    (void)snprintf(r.package, sizeof r.package, "PS1<&>\"'");
    (void)snprintf(r.site, sizeof r.site, "PS1");
    (void)snprintf(r.ad_site, sizeof r.ad_site, "K\xc3\xb6ln");
    (void)snprintf(r.addresses[0].subnet, sizeof r.addresses[0].subnet, "10.1.0.0");
    (void)snprintf(r.addresses[0].address, sizeof r.addresses[0].address, "10.1.2.3");
    (void)snprintf(r.addresses[1].address, sizeof r.addresses[1].address, "2001:db8::1");
    struct sl_text xml = sl_text_new(LOC_XML_MAX);
    loc_content_request_write(&r, &xml);
    ck_assert_int_eq(read_content(sl_text_str(&xml), xml.len, &back, NULL), SL_OK);
    ck_assert_mem_eq(&r, &back, sizeof r);
    sl_text_fini(&xml);
}
END_TEST

/* The request of a current client (sms.md 5.4), attributes and elements that we do not know included. */
START_TEST(content_request_of_current_branch)
{
    static const char xml[] =
        "<ContentLocationRequest SchemaVersion=\"1.00\" ExcludeFileList=\"\"><Package ID=\"UID:Content_1\" Version=\"1\"/>"
        "<AssignedSite SiteCode=\"ps1\"/><ClientLocationInfo LocationType=\"SMSUpdate\" UseAzure=\"0\"><ADSite Name=\"X\"/>"
        "<Forest Name=\"f\"/><Domain Name=\"d\"/><IPAddresses><IPAddress SubnetAddress=\"10.0.0.0\" Address=\"10.0.0.1\"/>"
        "</IPAddresses><Later/></ClientLocationInfo></ContentLocationRequest>";
    struct loc_content_request r;
    ck_assert_int_eq(read_content(xml, sizeof xml - 1, &r, NULL), SL_OK);
    ck_assert_str_eq(r.package, "UID:Content_1");
    ck_assert_str_eq(r.site, "PS1");
    ck_assert_str_eq(r.forest, "f");
    ck_assert_uint_eq(r.address_count, 1);
}
END_TEST

#define REQUEST(inside) "<ContentLocationRequest>" inside "</ContentLocationRequest>"

START_TEST(content_request_that_is_none)
{
    static const char *const bad[] = {
        "", "<ContentLocationReply/>", REQUEST(""), REQUEST("<Package/>"), REQUEST("<Package ID=\"\"/>"),
        REQUEST("<Package ID=\"a\" Version=\"-1\"/>"), REQUEST("<Package ID=\"a\" Version=\"4294967296\"/>"),
        REQUEST("<Package ID=\"a\"/><AssignedSite SiteCode=\"' OR 1=1 --\"/>"),
        REQUEST("<Package ID=\"a\"/><AssignedSite SiteCode=\"PS\"/>"),
        REQUEST("<Package ID=\"0123456789012345678901234567890123456789012345678901234567890123456789\"/>"),
        REQUEST("<Package ID=\"a\"/><ClientLocationInfo><IPAddresses><IPAddress Address="
                "\"0123456789012345678901234567890123456789012345678901234567890\"/></IPAddresses></ClientLocationInfo>"),
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct loc_content_request r;
        struct sl_error e = {.status = SL_OK};
        ck_assert_msg(read_content(bad[i], strlen(bad[i]), &r, &e) == SL_MALFORMED, "%s", bad[i]);
        ck_assert_str_ne(e.text, "");
    }
}
END_TEST

START_TEST(counts_are_bounded)
{
    struct sl_text xml = sl_text_new(LOC_XML_MAX);
    struct loc_content_request r;
    struct loc_content_reply reply;
    sl_text_puts(&xml, "<ContentLocationRequest><Package ID=\"a\"/><ClientLocationInfo><IPAddresses>");
    for (int i = 0; i <= LOC_ADDRESSES_PER_CLIENT; i++)
        sl_text_puts(&xml, "<IPAddress Address=\"10.0.0.1\"/>");
    sl_text_puts(&xml, "</IPAddresses></ClientLocationInfo></ContentLocationRequest>");
    ck_assert_int_eq(read_content(sl_text_str(&xml), xml.len, &r, NULL), SL_LIMIT);
    sl_text_reset(&xml);
    sl_text_puts(&xml, "<ContentLocationReply><Sites>");
    for (int i = 0; i <= LOC_SITES_PER_REPLY; i++)
        sl_text_puts(&xml, "<Site><MPSite SiteCode=\"PS1\"/></Site>");
    sl_text_puts(&xml, "</Sites></ContentLocationReply>");
    ck_assert_int_eq(loc_content_reply_read(sl_text_str(&xml), xml.len, &reply, NULL), SL_LIMIT);
    sl_text_fini(&xml);
}
END_TEST

START_TEST(content_reply_round_trip)
{
    struct loc_content_reply reply = {NULL, 0}, back;
    struct loc_site *site;
    struct loc_record *record;
    ck_assert_int_eq(loc_content_reply_add_site(&reply, "PS1", "PS1", LOC_LOCAL, &site, NULL), SL_OK);
    ck_assert_int_eq(loc_site_add_record(site, "http://dp1/SMS_DP_SMSPKG$/P.1/?a=1&b=2", "dp1", &record, NULL), SL_OK);
    record->smb_path = strdup("\\\\dp1\\pkg<1>");
    ck_assert_int_eq(loc_site_add_record(site, "http://dp2/", NULL, &record, NULL), SL_OK);
    record->locality = LOC_REMOTE;
    ck_assert_int_eq(loc_content_reply_add_site(&reply, "PS2", "PS1", LOC_FALLBACK, &site, NULL), SL_OK);
    struct sl_text xml = sl_text_new(LOC_XML_MAX);
    loc_content_reply_write(&reply, &xml);
    ck_assert_int_eq(loc_content_reply_read(sl_text_str(&xml), xml.len, &back, NULL), SL_OK);
    ck_assert_uint_eq(back.site_count, 2);
    ck_assert_uint_eq(back.sites[0].record_count, 2);
    ck_assert_uint_eq(back.sites[1].record_count, 0);
    ck_assert_str_eq(back.sites[0].records[0].url, "http://dp1/SMS_DP_SMSPKG$/P.1/?a=1&b=2");
    ck_assert_str_eq(back.sites[0].records[0].smb_path, "\\\\dp1\\pkg<1>");
    ck_assert_str_eq(back.sites[0].records[0].server, "dp1");
    ck_assert_int_eq(back.sites[0].records[0].locality, LOC_LOCAL);
    ck_assert_int_eq(back.sites[0].records[1].locality, LOC_REMOTE);
    ck_assert_str_eq(back.sites[1].master_code, "PS1");
    ck_assert_int_eq(back.sites[1].locality, LOC_FALLBACK);
    loc_content_reply_fini(&reply);
    loc_content_reply_fini(&back);
    sl_text_fini(&xml);
}
END_TEST

/* A reply of a current management point: an empty IPSubnet, content hashes, a second site with an empty list (sms.md 5.4). */
START_TEST(content_reply_of_current_branch)
{
    static const char xml[] =
        "<ContentLocationReply SchemaVersion=\"1.00\" ContentFlags=\"1\"><ContentInfo "
        "PackageFlags=\"0\"><ContentHashValues/></ContentInfo>"
        "<Sites><Site><MPSite SiteCode=\"PS1\" MasterSiteCode=\"PS1\" SiteLocality=\"LOCAL\" IISPreferedPort=\"80\"/>"
        "<LocationRecords><LocationRecord><URL Name=\"http://dp/SMS_DP_SMSPKG$/c.1\" Signature=\"http://dp/s\"/><ADSite "
        "Name=\"X\"/>"
        "<IPSubnets><IPSubnet Address=\"10.0.0.0\"/><IPSubnet Address=\"\"/></IPSubnets><Metric "
        "Value=\"\"/><Version>8239</Version>"
        "<ServerRemoteName>dp.example.com</ServerRemoteName><DPType>SERVER</DPType><Windows "
        "Trust=\"1\"/><Locality>LOCAL</Locality>"
        "</LocationRecord></LocationRecords></Site><Site><MPSite SiteCode=\"PS1\" "
        "MasterSiteCode=\"PS1\"/><LocationRecords/></Site>"
        "</Sites><RelatedContentIDs/></ContentLocationReply>";
    struct loc_content_reply reply;
    ck_assert_int_eq(loc_content_reply_read(xml, sizeof xml - 1, &reply, NULL), SL_OK);
    ck_assert_uint_eq(reply.site_count, 2);
    ck_assert_uint_eq(reply.sites[0].records[0].subnet_count, 1);
    ck_assert_str_eq(reply.sites[0].records[0].server, "dp.example.com");
    loc_content_reply_fini(&reply);
}
END_TEST

START_TEST(mp_list_round_trip)
{
    struct loc_mp_list list = {NULL, 0}, back;
    struct loc_mp mp = {.ssl_state = 1};
    (void)snprintf(mp.name, sizeof mp.name, "MP<1>");
    (void)snprintf(mp.fqdn, sizeof mp.fqdn, "mp1.example.com");
    (void)snprintf(mp.version, sizeof mp.version, "6487");
    ck_assert_int_eq(loc_mp_list_add(&list, &mp, NULL), SL_OK);
    (void)snprintf(mp.site, sizeof mp.site, "PS1");
    ck_assert_int_eq(loc_mp_list_add(&list, &mp, NULL), SL_OK);
    struct sl_text xml = sl_text_new(LOC_XML_MAX);
    loc_mp_list_write(&list, &xml);
    ck_assert_int_eq(loc_mp_list_read(sl_text_str(&xml), xml.len, &back, NULL), SL_OK);
    ck_assert_uint_eq(back.count, 2);
    ck_assert_mem_eq(back.items, list.items, 2 * sizeof *list.items);
    loc_mp_list_fini(&list);
    loc_mp_list_fini(&back);
    sl_text_fini(&xml);
}
END_TEST

UNIT_MAIN("ccm", round_trip_keeps_every_field, a_body_cannot_end_its_own_part, reads_what_others_write, refuses_bad_envelopes,
          refuses_bad_utf16_in_the_body, every_truncation_is_refused, octets_turned_at_random_never_crash, sizes_are_bounded,
          content_request_round_trip, content_request_of_current_branch, content_request_that_is_none, counts_are_bounded,
          content_reply_round_trip, content_reply_of_current_branch, mp_list_round_trip)
