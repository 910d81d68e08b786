#!/usr/bin/env bash
# Builds liblocator a second time with ThreadSanitizer and has it called from many threads at once, with the servers of this build.
. "${abs_top_srcdir:?run by make check}/tests/lint/second-build.sh"

second_build sanitized-thread --enable-sanitizers=thread --disable-winsd --disable-site
build "the library with ThreadSanitizer" tests/functional/try-library
SL_TRY_LIBRARY=$folder/tests/functional/try-library TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
  /usr/bin/python3 "$abs_top_srcdir/tests/functional/test_library_calls.py" Calls.test_many_threads_at_once
