#!/usr/bin/env bash
# Builds liblocator a second time with ThreadSanitizer and has it called from many threads at once, with the servers of this build.
# The second build lives in sanitized-thread/ of the build folder and is kept; make clean removes it.
set -eu
: "${abs_top_srcdir:?run by make check}" "${abs_top_builddir:?run by make check}"

compiler=${SL_CC:-gcc}
case $compiler in
  ccache*) ;;
  *) if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi ;;
esac
export CCACHE_NOHASHDIR=1

folder=$abs_top_builddir/sanitized-thread
mkdir -p "$folder"
cd "$folder"
if [ ! -f Makefile ] || [ "$abs_top_srcdir/configure" -nt config.status ]; then
  "$abs_top_srcdir/configure" -q --enable-sanitizers=thread --disable-winsd --disable-site --with-tests=quick CC="$compiler" \
    CFLAGS='-g -O1' >configure.out 2>&1 || { cat configure.out; echo "FAIL: configure with ThreadSanitizer"; exit 1; }
fi
# A make of its own: nothing of the calling make's flags and variables.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL TESTS TEST_LOGS
nice -n 5 make -s -j2 tests/functional/try-library >make.out 2>&1 ||
  { tail -n 50 make.out; echo "FAIL: the library was not built with ThreadSanitizer"; exit 1; }
SL_TRY_LIBRARY=$folder/tests/functional/try-library TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
  /usr/bin/python3 "$abs_top_srcdir/tests/functional/test_library_calls.py" Calls.test_many_threads_at_once
