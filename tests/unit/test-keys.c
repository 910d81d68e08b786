/* The key files of a site server and what it certifies with them (X13): made once, renewed in time, replaced, kept secret. */
#include "site/server/keys.h"

#include "site/store/report.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAYS = 90, NOW = 1800000000, DAY = 86400, RACERS = 8 };

struct bench {
    char folder[64], path[96];
    struct sst *store;
};

static void add_mp(struct bench *b, const char *address)
{
    struct sm_mp mp;
    struct sl_error e = {0};
    bool added;
    ok(sm_mp_make("mp1.example.org", address, 80, &mp, &e), &e);
    ok(sst_add_mp(b->store, "PS1", &mp, &added, &e), &e);
    sm_mp_fini(&mp);
}

static void set_up(struct bench *b)
{
    struct sm_site site;
    struct sl_error e = {0};
    snprintf(b->folder, sizeof b->folder, "/tmp/test-keys.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(b->folder));
    snprintf(b->path, sizeof b->path, "%s/site.db", b->folder);
    ok(sst_open(b->path, SST_CREATE, &b->store, &e), &e);
    ok(sm_site_make("PS1", "example.org", NULL, "srv.example.org", NULL, &site, &e), &e);
    ok(sst_init_site(b->store, &site, &e), &e);
    sm_site_fini(&site);
    add_mp(b, "10.0.0.11");
}

static void file_name(const struct bench *b, const char *what, char out[128])
{
    snprintf(out, 128, "%s%s", b->path, what);
}

static void tear_down(struct bench *b)
{
    static const char *const files[] = {"", "-wal", "-shm", "-PS1.key", "-mp.key"};
    char name[128];
    sst_close(b->store);
    for (size_t i = 0; i < SL_COUNT(files); i++) {
        file_name(b, files[i], name);
        unlink(name);
    }
    ck_assert_int_eq(rmdir(b->folder), 0); /* nothing temporary is left behind */
}

static enum sl_status try_certify(struct bench *b, int64_t now_s, struct sl_error *e)
{
    return srv_keys_certify(b->store, b->path, "PS1", DAYS, now_s, e);
}

static struct sm_snapshot *certify(struct bench *b, int64_t now_s)
{
    struct sm_snapshot *site;
    struct sl_error e = {0};
    ok(try_certify(b, now_s, &e), &e);
    ok(sst_snapshot(b->store, "PS1", &site, &e), &e);
    ck_assert_ptr_nonnull(site->site.root_key);
    ck_assert_ptr_nonnull(site->site.certificate);
    ck_assert_ptr_nonnull(site->mps[0].certificate);
    return site;
}

/* A client that pins the published key takes the certificate. */
static enum proof_verdict verdict(const struct sm_snapshot *site, const char *name, int64_t now_s)
{
    struct proof_public root;
    struct proof_certificate c;
    struct sl_error e = {0};
    const char *hex = site->mps[0].certificate;
    ok(proof_public_read(site->site.root_key, strlen(site->site.root_key), &root, &e), &e);
    const struct proof_question q = {.root = &root, .site = "PS1", .name = name, .now_s = now_s};
    return proof_check_certificate(&q, hex, strlen(hex), &c);
}

START_TEST(certificates_are_issued_once_and_renewed_in_time)
{
    struct bench b;
    set_up(&b);
    struct sm_snapshot *first = certify(&b, NOW), *again = certify(&b, NOW + 59 * DAY), *later = certify(&b, NOW + 61 * DAY);
    ck_assert_int_eq(again->generation, first->generation); /* nothing was written */
    ck_assert_str_eq(again->mps[0].certificate, first->mps[0].certificate);
    ck_assert_str_ne(later->mps[0].certificate, first->mps[0].certificate);
    ck_assert_str_eq(later->site.root_key, first->site.root_key);
    ck_assert_str_eq(later->site.certificate, first->site.certificate);
    ck_assert_int_eq(verdict(first, "mp1.example.org", NOW + 90 * DAY), PROOF_PROVEN);
    ck_assert_int_eq(verdict(first, "mp1.example.org", NOW + 90 * DAY + 1), PROOF_EXPIRED);
    ck_assert_int_eq(verdict(later, "mp1.example.org", NOW + 100 * DAY), PROOF_PROVEN);
    sm_snapshot_free(first);
    sm_snapshot_free(again);
    sm_snapshot_free(later);
    tear_down(&b);
}
END_TEST

START_TEST(another_address_another_certificate)
{
    struct bench b;
    struct sl_error e = {0};
    bool removed;
    set_up(&b);
    struct sm_snapshot *first = certify(&b, NOW);
    ok(sst_remove(b.store, "PS1", SST_MP, "mp1.example.org", &removed, &e), &e);
    add_mp(&b, "2001:db8::11");
    struct sm_snapshot *second = certify(&b, NOW);
    ck_assert_int_eq(verdict(first, "10.0.0.11", NOW), PROOF_PROVEN);
    ck_assert_int_eq(verdict(second, "10.0.0.11", NOW), PROOF_OTHER_HOST);
    ck_assert_int_eq(verdict(second, "2001:db8::11", NOW), PROOF_PROVEN);
    sm_snapshot_free(first);
    sm_snapshot_free(second);
    tear_down(&b);
}
END_TEST

START_TEST(a_replaced_root_key_signs_everything_anew)
{
    struct bench b;
    struct sl_error e = {0};
    set_up(&b);
    struct sm_snapshot *before = certify(&b, NOW);
    ok(srv_keys_replace(b.path, "PS1", &e), &e);
    struct sm_snapshot *after = certify(&b, NOW);
    ck_assert_str_ne(after->site.root_key, before->site.root_key);
    ck_assert_str_ne(after->site.certificate, before->site.certificate);
    ck_assert_int_eq(verdict(after, "mp1.example.org", NOW), PROOF_PROVEN);
    free(after->site.root_key);
    after->site.root_key = strdup(before->site.root_key); /* a client with the old pin */
    ck_assert_int_eq(verdict(after, "mp1.example.org", NOW), PROOF_OTHER_KEY);
    sm_snapshot_free(before);
    sm_snapshot_free(after);
    tear_down(&b);
}
END_TEST

START_TEST(a_key_file_that_is_none_is_told_and_kept)
{
    struct bench b;
    struct sl_error e = {0};
    char name[128];
    struct stat st;
    set_up(&b);
    sm_snapshot_free(certify(&b, NOW));
    file_name(&b, "-PS1.key", name);
    ck_assert_int_eq(stat(name, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(chmod(name, 0640), 0);
    ck_assert_int_eq(try_certify(&b, NOW, &e), SL_DENIED);
    ck_assert_ptr_nonnull(strstr(e.text, name));
    ck_assert_int_eq(chmod(name, 0600), 0);
    ck_assert_int_eq(truncate(name, 40), 0);
    ck_assert_int_eq(try_certify(&b, NOW, &e), SL_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, name));
    ck_assert_int_eq(stat(name, &st), 0);
    ck_assert_int_eq(st.st_size, 40); /* a damaged key is never overwritten by a new one */
    tear_down(&b);
}
END_TEST

/* Management points and the site server start at the same time: whoever comes first makes the key, and all have the same. */
START_TEST(starters_at_once_have_one_key)
{
    struct bench b;
    int out[2];
    struct proof_public first, other;
    set_up(&b);
    ck_assert_int_eq(pipe(out), 0);
    for (int i = 0; i < RACERS; i++) {
        struct proof_key *key;
        if (fork() != 0)
            continue;
        if (srv_keys_mp(b.path, &key, NULL) != SL_OK ||
            write(out[1], proof_key_public(key), sizeof first) != (ssize_t)sizeof first)
            _exit(1);
        _exit(0);
    }
    for (int i = 0, status; i < RACERS; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(read(out[0], i == 0 ? &first : &other, sizeof first), sizeof first);
        ck_assert(i == 0 || proof_public_equal(&first, &other));
    }
    tear_down(&b);
}
END_TEST

static void claim(struct bench *b, const char *host, const char *owner, const struct proof_key *key)
{
    struct sl_text hex = sl_text_new(2 * PROOF_KEY_MAX + 1);
    struct sl_error e = {0};
    bool changed = false;
    proof_hex(&hex, proof_key_public(key)->der, proof_key_public(key)->len);
    ok(sst_claim_key(b->store, "PS1", host, owner, sl_text_str(&hex), &changed, &e), &e);
    ck_assert(changed);
    ok(sst_claim_key(b->store, "PS1", host, owner, sl_text_str(&hex), &changed, &e), &e);
    ck_assert(!changed);
    sl_text_fini(&hex);
}

static bool is_for(const char *certificate, const struct proof_key *key)
{
    struct proof_certificate c;
    ck_assert_ptr_nonnull(certificate);
    ck_assert_int_eq(proof_certificate_read(certificate, strlen(certificate), &c, NULL), SL_OK);
    return proof_public_equal(&c.key, proof_key_public(key));
}

/* Of hosts of their own (S2.09): the key that was sent last is certified; of a cluster each member's, the first one published. */
START_TEST(keys_that_were_sent_are_certified)
{
    struct bench b;
    struct sl_error e = {0};
    struct proof_key *one, *other;
    set_up(&b);
    ok(proof_key_new(&one, &e), &e);
    ok(proof_key_new(&other, &e), &e);
    struct sm_snapshot *site = certify(&b, NOW);
    ck_assert(!is_for(site->mps[0].certificate, one));
    sm_snapshot_free(site);
    claim(&b, "mp1.example.org", "mp1.example.org", other);
    claim(&b, "mp1.example.org", "mp1.example.org", one);
    site = certify(&b, NOW);
    ck_assert_uint_eq(site->mps[0].key_count, 1);
    ck_assert(is_for(site->mps[0].certificate, one) && is_for(site->mps[0].keys[0].certificate, one));
    sm_snapshot_free(site);
    claim(&b, "mp1.example.org", "mp2.example.org", other); /* as a cluster of which two are members */
    site = certify(&b, NOW);
    ck_assert_uint_eq(site->mps[0].key_count, 2);
    ck_assert(is_for(site->mps[0].certificate, one) && is_for(site->mps[0].keys[0].certificate, one));
    ck_assert(is_for(site->mps[0].keys[1].certificate, other));
    struct sm_snapshot *again = certify(&b, NOW);
    ck_assert_int_eq(again->generation, site->generation); /* nothing was written */
    sm_snapshot_free(again);
    sm_snapshot_free(site);
    struct sl_strings certificates = {0};
    ok(sst_mp_certificates(b.store, "PS1", &certificates, &e), &e);
    ck_assert_uint_eq(certificates.count, 3); /* the site server takes reports signed with any of them */
    sl_strings_fini(&certificates);
    proof_key_free(one);
    proof_key_free(other);
    tear_down(&b);
}
END_TEST

UNIT_MAIN("keys", keys_that_were_sent_are_certified, certificates_are_issued_once_and_renewed_in_time,
          another_address_another_certificate, a_replaced_root_key_signs_everything_anew,
          a_key_file_that_is_none_is_told_and_kept, starters_at_once_have_one_key)
