#!/bin/sh
# Renders opening hours as a list: sh render.sh hours.tsv
set -eu
tab=$(printf '\t')

echo '<ul class="hours">'
while IFS= read -r line; do
    day=${line%%"$tab"*}
    times=${line#*"$tab"}
    opens=${times%%"$tab"*}
    closes=${times#*"$tab"}
    printf '  <li><b>%s</b> open from %s until %s</li>\n' "$day" "$opens" "$closes"
done < "$1"
echo '</ul>'
