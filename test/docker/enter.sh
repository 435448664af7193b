#!/bin/sh
# Runs a command inside an image's root folder: to be called in a mount namespace of its own (`unshare --mount`).
#   enter.sh ROOT build|run UID:GID FOLDER COMMAND...
# What the base image would bring (system folders, Bun) is bound from $BASE, or else this machine, read-only. `build` may write
# to ROOT and uses $INSTALL_CACHE; `run` is what `docker run --read-only --tmpfs /tmp --cap-drop ALL
# --security-opt no-new-privileges -v $VOLUME:/data` does.
set -eu
root=$1 mode=$2 user=$3 folder=$4
shift 4

mount --bind "$root" "$root"
for name in bin etc lib lib32 lib64 sbin usr; do
  from=${BASE:-}/$name
  if [ -L "$from" ]; then
    ln -sfn "$(readlink "$from")" "$root/$name"
  elif [ -d "$from" ]; then
    mkdir -p "$root/$name"
    mount --bind "$from" "$root/$name"
    mount -o remount,bind,ro "$root/$name"
  fi
done
mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/root"
mount --rbind /dev "$root/dev"
mount --bind /proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/root"
mount -t tmpfs -o mode=755 tmpfs "$root/usr/local"
mkdir "$root/usr/local/bin"
touch "$root/usr/local/bin/bun"
mount --bind "$BUN" "$root/usr/local/bin/bun"
mount -o remount,bind,ro "$root/usr/local/bin/bun"
# Names and certificates that reach the package registry are those of this machine.
for name in etc/resolv.conf etc/hosts etc/ssl/certs; do
  if [ -e "/$name" ] && [ -e "$root/$name" ]; then
    mount --bind "/$name" "$root/$name"
    mount -o remount,bind,ro "$root/$name"
  fi
done

if [ "$mode" = build ]; then
  mkdir -p "$root/root/.bun/install/cache"
  mount --bind "$INSTALL_CACHE" "$root/root/.bun/install/cache"
  exec chroot "$root" env -C "$folder" "$@"
fi
mount --bind "$VOLUME" "$root/data"
mount -o remount,bind,ro "$root/usr/local"
mount -o remount,bind,ro "$root"
unset BUN BASE VOLUME
exec chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs \
  --inh-caps=-all --bounding-set=-all env -C "$folder" "$@"
