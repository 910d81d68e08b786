/*
 * words.h - a story that runs and the words of its line. Private to the replay runner.
 *
 * The reading functions end the story with file, line and reason (story_fail) when the next word is not what they want.
 */
#ifndef SL_TESTS_REPLAY_WORDS_H
#define SL_TESTS_REPLAY_WORDS_H

#include "tests/replay/world.h"

#include <setjmp.h>

enum { STORY_WORDS_MAX = 256 };

struct story {
    const char *path;
    int line;
    size_t word_count, at;
    char *words[STORY_WORDS_MAX];
    uint64_t expected[WINS_RULE_COUNT]; /* how often each rule was named so far */
    struct world world;
    jmp_buf end;
};

/* Prints the place and what is wrong, and ends the story. */
_Noreturn void story_fail(struct story *s, const char *fmt, ...) SL_PRINTF(2, 3);
/* The next word without taking it; "" at the end of the line. */
const char *story_peek(const struct story *s);
/* True when there is another word. */
bool story_more(const struct story *s);
/* Takes the next word, which is `what`. */
const char *story_next(struct story *s, const char *what);
/* Takes the next word if it is this one. */
bool story_take(struct story *s, const char *word);
/* The line ends here. */
void story_no_more(struct story *s);
/* Takes a word of a list; word_of gives the list from 0 to count - 1. */
int story_next_of(struct story *s, const char *what, const char *(*word_of)(int), int count);
/* For story_next_of: words of enum wins_type, wins_state, wins_node and nb_rcode. */
const char *story_type_word(int i);
const char *story_state_word(int i);
const char *story_node_word(int i);
const char *story_rcode_word(int i);
/* Take a time, in milliseconds or seconds. */
int64_t story_next_ms(struct story *s);
uint32_t story_next_s(struct story *s);
/* Takes a decimal number. */
uint64_t story_next_number(struct story *s, const char *what);
/* Takes four hexadecimal digits. */
uint16_t story_next_hex16(struct story *s);
/* Takes hexadecimal octets up to the end of the line or the word "rule"; gives their number. */
size_t story_next_octets(struct story *s, uint8_t *out, size_t size);
/* Takes a NetBIOS name. */
struct nb_name story_next_name(struct story *s);
/* Takes an address; story_at_address tells whether the next word looks like one. */
uint32_t story_next_address(struct story *s);
bool story_at_address(const struct story *s);
/* Takes ADDRESS[:PORT] [on SOCKET]. */
struct wins_peer story_next_peer(struct story *s, unsigned *ret_socket);
/* Takes ADDRESS[@OWNER][+EXPIRES]; what is left out is as given. */
struct wins_member story_next_member(struct story *s, uint32_t owner, int64_t expires_s);

/* A record and which of its fields the line names. */
struct described {
    struct wins_record record;
    bool has_owner, has_version, has_expires, has_node, has_by;
    bool member_has_owner[WINS_MEMBERS_MAX], member_has_expires[WINS_MEMBERS_MAX];
};

/* Takes members into d->record for as long as there are addresses. */
void story_read_members(struct story *s, struct described *d);

/* The statements given, state (record.c), from and expect (packet.c). */
void story_given(struct story *s);
void story_state(struct story *s);
void story_from(struct story *s);
void story_expect(struct story *s);

#endif
