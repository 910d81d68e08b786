#include "site/model/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_WORDS "sitelocator reports 1 "

enum { GUID_LEN = 36, FIELDS = 6 };

static const char *const words[SM_REPORT_COUNT] = {
#define REPORT_WORD(name, word) word,
    SM_REPORT_TABLE(REPORT_WORD)
#undef REPORT_WORD
};

const char *sm_report_word(enum sm_report_kind kind)
{
    return words[kind];
}

enum sm_report_kind sm_report_parse(const char *word)
{
    return (enum sm_report_kind)sl_word_find(words, SM_REPORT_COUNT, word);
}

/* ---- ids ---------------------------------------------------------------------------------------------------------------- */

static bool is_guid(const char *text)
{
    for (size_t i = 0; i < GUID_LEN; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'F');
        if (is_dash ? text[i] != '-' : !is_hex)
            return false;
    }
    return true;
}

/* `before` GUID `after`, in capitals, and nothing else. */
static bool parse_id(const char *text, const char *before, const char *after, char *out, size_t size)
{
    char copy[SM_SMSID_SIZE];
    size_t head = strlen(before);
    if (!sl_text_copy(copy, sizeof copy, text))
        return false;
    sl_text_upper(copy);
    return strlen(copy) == head + GUID_LEN + strlen(after) && strncmp(copy, before, head) == 0 && is_guid(copy + head) &&
           strcmp(copy + head + GUID_LEN, after) == 0 && sl_text_copy(out, size, copy);
}

bool sm_smsid_parse(const char *text, char ret_smsid[SM_SMSID_SIZE])
{
    return parse_id(text, "GUID:", "", ret_smsid, SM_SMSID_SIZE);
}

bool sm_message_parse(const char *text, char ret_message[SM_MESSAGE_SIZE])
{
    return parse_id(text, "{", "}", ret_message, SM_MESSAGE_SIZE);
}

/* ---- writing a batch ---------------------------------------------------------------------------------------------------- */

void sm_batch_begin(struct sl_text *out, const char *site)
{
    sl_text_printf(out, FIRST_WORDS "%s\n", site);
}

bool sm_batch_add(struct sl_text *out, const struct sm_report *r)
{
    char line[SM_BATCH_LINE_MAX];
    int len = snprintf(line, sizeof line, "%s %s %s %" PRId64 " %s %zu\n", words[r->kind], r->client, r->message, r->received_s,
                       r->key != NULL ? r->key : "-", r->body_len);
    if (len < 0 || (size_t)len >= sizeof line || out->len + (size_t)len + r->body_len + 1 > SM_BATCH_MAX)
        return false;
    sl_text_add(out, line, (size_t)len);
    sl_text_add(out, r->body, r->body_len);
    sl_text_puts(out, "\n");
    return true;
}

/* ---- reading a batch ---------------------------------------------------------------------------------------------------- */

static enum sl_status next_line(struct sm_batch *b, struct sl_error *e)
{
    const char *end = memchr(b->at, '\n', b->left);
    size_t len = end != NULL ? (size_t)(end - b->at) : 0;
    if (end == NULL || len >= sizeof b->line || memchr(b->at, '\0', len) != NULL)
        return sl_fail(e, SL_MALFORMED, "batch, line %zu: too long, or without an end", b->line_number);
    memcpy(b->line, b->at, len);
    b->line[len] = '\0';
    b->at += len + 1;
    b->left -= len + 1;
    b->line_number++;
    return SL_OK;
}

enum sl_status sm_batch_open(const void *octets, size_t len, struct sm_batch *ret_batch, struct sl_error *e)
{
    struct sm_batch b = {.at = octets, .left = len, .line_number = 1};
    enum sl_status status = next_line(&b, e);
    if (status != SL_OK)
        return status;
    size_t head = strlen(FIRST_WORDS);
    if (strncmp(b.line, FIRST_WORDS, head) != 0 || !sl_text_copy(b.site, sizeof b.site, b.line + head))
        return sl_fail(e, SL_MALFORMED, "batch, line 1: is not \"" FIRST_WORDS "SITE\"");
    *ret_batch = b;
    return SL_OK;
}

/* Cuts a line at its blanks, in place; false unless there are just so many words. */
static bool cut(char *line, char *fields[FIELDS])
{
    size_t count = 0;
    for (char *at = line; at != NULL && count < FIELDS; count++) {
        fields[count] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
        else
            return count + 1 == FIELDS;
    }
    return false;
}

static bool read_fields(char *fields[FIELDS], struct sm_report *r, uint64_t *ret_len)
{
    r->kind = sm_report_parse(fields[0]);
    r->key = strcmp(fields[4], "-") != 0 ? fields[4] : NULL;
    return r->kind != SM_REPORT_COUNT && sm_smsid_parse(fields[1], r->client) && sm_message_parse(fields[2], r->message) &&
           sl_parse_i64(fields[3], 0, INT64_MAX, &r->received_s) && strlen(fields[4]) < SM_KEY_SIZE &&
           sl_parse_u64(fields[5], SM_REPORT_MAX, ret_len);
}

enum sl_status sm_batch_next(struct sm_batch *batch, struct sm_report *ret_report, bool *ret_more, struct sl_error *e)
{
    struct sm_report r = {.kind = SM_REPORT_COUNT};
    char *fields[FIELDS];
    uint64_t len = 0;
    if (batch->left == 0) {
        *ret_more = false;
        return SL_OK;
    }
    enum sl_status status = next_line(batch, e);
    if (status != SL_OK)
        return status;
    size_t place = batch->line_number - 1;
    if (!cut(batch->line, fields) || !read_fields(fields, &r, &len))
        return sl_fail(e, SL_MALFORMED, "batch, line %zu: is not KIND CLIENT MESSAGE RECEIVED KEY LENGTH", place);
    if (len >= batch->left || batch->at[len] != '\n' || memchr(batch->at, '\0', (size_t)len) != NULL)
        return sl_fail(e, SL_MALFORMED, "batch, line %zu: no body of %" PRIu64 " octets follows", place, len);
    r.body = batch->at;
    r.body_len = (size_t)len;
    batch->at += len + 1;
    batch->left -= (size_t)len + 1;
    *ret_report = r;
    *ret_more = true;
    return SL_OK;
}

void sm_content_fini(struct sm_content *content)
{
    for (size_t i = 0; i < content->count; i++) {
        free(content->instances[i].class);
        free(content->instances[i].namespace);
        free(content->instances[i].item);
        free(content->instances[i].properties);
    }
    free(content->instances);
    free(content->name);
    *content = (struct sm_content){0};
}
