#include "site/server/page.h"

#include "common/base/memory.h"
#include "common/xml/xml.h"
#include "site/content/content.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WANTED_LINE "sitelocator packages-wanted 1\n"
#define PAGE_LINE "sitelocator packages 1\n"

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

void srv_wanted_write(const struct srv_wanted *wanted, struct sl_text *out)
{
    sl_text_puts(out, WANTED_LINE);
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "PackagesWanted");
    sx_put_attr(&w, "SchemaVersion", "1.0");
    sx_put_attr(&w, "Site", wanted->site);
    sx_put_attr(&w, "Of", wanted->of);
    sx_put_number(&w, "Made", wanted->made_s);
    sx_put_attr(&w, "Nonce", wanted->nonce);
    sx_put_number(&w, "Since", wanted->since);
    sx_put_number(&w, "After", wanted->after);
    sx_close(&w);
}

static void put_package(struct sx_writer *w, const struct sst_page *page, const struct sst_flowing *p)
{
    struct sl_text on = sl_text_new(SRV_PAGE_MAX);
    sx_open(w, p->is_gone ? "Gone" : "Package");
    sx_put_attr(w, "ID", p->id);
    if (!p->is_gone) {
        sx_put_number(w, "Version", p->version);
        if (p->sha256[0] != '\0')
            sx_put_attr(w, "SHA256", p->sha256);
        for (size_t i = 0; i < p->count; i++)
            sl_text_printf(&on, "%s%" PRIu32, i > 0 ? " " : "", page->dps[p->first + i]);
        sx_put_attr(w, "On", sl_text_str(&on));
    }
    sx_close(w);
    sl_text_fini(&on);
}

void srv_page_write(const struct srv_wanted *wanted, const struct sst_page *page, struct sl_text *out)
{
    sl_text_puts(out, PAGE_LINE);
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "Packages");
    sx_put_attr(&w, "SchemaVersion", "1.0");
    sx_put_attr(&w, "Site", wanted->of);
    sx_put_attr(&w, "For", wanted->site);
    sx_put_attr(&w, "Nonce", wanted->nonce);
    sx_put_number(&w, "Since", page->since);
    sx_put_number(&w, "After", page->after);
    sx_put_number(&w, "Now", page->now);
    sx_put_number(&w, "Next", page->next);
    sx_put_number(&w, "Total", page->total);
    for (size_t i = 0; i < page->hosts.count; i++) {
        sx_open(&w, "DP");
        sx_put_attr(&w, "Host", page->hosts.items[i]);
        sx_close(&w);
    }
    for (size_t i = 0; i < page->package_count; i++)
        put_package(&w, page, &page->packages[i]);
    sx_close(&w);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

/* The document behind a first line, whose outermost element has this name. */
static enum sl_status open_doc(const char *text, size_t len, const char *line, const char *name, struct sx_doc **ret_doc,
                               struct sl_error *e)
{
    size_t head = strlen(line);
    struct sx_doc *doc;
    if (len < head || memcmp(text, line, head) != 0)
        return sl_fail(e, SL_MALFORMED, "does not begin with \"%.*s\"", (int)head - 1, line);
    enum sl_status status = sx_parse(text + head, len - head, SX_STRICT, &doc, e);
    if (status != SL_OK)
        return SL_MALFORMED;
    if (strcmp(sx_name(sx_root(doc)), name) != 0) {
        sx_free(doc);
        return sl_fail(e, SL_MALFORMED, "is no %s", name);
    }
    *ret_doc = doc;
    return SL_OK;
}

static enum sl_status read_number(struct sx_node *node, const char *name, int64_t *ret_value, struct sl_error *e)
{
    if (sl_parse_i64(sx_attr_text(node, name), 0, INT64_MAX, ret_value))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "@%s: \"%.32s\"", name, sx_attr_text(node, name));
}

static enum sl_status read_code(struct sx_node *node, const char *name, char ret_code[SM_CODE_LEN + 1], struct sl_error *e)
{
    if (sm_check_code(sx_attr_text(node, name), e) != SL_OK)
        return sl_fail_in(e, SL_MALFORMED, "@%s", name);
    (void)sl_text_copy(ret_code, SM_CODE_LEN + 1, sx_attr_text(node, name));
    return SL_OK;
}

static enum sl_status read_wanted(struct sx_node *root, struct srv_wanted *wanted, struct sl_error *e)
{
    uint8_t octets[SRV_NONCE_TEXT];
    size_t len;
    enum sl_status status = read_code(root, "Site", wanted->site, e);
    if (status == SL_OK)
        status = read_code(root, "Of", wanted->of, e);
    if (status == SL_OK)
        status = read_number(root, "Made", &wanted->made_s, e);
    if (status == SL_OK)
        status = read_number(root, "Since", &wanted->since, e);
    if (status == SL_OK)
        status = read_number(root, "After", &wanted->after, e);
    if (status != SL_OK)
        return status;
    if (!sl_text_copy(wanted->nonce, sizeof wanted->nonce, sx_attr_text(root, "Nonce")) ||
        !sl_parse_hex(wanted->nonce, octets, sizeof octets, &len))
        return sl_fail(e, SL_MALFORMED, "@Nonce: \"%.32s\"", sx_attr_text(root, "Nonce"));
    return SL_OK;
}

enum sl_status srv_wanted_read(const char *text, size_t len, struct srv_wanted *ret_wanted, struct sl_error *e)
{
    struct sx_doc *doc;
    enum sl_status status = open_doc(text, len, WANTED_LINE, "PackagesWanted", &doc, e);
    if (status == SL_OK) {
        status = read_wanted(sx_root(doc), ret_wanted, e);
        sx_free(doc);
    }
    return status == SL_OK ? status : sl_fail_in(e, status, "packages wanted");
}

/* It must be the answer to what was asked; who asked for changes may be told everything, from the first page. */
static enum sl_status check_answer(struct sx_node *root, const struct srv_wanted *wanted, const struct sst_page *page,
                                   struct sl_error *e)
{
    bool is_asked = page->since == wanted->since && page->after == wanted->after;
    if (strcmp(sx_attr_text(root, "Site"), wanted->of) != 0)
        return sl_fail(e, SL_CONFLICT, "they are of site \"%.8s\", not of %s", sx_attr_text(root, "Site"), wanted->of);
    if (strcmp(sx_attr_text(root, "For"), wanted->site) != 0 || strcmp(sx_attr_text(root, "Nonce"), wanted->nonce) != 0)
        return sl_fail(e, SL_CONFLICT, "they answer another question");
    if (!is_asked && (page->since != 0 || page->after != 0))
        return sl_fail(e, SL_CONFLICT, "changes since %" PRId64 " behind %" PRId64 " were asked for", wanted->since,
                       wanted->after);
    if (page->next != 0 && page->next <= page->after)
        return sl_fail(e, SL_CONFLICT, "the page behind %" PRId64 " leads back to %" PRId64, page->after, page->next);
    if (page->now < page->since)
        return sl_fail(e, SL_CONFLICT, "number %" PRId64 " is from before %" PRId64, page->now, page->since);
    return SL_OK;
}

static enum sl_status read_head(struct sx_node *root, const struct srv_wanted *wanted, struct sst_page *page, struct sl_error *e)
{
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"Since", &page->since}, {"After", &page->after}, {"Now", &page->now}, {"Next", &page->next}, {"Total", &page->total}};
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < SL_COUNT(numbers) && status == SL_OK; i++)
        status = read_number(root, numbers[i].name, numbers[i].value, e);
    return status == SL_OK ? check_answer(root, wanted, page, e) : status;
}

static enum sl_status read_places(const char *on, struct sst_page *page, struct sl_error *e)
{
    size_t count = 0;
    for (const char *at = on; *at != '\0'; count++) {
        char text[12] = "";
        size_t len = strcspn(at, " ");
        uint64_t host;
        memcpy(text, at, len < sizeof text ? len : 0);
        if (!sl_parse_u64(text, UINT32_MAX, &host) || host >= page->hosts.count)
            return sl_fail(e, SL_MALFORMED, "@On: \"%.*s\" is in no list of DP", len < 32 ? (int)len : 32, at);
        if (count == page->hosts.count || !sst_page_add_dp(page, (uint32_t)host))
            return sl_fail(e, SL_MALFORMED, "@On: more than there are DP");
        at += len + (at[len] == ' ');
    }
    return SL_OK;
}

static enum sl_status read_package(struct sx_node *node, bool is_gone, struct sst_page *page, struct sl_error *e)
{
    int64_t version = 0;
    const char *id = sx_attr_text(node, "ID"), *sha256 = sx_attr_text(node, "SHA256");
    if (sm_check_package_id(id, e) != SL_OK)
        return sl_fail_in(e, SL_MALFORMED, "@ID");
    if (!is_gone && !sl_parse_i64(sx_attr_text(node, "Version"), 1, UINT32_MAX, &version))
        return sl_fail(e, SL_MALFORMED, "@Version: \"%.32s\"", sx_attr_text(node, "Version"));
    if (sha256[0] != '\0' && !cnt_is_hash(sha256))
        return sl_fail(e, SL_MALFORMED, "@SHA256: \"%.70s\"", sha256);
    struct sst_flowing *package = sst_page_add(page);
    if (package == NULL)
        return sl_fail(e, SL_MALFORMED, "too many");
    package->id = sl_strdup(id);
    package->version = (uint32_t)version;
    (void)sl_text_copy(package->sha256, sizeof package->sha256, sha256);
    package->is_gone = is_gone;
    return is_gone ? SL_OK : read_places(sx_attr_text(node, "On"), page, e);
}

static enum sl_status read_page(struct sx_node *root, struct sst_page *page, struct sl_error *e)
{
    for (struct sx_node *n = sx_child(root, "DP"); n != NULL; n = sx_next(n, "DP")) {
        if (sm_check_host("@Host", sx_attr_text(n, "Host"), e) != SL_OK)
            return sl_fail_in(e, SL_MALFORMED, "DP %zu", page->hosts.count + 1);
        sl_strings_add(&page->hosts, sx_attr_text(n, "Host"));
    }
    for (struct sx_node *n = sx_child(root, NULL); n != NULL; n = sx_next(n, NULL)) {
        bool is_gone = strcmp(sx_name(n), "Gone") == 0;
        if ((is_gone || strcmp(sx_name(n), "Package") == 0) && read_package(n, is_gone, page, e) != SL_OK)
            return sl_fail_in(e, SL_MALFORMED, "%s %zu", sx_name(n), page->package_count);
    }
    return SL_OK;
}

enum sl_status srv_page_read(const struct srv_wanted *wanted, const char *text, size_t len, struct sst_page *ret_page,
                             struct sl_error *e)
{
    struct sx_doc *doc;
    struct sst_page page = {0};
    enum sl_status status = open_doc(text, len, PAGE_LINE, "Packages", &doc, e);
    if (status == SL_OK) {
        status = read_head(sx_root(doc), wanted, &page, e);
        if (status == SL_OK)
            status = read_page(sx_root(doc), &page, e);
        sx_free(doc);
    }
    if (status == SL_OK) {
        *ret_page = page;
        return SL_OK;
    }
    sst_page_fini(&page);
    return sl_fail_in(e, status, "packages");
}

/* ---- files -------------------------------------------------------------------------------------------------------------- */

void srv_files_write(const struct sm_manifest *files, size_t first, struct sl_text *out)
{
    for (size_t i = first; i < files->count && out->len < SRV_FILES_PAGE; i++)
        sl_text_printf(out, "%s %" PRIu64 " %s\n", files->files[i].sha256, files->files[i].size, files->files[i].path);
}

/* A line without its end; it is taken apart. */
static bool read_file(char *line, struct sm_file *file)
{
    char *sha256 = strsep(&line, " "), *size = strsep(&line, " ");
    if (line == NULL || !cnt_is_hash(sha256) || !sl_parse_u64(size, INT64_MAX, &file->size) || !cnt_is_path(line))
        return false;
    (void)sl_text_copy(file->sha256, sizeof file->sha256, sha256);
    file->path = sl_strdup(line);
    return true;
}

enum sl_status srv_files_read(const char *text, struct sm_manifest *files, struct sl_error *e)
{
    char *all = sl_strdup(text), *rest = all;
    enum sl_status status = SL_OK;
    for (size_t number = 1; status == SL_OK && *rest != '\0'; number++) {
        char *line = strsep(&rest, "\n");
        files->files = sl_grow(files->files, files->count, sizeof *files->files);
        if (files->count == CNT_FILES_MAX)
            status = sl_fail(e, SL_LIMIT, "more than %d files", CNT_FILES_MAX);
        else if (rest == NULL || !read_file(line, &files->files[files->count]))
            status = sl_fail(e, SL_MALFORMED, "line %zu is not HASH SIZE PATH", number);
        else
            files->count++;
    }
    free(all);
    return status;
}

static int by_path(const void *a, const void *b)
{
    const struct sm_file *one = a, *other = b;
    return strcmp(one->path, other->path);
}

enum sl_status srv_files_check(struct sm_manifest *files, const char *sha256, struct sl_error *e)
{
    if (files->count > 0)
        qsort(files->files, files->count, sizeof *files->files, by_path);
    for (size_t i = 1; i < files->count; i++)
        if (strcmp(files->files[i].path, files->files[i - 1].path) == 0)
            return sl_fail(e, SL_CORRUPT, "%s is there twice", files->files[i].path);
    cnt_manifest_hash(files, files->sha256);
    if (strcmp(files->sha256, sha256) == 0)
        return SL_OK;
    return sl_fail(e, SL_CORRUPT, "the hash over %zu files is %s instead of %s", files->count, files->sha256, sha256);
}
