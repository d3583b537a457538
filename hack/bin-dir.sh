#!/usr/bin/env bash
# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

# Prints the folder of the members' control plane, kubectl and staticcheck. It lies outside the checkout, so that all
# checkouts share it, and is named for what goes into the binaries: other versions live in other folders.
set -euo pipefail
cd "$(dirname "$0")/.."

version() { go list -C "$1" -m -f '{{.Version}}' "$2"; }

cache=${MANIFOLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/manifold}
kubernetes=$(version . k8s.io/kubernetes)
kwok=$(version hack/tools sigs.k8s.io/kwok)
metrics=$(version hack/tools sigs.k8s.io/metrics-server)
staticcheck=$(version hack/tools honnef.co/go/tools)
echo "$cache/bin/kubernetes-$kubernetes-kwok-$kwok-metrics-server-$metrics-staticcheck-$staticcheck-$(go env GOVERSION)-$(go env GOOS)-$(go env GOARCH)"
