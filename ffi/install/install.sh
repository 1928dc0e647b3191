#!/bin/sh
# usage: install.sh PREFIX LIBDIR
#
# Installs library, header, pkg-config and CMake files under PREFIX. LIBDIR is where cargo has put the
# library: target/release. With DESTDIR in the environment everything goes below that directory, for
# packagers; what is installed can be moved, since it finds its parts relative to itself.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: install.sh PREFIX LIBDIR" >&2
    exit 2
fi
source=$(cd "$(dirname "$0")" && pwd)
header=$source/../../include/causelog.h
to=${DESTDIR:-}$1
from=$2

number() { sed -n "s/^#define CAUSELOG_VERSION_$1 \([0-9]*\)\$/\1/p" "$header"; }
major=$(number MAJOR)
version=$major.$(number MINOR).$(number PATCH)
# The part of the version that names the interface, as in build.rs.
interface=$major
[ "$major" != 0 ] || interface=0.$(number MINOR)

case $(uname -s) in
Darwin)
    built=libcauselog.dylib
    file=libcauselog.$version.dylib
    name=libcauselog.$interface.dylib
    native='-lSystem -lc -lm'
    ;;
*)
    built=libcauselog.so
    file=libcauselog.so.$version
    name=libcauselog.so.$interface
    native='-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc'
    ;;
esac
for needed in "$from/$built" "$from/libcauselog.a"; do
    if [ ! -f "$needed" ]; then
        echo "install.sh: $needed is not there: cargo build --release -p causelog-ffi" >&2
        exit 1
    fi
done

mkdir -p "$to/include" "$to/lib/pkgconfig" "$to/lib/cmake/causelog"
# put MODE FROM TO: as a whole and at once, so that a program that uses the old file goes on using that.
put() {
    cp "$2" "$3.new"
    chmod "$1" "$3.new"
    mv -f "$3.new" "$3"
}
put 644 "$header" "$to/include/causelog.h"
put 644 "$from/libcauselog.a" "$to/lib/libcauselog.a"
put 755 "$from/$built" "$to/lib/$file"
ln -sf "$file" "$to/lib/$name"
ln -sf "$name" "$to/lib/$built"

# fill TEMPLATE TO
fill() {
    sed -e "s/@VERSION@/$version/g" \
        -e "s/@INTERFACE_PATTERN@/$(echo "$interface" | sed 's/\./\\\\\\\\./g')/g" \
        -e "s/@SHARED_FILE@/$file/g" -e "s/@SHARED_NAME@/$name/g" \
        -e "s/@NATIVE_LIBRARIES@/$native/g" -e "s/@NATIVE_LIBRARY_LIST@/$(echo "$native" | tr ' ' ';')/g" \
        "$source/$1" >"$2"
    chmod 644 "$2"
}
fill causelog.pc.in "$to/lib/pkgconfig/causelog.pc"
fill causelog-config.cmake.in "$to/lib/cmake/causelog/causelog-config.cmake"
fill causelog-config-version.cmake.in "$to/lib/cmake/causelog/causelog-config-version.cmake"
echo "installed causelog $version in $to"
