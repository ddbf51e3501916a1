#!/bin/sh
# Tests of render.sh: sh tests/render_test.sh
set -eu
cd "$(dirname "$0")/.."
passed=0
failed=0

# expect NAME HOURS TEXT: the page of these hours must contain the text.
expect() {
    hours=$(mktemp)
    printf "$2" > "$hours"
    if sh render.sh "$hours" | grep -qF "$3"; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1: no \"$3\" on the page"
    fi
    rm -f "$hours"
}

expect "an open day shows both times" 'Tuesday\t09:00\t18:00\n' 'open from 09:00 until 18:00'
expect "each day has its own line" 'Friday\t09:00\t20:00\nSaturday\t10:00\t17:00\n' '<b>Saturday</b> open from 10:00'
expect "a day without times is closed" 'Monday\t\t\n' '<b>Monday</b> closed'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
