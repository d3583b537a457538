/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/pkg/member"
)

func TestObserve(t *testing.T) {
	t.Parallel()
	seen := func(hash string, fingerprint uint64) *member.Copy {
		return &member.Copy{Hash: hash, Fingerprint: fingerprint}
	}
	live := &unstructured.Unstructured{}
	for name, tc := range map[string]struct {
		entry    *entry
		old, new *member.Copy
		expected bool
		unseen   string
		live     bool
	}{
		"nobody's":                   {new: seen("h1", 1), live: true},
		"nobody's, gone":             {old: seen("h1", 1)},
		"as accepted":                {entry: &entry{accepted: 1, unseen: "h1"}, new: seen("h1", 1), expected: true},
		"another state":              {entry: &entry{accepted: 1}, old: seen("h1", 1), new: seen("h1", 2), live: true},
		"of an older manifest":       {entry: &entry{accepted: 1, unseen: "h2"}, new: seen("h1", 2), unseen: "h2", live: true},
		"come and gone":              {entry: &entry{accepted: 1, unseen: "h1"}, old: seen("h1", 1)},
		"an older one has gone":      {entry: &entry{accepted: 1, unseen: "h2"}, old: seen("h1", 1), unseen: "h2"},
		"nothing was on the way":     {entry: &entry{accepted: 1}, new: seen("", 2), live: true},
		"seen before it was settled": {entry: &entry{unseen: "h1"}, new: seen("h1", 1), live: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench()
			if tc.entry != nil {
				b.entries[b.key] = tc.entry
			}
			change := member.Change{Old: tc.old, New: tc.new}
			if tc.new != nil {
				change.Live = live
			}
			expected, known := b.observe(b.key, change)
			if expected != tc.expected || known != (tc.entry != nil) {
				t.Errorf("expected = %v, want %v; known = %v", expected, tc.expected, known)
			}
			if !expected {
				b.keep(b.key, change.Live)
			}
			e := b.read()
			if e.unseen != tc.unseen || (e.live != nil) != tc.live {
				t.Errorf("unseen %q, want %q; live %v, want %v", e.unseen, tc.unseen, e.live != nil, tc.live)
			}
		})
	}
}

// answering makes a client of a member that gives that answer to every request.
func answering(t *testing.T, code int, obj any) dynamic.ResourceInterface {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(obj); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("ns")
}

func status(code int, reason metav1.StatusReason) *metav1.Status {
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason,
	}
}

// A copy that was sent and that the watch does not know of may be there: a template created and deleted at once must not
// leave one behind.
func TestGoneOnlyWhenKnown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		unseen string
		code   int
		answer any
		gone   bool
	}{
		"never sent":                  {code: 500, answer: status(500, metav1.StatusReasonInternalError), gone: true},
		"sent and not there":          {unseen: "h1", code: 404, answer: status(404, metav1.StatusReasonNotFound), gone: true},
		"sent, and somebody else's":   {unseen: "h1", code: 200, answer: configMap(), gone: true},
		"sent, and it cannot be said": {unseen: "h1", code: 500, answer: status(500, metav1.StatusReasonInternalError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench()
			b.client = answering(t, tc.code, tc.answer)
			b.record(func(e *entry) { e.unseen = tc.unseen })
			_, err := b.remove(t.Context())
			o, _ := b.Outcome("m1", b.key)
			if (o.Gone != "") != tc.gone || (err == nil) != tc.gone || (o.Failed == "") != tc.gone {
				t.Errorf("gone %v, want %v; failed %q, err %v", o.Gone, tc.gone, o.Failed, err)
			}
		})
	}
	b := newBench()
	b.client = answering(t, 200, configMap(managed))
	b.record(func(e *entry) { e.unseen = "h1" })
	if err := b.lookUp(t.Context()); err != nil || b.have == nil || b.have.UID != "cu" || b.have.PermanentID != "pid" {
		t.Errorf("err %v, have %+v: the copy has to be removed", err, b.have)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Resource: "configmaps"}
	for name, tc := range map[string]struct {
		err            error
		away, declined bool
	}{
		"none":              {},
		"connection":        {err: &net.OpError{Op: "dial", Err: errors.New("refused")}, away: true},
		"timeout":           {err: apierrors.NewServerTimeout(resource, "patch", 1), away: true},
		"unavailable":       {err: apierrors.NewServiceUnavailable("x"), away: true},
		"not authenticated": {err: apierrors.NewUnauthorized("x"), away: true, declined: true},
		"forbidden":         {err: apierrors.NewForbidden(resource, "c", nil), declined: true},
		"conflict":          {err: apierrors.NewConflict(resource, "c", nil), declined: true},
		"internal":          {err: apierrors.NewInternalError(errors.New("x"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{tc.err, wrapped(tc.err)} {
				if got := member.Away(err); got != tc.away {
					t.Errorf("Away(%v) = %v, want %v", err, got, tc.away)
				}
				if got := declined(err); got != tc.declined {
					t.Errorf("declined(%v) = %v, want %v", err, got, tc.declined)
				}
			}
		})
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("apply: %w", err)
}

// However many copies there are to be looked at, only so many of them are kept, and each that has been looked at makes room.
func TestKeptStatesAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench()
	live := &unstructured.Unstructured{}
	for i := range 2 * maxKept {
		b.keep(types.NamespacedName{Name: fmt.Sprint(i)}, live)
	}
	count := func() (n int) {
		for _, e := range b.entries {
			if e.live != nil {
				n++
			}
		}
		return n
	}
	if count() != maxKept || b.kept != maxKept {
		t.Fatalf("%d are kept, counted as %d", count(), b.kept)
	}
	b.keep(types.NamespacedName{Name: "0"}, live) // a newer state of one that is kept
	b.key, b.live = types.NamespacedName{Name: "1"}, live
	b.accept(configMap(), 7)
	b.keep(types.NamespacedName{Name: "2"}, nil) // gone
	if count() != maxKept-2 || b.kept != maxKept-2 {
		t.Errorf("%d are kept, counted as %d", count(), b.kept)
	}
}
