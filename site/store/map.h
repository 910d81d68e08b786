/*
 * map.h - where clients are and where packages lie, out of memory (facts 5.4, 6.3).
 *
 * A map is what the database says at one generation of the sites, their boundaries and their distribution points. It is read
 * whole, in one transaction; packages and names of Active Directory sites are asked for when somebody first wants them and are
 * remembered within bounds (memo.h), so that the database alone decides which names are equal. A pool keeps the map of the last
 * generation and gives it to all who borrow from it (sst_borrow_map); each of them asks the database for its generation first,
 * which every committed change of any process moves, so a change is seen by the next question. What distribution points write
 * down (fetch.h) moves a counter of its own, which is read along: packages are asked for again then.
 *
 * A map never changes but for what it remembers; it is counted, and any number of threads may ask it at once.
 */
#ifndef SL_SITE_STORE_MAP_H
#define SL_SITE_STORE_MAP_H

#include "site/store/store.h"

struct sst_map;

/* Reads the map of now; released by sst_map_release. SL_LIMIT: more than SST_ROWS_MAX rows of a kind. */
enum sl_status sst_map_read(struct sst *store, struct sst_map **ret_map, struct sl_error *e) SL_MUST;
/* The generation of the database that it shows. */
int64_t sst_map_generation(const struct sst_map *map);
/* One more who holds it; returns it. */
struct sst_map *sst_map_ref(struct sst_map *map);
/* One less; the last one frees it. NULL is accepted. */
void sst_map_release(struct sst_map *map);

/* ---- boundaries --------------------------------------------------------------------------------------------------------- */

/* Where a client is, as it says; any of them may be NULL, empty or nonsense. */
struct sst_place {
    const char *address;
    const char *subnet;
    const char *ad_site;
};

/* A boundary that holds a place, both by number. */
struct sst_hit {
    uint32_t boundary, place;
};

/* All boundaries that hold one of the places, by place; one may be there more than once. */
struct sst_inside {
    struct sst_hit *items;
    size_t count;
};

/*
 * Finds them: by address, by the first address of a subnet, by AD site. `store` is asked for AD sites that are not remembered.
 * Released by sst_inside_fini.
 */
enum sl_status sst_find_inside(struct sst_map *map, struct sst *store, const struct sst_place *places, size_t count,
                               struct sst_inside *ret_inside, struct sl_error *e) SL_MUST;
/* Frees what was found and clears it. */
void sst_inside_fini(struct sst_inside *inside);

/* A site whose boundaries contain a client. */
struct sst_here {
    char code[SM_CODE_LEN + 1];
    char assignment[SM_CODE_LEN + 1]; /* the site that its clients are assigned to: that above a secondary site */
    bool is_slow;                     /* by slow boundaries only: it is remote */
};

struct sst_heres {
    struct sst_here items[SST_SITES_MAX];
    size_t count;
};

/* The sites of these boundaries, by code. */
void sst_sites_of(const struct sst_map *map, const struct sst_inside *inside, struct sst_heres *ret_sites);

/* A site that a place is in, and by what kind of boundary: "ad-site", "subnet" (IPv6 prefixes too) or "range". */
struct sst_assignment {
    char code[SM_CODE_LEN + 1];
    const char *by; /* a literal */
};

/*
 * The sites that clients inside these boundaries are assigned to, the surest first: by AD site, by subnet, by range; then in the
 * order of the places; at most `max`. Returns how many there are in `sites`.
 */
size_t sst_assign(const struct sst_map *map, const struct sst_inside *inside, struct sst_assignment *sites, size_t max);

/* ---- packages ----------------------------------------------------------------------------------------------------------- */

/* A distribution point; its texts live as long as the map. */
struct sst_holder {
    const char *host, *url;
};

/* Who holds a package, by host name. */
struct sst_locations {
    char *package; /* the id as stored, NULL when nobody holds it */
    uint32_t version;
    struct sst_holder *items;
    size_t count;
};

/* A package that a client inside these boundaries wants; borrowed for the call. */
struct sst_wanted {
    const char *site, *package;
    uint32_t version;
    const struct sst_inside *inside;
};

/*
 * The distribution points of `site` that hold this version of the package (0: any), at most SST_LOCATIONS_MAX: where protected
 * ones protect the client, these alone; else those that are not protected (facts 6.3). An unknown site or package is an empty
 * result. One that fetches its content is among them once it has it (fetch.h). `store` is asked for packages that are not
 * remembered. Released by sst_locations_fini.
 */
enum sl_status sst_locate(struct sst_map *map, struct sst *store, const struct sst_wanted *wanted,
                          struct sst_locations *ret_locations, struct sl_error *e) SL_MUST;
/* Frees a result and clears it. */
void sst_locations_fini(struct sst_locations *locations);

#endif
