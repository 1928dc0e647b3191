#!/bin/sh
# usage: install.sh REPOSITORY LIBDIR SCRATCH CC CMAKE
#
# Installs into SCRATCH, moves it, and builds and runs the quickstart against what was installed: with
# pkg-config and find_package, shared and static. Without pkg-config that half is left out.
set -eu

repository=$1 libraries=$2 scratch=$3 cc=$4 cmake=$5
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
DESTDIR=$scratch/staged "$repository/ffi/install/install.sh" /usr "$libraries"
mv staged/usr moved
prefix=$scratch/moved
quickstart=$repository/demo/c/quickstart.c

# check PROGRAM: it runs, from a directory of its own
check() {
    mkdir "$1.run"
    (cd "$1.run" && "$1" >out && grep -q '^concurrent$' out) || { echo "$1 does not run" >&2; exit 1; }
    echo "ok $(basename "$1")"
}

mkdir project
cp "$quickstart" project/quickstart.c
cat >project/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES C)
find_package(causelog 0.1 CONFIG REQUIRED)
foreach(library causelog shared static)
  add_executable(with_${library} quickstart.c)
  target_link_libraries(with_${library} PRIVATE causelog::${library})
endforeach()
# A version that will not do is not found.
foreach(version 0.2 0.1.99 1.0)
  find_package(causelog ${version} CONFIG QUIET)
  if(causelog_FOUND)
    message(FATAL_ERROR "version ${version} was found")
  endif()
endforeach()
END
"$cmake" -S project -B built -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >log 2>&1 &&
    "$cmake" --build built >>log 2>&1 || { cat log >&2; exit 1; }
for library in causelog shared static; do
    check "$scratch/built/with_$library"
done

if ! command -v pkg-config >/dev/null; then
    echo 'pkg-config is not installed: its half of the test is left out'
    exit 0
fi
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
pkg-config --exact-version "$(sed -n 's/^#define CAUSELOG_VERSION "\(.*\)"$/\1/p' "$prefix/include/causelog.h")" causelog
# shellcheck disable=SC2046 # to be split into words
"$cc" -std=c11 "$quickstart" -o pkg_config_shared $(pkg-config --cflags --libs causelog) -Wl,-rpath,"$prefix/lib"
check "$scratch/pkg_config_shared"
# The linker takes the static library where there is no other.
mkdir static
cp "$prefix/lib/libcauselog.a" static/
# shellcheck disable=SC2046
"$cc" -std=c11 "$quickstart" -o pkg_config_static -Lstatic $(pkg-config --static --cflags --libs causelog)
check "$scratch/pkg_config_static"
