#!/usr/bin/env bash
# demo.sh - the main job on real parts: a directory, a name registry and a site with two management points, in four steps.
#
# Everything runs unprivileged on the loopback and lives in one temporary folder; both are gone afterwards, however this ends.
# Inside a network namespace of its own (unshare -rn) the programs have their well-known ports (137, 80, 389); where namespaces
# are not allowed, or with SITELOCATOR_DEMO_PORTS=high, they get high ones and the commands show them.
# Each command is printed as a user would type it ("$ ..."), then what it really said. The exit code is 0 only when every step
# came out as its text says.
#
# Needs the built programs on PATH (make demo sees to that) and slapd.
set -u
export LC_ALL=C LDAPNOINIT=1 NO_COLOR=1
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

[ -x "$(command -v slapd)" ] || die "slapd is missing: install the package slapd"
for program in locator winsd winsctl sited sitectl; do
  command -v "$program" >/dev/null || die "$program is not built (run: make demo)"
done

# ---- a namespace of our own, where the well-known ports are free --------------------------------------------------------

if [ -z "${SITELOCATOR_DEMO_INSIDE:-}" ] && [ "${SITELOCATOR_DEMO_PORTS:-}" != high ] && command -v ip >/dev/null && unshare -rn ip link set lo up 2>/dev/null; then
  SITELOCATOR_DEMO_INSIDE=1 exec unshare -rn "$BASH" "$0" "$@"
fi

# A port above 1024 that nobody on this machine uses.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM))
    grep -qi ":$(printf %04X "$port") " /proc/net/tcp /proc/net/udp || break
  done
  say "$port"
}

if [ -n "${SITELOCATOR_DEMO_INSIDE:-}" ]; then
  ip link set lo up
  nbt='' http='' ldap='' ldap_number=389 nbt_port=() mp_port=() port=()
else
  nbt_number=$(free_port) http_number=$(free_port) ldap_number=$(free_port)
  nbt=:$nbt_number http=:$http_number ldap=:$ldap_number
  nbt_port=(--nbt-port "$nbt_number") mp_port=(--mp-port "$http_number") port=(--port "$http_number")
fi

# ---- everything that must be gone afterwards ------------------------------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/sitelocator-demo.XXXXXX") || die "no temporary folder"
declare -A pid=() # name of a background program: its process id

# Waits until the shell that holds the other end of its pipe is gone, by whatever signal, and cleans up.
guard() {
  local file tries=0
  trap '' INT TERM HUP
  cat >/dev/null
  for file in "$folder"/*.pid; do kill -KILL "$(<"$file")"; done 2>/dev/null
  cd /
  until rm -rf "$folder" 2>/dev/null || [ "$((tries += 1))" -gt 100 ]; do sleep 0.05; done # what was killed may still write
}
exec {alive}> >(guard)
guard=$!
trap 'exec {alive}>&-; wait "$guard"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
cd "$folder" || die "no temporary folder"

# ---- showing and checking --------------------------------------------------------------------------------------------------

output='' code=0

# The words of a command as one would type them.
typed() {
  local word line=''
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=,@%+#-]*|'') line="$line '$word'" ;;
      *) line="$line $word" ;;
    esac
  done
  say "$ ${line# }"
}

# Prints a command of ours, runs it, prints what it says on a terminal (--table; in a pipe it would be tabs); leaves that in `output`
# and its exit code in `code`.
show() {
  typed "$@"
  output=$("$@" --table 2>&1)
  code=$?
  [ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/    /'
}

# The same for a command that changes something, which must succeed.
change() {
  show "$@"
  expect 0
}

# The last command must have ended with this exit code and have said each of these words.
expect() {
  local want=$1 text
  shift
  [ "$code" -eq "$want" ] || die "that should have ended with exit code $want, not $code"
  for text in "$@"; do
    [[ $output == *"$text"* ]] || die "that should have said '$text'"
  done
}

# Starts a program in the background under a name; shown with "&".
launch() {
  local name=$1
  shift
  say "$(typed "$@") &"
  "$@" >>"$folder/$name.log" 2>&1 {alive}>&- &
  pid[$name]=$!
  say "$!" >"$folder/$name.pid"
  disown # no "Killed" lines of the shell between our own
}

crash() {
  say "$ kill -KILL \$(pidof ${2:-$1})     # $1, process ${pid[$1]}"
  kill -KILL "${pid[$1]}"
  while kill -0 "${pid[$1]}" 2>/dev/null; do sleep 0.02; done
  rm "$folder/$1.pid"
  unset "pid[$1]"
}

# Waits until a command succeeds, at most 10 s; the log of NAME tells why it did not.
wait_for() {
  local name=$1 tries=0
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ] || ! kill -0 "${pid[$name]}" 2>/dev/null; then
      cat "$folder/$name.log" >&2
      die "$name did not start"
    fi
    sleep 0.05
  done
}

step() { printf '\n== %s\n\n' "$*"; }

# ---- a private slapd ---------------------------------------------------------------------------------------------------------

suffix=dc=example,dc=org

# start_slapd NAME ADDRESS [SCHEMA-LDIF]: one database with the container, written by cn=publisher, read by everybody.
start_slapd() {
  local name=$1 address=$2 schema=${3:-} class=applicationProcess
  [ -z "$schema" ] || class=container
  mkdir -p "$name/conf" "$name/db"
  {
    printf 'dn: cn=config\nobjectClass: olcGlobal\ncn: config\n\n'
    printf 'dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\nolcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb.so\n\n'
    printf 'dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n'
    printf 'include: file:///etc/ldap/schema/%s.ldif\n\n' core cosine inetorgperson
    [ -z "$schema" ] || { cat "$schema"; echo; }
    printf 'dn: olcDatabase={-1}frontend,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcFrontendConfig\n'
    printf 'olcDatabase: {-1}frontend\nolcAccess: to * by * read\n\n'
    printf 'dn: olcDatabase={1}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {1}mdb\n'
    printf 'olcDbDirectory: %s\nolcSuffix: %s\n' "$folder/$name/db" "$suffix"
    printf 'olcAccess: to attrs=userPassword by anonymous auth by * none\n'
    printf 'olcAccess: to dn.subtree="cn=System Management,cn=System,%s" by dn.exact="cn=publisher,%s" write by * read\n' "$suffix" "$suffix"
    printf 'olcAccess: to * by * read\n'
  } >"$name/config.ldif"
  {
    printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\n' "$suffix"
    printf 'dn: cn=publisher,%s\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\n' "$suffix"
    printf 'cn: publisher\nuserPassword: secret\n\n'
    printf 'dn: cn=System,%s\nobjectClass: %s\ncn: System\n\n' "$suffix" "$class"
    printf 'dn: cn=System Management,cn=System,%s\nobjectClass: %s\ncn: System Management\n\n' "$suffix" "$class"
  } >"$name/data.ldif"
  { slapadd -n0 -F "$name/conf" -l "$name/config.ldif" && slapadd -q -n1 -F "$name/conf" -l "$name/data.ldif"; } \
    >"$name.log" 2>&1 || { cat "$name.log" >&2; die "slapadd failed"; }
  launch "$name" slapd -F "$name/conf" -h "ldap://$address$ldap/" -d 0
  wait_for "$name" bash -c "exec 3<>/dev/tcp/$address/$ldap_number"
}

# ---- the four steps ------------------------------------------------------------------------------------------------------------

directory=ldap://127.0.0.1$ldap/$suffix
bare_directory=ldap://127.0.0.3$ldap/$suffix
registry=wins://127.0.0.2$nbt
resolve=(--resolve mp1.example.org:127.0.0.11 --resolve mp2.example.org:127.0.0.12)

start_registry() {
  launch winsd winsd --foreground --db wins.db --listen "127.0.0.2$nbt" --control winsd.sock "${nbt_port[@]}"
  wait_for winsd winsctl --control winsd.sock stats
}

# start_mp NUMBER: the machine of a management point, which is a distribution point too.
start_mp() {
  launch "mp$1" sited --foreground --db site.db --control "mp$1.sock" --role mp,dp --http "127.0.0.1$1$http" \
    --nbt-address "127.0.0.1$1" "${nbt_port[@]}"
  wait_for "mp$1" sitectl --control "mp$1.sock" status
}

step "1. A directory with the schema, a registry, a site with two management points and two distribution points"

say "$ sitectl schema print --flavor openldap --part all >schema.ldif"
sitectl schema print --flavor openldap --part all >schema.ldif || die "the schema was not printed"
start_slapd slapd 127.0.0.1 schema.ldif
show sitectl schema check "$directory"
expect 0 extended
start_registry

change sitectl --db site.db init PS1 --domain example.org --server server.example.org
launch sited sited --foreground --db site.db --control sited.sock --role server "${nbt_port[@]}"
wait_for sited sitectl --control sited.sock status
start_mp 1
start_mp 2
printf secret >publisher.password
for number in 1 2; do
  change sitectl --control sited.sock mp add "mp$number.example.org" --address "127.0.0.1$number" "${port[@]}"
  change sitectl --control sited.sock dp add "dp$number.example.org"
done
change sitectl --control sited.sock mp designate mp1.example.org
change sitectl --control sited.sock boundary add subnet 127.0.0.0/8
change sitectl --control sited.sock package add PS100001 --version 3 --on dp1.example.org dp2.example.org
change sitectl --control sited.sock target add "$directory" --bind-dn "cn=publisher,$suffix" --password-file publisher.password
change sitectl --control sited.sock target add "$registry"
say
say "# The site publishes by itself when something changes; publish does at once what is left to do, and waits until it is there."
show sitectl --control sited.sock publish --apply
expect 0

say
say "# Clients get the site's trusted root key beforehand: with it a management point proves that it is one."
change sitectl --control sited.sock key export root.pem
pin=(--trusted-root-key root.pem)

say
say "# A client asks the directory for the management point ..."
show locator find mp --site PS1 --source "$directory" --source "$registry" "${pin[@]}"
expect 0 mp1.example.org ldap 'trust: proven'

say
say "# ... and the management point for a package, which lies on two distribution points: one is chosen at random."
find_dp=(locator find dp --package PS100001 --site PS1 --source "$directory" "${resolve[@]}" "${pin[@]}")
show "${find_dp[@]}" --seed 1
expect 0 PS100001 example.org LOCAL

say
say "# Ten seeds find both."
say "$ for seed in 1 2 3 4 5 6 7 8 9 10; do $(typed "${find_dp[@]}" | cut -c3-) --seed \$seed --plain | cut -f4; done"
output=$(for seed in 1 2 3 4 5 6 7 8 9 10; do "${find_dp[@]}" --seed "$seed" --plain | cut -f4; done 2>&1)
printf '%s\n' "$output" | sed 's/^/    /'
[ "$(printf '%s\n' "$output" | sort -u | tr '\n' ' ')" = "dp1.example.org dp2.example.org " ] || die "ten seeds should have found both distribution points"

step "2. A directory without the schema: the registry answers instead"

start_slapd bare-slapd 127.0.0.3
show locator find mp --site PS1 --source "$bare_directory"
expect 1 schema-not-extended
show locator find mp --site PS1 --source "$bare_directory" --source "$registry"
expect 0 127.0.0.11 wins 'trust: unproven'
show locator find dp --package PS100001 --site PS1 --source "$bare_directory" --source "$registry" "${mp_port[@]}" "${pin[@]}" --seed 1
expect 0 example.org
say
say "# Anybody may have registered that name, so the management point is asked for its proof."
show locator explain mp --site PS1 --source "$bare_directory" --source "$registry" "${mp_port[@]}" "${pin[@]}"
expect 0 schema-not-extended 127.0.0.11 MPCERT 'trust: proven'

step "3. The registry crashes right after it acknowledged a registration"

say "# The other management point becomes the default; publish ends when the registry has acknowledged its name."
change sitectl --control sited.sock mp designate mp2.example.org
show sitectl --control sited.sock publish --apply
expect 0 'MP_PS1#1A'
show winsctl --control winsd.sock show 'MP_PS1#1A'
expect 0 127.0.0.12
version=$(printf '%s\n' "$output" | sed -n 's/^version: *//p')
[ -n "$version" ] || die "the record should have a version"
crash winsd
show locator find mp --site PS1 --source "$registry" --timeout 1s
expect 3 could-not-ask

say
say "# It is started again on its database and answers, with the record it had (the same version, so nobody registered it anew)."
start_registry
show locator find name 'MP_PS1#1A' --source "$registry"
expect 0 127.0.0.12
show winsctl --control winsd.sock show 'MP_PS1#1A'
expect 0 127.0.0.12 "version: $version"

step "4. The administrator designates another management point; there is no automatic failover"

say "# The directory may show it already (same): the site has published by itself in the meantime."
change sitectl --control sited.sock mp designate mp1.example.org
show sitectl --control sited.sock publish --apply
expect 0
show locator find mp --site PS1 --source "$directory"
expect 0 mp1.example.org
show locator find name 'MP_PS1#1A' --source "$registry"
expect 0 127.0.0.11

say
say "# Now the default management point dies. Its name stays with it until somebody designates another one."
crash mp1 sited
change sitectl --control sited.sock mp designate mp2.example.org
show sitectl --control sited.sock publish --apply
expect 0
show locator find mp --site PS1 --source "$directory"
expect 0 mp2.example.org
show locator find name 'MP_PS1#1A' --source "$registry"
expect 0 127.0.0.12

say
say "All four steps came out as they should."
