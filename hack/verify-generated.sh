#!/usr/bin/env bash
# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails when generating again would change anything. It generates in a copy of the tree, uncommitted changes included,
# so that it neither depends on the state of git nor changes a file.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  xargs -0 cp --parents -t "$copy"
cp -R "$copy" "$copy.before"
trap 'rm -rf "$copy" "$copy.before"' EXIT
"$copy/hack/generate.sh"
if ! diff -ru "$copy.before" "$copy"; then
  echo 'generated files are out of date: run `make generate`'
  exit 1
fi
