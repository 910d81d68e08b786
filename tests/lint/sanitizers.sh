#!/usr/bin/env bash
# Builds the tree a second time with AddressSanitizer and UBSan, runs the unit, replay and fuzz programs with their corpora, and gives
# the sanitized daemons the matrix of the main job and the bad input, has the library called from many threads, and answers kept and a
# directory watched, for leaks too.
. "${abs_top_srcdir:?run by make check}/tests/lint/second-build.sh"

export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

second_build sanitized --enable-sanitizers=address,undefined
# The C library's own: what a thread left of dlerror(), when the process ends at the moment the thread does.
echo leak:_dlerror_run >leaks.known
export LSAN_OPTIONS=suppressions=$folder/leaks.known:print_suppressions=0
build "the sanitized unit, replay or fuzz programs" check-quick VERBOSE=1
ran=$(sed -n 's/^# PASS: *//p' make.out | tail -1)
build "the sanitized programs" all
# Each parser of what comes from outside for SL_FUZZ_SECONDS of processor time, beside what follows and behind everybody else.
targets=${SL_FUZZ_TARGETS:-nbns frame conf winsdat lmhosts netsh}
printf '%s\n' $targets | SL_FUZZ_SECONDS=${SL_FUZZ_SECONDS:-60} xargs -P 2 -I TARGET nice -n 5 tests/fuzz/fuzz-TARGET >fuzz.out 2>&1 &
fuzzing=$!
for test in matrix bad_input library_calls cache watch; do
  abs_top_builddir=$folder /usr/bin/python3 "$abs_top_srcdir/tests/functional/test_$test.py" >"$test.out" 2>&1 ||
    { cat "$test.out"; echo "FAIL: functional test $test with sanitized programs"; exit 1; }
done
wait "$fuzzing" || { cat fuzz.out; echo "FAIL: a fuzz target, see SL_SEED above"; exit 1; }
grep mutations fuzz.out
[ "$(grep -c mutations fuzz.out)" -eq "$(echo $targets | wc -w)" ]
echo "$ran test programs passed under address,undefined"
[ "${ran:-0}" -gt 0 ]
