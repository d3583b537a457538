#!/usr/bin/env bash
# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails when a Go file is not formatted, or when a Go file or script does not begin with the licence header.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.go' '*.sh' .ci/run Makefile | sort -u)
missing=()
for file in "${files[@]}"; do
  [[ -e $file ]] || continue # deleted, but not yet from the index
  header=$(head -n 6 "$file")
  [[ $header == *"Copyright "*" The Manifold Authors."* && $header == *"SPDX-License-Identifier: Apache-2.0"* ]] || missing+=("$file")
done

status=0
if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'no licence header: %s\n' "${missing[@]}"
  status=1
fi
unformatted=$(gofmt -l .)
if [[ -n $unformatted ]]; then
  printf 'not formatted (make update-format): %s\n' $unformatted
  status=1
fi
exit $status
