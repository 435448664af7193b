#!/usr/bin/env bash
# Runs the tests of the image on a Debian like the one that oven/bun:*-slim is made from, and measures it: the
# gate has only this machine's system (test/system/docker.test.ts). As root; wants debootstrap; 1 to 2 minutes.
#   test/docker/debootstrap.sh [FOLDER]     FOLDER: keeps the system there for the next time
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-$(mktemp -d)}
[ $# -gt 0 ] || trap 'rm -rf "$folder"' EXIT
release=trixie

if [ ! -e "$folder/etc/debian_version" ]; then
  debootstrap --variant=minbase --include=ca-certificates "$release" "$folder" http://deb.debian.org/debian >&2
fi
# What Debian's slim images leave out, and what their maker's apt-get removes.
rm -rf "$folder"/usr/share/{doc,info,locale,man}/* "$folder"/var/{cache/apt,lib/apt/lists,log}/*
find "$folder" -xdev -type f -printf '%s\n' |
  awk -v release="$release" '{ bytes += $1 } END { printf "system: %.1f MB (%s, measured)\n", bytes / 1e6, release }'
touch "$folder/etc/resolv.conf" "$folder/etc/hosts"

echo "libraries that the native code wants and this system lacks:"
find node_modules/onnxruntime-node/bin node_modules/@img -path '*linux*' \( -name '*.so*' -o -name '*.node' \) -print0 |
  while IFS= read -r -d '' file; do
    case $file in *"$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')"*) ;; *) continue ;; esac
    inside=/mnt/$(basename "$(dirname "$file")")-$(basename "$file")
    mkdir -p "$folder/mnt"
    cp "$file" "$folder$inside"
    chroot "$folder" ldd "$inside" | awk -v file="$file" '/not found/ && !/libonnxruntime|libvips-cpp/ { print "  " file ": " $0; lacks = 1 } END { exit lacks }'
    rm "$folder$inside"
  done
echo "  none"

PINHOLE_TEST_BASE=$folder bun --no-env-file test ./test/system/docker.test.ts --timeout 120000
