#!/bin/sh
# Writes what compose.yml reads from secrets/. Files that are there already are
# left alone. The folder is closed to others; the files in it are not, because
# each container reads its own as a user without rights on this machine.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

password=postgres_password
[ -s secrets/$password ] || random >secrets/$password
[ -s secrets/database_url ] ||
	printf 'postgres://gateway:%s@postgres:5432/gateway' "$(cat secrets/$password)" >secrets/database_url
[ -s secrets/grafana_admin_password ] || random >secrets/grafana_admin_password

for name in regru_username regru_password selzy_api_key; do
	[ -s secrets/$name ] && continue
	printf '%s: ' "$name" >&2
	read -r value
	printf '%s' "$value" >secrets/$name
done
