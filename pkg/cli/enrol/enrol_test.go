/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package enrol

import (
	"bytes"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

func TestValidateName(t *testing.T) {
	for name, want := range map[string]string{ // part of the error; empty: valid
		"m1":                    "",
		strings.Repeat("m", 48): "",
		strings.Repeat("m", 49): "49 characters",
		"":                      "RFC 1123",
		"a.b":                   "dots",
		"A":                     "RFC 1123",
		"-a":                    "RFC 1123",
		"impersonator":          "reserved", // its account would be the impersonator's
	} {
		checkError(t, name, ValidateName(name), want)
	}
}

// checkError fails unless err contains want or, when that is empty, is nil.
func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%q: %v", name, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%q: want an error with %q, got %v", name, want, err)
	}
}

func TestResolve(t *testing.T) {
	cluster := func(name, id string, mode clusterv1alpha1.SyncMode) clusterv1alpha1.Cluster {
		return clusterv1alpha1.Cluster{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       clusterv1alpha1.ClusterSpec{ID: id, SyncMode: mode, APIEndpoint: "https://" + name},
		}
	}
	leaving := cluster("m1", "id1", clusterv1alpha1.Push)
	leaving.DeletionTimestamp = &metav1.Time{}
	for name, tc := range map[string]struct {
		clusters []clusterv1alpha1.Cluster
		known    bool
		want     string // part of the error
	}{
		"first of all":        {},
		"others":              {clusters: []clusterv1alpha1.Cluster{cluster("m2", "id2", clusterv1alpha1.Push), cluster("m3", "", clusterv1alpha1.Push)}},
		"itself":              {clusters: []clusterv1alpha1.Cluster{cluster("m1", "id1", clusterv1alpha1.Push)}, known: true},
		"name taken":          {clusters: []clusterv1alpha1.Cluster{cluster("m1", "id9", clusterv1alpha1.Push)}, want: "taken by another cluster (id id9, endpoint https://m1)"},
		"name of unknown id":  {clusters: []clusterv1alpha1.Cluster{cluster("m1", "", clusterv1alpha1.Push)}, want: "id unknown"},
		"under another name":  {clusters: []clusterv1alpha1.Cluster{cluster("m2", "id1", clusterv1alpha1.Push)}, want: `already joined, as "m2"`},
		"itself, twice":       {clusters: []clusterv1alpha1.Cluster{cluster("m1", "id1", clusterv1alpha1.Push), cluster("m2", "id1", clusterv1alpha1.Push)}, want: `as "m2"`},
		"by an agent":         {clusters: []clusterv1alpha1.Cluster{cluster("m1", "id1", clusterv1alpha1.Pull)}, want: "Pull"},
		"about to be removed": {clusters: []clusterv1alpha1.Cluster{leaving}, want: "being removed"},
	} {
		existing, err := Resolve("m1", "id1", tc.clusters)
		checkError(t, name, err, tc.want)
		if (existing != nil) != tc.known {
			t.Errorf("%s: existing cluster is %v", name, existing)
		}
	}
}

func certificate(content string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(content)})
}

func TestCABundle(t *testing.T) {
	a, b := certificate("a"), certificate("b")
	both := append(bytes.Clone(a), b...)
	for name, tc := range map[string]struct{ own, kubeconfig, want []byte }{
		"the same":         {own: a, kubeconfig: a, want: a},
		"different":        {own: a, kubeconfig: b, want: both},
		"overlapping":      {own: a, kubeconfig: both, want: both},
		"system roots":     {own: a, want: a},
		"only kubeconfig":  {kubeconfig: b, want: b},
		"no newline at it": {own: bytes.TrimSpace(a), kubeconfig: b, want: both},
	} {
		if diff := cmp.Diff(string(tc.want), string(CABundle(tc.own, tc.kubeconfig))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestClusterObjectKeepsWhatIsNotTold(t *testing.T) {
	existing := &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "m1", ResourceVersion: "7", Labels: map[string]string{"mine": "x"}},
		Spec: clusterv1alpha1.ClusterSpec{
			ID: "id1", SyncMode: clusterv1alpha1.Push, APIEndpoint: "https://old", Provider: "acme", Region: "eu", Zones: []string{"a"},
			ProxyURL: "http://old-proxy", Taints: []corev1.Taint{{Key: "k"}},
		},
	}
	before := existing.DeepCopy()
	got := Membership{Cluster: "m1", Namespace: "ns", ID: "id1", Endpoint: "https://new", Region: "us"}.ClusterObject(existing)
	if diff := cmp.Diff(before, existing); diff != "" {
		t.Errorf("the argument was changed:\n%s", diff)
	}
	want := before.DeepCopy()
	want.Spec.APIEndpoint, want.Spec.Region, want.Spec.ProxyURL = "https://new", "us", ""
	want.Spec.SecretRef = &clusterv1alpha1.LocalSecretReference{Namespace: "ns", Name: "m1"}
	want.Spec.ImpersonatorSecretRef = &clusterv1alpha1.LocalSecretReference{Namespace: "ns", Name: "m1-impersonator"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForeignSecret(t *testing.T) {
	ours := map[string]string{clusterv1alpha1.SystemLabel: clusterv1alpha1.SystemLabelValue}
	controlledBy := func(kind, name string) []metav1.OwnerReference {
		yes := true
		return []metav1.OwnerReference{{Kind: kind, Name: name, Controller: &yes}}
	}
	for name, tc := range map[string]struct {
		meta metav1.ObjectMeta
		want string
	}{
		"a user's":        {want: "not made by joining"},
		"without owner":   {meta: metav1.ObjectMeta{Labels: ours}},
		"of this cluster": {meta: metav1.ObjectMeta{Labels: ours, OwnerReferences: controlledBy("Cluster", "m1")}},
		"of another":      {meta: metav1.ObjectMeta{Labels: ours, OwnerReferences: controlledBy("Cluster", "m2")}, want: `belongs to cluster "m2"`},
		"of something":    {meta: metav1.ObjectMeta{Labels: ours, OwnerReferences: controlledBy("Issuer", "m1")}, want: `belongs to issuer "m1"`},
	} {
		checkError(t, name, ForeignSecret(&corev1.Secret{ObjectMeta: tc.meta}, "m1"), tc.want)
	}
}

func TestTokenState(t *testing.T) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{UID: types.UID("now")}}
	secret := func(uid, token string) *corev1.Secret {
		s := &corev1.Secret{Data: map[string][]byte{corev1.ServiceAccountTokenKey: []byte(token)}}
		s.Annotations = map[string]string{corev1.ServiceAccountUIDKey: uid}
		return s
	}
	for name, tc := range map[string]struct {
		secret *corev1.Secret
		want   TokenState
	}{
		"new":                      {secret: &corev1.Secret{}, want: TokenPending},
		"being issued":             {secret: secret("now", ""), want: TokenPending},
		"issued":                   {secret: secret("now", "t"), want: TokenIssued},
		"of an account since gone": {secret: secret("before", "t"), want: TokenStale},
	} {
		if got := TokenStateOf(tc.secret, account); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://10.0.0.1:6443":         "",
		"https://host/k8s/clusters/c-1": "",
		"10.0.0.1:6443":                 "invalid API endpoint",
		"host":                          "want a URL",
		"https://u@host":                "no user",
		"https://host?x=y":              "query",
		"ftp://host":                    "want a URL",
	} {
		checkError(t, endpoint, ValidateEndpoint(endpoint), want)
	}
	for _, tc := range []struct {
		endpoint, hub string
		warns         bool
	}{
		{"https://127.0.0.1:6443", "https://hub.example", true},
		{"https://localhost:6443", "https://10.0.0.1", true},
		{"https://[::1]:6443", "https://10.0.0.1", true},
		{"https://127.0.0.1:6443", "https://localhost:443", false},
		{"https://10.0.0.2:6443", "https://10.0.0.1", false},
	} {
		if got := EndpointWarning(tc.endpoint, tc.hub); (got != "") != tc.warns {
			t.Errorf("%s from %s: warning %q", tc.endpoint, tc.hub, got)
		}
	}
}

func TestLeaveReason(t *testing.T) {
	ours := Namespace("ns")
	for name, tc := range map[string]struct {
		ns      *corev1.Namespace
		content []string
		want    string
	}{
		"gone":      {},
		"empty":     {ns: ours},
		"a user's":  {ns: &corev1.Namespace{}, want: "it was not made by joining"},
		"not empty": {ns: ours, content: []string{"a", "b"}, want: "it still holds a, b"},
		"full":      {ns: ours, content: []string{"a", "b", "c", "d", "e", "f", "g"}, want: "it still holds a, b, c, d, e and 2 more"},
	} {
		if got := LeaveReason(tc.ns, tc.content); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
