#!/usr/bin/env bash
# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

# Usage: hack/build-tools.sh FOLDER NAME...
# Builds into FOLDER those of the named programs that are not there yet. The sources come from the Go modules pinned in
# go.mod and hack/tools/go.mod. A program appears complete or not at all; of several runs at once, one builds and the
# others wait (where there is no flock, they build the same in vain).
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."

kubernetes=() tools=()
for name in "$@"; do
  case $name in
  kube-apiserver | kube-controller-manager | kube-scheduler | kubectl) list=kubernetes package=k8s.io/kubernetes/cmd/$name ;;
  kwok) list=tools package=sigs.k8s.io/kwok/cmd/kwok ;;
  metrics-server) list=tools package=sigs.k8s.io/metrics-server/cmd/metrics-server ;;
  staticcheck) list=tools package=honnef.co/go/tools/cmd/staticcheck ;;
  *) echo "unknown program: $name" >&2 && exit 2 ;;
  esac
  [[ -x $folder/$name ]] || declare "$list+=($package)"
done
[[ ${#kubernetes[@]} -gt 0 || ${#tools[@]} -gt 0 ]] || exit 0

if command -v flock >/dev/null; then
  exec 9>"$folder/.lock"
  flock 9
fi
scratch=$(mktemp -d "$folder/.building.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# build MODULE_FOLDER LDFLAGS PACKAGE... builds all in one go: they share most of what they compile, and each links on
# one core only. What another run has finished in the meantime is skipped.
build() {
  local module=$1 ldflags=$2 missing=() package
  shift 2
  for package in "$@"; do
    [[ -x $folder/${package##*/} ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  echo "Building ${missing[*]##*/} (takes minutes the first time on a machine)"
  go build -C "$module" -ldflags "$ldflags" -o "$scratch/" "${missing[@]}"
  for package in "${missing[@]}"; do
    mv "$scratch/${package##*/}" "$folder/${package##*/}"
  done
}

# Kubernetes' programs learn their version from the linker; without it they call themselves v0.0.0-master.
tag=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${tag#v}"
stamp=k8s.io/component-base/version
build . "-s -w -X $stamp.gitVersion=$tag -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor" "${kubernetes[@]}"
build hack/tools "-s -w" "${tools[@]}"
