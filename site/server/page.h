/*
 * page.h - how packages are asked for and told from site server to site server (flow.h). Inside site/server. Pure, any thread.
 *
 *   sitelocator packages-wanted 1
 *   <PackagesWanted SchemaVersion="1.0" Site="CHD" Of="PAR" Made="1795338000" Nonce="0123456789abcdef" Since="40" After="0"/>
 *
 *   sitelocator packages 1
 *   <Packages SchemaVersion="1.0" Site="PAR" For="CHD" Nonce="0123456789abcdef" Since="40" After="0" Now="42" Next="0" Total="2">
 *     <DP Host="dp1.example.org"/>
 *     <Package ID="PAR00001" Version="3" SHA256="..." On="0"/>
 *     <Gone ID="PAR00002"/>
 *   </Packages>
 *
 * Site is who has signed it. The numbers are those of struct sst_page (site/store/flow.h); On are places in the list of DP, from
 * 0. The answer repeats the question, and so is one to it alone. SHA256 is the hash over the files of a package with content.
 *
 * Which files these are need not be signed, since their hash is: lines "HASH SIZE PATH", page by page.
 */
#ifndef SL_SITE_SERVER_PAGE_H
#define SL_SITE_SERVER_PAGE_H

#include "common/base/text.h"
#include "site/store/flow.h"

enum { SRV_PAGE_MAX = 1000 * 1000, SRV_FILES_PAGE = 2 * 1000 * 1000, SRV_NONCE_TEXT = 17 };

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

/* Appends the files from number `first` on, as many as SRV_FILES_PAGE octets hold and one more; nothing behind the last. */
void srv_files_write(const struct sm_manifest *files, size_t first, struct sl_text *out);
/*
 * Reads a page of files behind those of the manifest, which is the caller's either way. SL_MALFORMED names the line of this page;
 * SL_LIMIT: more than CNT_FILES_MAX.
 */
enum sl_status srv_files_read(const char *text, struct sm_manifest *files, struct sl_error *e) SL_MUST;
/* All of them are there: sorts them. SL_CORRUPT unless `sha256` is the hash over them. */
enum sl_status srv_files_check(struct sm_manifest *files, const char *sha256, struct sl_error *e) SL_MUST;

#endif
