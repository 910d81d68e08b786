/*
 * page.h - how packages are asked for and told from site server to site server (flow.h). Inside site/server. Pure, any thread.
 *
 *   sitelocator packages-wanted 1
 *   <PackagesWanted SchemaVersion="1.0" Site="CHD" Of="PAR" Made="1795338000" Nonce="0123456789abcdef" Since="40" After="0"/>
 *
 *   sitelocator packages 1
 *   <Packages SchemaVersion="1.0" Site="PAR" For="CHD" Nonce="0123456789abcdef" Since="40" After="0" Now="42" Next="0" Total="2">
 *     <DP Host="dp1.example.org"/>
 *     <Package ID="PAR00001" Version="3" On="0"/>
 *     <Gone ID="PAR00002"/>
 *   </Packages>
 *
 * Site is who has signed it. The numbers are those of struct sst_page (site/store/flow.h); On are places in the list of DP, from
 * 0. The answer repeats the question, and so is one to it alone.
 */
#ifndef SL_SITE_SERVER_PAGE_H
#define SL_SITE_SERVER_PAGE_H

#include "common/base/text.h"
#include "site/store/flow.h"

enum { SRV_PAGE_MAX = 1000 * 1000, SRV_NONCE_TEXT = 17 };

/* What is asked for. */
struct srv_wanted {
    char site[SM_CODE_LEN + 1]; /* that asks */
    char of[SM_CODE_LEN + 1];
    char nonce[SRV_NONCE_TEXT]; /* random, 16 hexadecimal digits */
    int64_t made_s;
    int64_t since, after;
};

/* Appends a question. */
void srv_wanted_write(const struct srv_wanted *wanted, struct sl_text *out);
/* Reads one; SL_MALFORMED names what is wrong. */
enum sl_status srv_wanted_read(const char *text, size_t len, struct srv_wanted *ret_wanted, struct sl_error *e) SL_MUST;
/* Appends the answer to it. */
void srv_page_write(const struct srv_wanted *wanted, const struct sst_page *page, struct sl_text *out);
/*
 * Reads the answer to this question. What is not an answer to it is SL_CONFLICT, as is a page that does not lead on; values that
 * an administrator could not have given are SL_MALFORMED. Released by sst_page_fini.
 */
enum sl_status srv_page_read(const struct srv_wanted *wanted, const char *text, size_t len, struct sst_page *ret_page,
                             struct sl_error *e) SL_MUST;

#endif
