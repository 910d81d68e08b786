# Sourced by the tests that build the tree once more, with a sanitizer.
set -eu
: "${abs_top_srcdir:?run by make check}" "${abs_top_builddir:?run by make check}"

# second_build FOLDER OPTION...: configures FOLDER of the build folder with the options and goes there. It is kept, so that a second
# run only builds what changed; make clean removes it. Uses ccache where it is installed.
second_build() {
  folder=$abs_top_builddir/$1
  shift
  local compiler=${SL_CC:-gcc}
  case $compiler in
    ccache*) ;;
    *) if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi ;;
  esac
  export CCACHE_NOHASHDIR=1
  mkdir -p "$folder"
  cd "$folder"
  if [ ! -f Makefile ] || [ "$abs_top_srcdir/configure" -nt config.status ]; then
    "$abs_top_srcdir/configure" -q "$@" --with-tests=quick CC="$compiler" CFLAGS='-g -O1' >configure.out 2>&1 ||
      { cat configure.out; echo "FAIL: configure $*"; exit 1; }
  fi
  # A make of its own: nothing of the calling make's flags and variables.
  unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL TESTS TEST_LOGS
}

# build WHAT TARGET...: behind those who wait less patiently; WHAT is for the message of a failure.
build() {
  local what=$1
  shift
  nice -n 5 make -s -j2 "$@" >make.out 2>&1 || { tail -n 200 make.out; echo "FAIL: $what (log in $folder/make.out)"; exit 1; }
}
