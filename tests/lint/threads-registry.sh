#!/usr/bin/env bash
# Builds the registry with ThreadSanitizer and gives it everything at once: mixed load, reloads, administration, crashes and a flood.
# Part of check-long. The build lives in sanitized-registry/ of the build folder and is kept; make clean removes it.
set -eu
: "${abs_top_srcdir:?run by make check-long}" "${abs_top_builddir:?run by make check-long}"

compiler=${SL_CC:-gcc}
case $compiler in
  ccache*) ;;
  *) if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi ;;
esac
export CCACHE_NOHASHDIR=1

folder=$abs_top_builddir/sanitized-registry
mkdir -p "$folder"
cd "$folder"
if [ ! -f Makefile ] || [ "$abs_top_srcdir/configure" -nt config.status ]; then
  "$abs_top_srcdir/configure" -q --enable-sanitizers=thread --disable-site --with-tests=quick CC="$compiler" CFLAGS='-g -O1' \
    >configure.out 2>&1 || { cat configure.out; echo "FAIL: configure with ThreadSanitizer"; exit 1; }
fi
# A make of its own: nothing of the calling make's flags and variables.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL TESTS TEST_LOGS
make -s -j2 wins-emu/winsd wins-emu/winsctl wins-emu/systemd/winsd.service wins-emu/systemd/winsd.socket tests/functional/flood >make.out 2>&1 ||
  { tail -n 50 make.out; echo "FAIL: the registry was not built with ThreadSanitizer"; exit 1; }
export TSAN_OPTIONS=halt_on_error=0:exitcode=66:second_deadlock_stack=1
run() {
  abs_top_builddir=$folder /usr/bin/python3 "$abs_top_srcdir/tests/functional/test_$1.py" >"$1.out" 2>&1 ||
    { cat "$1.out"; echo "FAIL: test $1 with ThreadSanitizer"; exit 1; }
  echo "test $1 passed under ThreadSanitizer"
}
SL_SECONDS=${SL_SECONDS:-60} run threads
SL_KILLS=${SL_KILLS:-5} run crash
# The queues may grow by their 8 MiB, and ThreadSanitizer keeps several octets for each.
SL_PACKETS=${SL_PACKETS:-100000} SL_GROWTH_KIB=$((128 << 10)) run flood
SL_CHALLENGES=${SL_CHALLENGES:-2048} run challenges
run policy
run operation
