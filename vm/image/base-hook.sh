# Runs in mmdebstrap's namespace when all packages are installed; $1 is the
# tree. The kernel comes without its package: the package's scripts would want
# initramfs-tools and a boot loader, and a guest has neither.
set -eu
tree=$1
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
mkdir "$tree/tmp/kernel"
cd "$tree/tmp/kernel"
kernel=$(apt-cache depends "$KERNEL_PACKAGE" | sed -n 's/^ *Depends: \(linux-image-\)/\1/p' | head -n 1)
apt-get download "$kernel"
dpkg-deb --extract ./*.deb .
mkdir -p "$tree/usr/share/axolotl" "$tree/usr/lib/modules"
dpkg-deb --show ./*.deb >"$tree/usr/share/axolotl/kernel"
version=$(basename lib/modules/*)
mv "lib/modules/$version" "$tree/usr/lib/modules/"
mv "boot/vmlinuz-$version" "$tree/boot/vmlinuz"
cd /
rm -r "$tree/tmp/kernel"
chroot "$tree" depmod "$version"
chroot "$tree" busybox --list >"$tree/usr/share/axolotl/busybox-applets"
rm -rf "$tree"/usr/share/doc "$tree"/usr/share/info "$tree"/usr/share/locale "$tree"/usr/share/man \
  "$tree"/var/cache/debconf "$tree"/var/cache/ldconfig "$tree"/var/log/*.log "$tree"/var/log/apt \
  "$tree"/etc/passwd- "$tree"/etc/group- "$tree"/etc/shadow- "$tree"/etc/gshadow-
