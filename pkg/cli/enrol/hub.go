/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package enrol

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// Membership is what the hub is to know of a member.
type Membership struct {
	Cluster   string // name
	Namespace string // of its Secrets on the hub
	ID        string
	Endpoint  string // URL by which the hub reaches it
	Insecure  bool
	ProxyURL  string

	Provider, Region string   // empty: leave what is there
	Zones            []string // empty: leave what is there
}

// Credentials are what the hub works with in a member.
type Credentials struct {
	Token             []byte
	ImpersonatorToken []byte
	CABundle          []byte // PEM
}

// CABundle joins the member's own certificate authority with that of the kubeconfig, which differ when the API server is
// reached through a load balancer. A certificate that is in both is in the bundle once.
func CABundle(own, kubeconfig []byte) []byte {
	var out bytes.Buffer
	var seen [][]byte
	for _, rest := range [][]byte{own, kubeconfig} {
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if slices.ContainsFunc(seen, func(b []byte) bool { return bytes.Equal(b, block.Bytes) }) {
				continue
			}
			seen = append(seen, block.Bytes)
			out.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		}
	}
	return out.Bytes()
}

// Secrets returns the hub's Secrets with the credentials. owner is the Cluster that they go away with; nil as long as
// there is none.
func (m Membership) Secrets(c Credentials, owner *clusterv1alpha1.Cluster) []Object {
	secret := func(name string, data map[string][]byte) Object {
		s := &corev1.Secret{
			TypeMeta:   typed(corev1.SchemeGroupVersion, "Secret"),
			ObjectMeta: meta(m.Namespace, name),
			Type:       corev1.SecretTypeOpaque,
			Data:       data,
		}
		if owner != nil {
			kind := clusterv1alpha1.SchemeGroupVersion.WithKind("Cluster")
			s.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, kind)}
		}
		return s
	}
	return []Object{
		secret(ImpersonatorSecret(m.Cluster), map[string][]byte{clusterv1alpha1.SecretTokenKey: c.ImpersonatorToken}),
		secret(Secret(m.Cluster), map[string][]byte{
			clusterv1alpha1.SecretTokenKey: c.Token, clusterv1alpha1.SecretCABundleKey: c.CABundle,
		}),
	}
}

// ForeignSecret returns an error when an existing Secret of the hub must not be overwritten with a cluster's
// credentials, or deleted with it: it is a user's, or another cluster's.
func ForeignSecret(secret *corev1.Secret, cluster string) error {
	if !IsOurs(secret) {
		return fmt.Errorf("the hub has a secret %s/%s that was not made by joining; rename the cluster or use another --cluster-namespace",
			secret.Namespace, secret.Name)
	}
	if owner := metav1.GetControllerOf(secret); owner != nil && (owner.Kind != "Cluster" || owner.Name != cluster) {
		return fmt.Errorf("the secret %s/%s of the hub belongs to %s %q; choose another name for the cluster",
			secret.Namespace, secret.Name, strings.ToLower(owner.Kind), owner.Name)
	}
	return nil
}

// ClusterObject returns the Cluster as it is to be: existing, which is not changed, brought up to date or, when that is nil, a new one.
func (m Membership) ClusterObject(existing *clusterv1alpha1.Cluster) *clusterv1alpha1.Cluster {
	out := &clusterv1alpha1.Cluster{
		TypeMeta:   typed(clusterv1alpha1.SchemeGroupVersion, "Cluster"),
		ObjectMeta: meta("", m.Cluster),
	}
	if existing != nil {
		out = existing.DeepCopy()
	}
	spec := &out.Spec
	spec.ID = m.ID
	spec.SyncMode = clusterv1alpha1.Push
	spec.APIEndpoint = m.Endpoint
	spec.SecretRef = &clusterv1alpha1.LocalSecretReference{Namespace: m.Namespace, Name: Secret(m.Cluster)}
	spec.ImpersonatorSecretRef = &clusterv1alpha1.LocalSecretReference{Namespace: m.Namespace, Name: ImpersonatorSecret(m.Cluster)}
	spec.InsecureSkipTLSVerification = m.Insecure
	spec.ProxyURL = m.ProxyURL
	if m.Provider != "" {
		spec.Provider = m.Provider
	}
	if m.Region != "" {
		spec.Region = m.Region
	}
	if len(m.Zones) > 0 {
		spec.Zones = slices.Clone(m.Zones)
	}
	return out
}

// ValidateEndpoint returns an error unless the URL can be that of a member.
func ValidateEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return fmt.Errorf("invalid API endpoint: %w", err)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("invalid API endpoint %q: want a URL such as https://10.0.0.1:6443", endpoint)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("invalid API endpoint %q: it must have no user, query or fragment", endpoint)
	}
	return nil
}

// EndpointWarning says why the hub will perhaps not reach a member by its endpoint; empty if nothing is wrong with it.
func EndpointWarning(endpoint, hub string) string {
	if IsLoopback(endpoint) && !IsLoopback(hub) {
		return fmt.Sprintf("%s leads from the hub to the hub's own machine, not to this one; if the cluster does not become ready, "+
			"join it again with --api-endpoint set to an address by which %s reaches it", endpoint, hub)
	}
	return ""
}

// IsLoopback says whether a URL leads to the machine on which it is used.
func IsLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
