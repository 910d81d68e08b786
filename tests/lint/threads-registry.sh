#!/usr/bin/env bash
# Builds the registry with ThreadSanitizer and gives it everything at once: mixed load, reloads, administration, crashes and a flood.
# Part of check-long.
. "${abs_top_srcdir:?run by make check-long}/tests/lint/second-build.sh"

second_build sanitized-registry --enable-sanitizers=thread --disable-site
build "the registry with ThreadSanitizer" wins-emu/winsd wins-emu/winsctl wins-emu/systemd/winsd.service wins-emu/systemd/winsd.socket \
  tests/functional/flood
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
