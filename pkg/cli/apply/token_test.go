/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apply

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

func TestAwaitTokenGivesUp(t *testing.T) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "karmada-m1", UID: "u"}}
	stale := enrol.TokenSecret("ns", "karmada-m1")
	stale.Annotations[corev1.ServiceAccountUIDKey] = "before"
	for name, tc := range map[string]struct {
		secrets []*corev1.Secret
		want    string // part of the error
	}{
		"no token controller": {secrets: []*corev1.Secret{enrol.TokenSecret("ns", "karmada-m1")}, want: "kube-controller-manager runs"},
		"deleted":             {want: "run the same command again"},
		"of an old account":   {secrets: []*corev1.Secret{stale}, want: "run the same command again"},
	} {
		client := fake.NewClientset()
		for _, s := range tc.secrets {
			if err := client.Tracker().Add(s); err != nil {
				t.Fatal(err)
			}
		}
		_, err := awaitToken(t.Context(), client.CoreV1().Secrets("ns"), account, 50*time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: want an error with %q, got %v", name, tc.want, err)
		}
	}
}
