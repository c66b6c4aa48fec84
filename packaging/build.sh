#!/usr/bin/env bash
# Packs the program that `make dist` built: a tarball for any Linux with the same C library or a
# newer one, and a Debian package. usage: packaging/build.sh BINARY
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:?usage: packaging/build.sh BINARY}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
machine=$(uname -m)
out=target/package
name=harbinger-$version-$machine-linux
rm -rf "$out"
mkdir -p "$out"

# As in the repository, so that links between pages hold.
lay_docs() { # lay_docs FOLDER
  install -d "$1/docs/images" "$1/docs/examples"
  install -m 644 ./*.md LICENSE-APACHE LICENSE-MIT "$1"
  # The README leads to where the model and the gazetteers come from.
  for page in nlp/model/README.md config/gazetteers/README.md; do install -D -m 644 "$page" "$1/$page"; done
  install -m 644 docs/*.md "$1/docs"
  install -m 644 docs/images/* "$1/docs/images"
  install -m 644 docs/examples/* "$1/docs/examples"
}

# The tarball: unpack anywhere and start ./harbinger serve.
tree=$out/$name
install -d "$tree"
install -m 755 "$binary" "$tree/harbinger"
cp -r config "$tree/config"
rm -rf "$tree/config/src" "$tree/config/Cargo.toml"
install -m 644 packaging/harbinger.service "$tree"
lay_docs "$tree/doc"
tar --sort=name --owner=0 --group=0 --numeric-owner -C "$out" -czf "$out/$name.tar.gz" "$name"

# The oldest C library that has all that the program asks for.
glibc=$(grep -ao 'GLIBC_2\.[0-9.]*[0-9]' "$binary" | sort -Vu | tail -n 1 | cut -d _ -f 2 || true)

# The Debian package: program, configuration that an update leaves alone, service and its user.
if command -v dpkg-deb >/dev/null 2>&1; then
  root=$out/deb
  arch=$(dpkg --print-architecture)
  install -d "$root/DEBIAN" "$root/usr/bin" "$root/etc/harbinger" "$root/lib/systemd/system"
  install -m 755 "$binary" "$root/usr/bin/harbinger"
  cp -r "$tree/config/." "$root/etc/harbinger"
  # So that a command finds the data of the service, and not only the service itself.
  sed -i 's|^data_dir = .*|data_dir = "/var/lib/harbinger"|' "$root/etc/harbinger/settings.toml"
  grep -q '^data_dir = "/var/lib/harbinger"$' "$root/etc/harbinger/settings.toml"
  install -m 755 packaging/postinst "$root/DEBIAN/postinst"
  install -m 644 packaging/harbinger.service "$root/lib/systemd/system"
  lay_docs "$root/usr/share/doc/harbinger"
  for shell in bash zsh fish; do
    case $shell in
      bash) to=usr/share/bash-completion/completions/harbinger ;;
      zsh) to=usr/share/zsh/vendor-completions/_harbinger ;;
      fish) to=usr/share/fish/vendor_completions.d/harbinger.fish ;;
    esac
    install -d "$root/$(dirname "$to")"
    "$binary" completions "$shell" >"$root/$to"
  done
  (cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
  cat >"$root/DEBIAN/control" <<CONTROL
Package: harbinger
Version: $version
Architecture: $arch
Maintainer: The Harbinger developers <maintainers@harbinger.invalid>
Depends: libc6${glibc:+ (>= $glibc)}, ca-certificates, passwd
Installed-Size: $(du -sk "$root" | cut -f 1)
Section: net
Priority: optional
Description: news and OSINT threat monitor
 Reads news feeds, finds who threatens or attacks whom, correlates articles into
 stories and serves search, alerts and exports over them.
CONTROL
  dpkg-deb --root-owner-group -Zgzip --build "$root" "$out/harbinger_${version}_$arch.deb" >/dev/null
  rm -rf "$root"
fi
rm -rf "$tree"
ls -l "$out"
