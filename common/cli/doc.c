#include "common/cli/private.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_MAX = 65536, HEADING_MAX = 64 };

const struct cli_column cli_step_columns[] = {
    {"source", CLI_TEXT}, {"asked", CLI_TEXT},   {"result", CLI_TEXT},  {"verdict", CLI_TEXT}, {"rule", CLI_TEXT},
    {"ms", CLI_NUMBER},   {"age_s", CLI_NUMBER}, {"ttl_s", CLI_NUMBER}, {"owner", CLI_TEXT},   {"trust", CLI_TEXT},
};
_Static_assert(SL_COUNT(cli_step_columns) == CLI_STEP_COLUMNS, "steps have CLI_STEP_COLUMNS columns");

/* Rows of text under columns; the cells are owned. */
struct sheet {
    struct cli_column *columns; /* names are owned */
    size_t width;
    char ***rows;
    size_t count, room;
    bool single;
};

struct cli_doc {
    FILE *out;
    enum cli_format format;
    bool bold;
    bool declared;
    bool show_steps, steps_left_out;
    size_t rows_written;
    bool live;
    struct sheet answer; /* rows are held when nothing can be written before the end: holds() */
    struct sheet steps;
    struct sl_strings warnings;
    char *reason, *message;
    struct sl_text line; /* scratch */
};

/* ---- sheets ------------------------------------------------------------------------------------------------------ */

static void sheet_columns(struct sheet *s, const struct cli_column *columns, size_t width, bool single)
{
    s->columns = sl_new_array(width, sizeof *s->columns);
    s->width = width;
    s->single = single;
    for (size_t c = 0; c < width; c++)
        s->columns[c] = (struct cli_column){sl_strdup(columns[c].name), columns[c].type};
}

static void sheet_add(struct sheet *s, const char *const *cells)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 16;
        s->rows = sl_resize(s->rows, s->room, sizeof *s->rows);
    }
    char **row = sl_new_array(s->width, sizeof *row);
    for (size_t c = 0; c < s->width; c++)
        row[c] = sl_strdup(cells[c]);
    s->rows[s->count++] = row;
}

static void sheet_fini(struct sheet *s)
{
    for (size_t r = 0; r < s->count; r++) {
        for (size_t c = 0; c < s->width; c++)
            free(s->rows[r][c]);
        free(s->rows[r]);
    }
    for (size_t c = 0; c < s->width; c++)
        free((char *)(uintptr_t)s->columns[c].name);
    free(s->rows);
    free(s->columns);
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void flush_line(struct cli_doc *doc)
{
    fwrite(sl_text_str(&doc->line), 1, doc->line.len, doc->out);
    sl_text_reset(&doc->line);
}

/* The cell with its control characters escaped, and the items of a list with `between` between them. */
static void add_shown(struct sl_text *out, enum cli_type type, const char *cell, const char *between)
{
    for (size_t len; *cell; cell += len) {
        len = type == CLI_LIST ? strcspn(cell, "\n") : strlen(cell);
        char *escaped = sl_new_array(len + 1, 4);
        sl_text_escape(escaped, (len + 1) * 4, cell, len);
        sl_text_puts(out, escaped);
        free(escaped);
        if (cell[len] == '\n') {
            sl_text_puts(out, between);
            len++;
        }
    }
}

/* The cell as tab-separated readers get it: on one line. */
static void add_plain(struct sl_text *out, enum cli_type type, const char *cell)
{
    add_shown(out, type, cell, ",");
}

static void add_csv(struct sl_text *out, enum cli_type type, const char *cell)
{
    struct sl_text plain = sl_text_new(CLI_TEXT_LIMIT);
    add_plain(&plain, type, cell);
    const char *p = sl_text_str(&plain);
    if (!strpbrk(p, ",\"")) {
        sl_text_puts(out, p);
    } else {
        sl_text_puts(out, "\"");
        for (; *p; p++)
            sl_text_add(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
        sl_text_puts(out, "\"");
    }
    sl_text_fini(&plain);
}

/* A number as JSON writes it: -? digits, a fraction; anything else becomes a string. */
static bool is_json_number(const char *p)
{
    p += *p == '-';
    bool leading_zero = p[0] == '0' && isdigit((unsigned char)p[1]);
    size_t digits = strspn(p, "0123456789");
    p += digits;
    if (digits == 0 || leading_zero)
        return false;
    if (*p == '.') {
        size_t fraction = strspn(++p, "0123456789");
        p += fraction;
        if (fraction == 0)
            return false;
    }
    return *p == '\0';
}

static void add_json_list(struct sl_text *out, const char *cell)
{
    sl_text_puts(out, "[");
    while (*cell) {
        size_t len = strcspn(cell, "\n");
        sl_text_json(out, cell, len);
        cell += len;
        if (*cell == '\n' && *++cell)
            sl_text_puts(out, ",");
    }
    sl_text_puts(out, "]");
}

static void add_json(struct sl_text *out, enum cli_type type, const char *cell)
{
    if (!cell)
        sl_text_puts(out, "null");
    else if (type == CLI_LIST)
        add_json_list(out, cell);
    else if (type == CLI_BOOL)
        sl_text_puts(out, strcmp(cell, "true") == 0 || strcmp(cell, "1") == 0 ? "true" : "false");
    else if (type == CLI_NUMBER && is_json_number(cell))
        sl_text_puts(out, cell);
    else
        sl_text_json(out, cell, strlen(cell));
}

static void add_json_object(struct sl_text *out, const struct sheet *s, const char *const *cells)
{
    for (size_t c = 0; c < s->width; c++) {
        sl_text_puts(out, c ? "," : "{");
        sl_text_json(out, s->columns[c].name, strlen(s->columns[c].name));
        sl_text_puts(out, ":");
        add_json(out, s->columns[c].type, cells[c]);
    }
    sl_text_puts(out, "}");
}

/* ---- lines of the formats that stream ---------------------------------------------------------------------------- */

static void add_separated(struct sl_text *out, const struct sheet *s, const char *const *cells, const char *separator,
                          void (*add)(struct sl_text *out, enum cli_type type, const char *cell))
{
    for (size_t c = 0; c < s->width; c++) {
        sl_text_puts(out, c ? separator : "");
        if (cells[c])
            add(out, s->columns[c].type, cells[c]);
    }
    sl_text_puts(out, "\n");
}

static void csv_header(struct cli_doc *doc, const struct sheet *s)
{
    for (size_t c = 0; c < s->width; c++) {
        sl_text_puts(&doc->line, c ? "," : "");
        add_csv(&doc->line, CLI_TEXT, s->columns[c].name);
    }
    sl_text_puts(&doc->line, "\n");
}

static void stream_row(struct cli_doc *doc, const struct sheet *s, const char *const *cells)
{
    if (doc->format == CLI_PLAIN) {
        add_separated(&doc->line, s, cells, "\t", add_plain);
    } else if (doc->format == CLI_CSV) {
        add_separated(&doc->line, s, cells, ",", add_csv);
    } else {
        add_json_object(&doc->line, s, cells);
        if (doc->format == CLI_JSONL)
            sl_text_puts(&doc->line, "\n");
    }
    flush_line(doc);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* Characters on the screen: octets that do not continue a UTF-8 sequence. */
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static char *shown(const struct sheet *s, size_t column, const char *cell, const char *between)
{
    struct sl_text text = sl_text_new(CLI_TEXT_LIMIT);
    if (cell)
        add_shown(&text, s->columns[column].type, cell, between);
    else
        sl_text_puts(&text, "-");
    char *whole = sl_text_take(&text);
    return whole ? whole : sl_strdup("(too long)");
}

static char *heading(const char *name)
{
    char *upper = sl_strdup(name);
    sl_text_upper(upper);
    return upper;
}

static void table_line(struct cli_doc *doc, const struct sheet *s, char **cells, const size_t *widths, bool bold)
{
    sl_text_puts(&doc->line, bold ? "\033[1m" : "");
    for (size_t c = 0; c < s->width; c++) {
        sl_text_puts(&doc->line, cells[c]);
        size_t pad = c + 1 < s->width ? widths[c] - columns_of(cells[c]) + 2 : 0;
        sl_text_printf(&doc->line, "%*s", (int)pad, "");
    }
    sl_text_puts(&doc->line, bold ? "\033[0m\n" : "\n");
    flush_line(doc);
}

static void table_list(struct cli_doc *doc, struct sheet *s)
{
    size_t *widths = sl_new_array(s->width, sizeof *widths);
    char **headings = sl_new_array(s->width, sizeof *headings);
    for (size_t c = 0; c < s->width; c++) {
        headings[c] = heading(s->columns[c].name);
        widths[c] = columns_of(headings[c]);
    }
    for (size_t r = 0; r < s->count; r++)
        for (size_t c = 0; c < s->width; c++) {
            char *text = shown(s, c, s->rows[r][c], ",");
            free(s->rows[r][c]);
            s->rows[r][c] = text;
            if (columns_of(text) > widths[c])
                widths[c] = columns_of(text);
        }
    table_line(doc, s, headings, widths, doc->bold);
    for (size_t r = 0; r < s->count; r++)
        table_line(doc, s, s->rows[r], widths, false);
    for (size_t c = 0; c < s->width; c++)
        free(headings[c]);
    free(headings);
    free(widths);
}

/* Words of a list stand beside each other, sentences below each other. */
static bool are_sentences(enum cli_type type, const char *cell)
{
    return type == CLI_LIST && cell && strchr(cell, '\n') && strchr(cell, ' ');
}

static void table_single(struct cli_doc *doc, const struct sheet *s)
{
    for (size_t r = 0; r < s->count; r++)
        for (size_t c = 0; c < s->width; c++) {
            bool below = are_sentences(s->columns[c].type, s->rows[r][c]);
            char *text = shown(s, c, s->rows[r][c], below ? "\n  " : ",");
            sl_text_printf(&doc->line, "%s%s:%s%s", doc->bold ? "\033[1m" : "", s->columns[c].name, doc->bold ? "\033[0m" : "",
                           below ? "\n  " : " ");
            sl_text_puts(&doc->line, text);
            sl_text_puts(&doc->line, "\n");
            free(text);
            flush_line(doc);
        }
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

struct cli_doc *cli_doc_new(void *out_file, enum cli_format format, bool color)
{
    struct cli_doc *doc = sl_new(sizeof *doc);
    doc->out = out_file;
    bool terminal = isatty(fileno(doc->out));
    doc->format = format != CLI_AUTO ? format : terminal ? CLI_TABLE : CLI_PLAIN;
    doc->bold = color && terminal;
    doc->line = sl_text_new(CLI_TEXT_LIMIT);
    sheet_columns(&doc->steps, cli_step_columns, CLI_STEP_COLUMNS, false);
    return doc;
}

void cli_doc_free(struct cli_doc *doc)
{
    if (!doc)
        return;
    sheet_fini(&doc->answer);
    sheet_fini(&doc->steps);
    sl_strings_fini(&doc->warnings);
    sl_text_fini(&doc->line);
    free(doc->reason);
    free(doc->message);
    free(doc);
}

/* A table needs all widths; a single record in JSON stands behind the outcome. A JSON list streams, the outcome follows. */
static bool holds(const struct cli_doc *doc)
{
    return doc->format == CLI_TABLE || (doc->format == CLI_JSON && doc->answer.single);
}

void cli_doc_columns(struct cli_doc *doc, const struct cli_column *columns, size_t count, bool single)
{
    sl_assert(!doc->declared && count > 0);
    doc->declared = true;
    sheet_columns(&doc->answer, columns, count, single);
    if (doc->format == CLI_CSV)
        csv_header(doc, &doc->answer);
    if (doc->format == CLI_JSON && !single)
        sl_text_puts(&doc->line, "{\"v\":1,\"answer\":[");
    flush_line(doc);
}

void cli_doc_live(struct cli_doc *doc)
{
    sl_assert(!doc->declared);
    doc->live = true;
    if (doc->format == CLI_TABLE)
        doc->format = CLI_PLAIN;
}

void cli_doc_row(struct cli_doc *doc, const char *const *cells)
{
    sl_assert(doc->declared && (!doc->answer.single || doc->rows_written == 0));
    if (holds(doc)) {
        sheet_add(&doc->answer, cells);
    } else {
        if (doc->format == CLI_JSON && doc->rows_written > 0)
            sl_text_puts(&doc->line, ",\n");
        stream_row(doc, &doc->answer, cells);
        if (doc->live)
            fflush(doc->out);
    }
    doc->rows_written++;
}

void cli_doc_step(struct cli_doc *doc, const char *const *cells)
{
    if (doc->steps.count < STEPS_MAX)
        sheet_add(&doc->steps, cells);
    else
        doc->steps_left_out = true;
}

void cli_doc_show_steps(struct cli_doc *doc)
{
    doc->show_steps = true;
}

void cli_doc_warning(struct cli_doc *doc, const char *text)
{
    sl_strings_add(&doc->warnings, text);
}

void cli_doc_reason(struct cli_doc *doc, const char *reason, const char *message)
{
    free(doc->reason);
    free(doc->message);
    doc->reason = sl_strdup(reason);
    doc->message = sl_strdup(message);
}

static const char *const *row_of(const struct sheet *s, size_t row)
{
    return (const char *const *)s->rows[row];
}

static void add_json_outcome(struct cli_doc *doc, enum sl_outcome outcome)
{
    const char *reason = doc->reason ? doc->reason : "", *word = sl_outcome_word(outcome);
    sl_text_puts(&doc->line, "\"outcome\":");
    sl_text_json(&doc->line, word, strlen(word));
    sl_text_puts(&doc->line, ",\"reason\":");
    sl_text_json(&doc->line, reason, strlen(reason));
    if (doc->message && doc->message[0]) {
        sl_text_puts(&doc->line, ",\"message\":");
        sl_text_json(&doc->line, doc->message, strlen(doc->message));
    }
}

static void add_json_trace(struct cli_doc *doc)
{
    sl_text_puts(&doc->line, ",\"steps\":[");
    for (size_t i = 0; i < doc->steps.count; i++) {
        sl_text_puts(&doc->line, i ? ",\n" : "");
        add_json_object(&doc->line, &doc->steps, row_of(&doc->steps, i));
        flush_line(doc);
    }
    sl_text_puts(&doc->line, "],\"warnings\":[");
    for (size_t i = 0; i < doc->warnings.count; i++) {
        sl_text_puts(&doc->line, i ? "," : "");
        sl_text_json(&doc->line, doc->warnings.items[i], strlen(doc->warnings.items[i]));
    }
    sl_text_puts(&doc->line, "]");
}

static void finish_json(struct cli_doc *doc, enum sl_outcome outcome)
{
    bool list = doc->declared && !doc->answer.single;
    if (list) {
        sl_text_puts(&doc->line, "],");
        add_json_outcome(doc, outcome);
    } else {
        sl_text_puts(&doc->line, "{\"v\":1,");
        add_json_outcome(doc, outcome);
        sl_text_puts(&doc->line, ",\"answer\":");
        if (doc->answer.count > 0)
            add_json_object(&doc->line, &doc->answer, row_of(&doc->answer, 0));
        else
            sl_text_puts(&doc->line, "{}"); /* never another type: scripts go into it without looking */
    }
    add_json_trace(doc);
    sl_text_puts(&doc->line, "}\n");
    flush_line(doc);
}

static void finish_steps(struct cli_doc *doc)
{
    bool apart = doc->declared && doc->format != CLI_JSONL;
    sl_text_puts(&doc->line, apart ? "\n" : "");
    flush_line(doc);
    if (doc->format == CLI_TABLE) {
        table_list(doc, &doc->steps);
        return;
    }
    if (doc->format == CLI_CSV)
        csv_header(doc, &doc->steps);
    for (size_t i = 0; i < doc->steps.count; i++)
        stream_row(doc, &doc->steps, row_of(&doc->steps, i));
}

/* Escaped text for a person's terminal. */
static void say(enum sl_log_level level, const char *who, const char *what, const char *text)
{
    struct sl_error e = {0};
    sl_fail(&e, SL_OK, "%s", text);
    fprintf(stderr, "%s%s: %s%s\n", sl_log_journal_prefix(level), who, what, e.text);
}

static void say_outcome(const struct cli_doc *doc, const char *who, enum sl_outcome outcome)
{
    char what[HEADING_MAX * 2];
    bool reason = doc->reason && doc->reason[0];
    snprintf(what, sizeof what, "%s%s%.*s%s: ", sl_outcome_word(outcome), reason ? " (" : "", HEADING_MAX,
             reason ? doc->reason : "", reason ? ")" : "");
    say(outcome == SL_OUTCOME_NEGATIVE ? SL_LOG_WARNING : SL_LOG_ERROR, who, what,
        doc->message && doc->message[0] ? doc->message : sl_outcome_text(outcome));
}

void cli_doc_finish(struct cli_doc *doc, const char *who, enum sl_outcome outcome, bool quiet)
{
    bool machine = doc->format == CLI_JSON || doc->format == CLI_JSONL || doc->format == CLI_CSV;
    if (doc->steps_left_out)
        cli_doc_warning(doc, "the trace has more steps than are shown");
    if (doc->format == CLI_TABLE && doc->declared) {
        if (doc->answer.single)
            table_single(doc, &doc->answer);
        else
            table_list(doc, &doc->answer);
    }
    if (doc->format == CLI_JSON)
        finish_json(doc, outcome);
    else if (doc->show_steps && doc->steps.count > 0)
        finish_steps(doc);
    fflush(doc->out);
    for (size_t i = 0; i < doc->warnings.count && doc->format != CLI_JSON; i++)
        say(SL_LOG_WARNING, who, "warning: ", doc->warnings.items[i]);
    if (outcome != SL_OUTCOME_OK && (doc->format != CLI_JSON || outcome == SL_OUTCOME_USAGE))
        say_outcome(doc, who, outcome);
    else if (outcome == SL_OUTCOME_OK && doc->message && doc->message[0] && !machine && !quiet)
        say(SL_LOG_INFO, who, "", doc->message);
}
