# Makes the root file system $3 of the tar archive $1 and of the one on
# standard input, by way of the directory $2. Runs as root, or under fakeroot
# where an ordinary user builds.
set -eu
base=$1 tree=$2 image=$3
umask 022
mkdir "$tree"
tar -C "$tree" -xpf "$base" --numeric-owner --exclude=./boot/vmlinuz
tar -C "$tree" -xpf - --numeric-owner --keep-directory-symlink
rm -f "$image"

# The features are named so that the host's mke2fs.conf has no say. The journal
# stays, for machines lose their power here. assume_storage_prezeroed: the file
# is new, so neither mke2fs nor, later, each guest need write zeros to it.
mke2fs -q -t ext4 -b 4096 -I 256 -i 65536 -m 0 \
  -O none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum \
  -J size=64 -L axolotl-root -U "$ROOT_UUID" \
  -E "hash_seed=$ROOT_UUID,root_owner=0:0,assume_storage_prezeroed=1" \
  -d "$tree" "$image" "$ROOT_SIZE"
rm -rf "$tree"
