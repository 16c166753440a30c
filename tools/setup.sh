# Sets up the Python environment. Sourced by ./start and ./check; expects `kind` (run | dev) and the
# working directory at the root. Quick when nothing changed: a stamp holds the digest of the lock file.

say() { printf '%s\n' "$*" >&2; }
die() { say "✖ $1"; say "  下一步 / next: $2"; exit 1; }

find_python() {
  for name in python3.13 python3.12 python3.11 python3; do
    command -v "$name" >/dev/null 2>&1 || continue
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$name"; return; }
  done
  return 1
}

# Installs Debian packages when run as root; otherwise says which are missing.
need_debian() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "缺少 $*" "sudo apt-get install -y $*"
  say "… 安装 Debian 软件包：$*"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
    >"${TMPDIR:-/tmp}/xinqiao-apt.log" 2>&1 || die "apt-get 失败" "查看 ${TMPDIR:-/tmp}/xinqiao-apt.log"
}

setup_python() {
  local lock=requirements.lock python want stamp=.venv/.stamp
  [ "$kind" = dev ] && lock=requirements-dev.lock
  want="$kind $(cat requirements.lock requirements-dev.lock tools/uv.lock | sha256sum | cut -c1-32)"
  if [ -x .venv/bin/python ] && { [ "$(cat $stamp 2>/dev/null)" = "$want" ] || [ "$(cat $stamp 2>/dev/null)" = "dev ${want#* }" ]; }; then
    return
  fi
  python=$(find_python) || { need_debian python3 python3-venv; python=$(find_python); } || die "需要 Python 3.11 以上" "安装 python3.11"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian python3-venv
  say "… 建立 Python 环境（首次约一分钟）"
  [ -x .tools/bin/uv ] || { "$python" -m venv .tools && .tools/bin/python -m pip install -q --require-hashes -r tools/uv.lock; } \
    || die "不能安装 uv" "检查到 PyPI 的网络"
  [ -x .venv/bin/python ] || "$python" -m venv --without-pip .venv
  .tools/bin/uv pip sync -q --require-hashes --python .venv/bin/python "$lock" || die "依赖安装失败" "检查到 PyPI 的网络后重试"
  pwd >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/xinqiao.pth"
  printf '#!%s/.venv/bin/python\nfrom xinqiao.config.cli import main\nmain()\n' "$(pwd)" >.venv/bin/xinqiao
  chmod +x .venv/bin/xinqiao
  .venv/bin/python -m tools.messages
  echo "$want" >"$stamp"
  say "✔ Python 环境就绪"
}

# Apache Spark as a package of its own place, for the tests that run a real cluster: its Python parts are not installed,
# since the program's client is another package of the same name.
setup_spark() {
  local want
  want=$(sha256sum tools/spark.lock | cut -c1-32)
  [ "$(cat .spark/.stamp 2>/dev/null)" = "$want" ] && return
  say "… 取 Apache Spark（首次约一分钟）"
  rm -rf .spark
  .tools/bin/uv pip install -q --no-deps --require-hashes --target .spark -r tools/spark.lock \
    || die "不能取得 Apache Spark" "检查到 PyPI 的网络后重试"
  echo "$want" >.spark/.stamp
}

# Scorecard libraries that a benchmark compares us with, in an environment of their own: nothing of ours needs them.
setup_rivals() {
  local want
  want=$(sha256sum tools/rivals.lock | cut -c1-32)
  [ "$(cat .rivals/.stamp 2>/dev/null)" = "$want" ] && return
  say "… 取 optbinning 与 scorecardpy（首次约一分钟）"
  rm -rf .rivals
  "$(find_python)" -m venv --without-pip .rivals
  .tools/bin/uv pip sync -q --require-hashes --python .rivals/bin/python tools/rivals.lock \
    || die "不能取得对照库" "检查到 PyPI 的网络后重试"
  echo "$want" >.rivals/.stamp
}
