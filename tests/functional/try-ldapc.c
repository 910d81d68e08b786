/*
 * try-ldapc URI BASE [DN PASSWORD-FILE]: makes every operation of the directory client on a real server and prints
 * "what: status kind code" lines; test_directory.py says what they must be. Without DN the account is the caller's own through
 * SASL EXTERNAL, so URI is an ldapi URI.
 *
 * try-ldapc URI ENTRY DN PASSWORD-FILE CA-FILE ATTRIBUTE: reads an entry and prints how many values the attribute has.
 */
#include "locator/net/ldapc.h"

#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 5000 };

static struct ldapc *dir;

static const char *const kind_words[] = {
    [LDAPC_FINE] = "fine",       [LDAPC_UNREACHABLE] = "unreachable",
    [LDAPC_TIMEOUT] = "timeout", [LDAPC_CANCELED] = "canceled",
    [LDAPC_TLS] = "tls",         [LDAPC_DENIED] = "denied",
    [LDAPC_ABSENT] = "absent",   [LDAPC_EXISTS] = "exists",
    [LDAPC_SCHEMA] = "schema",   [LDAPC_LIMITED] = "limited",
    [LDAPC_REFUSED] = "refused",
};

static void tell(const char *what, enum sl_status s, const struct sl_error *e)
{
    printf("%s: %s %s %d%s%s\n", what, s == SL_OK ? "ok" : "failed", kind_words[ldapc_kind(dir)], ldapc_code(dir),
           s == SL_OK ? "" : " ", s == SL_OK ? "" : e->text);
}

static void try_add(const char *what, const char *rdn, const char *below, const char *class, const char *attr,
                    const char *value)
{
    struct ldapc_value class_value = {class, strlen(class)}, cn = {rdn, strlen(rdn)}, more = {value, strlen(value)};
    struct ldapc_mod attrs[] = {{.attr = "objectClass", .values = &class_value, .count = 1},
                                {.attr = "cn", .values = &cn, .count = 1},
                                {.attr = attr, .values = &more, .count = 1}};
    struct sl_text dn = sl_text_new(1024);
    struct sl_error e = {0};

    sl_text_puts(&dn, "CN=");
    ldapc_escape_rdn(&dn, rdn, strlen(rdn));
    sl_text_printf(&dn, ",%s", below);
    tell(what, ldapc_add(dir, sl_text_str(&dn), attrs, attr[0] != '\0' ? 3 : 2, sl_deadline_in(WAIT_MS), &e), &e);
    sl_text_fini(&dn);
}

static void try_modify(const char *what, const char *dn, enum ldapc_mod_op op, const char *attr, const char *value)
{
    struct ldapc_value one = {value, value != NULL ? strlen(value) : 0};
    struct ldapc_mod mod = {.op = op, .attr = attr, .values = &one, .count = value != NULL};
    struct sl_error e = {0};

    tell(what, ldapc_modify(dir, dn, &mod, 1, sl_deadline_in(WAIT_MS), &e), &e);
}

struct deletion {
    const char *what, *dn;
};

static void describe_deletion(void *ctx, size_t index, struct ldapc_write *ret_write)
{
    const struct deletion *deletion = ctx;

    (void)index;
    *ret_write = (struct ldapc_write){.op = LDAPC_WRITE_DELETE, .dn = deletion->dn};
}

static void tell_deletion(void *ctx, size_t index, enum sl_status s, const struct sl_error *e)
{
    const struct deletion *deletion = ctx;

    (void)index;
    tell(deletion->what, s, e);
}

static void try_delete(const char *what, const char *dn)
{
    struct deletion deletion = {what, dn};
    struct ldapc_writes one = {.count = 1, .describe = describe_deletion, .done = tell_deletion, .ctx = &deletion};
    struct sl_error e = {0};

    if (ldapc_write_many(dir, &one, sl_deadline_in(WAIT_MS), &e) != SL_OK)
        tell("write", SL_UNREACHABLE, &e);
}

static void try_compare(const char *what, const char *dn, const char *attr, const char *value)
{
    struct sl_error e = {0};
    bool same = false;
    enum sl_status s = ldapc_compare(dir, dn, attr, value, sl_deadline_in(WAIT_MS), &same, &e);

    printf("%s = %d\n", what, same);
    tell(what, s, &e);
}

static void try_search(const char *what, const struct ldapc_search *search)
{
    struct ldapc_entries found = {0};
    struct sl_error e = {0};
    enum sl_status s = ldapc_search(dir, search, sl_deadline_in(WAIT_MS), &found, &e);

    if (s == SL_OK)
        printf("%s = %zu%s%s\n", what, found.count, found.incomplete ? " incomplete" : "",
               found.base_absent ? " base-absent" : "");
    else
        tell(what, s, &e);
    ldapc_entries_fini(&found);
}

/* A value with every octet travels unchanged, and a filter made of it finds its entry and no other. */
static void try_octets(const char *base)
{
    static const char hostile[] = "a*(b)\\c,d+e\"f\"<g>;#h=i j\xc3\xa9";
    struct sl_text filter = sl_text_new(1024);
    struct ldapc_entries found = {0};

    try_add("add hostile", hostile, base, "applicationProcess", "description", hostile);
    sl_text_puts(&filter, "(description=");
    ldapc_escape_filter(&filter, hostile, strlen(hostile));
    sl_text_puts(&filter, ")");
    struct ldapc_search search = {.base = base, .filter = sl_text_str(&filter)};

    if (ldapc_search(dir, &search, sl_deadline_in(WAIT_MS), &found, NULL) == SL_OK && found.count == 1) {
        const char *text = ldapc_entry_text(&found.items[0], "DESCRIPTION");

        printf("hostile = %d\n", text != NULL && strcmp(text, hostile) == 0);
        try_delete("delete hostile", found.items[0].dn);
    }
    ldapc_entries_fini(&found);
    sl_text_fini(&filter);
}

static void try_all(const char *base)
{
    struct sl_text dn = sl_text_new(1024);

    sl_text_printf(&dn, "CN=x,%s", base);
    const char *x = sl_text_str(&dn);

    try_add("add", "x", base, "applicationProcess", "description", "one");
    try_add("add again", "x", base, "applicationProcess", "", "");
    try_add("add below nothing", "x", "CN=none,dc=example,dc=com", "applicationProcess", "", "");
    try_add("add unknown class", "y", base, "noSuchClass", "", "");
    try_add("add unknown attribute", "y", base, "applicationProcess", "noSuchAttribute", "1");
    try_add("add attribute not allowed", "y", base, "applicationProcess", "mail", "a@b");
    try_compare("compare same", x, "description", "ONE");
    try_compare("compare other", x, "description", "two");
    try_compare("compare without", x, "seeAlso", "cn=x");
    try_compare("compare unknown", x, "noSuchAttribute", "1");
    try_modify("add value", x, LDAPC_ADD, "description", "two");
    try_modify("add value again", x, LDAPC_ADD, "description", "two");
    try_modify("delete value", x, LDAPC_DELETE, "description", "two");
    try_modify("delete value again", x, LDAPC_DELETE, "description", "two");
    try_modify("replace", x, LDAPC_REPLACE, "description", "three");
    try_modify("replace by nothing", x, LDAPC_REPLACE, "description", NULL);
    try_modify("replace absent by nothing", x, LDAPC_REPLACE, "description", NULL);
    try_modify("modify nothing", "CN=none,dc=example,dc=com", LDAPC_REPLACE, "description", "1");
    try_delete("delete", x);
    try_delete("delete again", x);
    try_octets(base);
    try_search("search absent", &(struct ldapc_search){.base = "CN=none,dc=example,dc=com"});
    try_search("search pages", &(struct ldapc_search){.base = base, .scope = LDAPC_ONE_LEVEL, .page_size = 7});
    try_search("search limited", &(struct ldapc_search){.base = base, .scope = LDAPC_ONE_LEVEL, .max_entries = 10});
    try_search("search bad filter", &(struct ldapc_search){.base = base, .filter = "(("});
    sl_text_fini(&dn);
}

static void try_values(const char *dn, const char *asked)
{
    const char *const attrs[] = {asked, NULL};
    struct ldapc_entries found = {0};
    struct sl_error e = {0};
    char name[128];
    enum sl_status s = ldapc_read(dir, dn, attrs, sl_deadline_in(WAIT_MS), &found, &e);

    snprintf(name, sizeof name, "%.*s", (int)strcspn(asked, ";"), asked);
    const struct ldapc_attr *attr = s == SL_OK && found.count == 1 ? ldapc_entry_attr(&found.items[0], name) : NULL;

    if (attr != NULL)
        printf("values = %zu%s\n", attr->count, found.incomplete ? " incomplete" : "");
    else
        tell("read", s, &e);
    ldapc_entries_fini(&found);
}

int main(int argc, char **argv)
{
    struct ldapc_options options = {.sasl = LDAPC_SASL_EXTERNAL};
    struct sl_error e = {0};

    if (argc == 7)
        options = (struct ldapc_options){.bind_dn = argv[3], .password_file = argv[4], .ca_file = argv[5]};
    if (argc == 5)
        options = (struct ldapc_options){.bind_dn = argv[3], .password_file = argv[4]};
    if ((argc != 3 && argc != 5 && argc != 7) || ldapc_new(argv[1], &options, &dir, &e) != SL_OK)
        return sl_outcome_exit(SL_OUTCOME_USAGE);
    enum sl_status s = ldapc_connect(dir, sl_deadline_in(WAIT_MS), &e);

    tell("connect", s, &e);
    if (s == SL_OK && argc == 7)
        try_values(argv[2], argv[6]);
    else if (s == SL_OK)
        try_all(argv[2]);
    ldapc_free(dir);
    return sl_outcome_exit(s == SL_OK ? SL_OUTCOME_OK : SL_OUTCOME_UNREACHABLE);
}
