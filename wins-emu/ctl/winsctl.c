/* The administrator's tool of winsd: every verb travels to the daemon's control socket. */
#include "common/files/files.h"
#include "wins-emu/ctl/transfer.h"

#define DEFAULT_CONTROL "/run/sitelocator/winsd.sock"

static const struct sl_option options[] = {
    {.name = "control", .type = SL_OPT_STRING, .offset = offsetof(struct winsctl_values, control), .arg = "PATH",
     .fallback = DEFAULT_CONTROL,
     .help = "control socket of the daemon"},
    {.name = "timeout", .type = SL_OPT_DURATION, .offset = offsetof(struct winsctl_values, timeout_ms), .arg = "TIME",
     .fallback = "10s", .help = "longest wait for the daemon", .min = 1, .max = 3600000},
};

struct filter_values {
    int type, state;
    bool is_static, is_dynamic;
    char *suffix, *owner, *prefix;
};

static const char *const type_words[] = {"unique", "group", "sgroup", "mhomed", NULL};
static const char *const state_words[] = {"active", "released", "tombstone", NULL};

/* The filters, in a struct that begins with filter_values. */
#define FILTER_OPTIONS                                                                                                          \
    {.name = "type", .type = SL_OPT_WORD, .offset = offsetof(struct filter_values, type), .arg = "TYPE", .words = type_words,   \
     .help = "only unique, group, sgroup or mhomed names"},                                                                     \
    {.name = "state", .type = SL_OPT_WORD, .offset = offsetof(struct filter_values, state), .arg = "STATE",                     \
     .words = state_words, .help = "only active, released or tombstone names"},                                                 \
    {.name = "static", .type = SL_OPT_FLAG, .offset = offsetof(struct filter_values, is_static),                                \
     .help = "only static names"},                                                                                              \
    {.name = "dynamic", .type = SL_OPT_FLAG, .offset = offsetof(struct filter_values, is_dynamic),                              \
     .help = "only names with a lease"},                                                                                        \
    {.name = "suffix", .type = SL_OPT_STRING, .offset = offsetof(struct filter_values, suffix), .arg = "XX",                    \
     .help = "only names of this type octet, as 1A"},                                                                           \
    {.name = "owner", .type = SL_OPT_STRING, .offset = offsetof(struct filter_values, owner), .arg = "ADDR",                    \
     .help = "only names that this server owns"},                                                                               \
    {.name = "prefix", .type = SL_OPT_STRING, .offset = offsetof(struct filter_values, prefix), .arg = "TEXT",                  \
     .help = "only names that begin so"}

static const struct sl_option list_options[] = {FILTER_OPTIONS};

struct end_values {
    struct filter_values filter;
    bool dry_run;
};

static const struct sl_option end_options[] = {
    FILTER_OPTIONS,
    {.name = "dry-run", .type = SL_OPT_FLAG, .offset = offsetof(struct end_values, dry_run),
     .help = "only show how many names would change, and the first twenty"},
};

struct add_values {
    bool group;
};

static const struct sl_option add_options[] = {
    {.name = "group", .type = SL_OPT_FLAG, .offset = offsetof(struct add_values, group), .help = "a group, not a unique name"},
};

struct explain_values {
    int as, op;
    char *from;
};

static const char *const as_words[] = {"unique", "group", "mhomed", NULL};
static const char *const op_words[] = {"register", "refresh", "release", "query", "status", NULL};

static const struct sl_option explain_options[] = {
    {.name = "as", .type = SL_OPT_WORD, .offset = offsetof(struct explain_values, as), .arg = "TYPE", .words = as_words,
     .fallback = "unique", .help = "register it as unique, group (of type 1C: special group) or mhomed"},
    {.name = "op", .type = SL_OPT_WORD, .offset = offsetof(struct explain_values, op), .arg = "OP", .words = op_words,
     .fallback = "register", .help = "what is asked for: register, refresh, release, query or (node) status"},
    {.name = "from", .type = SL_OPT_STRING, .offset = offsetof(struct explain_values, from), .arg = "ADDR",
     .help = "the address that it is sent from (default: the same as ADDR)"},
};

struct scavenge_values {
    bool dry_run;
};

static const struct sl_option scavenge_options[] = {
    {.name = "dry-run", .type = SL_OPT_FLAG, .offset = offsetof(struct scavenge_values, dry_run),
     .help = "only show the names that would change now, each with its rule"},
};

struct top_values {
    int of;
    int64_t lines;
};

static const char *const of_words[] = {"source", "name", NULL};

static const struct sl_option top_options[] = {
    {.name = "of", .type = SL_OPT_WORD, .offset = offsetof(struct top_values, of), .arg = "KIND", .words = of_words,
     .help = "only source or name"},
    {.name = "lines", .type = SL_OPT_INT, .offset = offsetof(struct top_values, lines), .arg = "N", .fallback = "10", .min = 1,
     .max = 100000, .help = "lines of each kind"},
};

struct watch_values {
    int64_t count;
};

static const struct sl_option watch_options[] = {
    {.name = "count", .type = SL_OPT_INT, .offset = offsetof(struct watch_values, count), .arg = "N", .min = 1, .max = INT64_MAX,
     .help = "end after so many changes"},
};

static const struct sl_option import_options[] = {
    {.name = "format", .type = SL_OPT_WORD, .offset = offsetof(struct transfer_import, format), .arg = "FORMAT",
     .words = ff_format_words, .help = "format of the file; else its name tells"},
    {.name = "dry-run", .type = SL_OPT_FLAG, .offset = offsetof(struct transfer_import, dry_run),
     .help = "only tell what would come of it"},
    {.name = "static", .type = SL_OPT_FLAG, .offset = offsetof(struct transfer_import, is_static),
     .help = "make all names static, whatever the file says"},
    {.name = "dynamic", .type = SL_OPT_FLAG, .offset = offsetof(struct transfer_import, is_dynamic),
     .help = "give all names a lease; the longest where the file has no time"},
};

static const struct sl_option export_options[] = {
    {.name = "format", .type = SL_OPT_WORD, .offset = offsetof(struct transfer_export, format), .arg = "FORMAT",
     .words = ff_format_words, .help = "format of the file; else its name tells"},
    {.name = "static", .type = SL_OPT_FLAG, .offset = offsetof(struct transfer_export, is_static), .help = "only static names"},
    {.name = "dynamic", .type = SL_OPT_FLAG, .offset = offsetof(struct transfer_export, is_dynamic),
     .help = "only names with a lease"},
    {.name = "type", .type = SL_OPT_WORD, .offset = offsetof(struct transfer_export, type), .arg = "TYPE", .words = type_words,
     .help = "only unique, group, sgroup or mhomed names"},
    {.name = "state", .type = SL_OPT_WORD, .offset = offsetof(struct transfer_export, state), .arg = "STATE",
     .words = state_words, .help = "names in this state instead of the active ones"},
    {.name = "suffix", .type = SL_OPT_STRING, .offset = offsetof(struct transfer_export, suffix), .arg = "XX",
     .help = "only names of this type octet, as 1A"},
    {.name = "prefix", .type = SL_OPT_STRING, .offset = offsetof(struct transfer_export, prefix), .arg = "TEXT",
     .help = "only names that begin so"},
};

static enum sl_outcome run(struct cli_call *call)
{
    const struct winsctl_values *v = call->values;
    return cli_remote(call, v->control, v->timeout_ms);
}

/* What its progress tells of is on disk, and the column that the daemon would have ended with. */
static enum sl_outcome wctl_end_names(struct cli_call *call)
{
    const struct winsctl_values *v = call->values;
    return cli_remote_with(call, v->control, v->timeout_ms, &(struct cli_remote_extra){.fd = -1, .lasting = "changed"});
}

/* Rows come when they come: no time-out between them. */
static enum sl_outcome wctl_watch_changes(struct cli_call *call)
{
    const struct winsctl_values *v = call->values;
    cli_doc_live(call->doc);
    return cli_remote_with(call, v->control, v->timeout_ms, &(struct cli_remote_extra){.fd = -1, .endless = true});
}

#define WCTL_OWN(table, values, fn) \
    .run = (fn), .options = (table), .option_count = SL_COUNT(table), .values_size = sizeof(values)
#define WCTL_OPTIONS(table, values) WCTL_OWN(table, values, run)
#define WCTL_NONE .run = run

static const struct cli_verb verbs[] = {
#define WCTL_VERB(verb, synopsis, least, most, opts, brief, text)                                                              \
    {.name = #verb, .args = (synopsis), .min_args = (least), .max_args = (most), .summary = (brief), .detail = (text), \
     opts},
#include "wins-emu/ctl/verbs.def"
#undef WCTL_VERB
};

static const struct cli_program program = {
    .name = "winsctl",
    .section = "8",
    .summary = "administer the name registry",
    .description = "winsctl asks a running winsd through its control socket; who may open the socket may do everything.\n\n"
                   "In the answers expires_s is the number of seconds until the state of the name ends: until an active one "
                   "is released, a released one becomes a tombstone, a tombstone is deleted. It is negative while the next "
                   "pass of the scavenger is awaited, and absent for static names. node is the kind of node that the client says "
                   "it is (B, P, M or H), owner the server that the record belongs to, version its version id there, "
                   "registered_by the address that the last registration was sent from, the server's own for what an "
                   "administrator made.",
    .options = options,
    .option_count = SL_COUNT(options),
    .values_size = sizeof(struct winsctl_values),
    .verbs = verbs,
    .verb_count = SL_COUNT(verbs),
    .examples = {"winsctl list --suffix 1A", "the management points that are registered",
                 "winsctl show MP_PS1#1A", "who holds the name, since which version, and for how many seconds (expires_s)",
                 "winsctl explain MP_PS1#1A 192.0.2.10", "which rule a registration by that address would meet",
                 "winsctl backup /var/backups/wins.db", "a copy of the database while it is in use",
                 "winsctl add MP_PS1#1A 192.0.2.10", "a static name, on disk when the command returns",
                 "winsctl delete MP_PS1#1A", "forget the name, whoever holds it",
                 "winsctl delete --prefix OLD- --dry-run", "how many names that begin so would go, and the first twenty",
                 "winsctl release MP_PS1#1A", "answer for it no longer, as when its holder released it",
                 "winsctl watch 'MP_*#1A' --jsonl", "every change of a management point's name, until SIGINT",
                 "winsctl tombstone MP_PS1#1A", "mark it dead, so that replication partners learn it"},
    .files = DEFAULT_CONTROL ": the daemon's control socket.",
    .see_also = "winsd(8), locator(1)",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
