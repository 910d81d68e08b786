/*
 * cursor.h - bounded reading and writing of network octets with a sticky error.
 *
 * After the first read or write beyond the end every later one does nothing (reads give 0), so a decoder is a straight list
 * of reads and one check of nb_cursor_ok at the end. No pointer arithmetic on packets happens outside this file.
 */
#ifndef SL_COMMON_WIRE_CURSOR_H
#define SL_COMMON_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nb_cursor {
    uint8_t *data; /* not written to by the reading functions */
    size_t size;
    size_t at;
    bool failed;
};

static inline struct nb_cursor nb_cursor_read(const void *octets, size_t size)
{
    return (struct nb_cursor){.data = (uint8_t *)(uintptr_t)octets, .size = size};
}

static inline struct nb_cursor nb_cursor_write(void *octets, size_t size)
{
    return (struct nb_cursor){.data = octets, .size = size};
}

static inline bool nb_cursor_ok(const struct nb_cursor *c)
{
    return !c->failed;
}

static inline size_t nb_cursor_left(const struct nb_cursor *c)
{
    return c->failed ? 0 : c->size - c->at;
}

/* The next n octets, or NULL and a failed cursor. */
static inline uint8_t *nb_take(struct nb_cursor *c, size_t n)
{
    if (c->failed || n > c->size - c->at) {
        c->failed = true;
        return NULL;
    }
    uint8_t *p = c->data + c->at;
    c->at += n;
    return p;
}

static inline uint8_t nb_get8(struct nb_cursor *c)
{
    const uint8_t *p = nb_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t nb_get16(struct nb_cursor *c)
{
    const uint8_t *p = nb_take(c, 2);
    return p ? (uint16_t)((unsigned)p[0] << 8 | p[1]) : 0;
}

static inline uint32_t nb_get32(struct nb_cursor *c)
{
    const uint8_t *p = nb_take(c, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline void nb_put8(struct nb_cursor *c, uint8_t v)
{
    uint8_t *p = nb_take(c, 1);
    if (p)
        p[0] = v;
}

static inline void nb_put16(struct nb_cursor *c, uint16_t v)
{
    uint8_t *p = nb_take(c, 2);
    if (p) {
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
    }
}

static inline void nb_put32(struct nb_cursor *c, uint32_t v)
{
    nb_put16(c, (uint16_t)(v >> 16));
    nb_put16(c, (uint16_t)v);
}

static inline void nb_put(struct nb_cursor *c, const void *octets, size_t n)
{
    uint8_t *p = nb_take(c, n);
    if (p)
        __builtin_memcpy(p, octets, n);
}

#endif
