#!/usr/bin/env bash
# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

# Generates what follows from the types in apis/: deep copies and model names beside the types; OpenAPI definitions, clients,
# listers, informers and apply configurations in pkg/generated. The same types always give the same files. The generators
# are tools of go.mod, at the versions pinned there.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly module=github.com/manifold-k8s/manifold
readonly out=pkg/generated
readonly header=hack/boilerplate.go.txt
readonly apis=(cluster/v1alpha1 hub/v1alpha1 policy/v1alpha1 search/v1alpha1 work/v1alpha1 work/v1alpha2)
readonly packages=("${apis[@]/#/${module}/apis/}")

# Everything is made in a directory aside and moved over the old at the end, so that a generator that fails leaves the old
# files in place, and a type that is gone leaves nothing behind.
tmp=$(mktemp -d)
readonly tmp
trap 'rm -rf "${tmp}"' EXIT

# gen runs a generator with the licence header; the other arguments are the generator's own.
gen() {
	local tool=$1
	shift
	echo "${tool}" >&2
	go tool "${tool}" --go-header-file "${header}" "$@"
}

gen deepcopy-gen --output-file zz_generated.deepcopy.go "${packages[@]}"

# The report lists fields whose Go name is not their JSON name spelt out. Those names are given, so it is thrown away.
gen openapi-gen \
	--output-dir "${tmp}/openapi-raw" --output-pkg "${module}/${out}/openapi" --output-file zz_generated.openapi.go \
	--output-model-name-file zz_generated.model_name.go --report-filename "${tmp}/violations" "${packages[@]}"

# openapi-gen knows the model names of Kubernetes' own types only when their packages are inputs too, and would then repeat all
# their definitions, which the server has anyway. Without them it refers to such a type by its Go name. The model name is that
# name with the domain reversed and dots for slashes: k8s.io/api/core/v1.Taint becomes io.k8s.api.core.v1.Taint. That each
# of these names exists is tested in apis/.
mkdir "${tmp}/openapi"
sed -E -e 's#"k8s\.io/([a-z0-9./-]+\.[A-Z][A-Za-z0-9]*)"#"io.k8s.\1"#g' \
	-e ':again' -e 's#("io\.k8s\.[A-Za-z0-9.-]*)/#\1.#' -e 't again' \
	"${tmp}/openapi-raw/zz_generated.openapi.go" >"${tmp}/openapi/zz_generated.openapi.go"

gen applyconfiguration-gen \
	--output-dir "${tmp}/applyconfiguration" --output-pkg "${module}/${out}/applyconfiguration" "${packages[@]}"

gen client-gen \
	--output-dir "${tmp}/clientset" --output-pkg "${module}/${out}/clientset" --clientset-name versioned \
	--apply-configuration-package "${module}/${out}/applyconfiguration" \
	--input-base "${module}/apis" "${apis[@]/#/--input=}"

gen lister-gen --output-dir "${tmp}/listers" --output-pkg "${module}/${out}/listers" "${packages[@]}"

gen informer-gen \
	--output-dir "${tmp}/informers" --output-pkg "${module}/${out}/informers" \
	--versioned-clientset-package "${module}/${out}/clientset/versioned" --listers-package "${module}/${out}/listers" \
	"${packages[@]}"

mkdir -p "${out}"
for dir in openapi applyconfiguration clientset listers informers; do
	rm -rf "${out:?}/${dir}"
	mv "${tmp}/${dir}" "${out}/${dir}"
done
