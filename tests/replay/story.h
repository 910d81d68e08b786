/*
 * story.h - one story: a text file of packets in, packets out and the state between, run against the real rules, engine and
 * table with a fake clock, network and disk.
 *
 * A line is one statement; blank lines and lines that begin with # say nothing. Times are 2s, 6h, 6d, counted from the story's
 * start.
 *
 *   config self|ttl-min|ttl-max|extinction-interval|extinction-timeout VALUE       before anything happens
 *   config tombstone-hold|scavenge-period VALUE                                    the same; no period: no scavenging by itself
 *   config names-max N                                                             the same
 *   config own-name NAME [group]                                                   the same
 *   config policy LIST TEXT...                                                     the same; LIST is an option of winsd
 *   given NAME STATE TYPE MEMBER... [static] [OPTION VALUE]...                     a record that is there from the start
 *   at TIME                                  the clock moves there, timers run on the way
 *   from PEER [on SOCKET] register|refresh|refresh9|multihomed|release NAME unique|group ADDRESS... [OPTION VALUE]...
 *   from PEER [on SOCKET] query|status NAME [OPTION VALUE]...
 *   from PEER [on SOCKET] reply|deny NAME ADDRESS... [id N]                         to the last challenge that was sent
 *   from PEER [on SOCKET] raw HEX...
 *   expect to PEER [on SOCKET] ok|FMT_ERR|...|CFT_ERR [OPTION VALUE]... [rule ID...]      an answer to a request
 *   expect to PEER [on SOCKET] wack|challenge|found|not-found|status [NAME|ADDRESS]... [OPTION VALUE]... [rule ID...]
 *   expect to PEER [on SOCKET] raw HEX... [rule ID...]
 *   expect none [rule ID...]                 nothing was sent that was not expected yet
 *   expect done|failed                       an administrator's operation ended
 *   state NAME absent | state NAME STATE TYPE MEMBER... [static] [OPTION VALUE]...  in the table and on the disk
 *   admin add NAME TYPE ADDRESS... | admin delete NAME | admin refused add NAME TYPE ADDRESS...
 *   admin release NAME | admin tombstone NAME | admin refused release NAME
 *   admin scavenge                           a pass of the scavenger over at most some hundred names
 *   clock fast TIME | clock right            the clock of real time is wrong by so much from now on, timers do not notice
 *   restart                                  the engine ends and begins again; both clocks go on
 *   hold | commit                            from now on batches end only here | the batch ends, and again after each line
 *   disk fails|works
 *   queue N|full                             so many requests wait, this one included; full: as many as can
 *
 * PEER is ADDRESS[:PORT], port 137 if absent. MEMBER is ADDRESS[@OWNER][+EXPIRES]. TYPE and STATE are the words of record.h.
 * OPTION of a packet: ttl, node, id, flags, type (of the question), address; of a record: owner, version, expires, node, by.
 * Requests get ids of their own; an answer must have the id of the last request of its peer, or that of option id.
 *
 * At the end every packet and every decision must have been expected: each id that decided something is named by a `rule`.
 */
#ifndef SL_TESTS_REPLAY_STORY_H
#define SL_TESTS_REPLAY_STORY_H

#include "wins-emu/core/rules.h"

#include <stdbool.h>

/*
 * Runs a story; false when it failed, which was printed as file:line. Adds to used[rule] how often each row was expected and
 * decided.
 */
bool story_run(const char *path, uint64_t used[WINS_RULE_COUNT]);

#endif
