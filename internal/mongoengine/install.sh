#!/usr/bin/env bash
# Adds what a MongoDB engine needs beside node_modules: where the C library is
# older than the engine asks for (glibc 2.38), a newer one in ./glibc that `node`
# is started through. Nothing outside the current folder is touched, so it runs as
# root or not.
set -euo pipefail

need() {
  command -v "$1" >/dev/null || {
    echo "$1 is missing: $2" >&2
    exit 1
  }
}

[ "$(uname -s)" = Linux ] || exit 0
version=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
if [ "$(printf '%s\n2.38\n' "$version" | sort -V | head -n1)" = 2.38 ]; then
  exit 0
fi

echo "glibc $version is older than 2.38: fetching Debian trixie's C library" >&2
need apt-get "the engine needs glibc 2.38 or later, or a Debian to fetch it with apt"
need dpkg "the engine needs glibc 2.38 or later, or a Debian to fetch it with apt"

# The mirror is the one that this machine's apt already uses for its own suite.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --no-release-info --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
  awk -v own="$codename" '$1 == "Packages" && $3 == "main" && ($2 == own || $2 == "stable" || $2 == "oldstable") { print $4; exit }')
if [ -z "$mirror" ]; then
  echo "apt knows no Debian mirror for the suite '$codename'; the engine needs glibc 2.38 or later" >&2
  exit 1
fi

here=$PWD
mkdir -p apt/lists/partial apt/cache/archives/partial apt/parts
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
{
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\n' "$mirror"
  if [ -e "$keyring" ]; then printf 'Signed-By: %s\n' "$keyring"; fi
} >apt/trixie.sources

trixie() {
  apt-get -q \
    -o Dir::Etc::sourcelist="$here/apt/trixie.sources" -o Dir::Etc::sourceparts="$here/apt/parts" \
    -o Dir::Etc::preferencesparts="$here/apt/parts" -o Dir::Etc::preferences=/dev/null \
    -o Dir::State::lists="$here/apt/lists" -o Dir::Cache="$here/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@" >&2
}
trixie update -o APT::Update::Error-Mode=any
(cd apt && trixie download libc6 libgcc-s1 libstdc++6)
for package in apt/*.deb; do dpkg -x "$package" glibc; done
rm -rf apt
ls glibc/usr/lib/*/ld-linux-*.so.* >/dev/null
