# report.sh - TAP for the scripts that hold the sources to their rules; sourced by
# them. They end with: echo "1..$count"
count=0

report () { # report STATUS NAME [DETAILS]
  count=$((count + 1))
  if [ "$1" = 0 ]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    printf '%s\n' "$3" | sed 's/^/# /'
  fi
}

skip () { # skip NAME WHY
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}
