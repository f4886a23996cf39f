#!/usr/bin/env bash
# Builds Adjutant and starts it. Whatever is given here goes to `adjutant`; without anything that is `adjutant run`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/scripts/packages.sh"

require_swift
install_packages "${build_packages[@]}"
echo "Building (the first time takes a few minutes) …" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! swift build --package-path "$here" -c release --static-swift-stdlib --product adjutant >"$log" 2>&1; then
  cat "$log" >&2
  exit 70
fi
rm -f "$log"
# Paths in arguments and in the configuration belong to the folder in which this was called.
exec "$here/.build/release/adjutant" "$@"
