#include "wins-emu/ctl/top.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 2, LINES_DEFAULT = 10, NUMBER_TEXT_MAX = 24 };

static const char *const kind_words[KINDS] = {"source", "name"};

/* What the workers have handed over so far, all tables of one kind behind each other. */
struct gathering {
    pthread_mutex_t lock;
    struct wctl_change *change;
    unsigned left; /* workers that have not */
    uint64_t lines;
    const char *only; /* a kind, or NULL */
    struct eng_top_row *rows[KINDS];
    size_t counts[KINDS];
    uint64_t totals[KINDS];
};

static void gathering_free(void *data)
{
    struct gathering *g = data;
    for (size_t k = 0; k < KINDS; k++)
        free(g->rows[k]);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* On a worker's thread. */
static void on_tables(void *ctx, const struct eng_top *sources, const struct eng_top *names)
{
    struct gathering *g = ctx;
    const struct eng_top *tables[KINDS] = {sources, names};
    pthread_mutex_lock(&g->lock);
    for (size_t k = 0; k < KINDS; k++) {
        g->counts[k] += eng_top_rows(tables[k], g->rows[k] + g->counts[k]);
        g->totals[k] += tables[k]->total;
    }
    bool last = --g->left == 0;
    pthread_mutex_unlock(&g->lock);
    if (last)
        wctl_change_done(g->change, SL_OK, true, NULL);
}

static void source_text(const uint8_t key[ENG_TOP_KEY], char *out, size_t size)
{
    uint32_t address;
    memcpy(&address, key, sizeof address);
    sl_text_copy(out, size, sl_ip4_text(address).text);
}

/* A name as it stands in a question: two letters an octet. */
static void name_text(const uint8_t key[ENG_TOP_KEY], char *out, size_t size)
{
    struct nb_name name = {0};
    for (size_t i = 0; i < NB_NAME_LEN; i++)
        name.octets[i] = (uint8_t)((key[2 * i] - 'A') << 4 | (key[2 * i + 1] - 'A'));
    sl_text_copy(out, size, nb_name_text(&name).text);
}

static void send_rows(const struct gathering *g, size_t kind, size_t count, struct host_reply *reply)
{
    for (size_t i = 0; i < count && i < g->lines; i++) {
        const struct eng_top_row *row = &g->rows[kind][i];
        char who[sizeof(struct nb_name_text)], asked[NUMBER_TEXT_MAX], least[NUMBER_TEXT_MAX], share[NUMBER_TEXT_MAX];
        (kind == 0 ? source_text : name_text)(row->key, who, sizeof who);
        snprintf(asked, sizeof asked, "%" PRIu64, row->count);
        snprintf(least, sizeof least, "%" PRIu64, row->count - row->error);
        snprintf(share, sizeof share, "%.1f", 100.0 * (double)row->count / (double)g->totals[kind]);
        const char *const cells[] = {kind_words[kind], who, asked, least, share};
        host_reply_row(reply, cells, SL_COUNT(cells));
    }
}

static void finish(struct wctl_change *c)
{
    static const char *const columns[] = {"kind:text", "who:text", "count:number", "least:number", "share_percent:number"};
    struct gathering *g = c->data;
    host_reply_columns(c->reply, columns, SL_COUNT(columns), false);
    for (size_t k = 0; k < KINDS; k++) {
        if (!g->only || strcmp(g->only, kind_words[k]) == 0)
            send_rows(g, k, eng_top_sort(g->rows[k], g->counts[k]), c->reply);
    }
    host_reply_end(c->reply, SL_OUTCOME_OK, NULL, NULL);
}

void wctl_top(const struct wctl_env *env, struct wctl_changes *changes, const struct host_request *request,
              struct host_reply *reply)
{
    const char *lines = host_request_option(request, "lines", 0), *only = host_request_option(request, "of", 0);
    struct gathering *g = sl_new(sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    g->left = env->workers;
    g->lines = LINES_DEFAULT;
    for (size_t k = 0; k < KINDS; k++) {
        g->rows[k] = sl_new_array((size_t)env->workers * ENG_TOP_ROWS, sizeof *g->rows[k]);
        if (only && strcmp(only, kind_words[k]) == 0)
            g->only = kind_words[k];
    }
    struct wctl_change *c = wctl_change_new(changes, "top", NULL, reply, finish);
    c->looks = true;
    c->data = g;
    c->free_data = gathering_free;
    g->change = c;
    struct sl_error e;
    if ((lines && !sl_parse_u64(lines, UINT64_MAX, &g->lines)) || (only && !g->only))
        wctl_change_refuse(c, sl_fail(&e, SL_USAGE, "--lines is a number, --of is source or name"), &e);
    else if (!env->top(env->ctx, on_tables, g))
        wctl_change_refuse(c, sl_fail(&e, SL_CONFLICT, "somebody else is being answered; try again"), &e);
}
