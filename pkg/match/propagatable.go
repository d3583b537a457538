/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// The labels of the RBAC objects that every API server makes for itself when it starts.
const (
	bootstrapLabel       = "kubernetes.io/bootstrapping"
	bootstrapLabelLegacy = "karmada.io/bootstrapping"
)

// exclusion is a rule about what is never propagated. Empty fields match anything; the others must all match.
type exclusion struct {
	groups     []string
	version    string
	kind       string
	namespaces []string // a trailing * matches any ending
	name       string   // a trailing * matches any ending
	label      string   // a label key that must be present
	why        string
}

// exclusions is the whole list, in the order it is tried.
var exclusions = []exclusion{
	// The hub's own machinery.
	{groups: []string{
		"cluster.karmada.io", "policy.karmada.io", "work.karmada.io", "config.karmada.io", "networking.karmada.io",
		"autoscaling.karmada.io", "remedy.karmada.io", "apps.karmada.io", "search.karmada.io",
	}, why: "objects of this group steer the federation and have no meaning in a member"},
	{groups: []string{"apiregistration.k8s.io"}, kind: "APIService",
		why: "an APIService routes requests inside the hub; in a member it could cut off the member's own APIs"},
	{groups: []string{"internal.apiserver.k8s.io"}, why: "objects of this group are bookkeeping of the hub's API servers"},
	{groups: []string{"coordination.k8s.io"}, version: "v1", why: "leases and elections belong to one control plane"},
	{groups: []string{"events.k8s.io"}, why: "events record what happened in one control plane"},
	{groups: []string{""}, kind: "Event", why: "events record what happened in one control plane"},
	{groups: []string{"certificates.k8s.io"}, kind: "CertificateSigningRequest",
		why: "a certificate request is addressed to the hub's signers"},

	// What stands for a machine or an address of one cluster.
	{groups: []string{""}, kind: "Node", why: "a Node stands for a machine of one cluster"},
	{groups: []string{"storage.k8s.io"}, kind: "CSINode", why: "a CSINode stands for a machine of one cluster"},
	{groups: []string{"storage.k8s.io"}, kind: "VolumeAttachment", why: "a VolumeAttachment ties a volume to a machine of one cluster"},
	{groups: []string{"networking.k8s.io"}, kind: "IPAddress", why: "addresses are handed out by each cluster for itself"},
	{groups: []string{"networking.k8s.io"}, kind: "ServiceCIDR", why: "address ranges are set by each cluster for itself"},

	// What follows by another way.
	{groups: []string{""}, kind: "Namespace", why: "namespaces follow to the members without a policy"},
	{label: workv1alpha2.ClaimedByLabel, why: "label " + workv1alpha2.ClaimedByLabel + " says that another controller propagates it"},

	// Reserved namespaces.
	{namespaces: []string{"karmada-system", "karmada-cluster", "karmada-es-*"}, why: "the namespace is reserved for the federation"},
	{groups: []string{""}, kind: "ConfigMap", namespaces: []string{"kube-system"}, name: "extension-apiserver-authentication",
		why: "it holds the certificate authorities of the hub"},
	{namespaces: []string{"kube-*"}, why: "namespaces kube-* belong to each cluster itself"},

	// What every cluster makes for itself: a copy of the hub's would overwrite the member's.
	{groups: []string{""}, kind: "ConfigMap", name: "kube-root-ca.crt", why: "each cluster publishes its own certificate authority"},
	{groups: []string{""}, kind: "ServiceAccount", name: "default", why: "each cluster makes its own default service account"},
	{groups: []string{""}, kind: "Service", namespaces: []string{"default"}, name: "kubernetes",
		why: "it is the address of the hub's API server; each cluster has its own"},
	{groups: []string{""}, kind: "Endpoints", namespaces: []string{"default"}, name: "kubernetes",
		why: "it is the address of the hub's API server; each cluster has its own"},
	{groups: []string{"discovery.k8s.io"}, kind: "EndpointSlice", namespaces: []string{"default"}, name: "kubernetes",
		why: "it is the address of the hub's API server; each cluster has its own"},
	{groups: []string{"rbac.authorization.k8s.io"}, label: bootstrapLabel, why: "each cluster makes its own built-in roles"},
	{groups: []string{"rbac.authorization.k8s.io"}, label: bootstrapLabelLegacy, why: "built-in roles of the hub serve the hub only"},
	{groups: []string{"rbac.authorization.k8s.io"}, name: "system:*", why: "names system:* are reserved for each cluster's own roles"},
	{groups: []string{"scheduling.k8s.io"}, kind: "PriorityClass", name: "system-*",
		why: "each cluster makes its own system priority classes"},
}

// Propagatable reports whether an object on the hub may be a template at all, and if not, why. What a policy selects
// beyond that is ignored. The rules are the reference's, and on top of them objects that each cluster makes for itself
// or that stand for something only one cluster has: a policy over all ClusterRoles must not rewrite a member's own.
func Propagatable(gvk schema.GroupVersionKind, namespace, name string, labels map[string]string) (ok bool, why string) {
	for i := range exclusions {
		if exclusions[i].covers(gvk, namespace, name, labels) {
			return false, exclusions[i].why
		}
	}
	return true, ""
}

func (e *exclusion) covers(gvk schema.GroupVersionKind, namespace, name string, labels map[string]string) bool {
	if !among(e.groups, gvk.Group) || !among(e.namespaces, namespace) {
		return false
	}
	if (e.version != "" && e.version != gvk.Version) || (e.kind != "" && e.kind != gvk.Kind) {
		return false
	}
	if e.name != "" && !fits(e.name, name) {
		return false
	}
	if e.label == "" {
		return true
	}
	_, has := labels[e.label]
	return has
}

// among reports whether s fits one of the patterns; no patterns fit anything.
func among(patterns []string, s string) bool {
	for _, p := range patterns {
		if fits(p, s) {
			return true
		}
	}
	return len(patterns) == 0
}

func fits(pattern, s string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(s, prefix)
	}
	return pattern == s
}
