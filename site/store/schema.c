#include "site/store/private.h"

/*
 * Version 1. Host names, ids and AD site names are compared without case. `low` and `high` are the 16 octets of
 * sm_boundary_keys, so that one index serves every kind of address boundary. A generation is one number for the whole file.
 */
static const char *const migrations[] = {
    "CREATE TABLE change (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL) STRICT;"
    "INSERT INTO change VALUES (1, 1);"

    /* S2.02, S2.04: one server and one database, because they are columns that cannot be NULL. */
    "CREATE TABLE site ("
    "  id INTEGER PRIMARY KEY,"
    "  code TEXT NOT NULL UNIQUE CHECK (length(code) = 3 AND code NOT GLOB '*[^A-Z0-9]*'),"
    "  domain TEXT NOT NULL CHECK (domain <> ''),"
    "  forest TEXT NOT NULL CHECK (forest <> ''),"
    "  server TEXT NOT NULL COLLATE NOCASE CHECK (server <> ''),"
    "  database TEXT NOT NULL COLLATE NOCASE CHECK (database <> '')) STRICT;"

    "CREATE TABLE mp ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  host TEXT NOT NULL COLLATE NOCASE,"
    "  address TEXT NOT NULL,"
    "  port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),"
    "  is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),"
    "  UNIQUE (site_id, host)) STRICT;"
    /* S1.08, S1.20 */
    "CREATE UNIQUE INDEX mp_one_default ON mp (site_id) WHERE is_default = 1;"

    "CREATE TABLE dp ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  host TEXT NOT NULL COLLATE NOCASE,"
    "  url TEXT NOT NULL,"
    "  UNIQUE (site_id, host),"
    "  UNIQUE (id, site_id)) STRICT;"

    "CREATE TABLE boundary ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  kind TEXT NOT NULL CHECK (kind IN ('subnet', 'range', 'ad-site', 'ipv6-prefix')),"
    "  value TEXT NOT NULL COLLATE NOCASE,"
    "  low BLOB CHECK (low IS NULL OR length(low) = 16),"
    "  high BLOB CHECK (high IS NULL OR length(high) = 16),"
    "  CHECK ((kind = 'ad-site') = (low IS NULL) AND (low IS NULL) = (high IS NULL) AND (low IS NULL OR low <= high)),"
    "  UNIQUE (site_id, kind, value)) STRICT;"
    "CREATE INDEX boundary_name ON boundary (value) WHERE low IS NULL;"
    "CREATE INDEX boundary_keys ON boundary (low, high) WHERE low IS NOT NULL;"

    "CREATE TABLE package ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  package TEXT NOT NULL COLLATE NOCASE,"
    "  version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 4294967295),"
    "  UNIQUE (site_id, package),"
    "  UNIQUE (id, site_id)) STRICT;"

    /* The site is part of both keys, so a package cannot lie on a distribution point of another site. */
    "CREATE TABLE package_dp ("
    "  package_id INTEGER NOT NULL,"
    "  dp_id INTEGER NOT NULL,"
    "  site_id INTEGER NOT NULL,"
    "  PRIMARY KEY (package_id, dp_id),"
    "  FOREIGN KEY (package_id, site_id) REFERENCES package (id, site_id) ON DELETE CASCADE,"
    "  FOREIGN KEY (dp_id, site_id) REFERENCES dp (id, site_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX package_dp_by_dp ON package_dp (dp_id);"

    "CREATE TABLE target ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  uri TEXT NOT NULL CHECK (uri <> ''),"
    "  base TEXT, container TEXT, bind_dn TEXT, password_file TEXT, sasl TEXT, ca TEXT,"
    "  starttls INTEGER NOT NULL DEFAULT 0 CHECK (starttls IN (0, 1)),"
    "  timeout_ms INTEGER NOT NULL DEFAULT 0 CHECK (timeout_ms >= 0),"
    "  UNIQUE (site_id, uri)) STRICT;",

    /* Version 2: what an administrator took off the targets stays off. */
    "ALTER TABLE site ADD COLUMN is_unpublished INTEGER NOT NULL DEFAULT 0 CHECK (is_unpublished IN (0, 1));",

    /* Version 3: the files of packages; their octets are in the content library under their hash. */
    "ALTER TABLE package ADD COLUMN sha256 TEXT CHECK (length(sha256) = 64);"
    "CREATE TABLE file ("
    "  package_id INTEGER NOT NULL REFERENCES package ON DELETE CASCADE,"
    "  path TEXT NOT NULL CHECK (path <> ''),"
    "  size INTEGER NOT NULL CHECK (size >= 0),"
    "  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),"
    "  PRIMARY KEY (package_id, path)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX file_by_hash ON file (sha256);",

    /* Version 4: what the trusted root key has signed (X13); the key itself is in a file of its own. */
    "ALTER TABLE site ADD COLUMN root_key TEXT;"
    "ALTER TABLE site ADD COLUMN certificate TEXT;"
    "ALTER TABLE mp ADD COLUMN certificate TEXT;",

    /* Version 5: clusters; targets in the DNS, server locator points, transactions. */
    "ALTER TABLE mp ADD COLUMN is_nlb INTEGER NOT NULL DEFAULT 0 CHECK (is_nlb IN (0, 1));"
    "ALTER TABLE target ADD COLUMN tsig_key TEXT;"
    "ALTER TABLE target ADD COLUMN slp TEXT;"
    "ALTER TABLE target ADD COLUMN transactions INTEGER NOT NULL DEFAULT 0 CHECK (transactions IN (0, 1));",

    /*
     * Version 6: clients and what they report. `key` is the public key that signs a client's messages, NULL when none does. The
     * message id makes a report that comes again a duplicate; `body` is kept of what is not taken apart into instances.
     */
    "CREATE TABLE client ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  smsid TEXT NOT NULL COLLATE NOCASE CHECK (smsid <> ''),"
    "  name TEXT NOT NULL COLLATE NOCASE,"
    "  key TEXT,"
    "  registered_s INTEGER NOT NULL,"
    "  seen_s INTEGER NOT NULL,"
    "  discovered_s INTEGER,"
    "  inventoried_s INTEGER,"
    "  UNIQUE (site_id, smsid)) STRICT;"
    "CREATE TABLE report ("
    "  id INTEGER PRIMARY KEY,"
    "  client_id INTEGER NOT NULL REFERENCES client ON DELETE CASCADE,"
    "  message TEXT NOT NULL COLLATE NOCASE,"
    "  kind TEXT NOT NULL CHECK (kind IN ('discovery', 'inventory', 'metering', 'status')),"
    "  type TEXT NOT NULL,"
    "  received_s INTEGER NOT NULL,"
    "  stored_s INTEGER NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  body TEXT,"
    "  UNIQUE (client_id, message)) STRICT;"
    "CREATE INDEX report_by_time ON report (received_s);"
    "CREATE TABLE instance ("
    "  client_id INTEGER NOT NULL REFERENCES client ON DELETE CASCADE,"
    "  kind TEXT NOT NULL CHECK (kind IN ('discovery', 'inventory')),"
    "  class TEXT NOT NULL COLLATE NOCASE,"
    "  item TEXT NOT NULL,"
    "  namespace TEXT NOT NULL,"
    "  properties TEXT NOT NULL,"
    "  PRIMARY KEY (client_id, kind, class, item)) STRICT, WITHOUT ROWID;",

    /* Version 7: roles that are nothing but a host of a site; of server locator points a hierarchy has one. */
    "CREATE TABLE site_role ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  role TEXT NOT NULL CHECK (role <> ''),"
    "  host TEXT NOT NULL COLLATE NOCASE,"
    "  UNIQUE (site_id, role, host)) STRICT;"
    "CREATE UNIQUE INDEX site_role_one_slp ON site_role (role) WHERE role = 'slp';",

    /* The file SMS_def.mof and the policies made from it (S1.11); `policies_from` is the hash of all that they were made from. */
    "ALTER TABLE site ADD COLUMN policies_from TEXT;"
    "CREATE TABLE mof ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL UNIQUE REFERENCES site ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  text TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),"
    "  imported_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE policy ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  category TEXT NOT NULL,"
    "  policy TEXT NOT NULL UNIQUE CHECK (length(policy) = 38),"
    "  assignment TEXT NOT NULL UNIQUE CHECK (length(assignment) = 38),"
    "  version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 4294967295),"
    "  is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),"
    "  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),"
    "  body TEXT NOT NULL,"
    "  UNIQUE (site_id, category)) STRICT;",

    /*
     * The hierarchy, by its constraints: below a secondary site there is nothing, it has a parent, a central site has none.
     * A parent may be copied after its children, so the key is only looked at in the end.
     */
    "CREATE TABLE hierarchy ("
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  kind TEXT NOT NULL DEFAULT 'primary' CHECK (kind IN ('central', 'primary', 'secondary')),"
    "  parent_id INTEGER,"
    "  parent_kind TEXT CHECK (parent_kind <> 'secondary'),"
    "  PRIMARY KEY (site_id),"
    "  UNIQUE (site_id, kind),"
    "  CHECK (parent_id <> site_id),"
    "  CHECK ((parent_id IS NULL) = (parent_kind IS NULL)),"
    "  CHECK (kind <> 'central' OR parent_id IS NULL),"
    "  CHECK (kind <> 'secondary' OR parent_id IS NOT NULL),"
    "  FOREIGN KEY (parent_id, parent_kind) REFERENCES hierarchy (site_id, kind) DEFERRABLE INITIALLY DEFERRED) STRICT;"
    "INSERT INTO hierarchy (site_id) SELECT id FROM site;"

    "ALTER TABLE boundary ADD COLUMN is_slow INTEGER NOT NULL DEFAULT 0 CHECK (is_slow IN (0, 1));"
    "CREATE UNIQUE INDEX boundary_of_site ON boundary (id, site_id);"
    /* A protected distribution point has rows here. */
    "CREATE TABLE dp_boundary ("
    "  dp_id INTEGER NOT NULL,"
    "  boundary_id INTEGER NOT NULL,"
    "  site_id INTEGER NOT NULL,"
    "  PRIMARY KEY (dp_id, boundary_id),"
    "  FOREIGN KEY (dp_id, site_id) REFERENCES dp (id, site_id) ON DELETE CASCADE,"
    "  FOREIGN KEY (boundary_id, site_id) REFERENCES boundary (id, site_id)) STRICT, WITHOUT ROWID;"

    /* S1.05, S1.06, S1.22: members are management points of the same site, and no clusters. */
    "ALTER TABLE mp ADD COLUMN data TEXT CHECK (data IN ('site', 'replica'));"
    "CREATE UNIQUE INDEX mp_kind ON mp (id, site_id, is_nlb);"
    "CREATE TABLE mp_member ("
    "  cluster_id INTEGER NOT NULL,"
    "  member_id INTEGER NOT NULL UNIQUE,"
    "  site_id INTEGER NOT NULL,"
    "  cluster_nlb INTEGER NOT NULL DEFAULT 1 CHECK (cluster_nlb = 1),"
    "  member_nlb INTEGER NOT NULL DEFAULT 0 CHECK (member_nlb = 0),"
    "  PRIMARY KEY (cluster_id, member_id),"
    "  FOREIGN KEY (cluster_id, site_id, cluster_nlb) REFERENCES mp (id, site_id, is_nlb) ON DELETE CASCADE,"
    "  FOREIGN KEY (member_id, site_id, member_nlb) REFERENCES mp (id, site_id, is_nlb)) STRICT;"

    /* S1.14: for all clients of the site, or for those that have rows in the second table. */
    "CREATE TABLE advertisement ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  advertisement TEXT NOT NULL COLLATE NOCASE CHECK (advertisement <> ''),"
    "  package_id INTEGER NOT NULL,"
    "  program TEXT NOT NULL CHECK (program <> ''),"
    "  is_for_all INTEGER NOT NULL CHECK (is_for_all IN (0, 1)),"
    "  UNIQUE (site_id, advertisement),"
    "  UNIQUE (id, is_for_all),"
    "  FOREIGN KEY (package_id, site_id) REFERENCES package (id, site_id)) STRICT;"
    "CREATE TABLE advertised_to ("
    "  advertisement_id INTEGER NOT NULL,"
    "  is_for_all INTEGER NOT NULL DEFAULT 0 CHECK (is_for_all = 0),"
    "  client TEXT NOT NULL COLLATE NOCASE CHECK (client <> ''),"
    "  PRIMARY KEY (advertisement_id, client),"
    "  FOREIGN KEY (advertisement_id, is_for_all) REFERENCES advertisement (id, is_for_all) ON DELETE CASCADE"
    ") STRICT, WITHOUT ROWID;",

    /* A management point that answers over TLS. */
    "ALTER TABLE mp ADD COLUMN is_https INTEGER NOT NULL DEFAULT 0 CHECK (is_https IN (0, 1));",

    /* What a distribution point on a host of its own has fetched; while `is_fetching` it is not named for anything else. */
    "ALTER TABLE dp ADD COLUMN is_fetching INTEGER NOT NULL DEFAULT 0 CHECK (is_fetching IN (0, 1));"
    "CREATE TABLE dp_content ("
    "  package_id INTEGER NOT NULL,"
    "  dp_id INTEGER NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('fetching', 'failed', 'available')),"
    "  message TEXT NOT NULL,"
    "  changed_s INTEGER NOT NULL,"
    "  PRIMARY KEY (package_id, dp_id),"
    "  FOREIGN KEY (package_id, dp_id) REFERENCES package_dp (package_id, dp_id) ON DELETE CASCADE) STRICT, WITHOUT ROWID;"

    /* The public keys of management points on hosts of their own: of one, its own; of a cluster, those of its members. */
    "CREATE TABLE mp_key ("
    "  mp_id INTEGER NOT NULL REFERENCES mp ON DELETE CASCADE,"
    "  owner TEXT NOT NULL COLLATE NOCASE CHECK (owner <> ''),"
    "  key TEXT NOT NULL CHECK (key <> ''),"
    "  certificate TEXT,"
    "  PRIMARY KEY (mp_id, owner)) STRICT, WITHOUT ROWID;",

    /* Moved by what distribution points write down: no reason to publish, but one to forget where packages are. */
    "ALTER TABLE change ADD COLUMN fetched INTEGER NOT NULL DEFAULT 0;",

    /* Sites of the hierarchy with a database of their own: what is here of them their site server has told, at `told_s`. */
    "CREATE TABLE neighbour ("
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  url TEXT NOT NULL CHECK (url <> ''),"
    "  told_s INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (site_id)) STRICT;",

    /* What a report says of itself: what it holds, when it was made, its version and that of the client. */
    "ALTER TABLE report ADD COLUMN content TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE report ADD COLUMN dated TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE report ADD COLUMN version TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE report ADD COLUMN client_version TEXT NOT NULL DEFAULT '';",

    /* The policy of each advertisement; one that has none gets it when the policies of its site are made, hence once more. */
    "ALTER TABLE advertisement ADD COLUMN policy TEXT CHECK (length(policy) = 38);"
    "ALTER TABLE advertisement ADD COLUMN assignment TEXT CHECK (length(assignment) = 38);"
    "ALTER TABLE advertisement ADD COLUMN sha256 TEXT CHECK (length(sha256) = 64);"
    "ALTER TABLE advertisement ADD COLUMN body TEXT;"
    "CREATE UNIQUE INDEX advertisement_policy ON advertisement (policy);"
    "UPDATE site SET policies_from = NULL;",

    /*
     * How much of a package a distribution point has, when it last compared all of it and what was lost then; what it is asked to
     * compare now. `signs` moves while it is at that, so that who waits tells it from one that is off without comparing clocks.
     */
    "ALTER TABLE dp ADD COLUMN signs INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dp_content ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dp_content ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dp_content ADD COLUMN verified_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dp_content ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dp_content ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dp_content ADD COLUMN finding TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE dp_ask ("
    "  dp_id INTEGER NOT NULL,"
    "  package_id INTEGER NOT NULL,"
    "  PRIMARY KEY (dp_id, package_id),"
    "  FOREIGN KEY (package_id, dp_id) REFERENCES package_dp (package_id, dp_id) ON DELETE CASCADE) STRICT, WITHOUT ROWID;",

    /* The files of the certificate to show to a directory, and of its key. */
    "ALTER TABLE target ADD COLUMN cert TEXT;"
    "ALTER TABLE target ADD COLUMN key TEXT;",

    /*
     * What flows down the hierarchy (flow.h): the number of the last change of each package and of those that are gone, up to
     * which number removals are forgotten, what a neighbour says that it has and what is known of it. `source` is the code of the
     * site that a package of ours comes from, NULL for one that was made here.
     */
    "ALTER TABLE package ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE package ADD COLUMN source TEXT;"
    "CREATE INDEX package_by_change ON package (site_id, changed);"
    "CREATE TABLE package_gone ("
    "  id INTEGER PRIMARY KEY,"
    "  site_id INTEGER NOT NULL REFERENCES site ON DELETE CASCADE,"
    "  package TEXT NOT NULL COLLATE NOCASE,"
    "  changed INTEGER NOT NULL,"
    "  UNIQUE (site_id, package)) STRICT;"
    "CREATE INDEX package_gone_by_change ON package_gone (site_id, changed);"
    "ALTER TABLE change ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE neighbour ADD COLUMN packages_told INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE neighbour ADD COLUMN packages_known INTEGER NOT NULL DEFAULT 0;",

    /* The hash over its files flows with a package: what has some is told, and what is known is asked for, once more. */
    "CREATE INDEX package_by_hash ON package (sha256);"
    "UPDATE change SET fetched = fetched + 1;"
    "UPDATE package SET changed = (SELECT generation + fetched FROM change) WHERE sha256 IS NOT NULL;"
    "UPDATE neighbour SET packages_known = 0;",
};

/* "SLsi" */
const struct db_schema sst_schema = {
    .application_id = 0x534c7369u, .migrations = migrations, .migration_count = SL_COUNT(migrations)};
