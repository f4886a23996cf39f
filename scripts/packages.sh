# Sourced by run.sh and test.sh: brings Debian packages that are not installed yet.

# What building and running needs: development files of the C libraries, pkg-config to find them, and the fonts of
# pictures.
build_packages=(
  pkg-config libcurl4-openssl-dev libssl-dev zlib1g-dev libzstd-dev libsimdjson-dev libsqlite3-dev libpq-dev
  libcairo2-dev fonts-dejavu-core fonts-wqy-microhei ca-certificates
)

# install_packages NAME...: installs those that are missing. Ends the script with advice where that cannot be done.
install_packages() {
  local missing=() name
  if ! command -v dpkg-query >/dev/null 2>&1; then
    # Not a Debian-like system: the build itself will say which library it cannot find.
    command -v pkg-config >/dev/null 2>&1 && pkg-config --exists libcurl libcrypto zlib libzstd simdjson sqlite3 libpq cairo && return
    echo "This system has no apt. Install the development packages of: libcurl, OpenSSL 3, zlib, zstd, simdjson," >&2
    echo "SQLite, libpq, Cairo, the fonts DejaVu Sans and WenQuanYi Micro Hei, and pkg-config; then start this again." >&2
    exit 69
  fi
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "Missing packages: ${missing[*]}" >&2
      echo "As root: apt-get install ${missing[*]}" >&2
      exit 69
    fi
    sudo=(sudo)
  fi
  echo "Installing packages: ${missing[*]}" >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

require_swift() {
  command -v swift >/dev/null 2>&1 && return
  echo "Swift 6.1 or later is needed and was not found. See https://www.swift.org/install/linux/, then start this again." >&2
  exit 69
}
