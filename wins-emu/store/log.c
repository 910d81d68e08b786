/*
 * The write-ahead log that a crash has left, before SQLite opens it: SQLite takes it as far as it makes sense and drops the rest
 * without a word, the end that was being written as well as all behind a page that the disk has damaged, and the whole of it when
 * its head is damaged. The format is that of SQLite's documentation (fileformat2.html, 4).
 */
#include "wins-emu/store/state.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 0x377f0682, BIG_ENDIAN_SUMS = 1 }; /* the bit says how sums read their words; all else is big-endian */
enum { PAGE_LEAST = 512, PAGE_MOST = 65536, SALTS_LEN = 8 };
/* Of the head of the log: its length, and where what is. */
enum { HEAD = 32, HEAD_PAGE = 8, HEAD_SALTS = 16, HEAD_SUMS = 24 };
/* The same of a frame, which is followed by its page. A frame that ends a transaction has the length of the database. */
enum { FRAME = 24, FRAME_ENDS = 4, FRAME_SALTS = 8, FRAME_SUMS = 16 };

struct sums {
    uint32_t first, second;
};

struct log {
    FILE *in;
    bool big_endian;
    size_t page;
    uint8_t salts[SALTS_LEN];
    struct sums sums; /* of all up to the last frame that fits */
    uint64_t at;      /* of the frame at hand */
    uint8_t frame[FRAME + PAGE_MOST];
};

static uint32_t word(const uint8_t *p, bool big_endian)
{
    return big_endian ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                      : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static struct sums stored_sums(const uint8_t *p)
{
    return (struct sums){word(p, true), word(p + 4, true)};
}

static bool equal(struct sums a, struct sums b)
{
    return a.first == b.first && a.second == b.second;
}

static struct sums add(const struct log *log, struct sums sums, const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        sums.first += word(octets + i, log->big_endian) + sums.second;
        sums.second += word(octets + i + 4, log->big_endian) + sums.first;
    }
    return sums;
}

static bool read_head(struct log *log)
{
    uint8_t head[HEAD];
    if (fread(head, 1, sizeof head, log->in) != sizeof head)
        return false;
    uint32_t magic = word(head, true);
    log->big_endian = magic & BIG_ENDIAN_SUMS;
    log->page = word(head + HEAD_PAGE, true);
    log->sums = add(log, (struct sums){0, 0}, head, HEAD_SUMS);
    memcpy(log->salts, head + HEAD_SALTS, SALTS_LEN);
    bool good = (magic & ~(uint32_t)BIG_ENDIAN_SUMS) == MAGIC && log->page >= PAGE_LEAST && log->page <= PAGE_MOST &&
                log->page % 8 == 0 && equal(log->sums, stored_sums(head + HEAD_SUMS));
    log->at = good ? HEAD : 0;
    return good;
}

static bool read_frame(struct log *log)
{
    size_t len = FRAME + log->page;
    return fread(log->frame, 1, len, log->in) == len;
}

/* Not one that was written before the log was begun anew. */
static bool is_of_this_log(const struct log *log)
{
    return memcmp(log->frame + FRAME_SALTS, log->salts, SALTS_LEN) == 0;
}

/* Whether the frame was written behind what has these sums. */
static bool follows(const struct log *log, struct sums before)
{
    struct sums sums = add(log, before, log->frame, FRAME_SALTS);
    sums = add(log, sums, log->frame + FRAME, log->page);
    return is_of_this_log(log) && equal(sums, stored_sums(log->frame + FRAME_SUMS));
}

/* To the first frame that does not fit, which may be the end; false when there is none at all. */
static bool find_misfit(struct log *log)
{
    bool there;
    while ((there = read_frame(log)) && follows(log, log->sums)) {
        log->sums = stored_sums(log->frame + FRAME_SUMS);
        log->at += FRAME + log->page;
    }
    return there;
}

/*
 * Whether a transaction was begun behind one that ended at or behind the misfit: it was on disk by then, so the misfit is no end
 * that was being written.
 */
static bool goes_on(struct log *log)
{
    bool behind_an_end = false;
    struct sums before = {0, 0};
    do {
        if (behind_an_end && follows(log, before))
            return true;
        behind_an_end = is_of_this_log(log) && word(log->frame + FRAME_ENDS, true) != 0;
        before = stored_sums(log->frame + FRAME_SUMS);
    } while (read_frame(log));
    return false;
}

enum sl_status wst_log_check(const char *path, struct sl_error *e)
{
    struct sl_text name = sl_text_new(PATH_MAX + sizeof "-wal");
    sl_text_printf(&name, "%s-wal", path);
    struct log *log = sl_new(sizeof *log);
    enum sl_status status = sl_file_open(sl_text_str(&name), &log->in, e);
    if (status == SL_OK) {
        bool damaged = !read_head(log) || (find_misfit(log) && goes_on(log));
        if (damaged)
            status = sl_fail(e, SL_CORRUPT,
                             "its write-ahead log (-wal) is damaged at octet %" PRIu64 ": what was acknowledged after that would"
                             " be lost; put a backup in the place of both, or remove the log and start once with"
                             " --accept-missing-log", log->at);
        fclose(log->in);
    }
    free(log);
    sl_text_fini(&name);
    return status;
}
