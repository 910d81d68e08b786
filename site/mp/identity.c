#include "site/mp/identity.h"

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/xml/xml.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One management point that we are. */
struct one {
    char site[SM_CODE_LEN + 1];
    char *host, *address;
    char *certificate, *root_key, *root_certificate;
};

struct mp_identity {
    pthread_mutex_t lock; /* of the list */
    struct proof_key *key;
    char *path;          /* of the file that keeps the list; NULL: none */
    struct sl_text kept; /* what is in it */
    struct one *list;
    size_t count;
};

enum { KEPT_MAX = 1 << 20, FILE_MODE = 0644 };

static void free_list(struct one *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].host);
        free(list[i].address);
        free(list[i].certificate);
        free(list[i].root_key);
        free(list[i].root_certificate);
    }
    free(list);
}

void mp_identity_free(struct mp_identity *id)
{
    if (id == NULL)
        return;
    free_list(id->list, id->count);
    (void)pthread_mutex_destroy(&id->lock);
    proof_key_free(id->key);
    free(id->path);
    sl_text_fini(&id->kept);
    free(id);
}

/* ---- who we are ------------------------------------------------------------------------------------------------------- */

static bool is_ours(const struct mp_identity *id, const char *certificate)
{
    struct proof_certificate c;
    return certificate != NULL && proof_certificate_read(certificate, strlen(certificate), &c, NULL) == SL_OK &&
           proof_public_equal(&c.key, proof_key_public(id->key));
}

const char *mp_identity_certificate(const struct mp_identity *id, const struct sm_mp *mp)
{
    const char *found = id->key != NULL && is_ours(id, mp->certificate) ? mp->certificate : NULL;
    for (size_t i = 0; i < mp->key_count && id->key != NULL && found == NULL; i++)
        if (is_ours(id, mp->keys[i].certificate))
            found = mp->keys[i].certificate;
    return found;
}

static struct one make_one(const struct sm_snapshot *site, const struct sm_mp *mp, const char *certificate)
{
    struct one one = {.host = sl_strdup(mp->host),
                      .address = sl_strdup(mp->address),
                      .certificate = sl_strdup(certificate),
                      .root_key = sl_strdup(site->site.root_key),
                      .root_certificate = sl_strdup(site->site.certificate)};
    snprintf(one.site, sizeof one.site, "%s", site->site.code);
    return one;
}

/* ---- kept over a restart ------------------------------------------------------------------------------------------------ */

/* A line for each: what it is made of holds no blanks. */
static void write_list(const struct one *list, size_t count, struct sl_text *out)
{
    for (size_t i = 0; i < count; i++)
        sl_text_printf(out, "%s %s %s %s %s %s\n", list[i].site, list[i].host, list[i].address, list[i].certificate,
                       list[i].root_key, list[i].root_certificate);
}

/* Writes the file when it is not as it should be. */
static void keep_list(struct mp_identity *id, const struct one *list, size_t count)
{
    struct sl_text wanted = sl_text_new(KEPT_MAX);
    struct sl_error e = {0};
    write_list(list, count, &wanted);
    bool is_kept = strcmp(sl_text_str(&id->kept), sl_text_str(&wanted)) == 0;
    if (!is_kept && sl_file_replace(id->path, &wanted, FILE_MODE, &e) != SL_OK)
        sl_log(SL_LOG_WARNING, "certificates-not-kept", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    sl_text_fini(&id->kept);
    id->kept = wanted;
}

/* The next word of a line, which is cut off there; NULL when there is none. */
static char *next_word(char **at)
{
    char *word = *at;
    size_t len = strcspn(word, " ");
    *at = word + len + (word[len] != '\0');
    word[len] = '\0';
    return len > 0 ? word : NULL;
}

/* False for a line that is none of ours, or of another key. */
static bool read_line(const struct mp_identity *id, char *line, struct one *ret_one)
{
    char *words[6];
    for (size_t i = 0; i < SL_COUNT(words); i++)
        if ((words[i] = next_word(&line)) == NULL)
            return false;
    struct one one = {.site = ""};
    if (!sl_text_copy(one.site, sizeof one.site, words[0]) || !is_ours(id, words[3]))
        return false;
    char **const texts[] = {&one.host, &one.address, &one.certificate, &one.root_key, &one.root_certificate};
    for (size_t i = 0; i < SL_COUNT(texts); i++)
        *texts[i] = sl_strdup(words[i + 1]);
    *ret_one = one;
    return true;
}

static void recall_list(struct mp_identity *id)
{
    FILE *file;
    char *line = NULL;
    size_t size = 0;
    if (sl_file_open(id->path, &file, NULL) != SL_OK)
        return;
    while (getline(&line, &size, file) > 0) {
        struct one one;
        line[strcspn(line, "\n")] = '\0';
        if (!read_line(id, line, &one))
            continue;
        id->list = sl_resize(id->list, id->count + 1, sizeof *id->list);
        id->list[id->count++] = one;
    }
    free(line);
    (void)fclose(file);
    write_list(id->list, id->count, &id->kept);
}

struct mp_identity *mp_identity_new(struct proof_key *key, const char *path)
{
    struct mp_identity *id = sl_new(sizeof *id);
    id->key = key;
    id->path = sl_strdup(path);
    id->kept = sl_text_new(KEPT_MAX);
    (void)pthread_mutex_init(&id->lock, NULL);
    if (key != NULL && path != NULL)
        recall_list(id);
    return id;
}

const struct proof_key *mp_identity_key(const struct mp_identity *id)
{
    return id->key;
}

void mp_identity_set(struct mp_identity *id, const struct sm_snapshot *const *sites, size_t count)
{
    size_t total = 0, made = 0;
    for (size_t i = 0; i < count; i++)
        total += sites[i]->mp_count;
    struct one *list = sl_new_array(total + 1, sizeof *list);
    for (int is_default = 1; is_default >= 0; is_default--)
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < sites[i]->mp_count; k++) {
                const struct sm_mp *mp = &sites[i]->mps[k];
                const char *certificate = mp->is_default == is_default ? mp_identity_certificate(id, mp) : NULL;
                if (certificate != NULL)
                    list[made++] = make_one(sites[i], mp, certificate);
            }
    if (id->path != NULL && id->key != NULL)
        keep_list(id, list, made);
    (void)pthread_mutex_lock(&id->lock);
    struct one *old = id->list;
    size_t old_count = id->count;
    id->list = list;
    id->count = made;
    (void)pthread_mutex_unlock(&id->lock);
    free_list(old, old_count);
}

/* The host of a Host header: without the port, an IPv6 address without its brackets. */
static void host_of(const char *header, char out[SM_HOST_MAX + 1])
{
    const char *from = header != NULL ? header : "";
    size_t len = from[0] == '[' ? strcspn(++from, "]") : strcspn(from, ":");
    snprintf(out, SM_HOST_MAX + 1, "%.*s", (int)(len <= SM_HOST_MAX ? len : 0), from);
}

/* How well one of us fits the request: first the site, then the host. */
static int fitness(const struct one *one, const char *host, const char *site)
{
    bool is_host = sl_text_iequal(one->host, host) || strcmp(one->address, host) == 0;
    return (sl_text_iequal(one->site, site) ? 2 : 0) + is_host;
}

/* Whom the request means, NULL when we are nobody. Called with the lock held. */
static const struct one *choose(const struct mp_identity *id, const struct web_request *request, const char *site)
{
    char host[SM_HOST_MAX + 1];
    const struct one *best = NULL;
    host_of(request->host, host);
    for (size_t i = 0; i < id->count; i++)
        if (best == NULL || fitness(&id->list[i], host, site) > fitness(best, host, site))
            best = &id->list[i];
    return best;
}

/* ---- the answers ------------------------------------------------------------------------------------------------------ */

static void put_proof(const struct mp_identity *id, const struct one *one, const uint8_t nonce[PROOF_NONCE_LEN],
                      struct web_response *response)
{
    struct sl_error e = {0};
    _Static_assert(sizeof response->header_value >= PROOF_TEXT_MAX, "a proof must fit");
    if (proof_make(id->key, nonce, one->host, one->site, response->header_value, &e) == SL_OK)
        response->header = PROOF_HEADER;
    else
        sl_log(SL_LOG_ERROR, "proof-failed", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
}

/* Chooses and calls `write` under the lock. */
static void serve(struct mp_identity *id, const struct web_request *request, const char *site, struct web_response *response,
                  void (*write)(const struct one *one, struct sl_text *body), const char *type, const uint8_t *nonce)
{
    (void)pthread_mutex_lock(&id->lock);
    const struct one *one = choose(id, request, site);
    if (one != NULL) {
        response->status = 200;
        response->type = type;
        write(one, &response->body);
        if (nonce != NULL)
            put_proof(id, one, nonce, response);
    } else {
        web_text(response, 404, "this host has no certificate of a management point");
    }
    (void)pthread_mutex_unlock(&id->lock);
}

static void write_certificate(const struct one *one, struct sl_text *body)
{
    sl_text_puts(body, one->certificate);
}

void mp_serve_certificate(struct mp_identity *id, const struct web_request *request, struct web_response *response)
{
    const char *header = web_header(request, PROOF_NONCE_HEADER);
    uint8_t nonce[PROOF_NONCE_LEN];
    char site[LM_CODE_SIZE] = "";
    if (header != NULL && !proof_nonce_read(header, nonce, site))
        web_text(response, 400, PROOF_NONCE_HEADER ": %d hexadecimal digits and perhaps a site code are wanted",
                 PROOF_NONCE_TEXT - 1);
    else
        serve(id, request, site, response, write_certificate, "text/plain", header != NULL ? nonce : NULL);
}

static void write_keys(const struct one *one, struct sl_text *body)
{
    struct proof_certificate c;
    struct sl_text key = sl_text_new(2 * PROOF_KEY_MAX + 1);
    struct sx_writer w = sx_write_to(body);
    if (proof_certificate_read(one->certificate, strlen(one->certificate), &c, NULL) == SL_OK)
        proof_hex(&key, c.key.der, c.key.len);
    sx_open(&w, "MPKEYINFORMATION");
    sx_put_element(&w, "FQDN", one->host);
    sx_put_element(&w, "SITECODE", one->site);
    sx_put_element(&w, "SIGNINGKEY", sl_text_str(&key));
    sx_put_element(&w, "TRUSTEDROOTKEY", one->root_key);
    sx_close(&w);
    sl_text_fini(&key);
}

void mp_serve_keys(struct mp_identity *id, const struct web_request *request, struct web_response *response)
{
    serve(id, request, "", response, write_keys, "text/xml; charset=utf-8", NULL);
}

static void write_root(const struct one *one, struct sl_text *body)
{
    struct sx_writer w = sx_write_to(body);
    sx_open(&w, "SITESIGNCERT");
    sx_put_element(&w, "X509Certificate", one->root_certificate);
    sx_close(&w);
}

void mp_serve_root(struct mp_identity *id, const struct web_request *request, struct web_response *response)
{
    serve(id, request, "", response, write_root, "text/xml; charset=utf-8", NULL);
}
