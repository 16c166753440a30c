# A PostgreSQL server of the tests' own, on a free loopback port, in $work. Sourced by ./check.

bin_of_postgres() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

# Installs from Debian what the tests need: PostgreSQL, Chromium, a Chinese font, SoftHSM2; Node, Go, Java for others' programs.
setup_debian() {
  local missing=()
  [ -n "$(bin_of_postgres)" ] || missing+=(postgresql)
  command -v chromium >/dev/null || missing+=(chromium)
  [ -n "$(find /usr/share/fonts \( -iname '*cjk*' -o -iname 'wqy*' \) -print -quit 2>/dev/null)" ] || missing+=(fonts-wqy-microhei)
  command -v npm >/dev/null || missing+=(nodejs npm)
  command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
  command -v go >/dev/null || missing+=(golang-go)
  [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb ] || missing+=(golang-golang-x-mod-dev)
  command -v softhsm2-util >/dev/null || missing+=(softhsm2)
  command -v pdfsig >/dev/null || missing+=(poppler-utils)
  [ ${#missing[@]} = 0 ] || need_debian "${missing[@]}"
}

as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

start_postgres() {
  local bin port
  bin=$(bin_of_postgres)
  port=$($py -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  mkdir -p "$work/pg"
  chmod 755 "$work"
  [ "$(id -u)" != 0 ] || chown postgres "$work/pg"
  as_postgres "$bin/initdb" -D "$work/pg/data" -U xinqiao --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  as_postgres "$bin/pg_ctl" -D "$work/pg/data" -w -l "$work/pg/log" \
    -o "-h 127.0.0.1 -p $port -k $work/pg -c fsync=off -c max_connections=60" start >/dev/null
  postgres_data="$work/pg/data"
  postgres_url="postgresql://xinqiao@127.0.0.1:$port/postgres"
}

stop_postgres() {
  [ -z "${postgres_data:-}" ] || as_postgres "$(bin_of_postgres)/pg_ctl" -D "$postgres_data" -m immediate stop >/dev/null 2>&1 || true
}
