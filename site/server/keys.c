#include "site/server/keys.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 4096, DAY_S = 86400 };

/* ---- files ------------------------------------------------------------------------------------------------------------ */

static enum sl_status path_failed(const char *path, struct sl_error *e)
{
    enum sl_status status = errno == EACCES || errno == EPERM || errno == EROFS ? SL_DENIED : SL_IO;
    return sl_fail(e, status, "%s: %s", path, strerror(errno));
}

static enum sl_status make_path(char out[PATH_LEN], const char *state, const char *what, const char *suffix,
                                struct sl_error *e)
{
    int len = snprintf(out, PATH_LEN, "%s-%s.key%s", state, what, suffix);
    return len > 0 && len < PATH_LEN ? SL_OK : sl_fail(e, SL_LIMIT, "%s: the name is too long", state);
}

static enum sl_status read_all(int fd, const char *path, char *out, size_t size, size_t *ret_len, struct sl_error *e)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, out + len, size - len);
        if (n < 0)
            return path_failed(path, e);
        len += (size_t)n;
        if (n == 0 || len == size)
            break;
    }
    *ret_len = len;
    return SL_OK;
}

/* Reads a key file; *ret_key is NULL when there is none. */
static enum sl_status read_key(const char *path, struct proof_key **ret_key, struct sl_error *e)
{
    char pem[PROOF_PEM_MAX];
    size_t len = 0;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret_key = NULL;
    if (fd < 0)
        return errno == ENOENT ? SL_OK : path_failed(path, e);
    enum sl_status status = fstat(fd, &st) != 0 ? path_failed(path, e) : SL_OK;
    if (status == SL_OK && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        status = sl_fail(e, SL_DENIED, "%s: a private key that others may read is not used; chmod 600", path);
    if (status == SL_OK)
        status = read_all(fd, path, pem, sizeof pem, &len, e);
    close(fd);
    if (status == SL_OK && proof_key_read(pem, len, ret_key, e) != SL_OK)
        status = sl_fail_in(e, SL_CORRUPT, "%s", path);
    explicit_bzero(pem, sizeof pem);
    return status;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* The name of a file is on disk once its folder is. */
static bool sync_folder(const char *path)
{
    char folder[PATH_LEN];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1, slash != NULL ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

/* A temporary file with a new key. */
static enum sl_status write_new(const char *path, struct sl_error *e)
{
    struct sl_text pem = sl_text_new(PROOF_PEM_MAX);
    struct proof_key *key;
    enum sl_status status = proof_key_new(&key, e);
    if (status != SL_OK)
        return status;
    status = proof_key_write(key, &pem, e);
    proof_key_free(key);
    unlink(path); /* left behind by one who was killed */
    int fd = status == SL_OK ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (status == SL_OK && (fd < 0 || !write_all(fd, sl_text_str(&pem), pem.len)))
        status = path_failed(path, e);
    if (fd >= 0)
        close(fd);
    if (pem.data != NULL)
        explicit_bzero(pem.data, pem.len);
    sl_text_fini(&pem);
    return status;
}

/* Makes a key file. With `replace` it takes the place of the one there; else whoever comes second finds the first one's. */
static enum sl_status make_key(const char *state, const char *what, bool replace, struct sl_error *e)
{
    char path[PATH_LEN], temporary[PATH_LEN], suffix[32];
    snprintf(suffix, sizeof suffix, ".new%ld", (long)getpid());
    enum sl_status status = make_path(path, state, what, "", e);
    if (status == SL_OK)
        status = make_path(temporary, state, what, suffix, e);
    if (status == SL_OK)
        status = write_new(temporary, e);
    if (status != SL_OK)
        return status;
    if ((replace ? rename(temporary, path) : link(temporary, path)) != 0 && errno != EEXIST)
        status = path_failed(path, e);
    if (!replace)
        unlink(temporary);
    if (status == SL_OK && !sync_folder(path))
        status = path_failed(path, e);
    return status;
}

/* The key of a file, made when it is not there. */
static enum sl_status load_key(const char *state, const char *what, struct proof_key **ret_key, struct sl_error *e)
{
    char path[PATH_LEN];
    enum sl_status status = make_path(path, state, what, "", e);
    if (status == SL_OK)
        status = read_key(path, ret_key, e);
    if (status != SL_OK || *ret_key != NULL)
        return status;
    status = make_key(state, what, false, e);
    if (status == SL_OK)
        status = read_key(path, ret_key, e);
    if (status == SL_OK && *ret_key == NULL)
        status = sl_fail(e, SL_IO, "%s: is gone again", path);
    return status;
}

enum sl_status srv_keys_mp(const char *state, struct proof_key **ret_key, struct sl_error *e)
{
    return load_key(state, "mp", ret_key, e);
}

enum sl_status srv_keys_root(const char *state, const char *site, struct proof_key **ret_key, struct sl_error *e)
{
    char path[PATH_LEN];
    enum sl_status status = make_path(path, state, site, "", e);
    if (status == SL_OK)
        status = read_key(path, ret_key, e);
    return status == SL_OK && *ret_key == NULL ? sl_fail(e, SL_CONFLICT, "%s: site %s has no root key", path, site) : status;
}

enum sl_status srv_keys_replace(const char *state, const char *site, struct sl_error *e)
{
    return make_key(state, site, true, e);
}

/* ---- certificates ----------------------------------------------------------------------------------------------------- */

/* What is being certified. */
struct issue {
    const struct sm_snapshot *site;
    const struct proof_key *root, *mp;
    int64_t days, now_s;
    struct sl_text root_key, root_certificate; /* empty: as they are */
    struct sst_certificate *rows;              /* of which this owns the certificates */
    size_t count;
};

/* The root key is not the one that the database knows. */
static enum sl_status issue_root(struct issue *i, struct sl_error *e)
{
    const struct sm_site *site = &i->site->site;
    const struct proof_public *public = proof_key_public(i->root);
    const struct proof_subject subject = {.site = site->code,
                                          .host = site->server,
                                          .from_s = i->now_s - SRV_SKEW_S,
                                          .until_s = i->now_s + (int64_t)SRV_ROOT_DAYS * DAY_S};
    proof_hex(&i->root_key, public->der, public->len);
    if (site->root_key != NULL && site->certificate != NULL && strcmp(site->root_key, sl_text_str(&i->root_key)) == 0) {
        sl_text_reset(&i->root_key);
        return SL_OK;
    }
    return proof_issue_root(i->root, &subject, &i->root_certificate, e);
}

/* True when the certificate of the management point for this key will do for a while. */
static bool is_good(const struct issue *i, const struct sm_mp *mp, const char *certificate, const struct proof_public *key)
{
    struct proof_certificate c;
    if (certificate == NULL || proof_certificate_read(certificate, strlen(certificate), &c, NULL) != SL_OK)
        return false;
    return proof_certificate_is_signed(&c, proof_key_public(i->root)) && proof_public_equal(&c.key, key) &&
           strcmp(c.host, mp->host) == 0 && strcmp(c.site, i->site->site.code) == 0 &&
           proof_certificate_names(&c, mp->address) && c.from_s <= i->now_s && c.until_s - i->now_s >= i->days * DAY_S / 3;
}

/* A certificate for the key of `owner`, NULL: to be published; nothing when the one there is will do. */
static enum sl_status issue_one(struct issue *i, const struct sm_mp *mp, const char *owner, const char *certificate,
                                const struct proof_public *key, struct sl_error *e)
{
    const struct proof_subject subject = {.site = i->site->site.code,
                                          .host = mp->host,
                                          .address = mp->address,
                                          .from_s = i->now_s - SRV_SKEW_S,
                                          .until_s = i->now_s + i->days * DAY_S};
    if (is_good(i, mp, certificate, key))
        return SL_OK;
    struct sl_text hex = sl_text_new(2 * PROOF_CERTIFICATE_MAX + 1);
    enum sl_status status = proof_issue(i->root, key, &subject, &hex, e);
    if (status != SL_OK) {
        sl_text_fini(&hex);
        return status;
    }
    i->rows[i->count++] = (struct sst_certificate){.host = mp->host, .owner = owner, .certificate = sl_text_take(&hex)};
    return SL_OK;
}

/* For each key that its hosts have sent; the first of them, else the key of this machine, is the one to be published. */
static enum sl_status issue_mp(struct issue *i, const struct sm_mp *mp, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    if (mp->key_count == 0)
        return issue_one(i, mp, NULL, mp->certificate, proof_key_public(i->mp), e);
    for (size_t k = 0; k < mp->key_count && status == SL_OK; k++) {
        const struct sm_mp_key *sent = &mp->keys[k];
        struct proof_public key;
        if (proof_public_read(sent->key, strlen(sent->key), &key, e) != SL_OK)
            return sl_fail_in(e, SL_CORRUPT, "the key of %s for %s", sent->owner, mp->host);
        status = issue_one(i, mp, sent->owner, sent->certificate, &key, e);
        if (status == SL_OK && k == 0)
            status = issue_one(i, mp, NULL, mp->certificate, &key, e);
    }
    return status;
}

static enum sl_status issue_all(struct issue *i, struct sst *store, struct sl_error *e)
{
    enum sl_status status = issue_root(i, e);
    for (size_t k = 0; k < i->site->mp_count && status == SL_OK; k++)
        status = issue_mp(i, &i->site->mps[k], e);
    if (status != SL_OK || (i->root_certificate.len == 0 && i->count == 0))
        return status;
    return sst_certify(store, i->site->site.code, i->root_certificate.len > 0 ? sl_text_str(&i->root_key) : NULL,
                       sl_text_str(&i->root_certificate), i->rows, i->count, e);
}

/* As many certificates as can be wanting. */
static size_t count_keys(const struct sm_snapshot *site)
{
    size_t count = site->mp_count;
    for (size_t i = 0; i < site->mp_count; i++)
        count += site->mps[i].key_count;
    return count;
}

enum sl_status srv_keys_certify(struct sst *store, const char *state, const char *site, int64_t days, int64_t now_s,
                                struct sl_error *e)
{
    struct sm_snapshot *snapshot = NULL;
    struct proof_key *root = NULL, *mp = NULL;
    enum sl_status status = sst_snapshot(store, site, &snapshot, e);
    if (status != SL_OK || snapshot == NULL)
        return status;
    status = load_key(state, site, &root, e);
    if (status == SL_OK)
        status = srv_keys_mp(state, &mp, e);
    if (status == SL_OK) {
        struct issue i = {.site = snapshot, .root = root, .mp = mp, .days = days, .now_s = now_s,
                          .root_key = sl_text_new(2 * PROOF_KEY_MAX + 1),
                          .root_certificate = sl_text_new(2 * PROOF_CERTIFICATE_MAX + 1)};
        i.rows = sl_new_array(count_keys(snapshot) + 1, sizeof *i.rows);
        status = issue_all(&i, store, e);
        for (size_t k = 0; k < i.count; k++)
            free((char *)(uintptr_t)i.rows[k].certificate);
        free(i.rows);
        sl_text_fini(&i.root_key);
        sl_text_fini(&i.root_certificate);
    }
    proof_key_free(root);
    proof_key_free(mp);
    sm_snapshot_free(snapshot);
    return status;
}
