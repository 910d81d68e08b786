/*
 * mof_lex.h - the words of a MOF file (DMTF DSP0004, appendix A), for mof.c alone.
 *
 * The first failure sticks: it is recorded as "NAME:LINE: what", and from then on every token is MOF_END, so that whoever reads
 * comes to an end by himself.
 */
#ifndef SL_SITE_MODEL_MOF_LEX_H
#define SL_SITE_MODEL_MOF_LEX_H

#include "common/base/error.h"
#include "common/base/text.h"

/* What a token is; a punctuation mark is its own character. */
enum { MOF_END = 0, MOF_WORD = 256, MOF_TEXT, MOF_NUMBER, MOF_ALIAS };

struct mof_lex {
    const char *name; /* of the file */
    const char *at, *end;
    unsigned line;       /* of what `at` points to, from 1 */
    int kind;            /* of the token */
    unsigned token_line; /* where it begins */
    struct sl_text text; /* a word, a number, the unescaped characters of a text; bounded by SM_MOF_TEXT_MAX */
    enum sl_status status;
    struct sl_error *e;
};

/* Begins to read; nothing of it is copied. The first token is read. */
void sm_mof_lex_init(struct mof_lex *lex, const char *name, const char *octets, size_t len, struct sl_error *e);
/* Frees what it holds. */
void sm_mof_lex_fini(struct mof_lex *lex);
/* Reads the next token; texts that follow one another are one. */
void sm_mof_lex_next(struct mof_lex *lex);
/* Fails at a line with SL_MALFORMED, or SL_LIMIT, unless something failed before. */
void sm_mof_lex_fail(struct mof_lex *lex, enum sl_status status, unsigned line, const char *fmt, ...) SL_PRINTF(4, 5);

#endif
