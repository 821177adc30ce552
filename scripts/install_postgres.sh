#!/usr/bin/env bash
# Install Debian's PostgreSQL 15, or the oldest later one that it has: only the programs; no server is started.
set -euo pipefail

for version in 15 16 17; do
  candidate=$(apt-cache policy "postgresql-$version" | sed -n 's/^  Candidate: //p')
  if [ -n "$candidate" ] && [ "$candidate" != "(none)" ]; then
    # The package would otherwise make a server and start it on port 5432.
    apt-get install -y -q --no-install-recommends postgresql-common
    sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    exec apt-get install -y -q --no-install-recommends "postgresql-$version"
  fi
done
echo "make system-deps: this Debian has no PostgreSQL 15 to 17" >&2
exit 1
