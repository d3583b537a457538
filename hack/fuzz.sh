#!/usr/bin/env bash
# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs every fuzz target of the repository, one after the other, each for FUZZTIME (60s). A find is kept by go in the testdata
# of the package, where `go test` runs it from then on.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly duration=${FUZZTIME:-60s}

# Only packages that have targets are compiled.
mapfile -t packages < <(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -rn1 dirname | sort -u)
if [[ ${#packages[@]} -eq 0 ]]; then
	echo "there are no fuzz targets" >&2
	exit 1
fi
for package in "${packages[@]}"; do
	for target in $(go test -list '^Fuzz' "${package}" | grep '^Fuzz'); do
		echo "${package} ${target} for ${duration}"
		go test -run '^$' -fuzz "^${target}\$" -fuzztime "${duration}" "${package}"
	done
done
