#!/usr/bin/env bash
# Print the directory of the programs of the oldest installed PostgreSQL from 15 on, and its version on standard error.
# Fails if none is installed, or if Debian has an older package from 15 on that is not installed.
set -euo pipefail

supported="15 16 17"
installed=${INSTALLED_POSTGRES:-/usr/lib/postgresql}

for version in $supported; do
  programs="$installed/$version/bin"
  if [ -x "$programs/postgres" ]; then
    echo "make postgres15: on $("$programs/postgres" --version)" >&2
    [ "$version" = 15 ] || echo "make postgres15: this Debian has no PostgreSQL 15, the oldest supported version" >&2
    echo "$programs"
    exit 0
  fi
  candidate=$(apt-cache policy "postgresql-$version" 2>/dev/null | sed -n 's/^  Candidate: //p')
  if [ -n "$candidate" ] && [ "$candidate" != "(none)" ]; then
    echo "make postgres15: PostgreSQL $version is missing; as root: make system-deps" >&2
    exit 1
  fi
done
echo "make postgres15: this Debian has no PostgreSQL 15 to 17" >&2
exit 1
