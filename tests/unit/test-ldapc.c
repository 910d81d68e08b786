/* The parts of the directory client that need no server: escaping, URIs, DNs, options, and what a dead server gives. */
#include "locator/net/ldapc.h"

#include "locator/net/peercert.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    const char *in, *out;
};

static void check_escapes(void (*escape)(struct sl_text *, const char *, size_t), const struct pair *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sl_text out = sl_text_new(256);

        escape(&out, rows[i].in, strlen(rows[i].in));
        ck_assert_str_eq(sl_text_str(&out), rows[i].out);
        sl_text_fini(&out);
    }
}

/* RFC 4515 section 3 */
START_TEST(filter_escapes)
{
    static const struct pair rows[] = {{"", ""},
                                       {"S01", "S01"},
                                       {"*", "\\2a"},
                                       {"a(b)c", "a\\28b\\29c"},
                                       {"\\", "\\5c"},
                                       {"x)(objectClass=*", "x\\29\\28objectClass=\\2a"},
                                       {"\xc3\xa9", "\\c3\\a9"}};
    struct sl_text out = sl_text_new(64);

    check_escapes(ldapc_escape_filter, rows, SL_COUNT(rows));
    ldapc_escape_filter(&out, "a\0b", 3);
    ck_assert_str_eq(sl_text_str(&out), "a\\00b");
    sl_text_fini(&out);
}
END_TEST

/* RFC 4514 section 2.4 */
START_TEST(rdn_escapes)
{
    static const struct pair rows[] = {
        {"", ""},
        {"SMS-Site-S01", "SMS-Site-S01"},
        {"a,b", "a\\,b"},
        {"a+b", "a\\+b"},
        {"\"q\"", "\\\"q\\\""},
        {"a;b", "a\\;b"},
        {"<a>", "\\<a\\>"},
        {"a=b", "a\\=b"},
        {"a\\b", "a\\\\b"},
        {"#a#", "\\#a#"},
        {" a b ", "\\ a b\\ "},
        {" ", "\\ "},
        {"\n", "\\0a"},
        {"\x7f", "\\7f"},
        {"\xc3\xa9", "\xc3\xa9"},
    };

    check_escapes(ldapc_escape_rdn, rows, SL_COUNT(rows));
}
END_TEST

/* Whatever octet stands in an RDN value, the DN is valid and not confused with another. */
START_TEST(every_octet_in_an_rdn)
{
    for (int c = 1; c < 0x80; c++) {
        for (int place = 0; place < 3; place++) {
            char value[4] = "xyz";
            struct sl_text dn = sl_text_new(64);

            value[place] = (char)c;
            sl_text_puts(&dn, "CN=");
            ldapc_escape_rdn(&dn, value, 3);
            sl_text_puts(&dn, ",DC=example");
            ck_assert_msg(ldapc_dn_valid(sl_text_str(&dn)), "octet %02x: %s", (unsigned)c, sl_text_str(&dn));
            ck_assert(!ldapc_dn_equal(sl_text_str(&dn), "CN=xyz,DC=example") || sl_text_iequal(value, "xyz"));
            sl_text_fini(&dn);
        }
    }
}
END_TEST

START_TEST(good_uris)
{
    static const struct {
        const char *text, *host, *base, *server;
        enum ldapc_scheme scheme;
        uint16_t port;
    } rows[] = {
        {"ldap://dc1.example.com", "dc1.example.com", NULL, "ldap://dc1.example.com", LDAPC_LDAP, 389},
        {"ldap://dc1:3890/", "dc1", NULL, "ldap://dc1:3890", LDAPC_LDAP, 3890},
        {"LDAPS://[::1]/dc=example,dc=com", "::1", "dc=example,dc=com", "LDAPS://[::1]", LDAPC_LDAPS, 636},
        {"ldaps://[fd00::2]:1636", "fd00::2", NULL, "ldaps://[fd00::2]:1636", LDAPC_LDAPS, 1636},
        {"ldap://10.0.0.1:389/ou=my%20unit,o=a%5C2Cb", "10.0.0.1", "ou=my unit,o=a\\2Cb", "ldap://10.0.0.1:389", LDAPC_LDAP,
         389},
        {"ldapi://%2Frun%2Fslapd%2Fldapi", "/run/slapd/ldapi", NULL, "ldapi://%2Frun%2Fslapd%2Fldapi", LDAPC_LDAPI, 0},
        {"ldapi:///", "", NULL, "ldapi://", LDAPC_LDAPI, 0},
        {"ldapi:///dc=x", "", "dc=x", "ldapi://", LDAPC_LDAPI, 0},
        {"ldapi://%2Ftmp%2Fs/dc=x", "/tmp/s", "dc=x", "ldapi://%2Ftmp%2Fs", LDAPC_LDAPI, 0},
    };

    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct ldapc_uri uri;
        struct sl_error e = {0};

        ck_assert_msg(ldapc_uri_parse(rows[i].text, &uri, &e) == SL_OK, "%s: %s", rows[i].text, e.text);
        ck_assert_uint_eq(uri.count, 1);
        ck_assert_str_eq(uri.servers[0].host, rows[i].host);
        ck_assert_pstr_eq(uri.base, rows[i].base);
        ck_assert_str_eq(uri.server, rows[i].server);
        ck_assert_str_eq(uri.servers[0].uri, rows[i].server);
        ck_assert_int_eq(uri.scheme, rows[i].scheme);
        ck_assert_uint_eq(uri.servers[0].port, rows[i].port);
        ldapc_uri_fini(&uri);
    }
}
END_TEST

START_TEST(several_servers)
{
    static const struct {
        const char *host, *uri;
        uint16_t port;
    } expected[] = {{"dc1", "ldap://dc1", 389}, {"::1", "ldap://[::1]:3890", 3890}, {"dc3", "ldap://dc3:390", 390}};
    struct ldapc_uri uri;

    ck_assert_int_eq(ldapc_uri_parse("ldap://dc1,[::1]:3890,dc3:390/dc=x", &uri, NULL), SL_OK);
    ck_assert_uint_eq(uri.count, SL_COUNT(expected));
    ck_assert_str_eq(uri.server, "ldap://dc1,[::1]:3890,dc3:390");
    ck_assert_str_eq(uri.base, "dc=x");
    for (size_t i = 0; i < uri.count; i++) {
        ck_assert_str_eq(uri.servers[i].host, expected[i].host);
        ck_assert_str_eq(uri.servers[i].uri, expected[i].uri);
        ck_assert_uint_eq(uri.servers[i].port, expected[i].port);
    }
    ldapc_uri_fini(&uri);
    ck_assert_int_eq(ldapc_uri_parse("ldapi://%2Fa,b", &uri, NULL), SL_OK); /* a path may have a comma */
    ck_assert_str_eq(uri.servers[0].host, "/a,b");
    ldapc_uri_fini(&uri);
    ck_assert_int_eq(ldapc_uri_parse("ldap://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", &uri, NULL), SL_OK);
    ck_assert_uint_eq(uri.count, LDAPC_SERVERS_MAX);
    ldapc_uri_fini(&uri);
}
END_TEST

START_TEST(bad_uris)
{
    static const char *const bad[] = {
        "",
        "dc1",
        "http://x",
        "ldap:",
        "ldap:/x",
        "ldap://",
        "ldap:///dc=x",
        "ldap://:389",
        "ldap://h:0",
        "ldap://h:65536",
        "ldap://h:",
        "ldap://h:x",
        "ldap://h,",
        "ldap://,h",
        "ldap://h,,i",
        "ldap://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
        "ldap://[::1",
        "ldap://[::1]x",
        "ldap://h/nodn",
        "ldap://h/dc=x?cn?sub",
        "ldap://h/o=a%2Cb",
        "ldap://h%2",
        "ldap://h%00",
        "ldap://h%zz",
        "ldap://a b",
        "ldap://h/dc=%00",
    };

    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct ldapc_uri uri;
        struct sl_error e = {0};

        ck_assert_msg(ldapc_uri_parse(bad[i], &uri, &e) == SL_USAGE, "accepted: %s", bad[i]);
        ck_assert_ptr_nonnull(strstr(e.text, bad[i]));
    }
}
END_TEST

START_TEST(dns_are_compared_normalised)
{
    ck_assert(ldapc_dn_equal("CN=System, DC=x", "cn=system,dc=X"));
    ck_assert(ldapc_dn_equal("CN=a\\2Cb,DC=x", "CN=a\\,b,DC=x"));
    ck_assert(!ldapc_dn_equal("CN=a,DC=x", "CN=b,DC=x"));
    ck_assert(ldapc_dn_equal("CN=x,ou=a+L=b+l=C,DC=x", "cn=x,l=c+l=B+OU=A,dc=x"));
    ck_assert(!ldapc_dn_equal("ou=a+l=b,DC=x", "ou=b+l=a,DC=x"));
    ck_assert(!ldapc_dn_equal("ou=a+l=b,DC=x", "ou=a,DC=x"));
    ck_assert(!ldapc_dn_equal("nonsense", "nonsense"));
    ck_assert(ldapc_dn_valid(""));
    ck_assert(!ldapc_dn_valid("x"));
}
END_TEST

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

START_TEST(contradicting_options)
{
    const struct {
        const char *uri;
        struct ldapc_options options;
        const char *about;
    } rows[] = {
        {"ldap://h", {.bind_dn = text("cn=x")}, "password file"},
        {"ldap://h", {.password_file = text("/x")}, "password file"},
        {"ldap://h", {.sasl = LDAPC_SASL_EXTERNAL}, "EXTERNAL"},
        {"ldaps://h", {.starttls = true}, "StartTLS"},
        {"ldapi://%2Fx", {.starttls = true}, "StartTLS"},
        {"ldap://h", {.base = text("nope")}, "base"},
        {"ldap://h", {.container = text("nope")}, "container"},
        {"ldap://h", {.bind_dn = text("cn=x"), .password_file = text("/x"), .sasl = LDAPC_SASL_GSSAPI}, "GSSAPI"},
        {"ldap://h", {.bind_dn = text("cn=x"), .password_file = text("/x"), .sasl = LDAPC_SASL_GSS_SPNEGO}, "GSS-SPNEGO"},
        {"ldap://h", {.sasl = LDAPC_SASL_SCRAM_SHA_256}, "SCRAM-SHA-256"},
        {"ldap://h", {.bind_dn = text("u"), .sasl = LDAPC_SASL_SCRAM_SHA_256}, "password file"},
    };

    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct ldapc *dir;
        struct sl_error e = {0};

        ck_assert_int_eq(ldapc_new(rows[i].uri, &rows[i].options, &dir, &e), SL_USAGE);
        ck_assert_msg(strstr(e.text, rows[i].about) != NULL && strstr(e.text, rows[i].uri) != NULL, "%s", e.text);
    }
}
END_TEST

START_TEST(names_that_need_no_server)
{
    struct ldapc_options options = {.base = text("dc=options"), .container = text("ou=sms,ou=services")};
    struct ldapc *dir;
    const char *dn;

    ck_assert_int_eq(ldapc_new("ldap://h/dc=uri", &options, &dir, NULL), SL_OK);
    ck_assert_int_eq(ldapc_base(dir, sl_deadline_in(0), &dn, NULL), SL_OK);
    ck_assert_str_eq(dn, "dc=uri");
    ck_assert_int_eq(ldapc_container(dir, sl_deadline_in(0), &dn, NULL), SL_OK);
    ck_assert_str_eq(dn, "ou=sms,ou=services,dc=uri");
    ldapc_free(dir);
    options.container = NULL;
    ck_assert_int_eq(ldapc_new("ldap://h", &options, &dir, NULL), SL_OK);
    ck_assert_int_eq(ldapc_container(dir, sl_deadline_in(0), &dn, NULL), SL_OK);
    ck_assert_str_eq(dn, "CN=System Management,CN=System,dc=options");
    ldapc_free(dir);
}
END_TEST

/* A loopback listener; `backlog` connections are taken by the kernel, nobody answers. */
static int listener(char *uri, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    snprintf(uri, size, "ldap://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

START_TEST(silent_server_ends_at_the_deadline)
{
    struct ldapc_options options = {.timeout_ms = 200};
    struct sl_error e = {0};
    struct ldapc *dir;
    char uri[64];
    int fd = listener(uri, sizeof uri);
    int64_t start = sl_clock_mono_ms();

    ck_assert_int_eq(ldapc_new(uri, &options, &dir, &e), SL_OK);
    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(60000), &e), SL_TIMEOUT);
    ck_assert_int_lt(sl_clock_mono_ms() - start, 2000);
    ck_assert_int_eq(ldapc_kind(dir), LDAPC_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(e.text, uri));
    ldapc_free(dir);
    close(fd);
}
END_TEST

START_TEST(refused_connection)
{
    struct sl_error e = {0};
    struct ldapc *dir;
    char uri[64];

    close(listener(uri, sizeof uri));
    ck_assert_int_eq(ldapc_new(uri, &(struct ldapc_options){0}, &dir, &e), SL_OK);
    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(5000), &e), SL_UNREACHABLE);
    ck_assert_int_eq(ldapc_kind(dir), LDAPC_UNREACHABLE);
    /* not connected: every operation says so */
    ck_assert_int_eq(ldapc_modify(dir, "cn=x", &(struct ldapc_mod){.attr = "x"}, 1, sl_deadline_in(1000), &e), SL_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "not connected"));
    ldapc_free(dir);
}
END_TEST

/* A silent server costs its share of the time, then the next is asked; later it is asked last, and that is told. */
START_TEST(dead_servers_are_passed_over_and_avoided)
{
    struct ldapc_health *health = ldapc_health_new();
    struct ldapc_options options = {.timeout_ms = 400, .health = health};
    struct sl_error e = {0};
    struct ldapc *dir;
    char silent[64], refused[64], list[160];
    int fd = listener(silent, sizeof silent);

    close(listener(refused, sizeof refused));
    snprintf(list, sizeof list, "%s,%s", silent, refused + strlen("ldap://"));
    ck_assert_int_eq(ldapc_new(list, &options, &dir, &e), SL_OK);
    int64_t start = sl_clock_mono_ms();

    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(60000), &e), SL_TIMEOUT); /* of the first */
    ck_assert_int_lt(sl_clock_mono_ms() - start, 2000);
    ck_assert_int_eq(ldapc_kind(dir), LDAPC_TIMEOUT);
    const char *first = strstr(e.text, silent), *second = strstr(e.text, refused);

    ck_assert_msg(first != NULL && second > first, "%s", e.text);
    ck_assert_ptr_nonnull(strstr(second, "refused"));
    ldapc_free(dir);
    /* another handle knows: now the one whose pause is over first comes first */
    ck_assert_int_eq(ldapc_new(list, &options, &dir, &e), SL_OK);
    ck_assert_int_ne(ldapc_connect(dir, sl_deadline_in(60000), &e), SL_OK);
    ck_assert_ptr_nonnull(strstr(e.text, silent));
    ldapc_free(dir);
    ldapc_health_unref(health);
    close(fd);
}
END_TEST

/* Answers a bind with success (message ids of one octet), and nothing after it. */
static void *server_that_hangs_after_the_bind(void *ctx)
{
    int one = accept(*(int *)ctx, NULL, NULL);
    unsigned char request[256], answer[] = {0x30, 12, 2, 1, 0, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0};

    if (one >= 0 && recv(one, request, sizeof request, 0) > 4) {
        answer[4] = request[4];
        ck_assert_int_eq(send(one, answer, sizeof answer, MSG_NOSIGNAL), sizeof answer);
    }
    return NULL; /* left open until the test ends */
}

/* libldap's own list would go back to the server that took the connection. */
START_TEST(a_server_that_hung_is_not_the_first_again)
{
    struct ldapc_entries found;
    struct sl_error e = {0};
    struct ldapc *dir;
    char first[64], second[64], list[160];
    int fds[] = {listener(first, sizeof first), listener(second, sizeof second)};
    pthread_t threads[SL_COUNT(fds)];

    for (size_t i = 0; i < SL_COUNT(fds); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, server_that_hangs_after_the_bind, &fds[i]), 0);
    snprintf(list, sizeof list, "%s,%s", first, second + strlen("ldap://"));
    ck_assert_int_eq(ldapc_new(list, &(struct ldapc_options){.timeout_ms = 20000}, &dir, &e), SL_OK);
    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(20000), &e), SL_OK);
    ck_assert_str_eq(ldapc_server(dir), first);
    ck_assert_str_eq(ldapc_detour(dir), "");
    ck_assert_int_eq(ldapc_read(dir, "", NULL, sl_deadline_in(200), &found, &e), SL_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(e.text, first));
    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(20000), &e), SL_OK);
    ck_assert_str_eq(ldapc_server(dir), second);
    ck_assert_ptr_nonnull(strstr(ldapc_detour(dir), "failed lately"));
    ldapc_free(dir);
    for (size_t i = 0; i < SL_COUNT(fds); i++) {
        pthread_join(threads[i], NULL);
        close(fds[i]);
    }
}
END_TEST

static void *cancel_soon(void *ctx)
{
    poll(NULL, 0, 300);
    ldapc_cancel(ctx);
    return NULL;
}

START_TEST(cancel_from_another_thread)
{
    struct ldapc *dir;
    pthread_t thread;
    char uri[64];
    int fd = listener(uri, sizeof uri);
    int64_t start = sl_clock_mono_ms();

    ck_assert_int_eq(ldapc_new(uri, &(struct ldapc_options){.timeout_ms = 30000}, &dir, NULL), SL_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, dir), 0);
    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(30000), NULL), SL_CANCELED);
    ck_assert_int_lt(sl_clock_mono_ms() - start, 10000);
    ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(30000), NULL), SL_CANCELED); /* sticky */
    pthread_join(thread, NULL);
    ldapc_free(dir);
    close(fd);
}
END_TEST

/* A server that resets every connection after the client spoke; SIGPIPE would kill this process. */
static void *resetting_server(void *ctx)
{
    int fd = *(int *)ctx;

    for (int i = 0; i < 20; i++) {
        int one = accept(fd, NULL, NULL);
        struct linger now = {.l_onoff = 1};

        if (one < 0)
            return NULL;
        setsockopt(one, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(one);
    }
    return NULL;
}

START_TEST(no_sigpipe)
{
    pthread_t thread;
    char uri[64];
    int fd = listener(uri, sizeof uri);

    signal(SIGPIPE, SIG_DFL);
    ck_assert_int_eq(pthread_create(&thread, NULL, resetting_server, &fd), 0);
    for (int i = 0; i < 20; i++) {
        struct ldapc *dir;

        ck_assert_int_eq(ldapc_new(uri, &(struct ldapc_options){0}, &dir, NULL), SL_OK);
        ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(5000), NULL), SL_UNREACHABLE);
        ldapc_free(dir);
    }
    pthread_join(thread, NULL);
    close(fd);
}
END_TEST

START_TEST(password_file_must_say_something)
{
    static const struct {
        const char *file, *why;
    } bad[] = {
        {"/nonexistent/pw", "/nonexistent/pw: No such file"},
        {"/dev/null", "empty"}, /* RFC 4513 5.1.2: an empty one would bind as nobody */
        {"/", "directory"},
        {"/dev/zero", "empty"},
        {"long.pw", "longer than"}, /* never a part of it */
    };
    FILE *f = fopen("long.pw", "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 2000; i++)
        fputc('x', f);
    ck_assert_int_eq(fclose(f), 0);
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct ldapc_options options = {.bind_dn = text("cn=x"), .password_file = text(bad[i].file)};
        struct sl_error e = {0};
        struct ldapc *dir;
        ck_assert_int_eq(ldapc_new("ldap://127.0.0.1:1", &options, &dir, NULL), SL_OK);
        ck_assert_int_eq(ldapc_connect(dir, sl_deadline_in(1000), &e), SL_USAGE);
        ck_assert_msg(strstr(e.text, bad[i].why) != NULL, "%s", e.text);
        ldapc_free(dir);
    }
    ck_assert_int_eq(unlink("long.pw"), 0);
}
END_TEST

START_TEST(certificate_that_is_none)
{
    char why[256];

    ck_assert(!peercert_judge(&(struct peercert_der){.octets = "junk", .len = 4}, 1, "host", NULL, 0, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "cannot be read"));
    ck_assert(!peercert_judge(NULL, 0, "host", NULL, 0, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "cannot be read"));
}
END_TEST

UNIT_MAIN("ldapc", filter_escapes, rdn_escapes, every_octet_in_an_rdn, good_uris, several_servers, bad_uris,
          dns_are_compared_normalised, contradicting_options, names_that_need_no_server, silent_server_ends_at_the_deadline,
          refused_connection, dead_servers_are_passed_over_and_avoided,
          a_server_that_hung_is_not_the_first_again, cancel_from_another_thread, no_sigpipe,
          password_file_must_say_something, certificate_that_is_none)
