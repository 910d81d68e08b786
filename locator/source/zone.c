/* zone:FILE - a DNS master file, asked as the DNS itself would be. */
#include "common/files/zone.h"

#include "common/base/text.h"
#include "locator/source/dump.h"
#include "locator/source/srv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ALIASES_MAX = 8 };

/* ---- the records of the site ---------------------------------------------------------------------------------------- */

struct found {
    char label[DNSC_NAME_MAX]; /* what the owner begins with */
    struct dnsc_srv_list list;
    struct sl_deadline deadline;
};

static enum sl_status check_time(struct sl_deadline deadline, struct sl_error *e)
{
    return sl_deadline_passed(deadline) ? sl_fail(e, SL_TIMEOUT, "no time left to read on") : SL_OK;
}

static enum sl_status take_srv(void *ctx, const struct ff_zone_record *record, struct sl_error *e)
{
    struct found *f = ctx;
    size_t len = strlen(f->label);
    bool ours = strncasecmp(record->owner, f->label, len) == 0 && (record->owner[len] == '.' || !record->owner[len]);
    bool counts = record->type == FF_ZONE_SRV && ours && record->target[0];
    struct dnsc_srv *srv = counts ? dnsc_srv_list_add(&f->list) : NULL;
    if (srv) {
        *srv = (struct dnsc_srv){.priority = record->priority, .weight = record->weight, .port = record->port,
                                 .ttl_s = record->ttl_s, .line = record->line};
        (void)sl_text_copy(srv->target, sizeof srv->target, record->target);
    }
    return check_time(f->deadline, e);
}

/* ---- the address of a host ------------------------------------------------------------------------------------------ */

struct host {
    char name[DNSC_NAME_MAX], alias[DNSC_NAME_MAX], address[DNSC_ADDRESS_MAX];
    bool v4;
    struct sl_deadline deadline;
};

/* The first IPv4 address, else the first IPv6 address, else what the name stands for. */
static enum sl_status take_host(void *ctx, const struct ff_zone_record *record, struct sl_error *e)
{
    struct host *h = ctx;
    if (!sl_text_iequal(record->owner, h->name) || record->type == FF_ZONE_SRV)
        return check_time(h->deadline, e);
    if (record->type == FF_ZONE_CNAME)
        (void)sl_text_copy(h->alias, sizeof h->alias, record->target);
    else if (!h->address[0] || (record->type == FF_ZONE_A && !h->v4))
        (void)sl_text_copy(h->address, sizeof h->address, record->target);
    h->v4 = h->v4 || record->type == FF_ZONE_A;
    return SL_OK;
}

/* Follows aliases within the file, reading it once for each. */
static enum sl_status find_host(const struct src_dump *dump, struct host *h, struct sl_error *e)
{
    enum sl_status s = ff_zone_read(dump->path, take_host, h, e);
    for (int i = 0; s == SL_OK && !h->address[0] && h->alias[0] && i < ALIASES_MAX; i++) {
        memcpy(h->name, h->alias, sizeof h->name);
        h->alias[0] = '\0';
        s = ff_zone_read(dump->path, take_host, h, e);
    }
    return s;
}

static void add_address(const struct src_dump *dump, struct sl_deadline deadline, struct src_answer *a)
{
    struct host h = {.deadline = deadline};
    struct sl_error e = {.status = SL_OK};
    (void)sl_text_copy(h.name, sizeof h.name, a->mp.name);
    src_note(a, "A/AAAA %s", a->mp.name);
    enum sl_status s = find_host(dump, &h, &e);
    if (s != SL_OK)
        src_dump_say_failed(a, s, &e);
    else
        src_srv_address(h.address[0] ? h.address : NULL, a);
}

static void zone_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct src_dump *dump = source;
    struct found f = {.deadline = deadline};
    struct sl_error e = {.status = SL_OK};
    size_t index;
    src_srv_label(q->site, f.label, sizeof f.label);
    src_dump_begin(dump, q, a);
    enum sl_status s = ff_zone_read(dump->path, take_srv, &f, &e);
    if (s != SL_OK) {
        src_dump_say_failed(a, s, &e);
    } else if (src_srv_choose(&f.list, q, a, &index)) {
        src_dump_place(a, dump->path, f.list.items[index].line);
        add_address(dump, deadline, a);
    } else {
        src_say(a, SRC_NOT_FOUND, "no record %s in %s", f.label, dump->path);
    }
    dnsc_srv_list_fini(&f.list);
}

const struct src_ops src_zone = {
    .scheme = "zone",
    .answers = SRC_MP,
    .open = src_dump_open,
    .ask = zone_ask,
    .free = free,
};
