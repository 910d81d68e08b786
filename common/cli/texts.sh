#!/bin/sh
# texts.sh FOLDER PROGRAM...: lets each program write its manual page and its completions into
# FOLDER/{man,bash,zsh,fish}. The programs hold the tables that these are made from, so they must be run.
set -eu
folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder/man" "$folder/bash" "$folder/zsh" "$folder/fish"
for program; do
    name=${program##*/}
    case $program in */*) ;; *) program=./$program ;; esac
    "$program" --help=man > "$folder/page"
    read -r request title section rest < "$folder/page"
    [ "$request $title" = ".TH $(echo "$name" | tr a-z A-Z)" ] || { echo "$program --help=man wrote no manual page" >&2; exit 1; }
    mv "$folder/page" "$folder/man/$name.$section"
    "$program" --help=bash > "$folder/bash/$name"
    "$program" --help=zsh > "$folder/zsh/_$name"
    "$program" --help=fish > "$folder/fish/$name.fish"
done
