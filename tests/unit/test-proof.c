/* The proof of a management point (X13): keys, certificates, the signature, and every rule T1 to T8 that refuses one. */
#include "locator/net/proof.h"

#include "common/base/random.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1800000000, DAY = 86400 };

/* A site: its root key, its management point with key and certificate, and a client that asks it. */
struct bench {
    struct proof_key *root, *mp;
    struct sl_text hex; /* the certificate */
    uint8_t nonce[PROOF_NONCE_LEN];
    char proof[PROOF_TEXT_MAX];
    struct proof_question q;
};

static void issue(struct bench *b, const struct proof_key *root, const struct proof_subject *subject)
{
    struct sl_error e = {0};
    sl_text_reset(&b->hex);
    ok(proof_issue(root, proof_key_public(b->mp), subject, &b->hex, &e), &e);
}

static const struct proof_subject good = {
    .site = "PS1", .host = "mp1.example.org", .address = "10.0.0.11", .from_s = NOW - DAY, .until_s = NOW + DAY};

static void set_up(struct bench *b)
{
    struct sl_error e = {0};
    *b = (struct bench){.hex = sl_text_new(2 * PROOF_CERTIFICATE_MAX)};
    ok(proof_key_new(&b->root, &e), &e);
    ok(proof_key_new(&b->mp, &e), &e);
    issue(b, b->root, &good);
    sl_random_os(b->nonce, sizeof b->nonce);
    ok(proof_make(b->mp, b->nonce, good.host, good.site, b->proof, &e), &e);
    b->q = (struct proof_question){
        .root = proof_key_public(b->root), .site = "PS1", .name = "mp1.example.org", .nonce = b->nonce, .now_s = NOW};
}

static void tear_down(struct bench *b)
{
    proof_key_free(b->root);
    proof_key_free(b->mp);
    sl_text_fini(&b->hex);
}

/* Both halves of the check, as a client makes them. */
static enum proof_verdict check(struct bench *b)
{
    struct proof_certificate c;
    enum proof_verdict v = proof_check_certificate(&b->q, sl_text_str(&b->hex), b->hex.len, &c);
    return v == PROOF_PROVEN ? proof_check(&b->q, &c, b->proof) : v;
}

static void expect(struct bench *b, enum proof_verdict wanted)
{
    enum proof_verdict v = check(b);
    ck_assert_msg(v == wanted, "%s, not %s", proof_verdict_word(v), proof_verdict_word(wanted));
}

START_TEST(T0_a_good_proof_by_name_and_by_address)
{
    struct bench b;
    set_up(&b);
    expect(&b, PROOF_PROVEN);
    b.q.name = "MP1.Example.ORG";
    expect(&b, PROOF_PROVEN);
    b.q.name = "10.0.0.11";
    expect(&b, PROOF_PROVEN);
    b.q.site = "ps1";
    expect(&b, PROOF_PROVEN);
    tear_down(&b);
}
END_TEST

START_TEST(T1_T2_no_certificate_and_what_is_none)
{
    static const char *const bad[] = {"x", "00", "3000", "308201", "<html>", "3080000000", "30820FFF30820FFF", "  "};
    struct bench b;
    set_up(&b);
    struct sl_text whole = sl_text_new(2 * PROOF_CERTIFICATE_MAX);
    sl_text_puts(&whole, sl_text_str(&b.hex));
    sl_text_reset(&b.hex);
    expect(&b, PROOF_NO_CERTIFICATE);
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        sl_text_reset(&b.hex);
        sl_text_puts(&b.hex, bad[i]);
        expect(&b, PROOF_BAD_CERTIFICATE);
    }
    for (size_t len = 2; len < whole.len; len += 14) { /* cut short at every place */
        sl_text_reset(&b.hex);
        sl_text_add(&b.hex, whole.data, len);
        expect(&b, PROOF_BAD_CERTIFICATE);
    }
    sl_text_fini(&whole);
    tear_down(&b);
}
END_TEST

START_TEST(T3_another_root_key)
{
    struct bench b;
    struct proof_key *other;
    struct sl_error e = {0};
    set_up(&b);
    ok(proof_key_new(&other, &e), &e);
    b.q.root = proof_key_public(other); /* the pinned key is another one: replaced, or of another site */
    expect(&b, PROOF_OTHER_KEY);
    b.q.root = proof_key_public(b.root);
    issue(&b, other, &good); /* a rogue signs its own certificate */
    expect(&b, PROOF_OTHER_KEY);
    issue(&b, b.mp, &good); /* the management point signs itself */
    expect(&b, PROOF_OTHER_KEY);
    proof_key_free(other);
    tear_down(&b);
}
END_TEST

/* Whatever single digit of a certificate is another one, it is refused: all of it is signed. */
START_TEST(T3_a_certificate_that_was_changed)
{
    struct bench b;
    set_up(&b);
    for (size_t i = 0; i < b.hex.len; i++) {
        char was = b.hex.data[i];
        b.hex.data[i] = was == '0' ? '1' : '0';
        enum proof_verdict v = check(&b);
        ck_assert_msg(v == PROOF_BAD_CERTIFICATE || v == PROOF_OTHER_KEY, "digit %zu: %s", i, proof_verdict_word(v));
        b.hex.data[i] = was;
    }
    expect(&b, PROOF_PROVEN);
    tear_down(&b);
}
END_TEST

START_TEST(T4_T5_another_site_another_host)
{
    struct bench b;
    struct proof_subject other = good;
    set_up(&b);
    b.q.site = "PS2";
    expect(&b, PROOF_OTHER_SITE);
    b.q.site = "PS1";
    b.q.name = "mp2.example.org";
    expect(&b, PROOF_OTHER_HOST);
    b.q.name = "10.0.0.12";
    expect(&b, PROOF_OTHER_HOST);
    b.q.name = "mp1";
    expect(&b, PROOF_OTHER_HOST);
    other.host = "*.example.org"; /* a wildcard stands for nobody */
    issue(&b, b.root, &other);
    b.q.name = "mp1.example.org";
    expect(&b, PROOF_OTHER_HOST);
    tear_down(&b);
}
END_TEST

START_TEST(T6_before_and_after_its_time)
{
    struct bench b;
    set_up(&b);
    b.q.now_s = good.until_s;
    expect(&b, PROOF_PROVEN);
    b.q.now_s = good.until_s + 1;
    expect(&b, PROOF_EXPIRED);
    b.q.now_s = good.from_s;
    expect(&b, PROOF_PROVEN);
    b.q.now_s = good.from_s - 1;
    expect(&b, PROOF_NOT_YET);
    tear_down(&b);
}
END_TEST

START_TEST(T7_no_proof_and_what_is_none)
{
    static const char *const bad[] = {"1", "1 ", "1 0", "1 xy", "2 00", "1  00", "00", " 1 00", "1 00 "};
    struct bench b;
    set_up(&b);
    b.proof[0] = '\0';
    expect(&b, PROOF_NO_PROOF);
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        (void)snprintf(b.proof, sizeof b.proof, "%s", bad[i]);
        expect(&b, PROOF_BAD_PROOF);
    }
    tear_down(&b);
}
END_TEST

START_TEST(T8_replayed_and_borrowed_proofs)
{
    struct bench b;
    struct proof_key *other;
    struct sl_error e = {0};
    char recorded[PROOF_TEXT_MAX];
    set_up(&b);
    memcpy(recorded, b.proof, sizeof recorded);
    b.nonce[PROOF_NONCE_LEN - 1] ^= 1; /* a fresh nonce: what was recorded before is worth nothing */
    expect(&b, PROOF_WRONG_PROOF);
    b.nonce[PROOF_NONCE_LEN - 1] ^= 1;
    ok(proof_make(b.mp, b.nonce, "mp2.example.org", "PS1", b.proof, &e), &e);
    expect(&b, PROOF_WRONG_PROOF);
    ok(proof_make(b.mp, b.nonce, "mp1.example.org", "PS2", b.proof, &e), &e);
    expect(&b, PROOF_WRONG_PROOF);
    ok(proof_key_new(&other, &e), &e);
    ok(proof_make(other, b.nonce, "mp1.example.org", "PS1", b.proof, &e), &e); /* the certificate is copied, its key is not */
    expect(&b, PROOF_WRONG_PROOF);
    proof_key_free(other);
    for (size_t i = 2; recorded[i]; i++) {
        memcpy(b.proof, recorded, sizeof recorded);
        b.proof[i] = recorded[i] == 'A' ? 'B' : 'A';
        expect(&b, PROOF_WRONG_PROOF);
    }
    memcpy(b.proof, recorded, sizeof recorded);
    expect(&b, PROOF_PROVEN);
    tear_down(&b);
}
END_TEST

START_TEST(keys_are_the_same_after_writing_and_reading)
{
    struct bench b;
    struct proof_key *again;
    struct proof_public public;
    struct sl_error e = {0};
    struct sl_text text = sl_text_new(PROOF_PEM_MAX);
    set_up(&b);
    ok(proof_key_write(b.root, &text, &e), &e);
    ok(proof_key_read(sl_text_str(&text), text.len, &again, &e), &e);
    ck_assert(proof_public_equal(proof_key_public(again), proof_key_public(b.root)));
    ck_assert(!proof_public_equal(proof_key_public(again), proof_key_public(b.mp)));
    proof_key_free(again);
    sl_text_reset(&text);
    proof_public_pem(proof_key_public(b.root), &text);
    ok(proof_public_read(sl_text_str(&text), text.len, &public, &e), &e);
    ck_assert(proof_public_equal(&public, proof_key_public(b.root)));
    sl_text_reset(&text);
    sl_text_puts(&text, " \n");
    proof_hex(&text, public.der, public.len);
    sl_text_puts(&text, "\r\n");
    ok(proof_public_read(sl_text_str(&text), text.len, &public, &e), &e);
    ck_assert(proof_public_equal(&public, proof_key_public(b.root)));
    sl_text_fini(&text);
    tear_down(&b);
}
END_TEST

START_TEST(what_is_no_key)
{
    static const char *const bad[] = {"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "3059", "zz"};
    struct proof_public public;
    struct proof_key *key;
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        ck_assert_int_eq(proof_public_read(bad[i], strlen(bad[i]), &public, NULL), SL_MALFORMED);
        ck_assert_int_eq(proof_key_read(bad[i], strlen(bad[i]), &key, NULL), SL_MALFORMED);
    }
}
END_TEST

/* SITESIGNCERT: signed by itself, and a root key like any other when it is pinned. */
START_TEST(the_root_certificate)
{
    struct bench b;
    struct proof_certificate c;
    struct sl_error e = {0};
    struct proof_subject subject = good;
    set_up(&b);
    subject.host = "server.example.org";
    subject.address = NULL;
    sl_text_reset(&b.hex);
    ok(proof_issue_root(b.root, &subject, &b.hex, &e), &e);
    ck_assert_int_eq(proof_certificate_read(sl_text_str(&b.hex), b.hex.len, &c, NULL), SL_MALFORMED); /* "Site Server": no host */
    tear_down(&b);
}
END_TEST

START_TEST(nonces)
{
    static const char *const bad[] = {"", "00", "zz", " ", " PS1"};
    static const char *const tails[] = {"0", " ", " PS", " PS12", "  PS1"};
    uint8_t nonce[PROOF_NONCE_LEN], again[PROOF_NONCE_LEN];
    char text[2 * PROOF_NONCE_TEXT], site[LM_CODE_SIZE];
    sl_random_os(nonce, sizeof nonce);
    proof_nonce_text(nonce, text);
    ck_assert(proof_nonce_read(text, again, site));
    ck_assert_mem_eq(nonce, again, sizeof nonce);
    ck_assert_str_eq(site, "");
    (void)snprintf(text + PROOF_NONCE_TEXT - 1, PROOF_NONCE_TEXT, " PS1");
    ck_assert(proof_nonce_read(text, again, site));
    ck_assert_mem_eq(nonce, again, sizeof nonce);
    ck_assert_str_eq(site, "PS1");
    for (size_t i = 0; i < SL_COUNT(tails); i++) {
        (void)snprintf(text + PROOF_NONCE_TEXT - 1, PROOF_NONCE_TEXT, "%s", tails[i]);
        ck_assert_msg(!proof_nonce_read(text, again, site), "\"%s\"", tails[i]);
    }
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        ck_assert(!proof_nonce_read(bad[i], again, site));
}
END_TEST

UNIT_MAIN("proof", T0_a_good_proof_by_name_and_by_address, T1_T2_no_certificate_and_what_is_none, T3_another_root_key,
          T3_a_certificate_that_was_changed, T4_T5_another_site_another_host, T6_before_and_after_its_time,
          T7_no_proof_and_what_is_none, T8_replayed_and_borrowed_proofs, keys_are_the_same_after_writing_and_reading,
          what_is_no_key, the_root_certificate, nonces)
