#include "tests/replay/words.h"

#include "common/base/addr.h"
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void story_fail(struct story *s, const char *fmt, ...)
{
    printf("%s:%d: ", s->path, s->line);
    va_list args;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    const char *base = strrchr(s->path, '/');
    printf(" [%.3s broke]\n", base ? base + 1 : s->path);
    longjmp(s->end, 1);
}

const char *story_peek(const struct story *s)
{
    return s->at < s->word_count ? s->words[s->at] : "";
}

bool story_more(const struct story *s)
{
    return s->at < s->word_count;
}

const char *story_next(struct story *s, const char *what)
{
    if (!story_more(s))
        story_fail(s, "%s is missing", what);
    return s->words[s->at++];
}

bool story_take(struct story *s, const char *word)
{
    bool same = story_more(s) && strcmp(story_peek(s), word) == 0;
    s->at += same;
    return same;
}

void story_no_more(struct story *s)
{
    if (story_more(s))
        story_fail(s, "cannot read \"%s\"", story_peek(s));
}

int story_next_of(struct story *s, const char *what, const char *(*word_of)(int), int count)
{
    const char *word = story_next(s, what);
    for (int i = 0; i < count; i++) {
        if (strcmp(word_of(i), word) == 0)
            return i;
    }
    story_fail(s, "\"%s\" is no %s", word, what);
}

const char *story_type_word(int i)
{
    return wins_type_word((enum wins_type)i);
}

const char *story_state_word(int i)
{
    return wins_state_word((enum wins_state)i);
}

const char *story_node_word(int i)
{
    return wins_node_word((enum wins_node)i);
}

const char *story_rcode_word(int i)
{
    return nb_rcode_word((uint8_t)i);
}

int64_t story_next_ms(struct story *s)
{
    const char *word = story_next(s, "time");
    int64_t ms;
    if (!sl_parse_duration_ms(word, &ms))
        story_fail(s, "\"%s\" is no time", word);
    return ms;
}

uint32_t story_next_s(struct story *s)
{
    return (uint32_t)(story_next_ms(s) / 1000);
}

uint64_t story_next_number(struct story *s, const char *what)
{
    const char *word = story_next(s, what);
    uint64_t value;
    if (!sl_parse_u64(word, UINT64_MAX, &value))
        story_fail(s, "\"%s\" is no %s", word, what);
    return value;
}

uint16_t story_next_hex16(struct story *s)
{
    const char *word = story_next(s, "hexadecimal word");
    uint8_t octets[2];
    size_t len;
    if (!sl_parse_hex(word, octets, sizeof octets, &len) || len != 2)
        story_fail(s, "\"%s\" is not four hexadecimal digits", word);
    return (uint16_t)(octets[0] << 8 | octets[1]);
}

size_t story_next_octets(struct story *s, uint8_t *out, size_t size)
{
    size_t used = 0;
    while (story_more(s) && strcmp(story_peek(s), "rule") != 0) {
        size_t len;
        if (!sl_parse_hex(story_peek(s), out + used, size - used, &len))
            story_fail(s, "\"%s\" is not hexadecimal, or too long", story_peek(s));
        used += len;
        s->at++;
    }
    return used;
}

struct nb_name story_next_name(struct story *s)
{
    const char *word = story_next(s, "name");
    struct nb_name name;
    struct sl_error e;
    if (nb_name_parse(word, &name, &e) != SL_OK)
        story_fail(s, "%s", sl_error_text(&e));
    return name;
}

uint32_t story_next_address(struct story *s)
{
    const char *word = story_next(s, "address");
    uint32_t address;
    if (!sl_ip4_parse(word, &address))
        story_fail(s, "\"%s\" is no address", word);
    return address;
}

bool story_at_address(const struct story *s)
{
    return story_peek(s)[0] >= '0' && story_peek(s)[0] <= '9';
}

struct wins_peer story_next_peer(struct story *s, unsigned *ret_socket)
{
    const char *word = story_next(s, "peer");
    struct sl_endpoint ep;
    if (sl_endpoint_parse(word, NB_PORT, &ep, NULL) != SL_OK)
        story_fail(s, "\"%s\" is no ADDRESS[:PORT]", word);
    *ret_socket = story_take(s, "on") ? (unsigned)story_next_number(s, "socket") : 0;
    return (struct wins_peer){.address = sl_endpoint_ip4_of(&ep), .port = sl_endpoint_port(&ep)};
}

struct wins_member story_next_member(struct story *s, uint32_t owner, int64_t expires_s)
{
    char *word = s->words[s->at++];
    struct wins_member m = {.owner = owner, .expires_s = expires_s};
    char *plus = strchr(word, '+');
    char *owner_text = strchr(word, '@');
    int64_t ms = 0;
    if (plus)
        *plus = '\0';
    if (owner_text)
        *owner_text = '\0';
    if (!sl_ip4_parse(word, &m.address) || (owner_text && !sl_ip4_parse(owner_text + 1, &m.owner)) ||
        (plus && !sl_parse_duration_ms(plus + 1, &ms)))
        story_fail(s, "\"%s\" is no ADDRESS[@OWNER][+EXPIRES]", word);
    if (plus)
        m.expires_s = WORLD_START_S + ms / 1000;
    return m;
}
