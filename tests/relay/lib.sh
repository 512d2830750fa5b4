# lib.sh - what the starters of mail servers share; sourced by them.
#
# A server lives in one directory, DIRECTORY. Its starter writes there
#
#   ports              NAME=PORT lines, on 127.0.0.1; chosen at random
#   certificates/      made by tests/relay/certificates; trust ca.pem
#   log                what the server logs
#   mail/all/new/      what arrived, one file for each recipient
#
# Where RELAY_LISTEN is an address, it listens there; 0.0.0.0 is all of them.
# The one who may log in is $relay_user with $relay_password.

relay_listen=${RELAY_LISTEN:-127.0.0.1}
relay_user=me@example.org
relay_password=${RELAY_PASSWORD:-'pass word "\&7'}

stop () {
  echo "${0##*/}: $*" >&2
  exit 1
}

# await COMMAND...: until it succeeds, for ten seconds.
await () {
  tries=1000
  until "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.01
  done
}

# The directory: absolute, short (the path of a Unix socket has 107 octets at
# most), and open to the servers' own users.
prepare_directory () {
  case $1 in
  /*) ;;
  *) stop "the directory has to be given with its whole path" ;;
  esac
  [ ${#1} -le 60 ] || stop "the path of the directory is too long: $1"
  mkdir -p "$1" && chmod 755 "$1" || exit 1
  "$here/certificates" "$1/certificates" || exit 1
  chmod 755 "$1/certificates"
}

listens () {
  grep -q "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F:]* 0A" \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# choose_ports DIRECTORY NAME...: writes DIRECTORY/ports and sets port_NAME.
choose_ports () {
  ports=$1/ports
  shift
  : >"$ports"
  for name; do
    while port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
      listens $port || grep -q "=$port$" "$ports"; do :; done
    echo "$name=$port" >>"$ports"
    eval "port_$name=$port"
  done
}

# A process that its parent has not waited for yet is gone as well.
gone () {
  case $(ps -o stat= -p "$1" 2>/dev/null) in
  '' | Z*) return 0 ;;
  esac
  return 1
}

# end PIDFILE: kills that process and its group, and waits for it.
end () {
  [ -s "$1" ] || return 0
  pid=$(tr -dc 0-9 <"$1")
  if [ "$(ps -o pgid= -p "$pid" | tr -d ' ')" = "$pid" ]; then
    kill -s KILL -- "-$pid"
  else
    kill -s KILL "$pid"
  fi 2>/dev/null
  await gone "$pid" || stop "process $pid does not end"
  rm -f "$1"
}
