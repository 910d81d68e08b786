/*
 * smbconf.h - the name servers that Samba's configuration names.
 */
#ifndef SL_LOCATOR_NET_SMBCONF_H
#define SL_LOCATOR_NET_SMBCONF_H

#include "common/base/option.h"

enum { LOC_SMB_SERVERS_MAX = 16 };

/*
 * Appends the addresses or names of `wins server` in the section [global] of the file, in their order; of "TAG:SERVER" the
 * server. Several are separated by blanks or commas, and a line that ends with a backslash goes on in the next (smb.conf(5)); the
 * last such parameter counts. `warnings` gets what cannot be read, is no parameter, or is no host (hostconf.h).
 */
void loc_smb_wins_servers(const char *path, struct sl_strings *servers, struct sl_strings *warnings);
/* Where smb.conf is: SMB_CONF_PATH of the environment, as Samba itself takes it, else /etc/samba/smb.conf. */
const char *loc_smb_path(void);

#endif
