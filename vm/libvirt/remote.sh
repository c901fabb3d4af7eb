# What is done on another libvirt's host for the machines there, by sh, through
# ssh. Arguments: system or session, a verb, and what that takes.
#
#   BASE/images/ID                    a node image, which machines only read
#   BASE/clusters/CLUSTER/image       the ID of the one that they lie over
#   BASE/clusters/CLUSTER/machines/M  disks and console of a machine
#   BASE/agents/CLUSTER.N             sockets of guest agents, by the ID's beginning
#
# All of it goes with the last cluster that has it.
set -eu
kind=$1 verb=$2
shift 2
case $kind in
system) # QEMU is a user of its own there: it may enter, and is given the files
  umask 022
  parent=/var/lib ;;
session)
  umask 077
  parent=${XDG_DATA_HOME:-$HOME/.local/share} ;;
esac
base=$parent/axolotl-machines

# alone has one at a time look who uses which image. What is locked outlives
# BASE, which goes with the last cluster.
alone() {
  mkdir -p "$parent"
  exec 9<"$parent"
  flock 9
}

# agents is what the sockets of a cluster begin with.
agents() { printf '%.13s.' "$1"; }

case $verb in
check) # says where files will be, what host this is, and the KiB that are free
  if [ "$kind" = system ] && [ "$(id -u)" != 0 ]; then
    echo "qemu:///system gives disks to a user of its own, as only root can, and you are $(id -un) there; use root@ in the URI, or /session" >&2
    exit 1
  fi
  for program in qemu-img tar gzip flock; do
    command -v "$program" >/dev/null || { echo "$program is not installed there; install it (Debian: apt-get install qemu-utils tar gzip util-linux)" >&2; exit 1; }
  done
  dir=$base
  while [ ! -d "$dir" ]; do dir=${dir%/*}; done
  socket=$base/agents/1234567890123.255
  if [ "$kind" = session ] && [ ${#socket} -gt 107 ]; then
    echo "$socket is $((${#socket} - 107)) bytes too long for a socket's path; give that user a shorter home directory, or XDG_DATA_HOME" >&2
    exit 1
  fi
  echo "$base"
  echo "$(uname -n) $(uname -r)"
  df -k --output=avail "$dir" | tail -n 1
  ;;
claim) # CLUSTER IMAGE: from now on the image stays; says BASE, and "here" where it is
  alone
  mkdir -p "$base/images" "$base/clusters/$1"
  if [ "$kind" = system ]; then chmod 0711 "$base" "$base/clusters"; fi
  echo "$2" >"$base/clusters/$1/image"
  echo "$base"
  if [ -d "$base/images/$2" ]; then echo here; fi
  ;;
bring) # CLUSTER IMAGE <archive
  part=$base/images/$2.$1
  rm -rf "$part"
  mkdir "$part"
  tar -xz --no-same-owner -C "$part"
  # Where another cluster has brought it meanwhile, that one serves.
  mv -T "$part" "$base/images/$2" 2>/dev/null || rm -rf "$part"
  [ -d "$base/images/$2" ]
  ;;
machine) # CLUSTER MACHINE ROOT GIB: makes the disk where there is none; says "seed" where that is missing
  dir=$base/clusters/$1/machines/$2
  read -r image <"$base/clusters/$1/image"
  mkdir -p "$dir"
  if [ "$kind" = session ]; then mkdir -p "$base/agents"; fi
  if [ ! -e "$dir/root.qcow2" ]; then
    qemu-img create -q -f qcow2 -b "$base/images/$image/$3" -F raw "$dir/root.qcow2.new" "${4}G"
    chmod 0600 "$dir/root.qcow2.new"
    mv "$dir/root.qcow2.new" "$dir/root.qcow2"
  fi
  echo "$base"
  if [ ! -e "$dir/seed.tar" ]; then echo seed; fi
  ;;
put) # CLUSTER FILE MODE BYTES <content: says where it is
  file=$base/clusters/$1/$2
  (umask 077 && cat >"$file.new") # it may hold keys
  # Whoever is killed while he sends it ends it, too.
  if [ "$(stat -c %s "$file.new")" != "$4" ]; then
    rm -f "$file.new"
    echo "$2 did not come whole" >&2
    exit 1
  fi
  chmod "$3" "$file.new"
  mv "$file.new" "$file"
  echo "$file"
  ;;
drop) # CLUSTER FILE
  rm -rf "$base/clusters/${1:?}/${2:?}"
  if [ "$2" = machines ]; then rm -f "$base/agents/$(agents "$1")"*; fi
  ;;
forget) # CLUSTER, and images that no other one has
  alone
  rm -rf "$base/clusters/${1:?}" "$base/images/"*".$1"
  rm -f "$base/agents/$(agents "$1")"*
  for image in "$base/images/"*; do
    grep -qsxF -e "$(basename "$image" | cut -d . -f 1)" "$base/clusters/"*/image || rm -rf "$image"
  done
  if rmdir "$base/images" "$base/clusters" 2>/dev/null; then rm -rf "$base"; fi
  ;;
*)
  echo "unknown verb $verb" >&2
  exit 2
  ;;
esac
