#!/bin/bash
# Becomes one of Samba's two WINS servers on ADDRESS port 137, with all its files below DIR; the caller gives it a network
# namespace of its own and kills it. Exit code 77 and one line on standard error when it is not installed.
#   samba.sh nmbd DIR ADDRESS     nmbd, which keeps names in memory and writes them out now and then
#   samba.sh ad DIR ADDRESS       the name server of the AD domain controller, durable; provisions a domain the first time
set -eu
export PATH=$PATH:/usr/sbin:/sbin
kind=$1 dir=$2 address=$3
missing() { echo "$1 is not installed" >&2; exit 77; }
mkdir -p "$dir"/{private,lock,state,cache,pid,ncalrpc}

common="interfaces = $address/8
bind interfaces only = yes
wins support = yes
pid directory = $dir/pid"

if [ "$kind" = nmbd ]; then
    command -v nmbd > /dev/null || missing nmbd
    cat > "$dir/smb.conf" <<X
[global]
netbios name = BENCHNMBD
workgroup = BENCHGRP
server role = standalone
$common
private dir = $dir/private
lock directory = $dir/lock
state directory = $dir/state
cache directory = $dir/cache
ncalrpc dir = $dir/ncalrpc
X
    exec unshare --pid --fork --kill-child nmbd -F --no-process-group --debug-stdout -s "$dir/smb.conf" > "$dir/log" 2>&1
fi

command -v samba > /dev/null && command -v samba-tool > /dev/null || missing "samba (AD DC)"
[ -e "$dir/provisioned" ] || samba-tool domain provision --realm=BENCH.TEST --domain=BENCHDOM --host-name=BENCHDC --host-ip="$address" --server-role=dc \
    --adminpass=Passw0rd.123 --dns-backend=NONE --targetdir="$dir/dc" --option="interfaces=$address/8" \
    --option='bind interfaces only=yes' > "$dir/log" 2>&1 || { tail -1 "$dir/log" >&2; exit 1; }
[ -e "$dir/provisioned" ] || sed -i "/server services = /d; s#^\[global\]#[global]\nserver services = nbt, wrepl\n${common//$'\n'/\\n}\nncalrpc dir = $dir/ncalrpc#" \
    "$dir/dc/etc/smb.conf"
touch "$dir/provisioned"
exec unshare --pid --fork --kill-child samba -i -M single --debug-stdout -s "$dir/dc/etc/smb.conf" > "$dir/log" 2>&1
