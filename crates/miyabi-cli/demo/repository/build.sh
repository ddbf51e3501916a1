#!/bin/sh
# Builds the page: sh build.sh, then look at public/index.html
set -eu
mkdir -p public
{
    cat page/head.html
    sh render.sh hours.tsv
    cat page/foot.html
} > public/index.html
