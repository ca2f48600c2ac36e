#!/usr/bin/env bash
# A MariaDB and a MySQL server for the tests: private, on 127.0.0.1, apart from anything the machine runs.
#
#   tests/support/databases.sh start [SERVER]   install what is missing, start both (or the one), print their URLs as exports
#   tests/support/databases.sh stop [SERVER]    stop the servers that `start` started; their data stays
#   tests/support/databases.sh status           one line per server; exit code 1 unless both answer
#   tests/support/databases.sh signal SERVER SIGNAL   send a signal (STOP, CONT, KILL) to a server that `start` started
#   tests/support/databases.sh remove           stop this instance's servers and remove their data
#   tests/support/databases.sh sql              what makes the tests' account and database, for a server of your own
#
# SERVER is mariadb or mysql. `eval "$(tests/support/databases.sh start)"` gives a shell the two URLs. Progress goes to
# stderr.
#
# ASKPRO_TEST_INSTANCE       a name (a-z, 0-9) for servers of one's own beside the usual ones: faults are tried on those
# ASKPRO_TEST_CACHE          where servers, data and logs live (default: target/test-services of this checkout)
# ASKPRO_TEST_MARIADB_PORT   first port to try (default 33306); the next free one is taken
# ASKPRO_TEST_MYSQL_PORT     the same for MySQL (default 33307)
# ASKPRO_TEST_MARIADB_URL    a server that is there already: it is used and nothing is started in its place
# ASKPRO_TEST_MYSQL_URL      the same for MySQL
#
# MariaDB comes from the machine's own packages. MySQL is not in Debian stable: it is unpacked from `sid`,
# through the mirror (and with the proxy) that apt is configured for, into a folder of its own.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${ASKPRO_TEST_CACHE:-$checkout/target/test-services}
instance=${ASKPRO_TEST_INSTANCE:+-$ASKPRO_TEST_INSTANCE}
ready_within_s=90
stopped_within_s=30

say() { printf 'databases: %s\n' "$*" >&2; }
die() { say "ERROR: $*"; exit 1; }

# ---- rights and packages ------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
  else die "root is needed to install packages and to run MySQL in its folder: run this as root, or allow sudo without a password"
  fi
}

# install COMMAND PACKAGE: installs the package unless the command is there. A server's own start-up is
# suppressed by a policy file, so that installing never starts a system-wide instance.
install() {
  command -v "$1" >/dev/null && return 0
  command -v apt-get >/dev/null || die "'$1' is missing and there is no apt-get: install the package of $2 by hand"
  say "installing $2"
  local policy=/usr/sbin/policy-rc.d made_policy=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made_policy=yes
  fi
  local installed=yes
  { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$2"; } >&2 || installed=no
  if [ "$made_policy" = yes ]; then as_root rm -f "$policy"; fi
  [ "$installed" = yes ] || die "apt-get could not install $2"
  hash -r
  command -v "$1" >/dev/null || die "$2 is installed but '$1' is not on the PATH"
}

# ---- what both servers share --------------------------------------------------------------------------------

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# pick_port FIRST: the first port from FIRST on that nobody listens on, of fifty.
pick_port() {
  local port=$1 last=$(($1 + 50))
  while [ "$port" -lt "$last" ]; do
    port_is_taken "$port" || { echo "$port"; return 0; }
    port=$((port + 1))
  done
  die "no free port between $1 and $last"
}

url() { echo "mysql://askpro:askpro@127.0.0.1:$1/askpro"; }

# wait_for SECONDS COMMAND...: until the command succeeds; 1 when the time is over.
wait_for() {
  local until=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.2
  done
}

# Run at every start, so it says the same thing twice without harm. Tests may make databases of their own
# whose names begin with askpro.
provisioning() {
  cat <<'SQL'
CREATE DATABASE IF NOT EXISTS askpro CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS 'askpro'@'%' IDENTIFIED BY 'askpro';
GRANT ALL PRIVILEGES ON `askpro%`.* TO 'askpro'@'%';
SQL
}

# Small for a test machine, durable as in production: an acknowledged commit is on disk.
server_options() { # PORT
  printf '%s\n' --bind-address=127.0.0.1 "--port=$1" --skip-name-resolve --skip-log-bin \
    --max-connections=300 --max-allowed-packet=64M \
    --innodb-buffer-pool-size=128M --innodb-flush-log-at-trx-commit=1
}

# Each server writes its own process id into its own data folder. MySQL's runs below a chroot, as root's child.
pid_file() { if [ "$1" = mysql ]; then echo "$mysql_root$mysql_data/server.pid"; else echo "$mariadb_data/server.pid"; fi; }
as_owner_of() { local server=$1; shift; if [ "$server" = mysql ]; then as_root "$@"; else "$@"; fi; }
pid_of() { as_owner_of "$1" cat "$(pid_file "$1")" 2>/dev/null; }

# A process id outlives a crash of the machine and then means somebody else: the name is looked at too.
is_running() {
  [ -d "$cache" ] || return 1
  local pid; pid=$(pid_of "$1") || return 1
  case "$(cat "/proc/$pid/comm" 2>/dev/null)" in mariadbd | mysqld) return 0 ;; *) return 1 ;; esac
}

answers() { is_running "$1" && "$1_query" 'SELECT 1' >/dev/null 2>&1; }

# bring_up SERVER FIRST_PORT: prepares and starts it unless it answers already.
bring_up() {
  local server=$1
  if answers "$server"; then say "$server: already there on port $(cat "$cache/$server$instance.port")"; return 0; fi
  bring_down "$server"
  "$server"_prepare
  pick_port "$2" >"$cache/$server$instance.port"
  say "$server: starting on port $(cat "$cache/$server$instance.port")"
  "$server"_launch "$(cat "$cache/$server$instance.port")"
  if ! wait_for "$ready_within_s" answers "$server"; then
    tail -n 20 "$cache/$server$instance.log" >&2 || true
    bring_down "$server"
    die "$server does not answer after $ready_within_s s; its log is $cache/$server$instance.log"
  fi
  say "$server: $("$server"_query 'SELECT VERSION()' 2>/dev/null) answers"
}

bring_down() {
  local server=$1
  if is_running "$server"; then
    local pid; pid=$(pid_of "$server")
    as_owner_of "$server" kill "$pid" 2>/dev/null || true
    if ! wait_for "$stopped_within_s" not is_running "$server"; then
      say "$server: still there after $stopped_within_s s, killing it"
      as_owner_of "$server" kill -9 "$pid" 2>/dev/null || true
    fi
    say "$server: stopped"
  fi
}

not() { ! "$@"; }

# ---- MariaDB ------------------------------------------------------------------------------------------------

mariadb_data=$cache/mariadb$instance-data

mariadb_prepare() {
  PATH=$PATH:/usr/sbin
  install mariadbd mariadb-server
  install mariadb mariadb-client
  provisioning >"$cache/mariadb-init.sql"
  if [ -d "$mariadb_data/mysql" ] && [ -e "$mariadb_data/.complete" ]; then return 0; fi
  rm -rf "$mariadb_data"
  mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$mariadb_data" --skip-test-db \
    --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
    >"$cache/mariadb$instance.log" 2>&1 || { tail -n 20 "$cache/mariadb$instance.log" >&2; die "mariadb-install-db failed"; }
  touch "$mariadb_data/.complete"
}

mariadb_launch() { # PORT
  local options; mapfile -t options < <(server_options "$1")
  PATH=$PATH:/usr/sbin setsid mariadbd --no-defaults --user="$(id -un)" \
    --datadir="$mariadb_data" --socket="$mariadb_data/server.sock" --pid-file="$(pid_file mariadb)" \
    --init-file="$cache/mariadb-init.sql" "${options[@]}" \
    </dev/null >"$cache/mariadb$instance.log" 2>&1 8>&- 9>&- &
}

mariadb_query() {
  mariadb --no-defaults --host=127.0.0.1 --port="$(cat "$cache/mariadb$instance.port")" --user=askpro --password=askpro \
    --connect-timeout=5 --skip-column-names --batch --execute="$1" askpro
}

# ---- MySQL --------------------------------------------------------------------------------------------------

mysql_root=$cache/mysql-root
mysql_data=/srv/askpro$instance

# The mirror that apt takes this machine's own release from.
debian_mirror() {
  local codename; codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' 2>/dev/null |
    awk -v release="$codename" '$2 == release && $3 == "main" { print $1; exit }'
}

# unpack_mysql: a small Debian sid with MySQL in it. Logins that apt keeps for its mirrors are not read: behind
# such a mirror, name a server in ASKPRO_TEST_MYSQL_URL.
unpack_mysql() {
  [ -x "$mysql_root/usr/sbin/mysqld" ] && [ -e "$mysql_root/.complete" ] && return 0
  command -v apt-get >/dev/null || die "MySQL comes from a Debian mirror and there is no apt-get here; name a server in ASKPRO_TEST_MYSQL_URL"
  as_root true
  PATH=$PATH:/usr/sbin
  install debootstrap debootstrap
  local mirror; mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then as_root apt-get update -qq >&2; mirror=$(debian_mirror); fi
  [ -n "$mirror" ] || die "apt knows no mirror for this release; name a MySQL server in ASKPRO_TEST_MYSQL_URL"
  local http_proxy_of_apt https_proxy_of_apt
  http_proxy_of_apt=$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || true)
  https_proxy_of_apt=$(apt-config dump --format '%v' Acquire::https::Proxy 2>/dev/null || true)
  say "mysql: unpacking from the mirror's sid, about a minute and 650 MB"
  as_root rm -rf "$mysql_root"
  local unpacked=yes
  as_root env \
    ${http_proxy_of_apt:+"http_proxy=$http_proxy_of_apt"} ${https_proxy_of_apt:+"https_proxy=$https_proxy_of_apt"} \
    debootstrap --variant=minbase --include=mysql-server-core,mysql-client-core sid "$mysql_root" "$mirror" \
    >"$cache/debootstrap.log" 2>&1 || unpacked=no
  if [ "$unpacked" = no ] || [ ! -x "$mysql_root/usr/sbin/mysqld" ]; then
    tail -n 15 "$cache/debootstrap.log" "$mysql_root/debootstrap/debootstrap.log" >&2 2>/dev/null || true
    as_root rm -rf "$mysql_root"
    die "MySQL could not be had from the machine's mirror (does it carry sid?); name a server in ASKPRO_TEST_MYSQL_URL"
  fi
  as_root chroot "$mysql_root" useradd --system --no-create-home --shell /usr/sbin/nologin mysql
  as_root rm -rf "$mysql_root/var/cache/apt/archives"
  as_root touch "$mysql_root/.complete"
}

# Data lives inside the chroot, owned by its mysql user. The super-user's empty password never opens a door:
# the account is locked by the same file that makes the tests' account.
mysql_prepare() {
  unpack_mysql
  local data=$mysql_root$mysql_data
  { provisioning; echo "ALTER USER 'root'@'localhost' ACCOUNT LOCK;"; } |
    as_root tee "$mysql_root$mysql_data-init.sql" >/dev/null
  as_root test -e "$data/.complete" && return 0
  as_root rm -rf "$data"
  as_root chroot "$mysql_root" install -d -o mysql -g mysql -m 750 "$mysql_data"
  as_root chroot "$mysql_root" mysqld --no-defaults --initialize-insecure --user=mysql --datadir="$mysql_data/data" \
    >"$cache/mysql$instance.log" 2>&1 || { tail -n 20 "$cache/mysql$instance.log" >&2; die "mysqld --initialize-insecure failed"; }
  as_root touch "$data/.complete"
}

# The server makes its own certificates: accounts with caching_sha2_password are let in over TLS alone, and a
# client that prefers TLS without checking names (the default of sqlx) comes in.
mysql_launch() { # PORT
  local options; mapfile -t options < <(server_options "$1")
  as_root setsid chroot "$mysql_root" mysqld --no-defaults --user=mysql \
    --datadir="$mysql_data/data" --socket="$mysql_data/server.sock" --pid-file="$mysql_data/server.pid" \
    --init-file="$mysql_data-init.sql" --secure-file-priv=NULL --mysqlx=OFF "${options[@]}" \
    </dev/null >"$cache/mysql$instance.log" 2>&1 8>&- 9>&- &
}

mysql_query() {
  as_root chroot "$mysql_root" env MYSQL_PWD=askpro mysql --no-defaults --host=127.0.0.1 \
    --port="$(cat "$cache/mysql$instance.port")" --user=askpro --ssl-mode=REQUIRED --connect-timeout=5 \
    --skip-column-names --batch --execute="$1" askpro
}

# ---- commands -----------------------------------------------------------------------------------------------

# offer SERVER VARIABLE FIRST_PORT: the named server, or our own.
offer() {
  local given=${!2:-}
  if [ -n "$given" ]; then say "$1: $2 is set, using that server"
  else bring_up "$1" "$3"; given=$(url "$(cat "$cache/$1$instance.port")")
  fi
  printf "export %s='%s'\n" "$2" "$given"
}

# with_lock COMMAND...: one start or stop of an instance at a time.
with_lock() {
  exec 9>"$cache/lock$instance"
  flock -w 600 9 || die "another start or stop holds $cache/lock$instance"
  # MySQL is unpacked once for all instances.
  if [ -n "$instance" ]; then exec 8>"$cache/lock"; flock -w 600 8 || die "another start holds $cache/lock"; fi
  "$@"
}

start() {
  mkdir -p "$cache"
  with_lock start_locked "$@"
}

start_locked() {
  case "${1:-}" in
    '' | mariadb) offer mariadb ASKPRO_TEST_MARIADB_URL "${ASKPRO_TEST_MARIADB_PORT:-33306}" ;;&
    '' | mysql) offer mysql ASKPRO_TEST_MYSQL_URL "${ASKPRO_TEST_MYSQL_PORT:-33307}" ;;
  esac
}

stop() {
  [ -d "$cache" ] || return 0
  with_lock stop_locked "$@"
}

stop_locked() {
  case "${1:-}" in
    '' | mariadb) bring_down mariadb ;;&
    '' | mysql) bring_down mysql ;;
  esac
}

# For tests that freeze or kill a server.
signal() { # SERVER SIGNAL
  is_running "$1" || die "$1 is not running"
  as_owner_of "$1" kill "-$2" "$(pid_of "$1")"
}

remove() {
  [ -n "$instance" ] || die "remove is for an instance of its own: set ASKPRO_TEST_INSTANCE"
  stop
  rm -rf "$mariadb_data" "$cache/mariadb$instance".{log,port} "$cache/mysql$instance".{log,port} "$cache/lock$instance"
  if [ -d "$mysql_root$mysql_data" ]; then as_root rm -rf "$mysql_root$mysql_data" "$mysql_root$mysql_data-init.sql"; fi
}

status() {
  local all=0 server
  for server in mariadb mysql; do
    if answers "$server"; then echo "$server: running, $(url "$(cat "$cache/$server$instance.port")")"
    else echo "$server: not running"; all=1
    fi
  done
  return "$all"
}

case "${1:-}" in
  start | stop | signal) "$@" ;;
  status | remove) "$1" ;;
  sql) provisioning ;;
  *) echo "usage: $0 start [SERVER] | stop [SERVER] | status | signal SERVER SIGNAL | remove | sql" >&2; exit 2 ;;
esac
