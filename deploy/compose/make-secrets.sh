#!/bin/sh
# Makes what compose.yml needs: secrets/, and .env, which says for which vendors
# there are credentials, and whether there is secrets/notify_url. What is there already is left alone; run it again to
# add a vendor. The folder is closed to others; the files in it are not, because
# each container reads its own as a user without rights on this machine.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# ask PROMPT: reads a line into $answer. A terminal does not show it.
ask() {
	if [ -t 0 ]; then
		trap 'stty echo' EXIT
		trap 'exit 1' INT TERM
		stty -echo
	fi
	printf '%s: ' "$1" >&2
	if ! IFS= read -r answer && [ -z "$answer" ]; then
		ended=yes
	fi
	if [ -t 0 ]; then
		stty echo
		trap - EXIT INT TERM
		echo >&2
	fi
}

# vendor NAME FILE SECRET…: asks for a vendor's secrets, and counts the vendor's
# FILE in if all of them are there. An empty first answer leaves the vendor out.
files=compose.yml
ended=
vendor() {
	name=$1 file=$2
	shift 2
	for secret; do
		[ -s "secrets/$secret" ] && continue
		hint="empty: no $name"
		[ "$secret" = "$1" ] || hint="not empty"
		while :; do
			answer=
			[ -z "$ended" ] && ask "$secret ($hint)"
			[ -n "$answer" ] && break
			[ "$secret" = "$1" ] && return
			if [ -n "$ended" ]; then
				echo "make-secrets.sh: no $secret was given: run it again" >&2
				exit 1
			fi
		done
		printf '%s' "$answer" >"secrets/$secret"
	done
	files="$files:$file"
}

password=postgres_password
[ -s secrets/$password ] || random >secrets/$password
[ -s secrets/database_url ] ||
	printf 'postgres://gateway:%s@postgres:5432/gateway' "$(cat secrets/$password)" >secrets/database_url
[ -s secrets/grafana_admin_password ] || random >secrets/grafana_admin_password

vendor REG.RU regru.yml regru_username regru_password
vendor Selzy selzy.yml selzy_api_key
for own in *.yml; do # accounts at other vendors, see README.md
	case $own in
	compose.yml | notify.yml | regru.yml | selzy.yml) ;;
	*) files="$files:$own" ;;
	esac
done

if [ "$files" = compose.yml ]; then
	echo "make-secrets.sh: no vendor: the gateway needs the credentials of one at least; README.md has other vendors" >&2
	exit 1
fi
[ ! -s secrets/notify_url ] || files="$files:notify.yml"
touch .env
{
	grep -v '^COMPOSE_FILE=' .env || true
	echo "COMPOSE_FILE=$files"
} >.env.new
mv .env.new .env
