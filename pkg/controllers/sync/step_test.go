/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bench is a job on a binding in member m1, with what it tells the outside.
type bench struct {
	*job
	clock  *clocktesting.FakePassiveClock
	events *record.FakeRecorder
	told   int // how often the listeners were called
}

func newBench() *bench {
	b := &bench{clock: clocktesting.NewFakePassiveClock(start), events: record.NewFakeRecorder(100)}
	c := &Controller{cfg: Config{Clock: b.clock, Events: b.events}}
	c.OnChange(func(types.NamespacedName) { b.told++ })
	bound := &binding.Binding{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: "c-configmap", UID: "bu", Labels: map[string]string{workv1alpha2.ResourceBindingPermanentIDLabel: "pid"},
	}}
	bound.Spec.Resource = workv1alpha2.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "c"}
	s := c.newSyncer("m1")
	s, _ = c.members.Ensure("m1", func() (*syncer, bool) { return s, true })
	b.job = &job{syncer: s, binding: bound, key: binding.Key(bound)}
	return b
}

// Listeners hear of outcomes, and not of what only this package needs.
func TestRecord(t *testing.T) {
	t.Parallel()
	b := newBench()
	for i, step := range []struct {
		change func(*entry)
		told   bool
	}{
		{func(*entry) {}, false},
		{func(e *entry) { e.Hash = "h1" }, true},
		{func(e *entry) { e.Hash = "h1" }, false},
		{func(e *entry) { e.accepted, e.sent, e.unseen = 7, start, "h1" }, false},
		{func(e *entry) { e.Failed = "no" }, true},
		{func(e *entry) { e.Failed = "" }, true},
		{func(e *entry) { e.Gone = "uid/1" }, true},
		{func(e *entry) { *e = entry{Outcome: Outcome{Gone: "uid/1"}} }, true},
		{func(e *entry) { *e = entry{Outcome: Outcome{Gone: "uid/1"}} }, false},
	} {
		before := b.told
		b.record(step.change)
		if told := b.told > before; told != step.told {
			t.Errorf("step %d: told %v, want %v", i, told, step.told)
		}
	}
	o, known := b.Outcome("m1", b.key)
	if diff := cmp.Diff(Outcome{Gone: "uid/1"}, o); diff != "" || !known {
		t.Errorf("known %v, outcome (-want +got):\n%s", known, diff)
	}
	if _, known := b.Outcome("m2", b.key); known {
		t.Error("something is known of another member")
	}
	if _, known := b.Outcome("m1", types.NamespacedName{Name: "other"}); known {
		t.Error("something is known of another binding")
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.record(func(e *entry) { e.Gone = "uid/1" })
	long := errors.New(strings.Repeat("ü", maxMessage))
	for range 3 {
		b.fail("SyncFailed", long)
	}
	o, _ := b.Outcome("m1", b.key)
	if o.Gone != "" || len(o.Failed) > maxMessage || !utf8.ValidString(o.Failed) || !strings.HasSuffix(o.Failed, "...") {
		t.Errorf("gone %q, %d bytes", o.Gone, len(o.Failed))
	}
	b.fail("SyncFailed", errors.New("other"))
	if n := len(b.events.Events); n != 2 {
		t.Errorf("%d events, want one for each new failure", n)
	}
}

// A state of the copy that was judged is let go of, one that came meanwhile is not.
func TestAcceptForgetsWhatItJudged(t *testing.T) {
	t.Parallel()
	judged, newer := configMap(), configMap()
	for _, tc := range []struct{ there, left *unstructured.Unstructured }{{judged, nil}, {newer, newer}, {nil, nil}} {
		b := newBench()
		b.record(func(e *entry) { e.live, e.Failed = tc.there, "no" })
		b.live = judged
		b.accept(configMap(func(u *unstructured.Unstructured) {
			u.SetAnnotations(map[string]string{workv1alpha2.ContentHashAnnotation: "h1"})
		}), 7)
		if e := b.read(); e.live != tc.left || e.accepted != 7 {
			t.Errorf("left %v, accepted %d", e.live, e.accepted)
		}
		o, _ := b.Outcome("m1", b.key)
		if diff := cmp.Diff(Outcome{Hash: "h1"}, o); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	}
}

func configMap(change ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c", "namespace": "ns", "uid": "cu"},
	}}
	for _, f := range change {
		f(u)
	}
	return u
}

func managed(u *unstructured.Unstructured) {
	u.SetLabels(map[string]string{workv1alpha2.ManagedLabel: "true", workv1alpha2.ResourceBindingPermanentIDLabel: "pid"})
}

func fields(managers ...string) func(*unstructured.Unstructured) {
	return func(u *unstructured.Unstructured) {
		var list []metav1.ManagedFieldsEntry
		for i, m := range managers {
			name, sub, _ := strings.Cut(m, "/")
			at := metav1.NewTime(start.Add(time.Duration(i) * time.Minute))
			operation := metav1.ManagedFieldsOperationUpdate
			if name == FieldManager {
				operation = metav1.ManagedFieldsOperationApply
			}
			list = append(list, metav1.ManagedFieldsEntry{Manager: name, Subresource: sub, Operation: operation, Time: &at})
		}
		u.SetManagedFields(list)
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	updated := func(u *unstructured.Unstructured) {
		u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: FieldManager, Operation: metav1.ManagedFieldsOperationUpdate}})
	}
	for name, tc := range map[string]struct {
		live   *unstructured.Unstructured
		owners string
		ours   bool
	}{
		"no fields":                          {configMap(), "nobody in particular", false},
		"somebody's":                         {configMap(fields("kubectl", "helm", "kubectl")), "[helm kubectl]", false},
		"status does not count":              {configMap(fields("kubelet/status")), "nobody in particular", false},
		"ours by label":                      {configMap(managed), "nobody in particular", true},
		"ours by what we sent":               {configMap(fields("kubectl", FieldManager)), "[kubectl manifold]", true},
		"one of our name that did not apply": {configMap(updated), "[manifold]", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := owners(tc.live); got != tc.owners {
				t.Errorf("owners = %s, want %s", got, tc.owners)
			}
			if got := ours(tc.live); got != tc.ours {
				t.Errorf("ours = %v, want %v", got, tc.ours)
			}
		})
	}
}

// holder is a member that holds one object.
type holder struct {
	dynamic.ResourceInterface
	live *unstructured.Unstructured
}

func (h holder) Get(context.Context, string, metav1.GetOptions, ...string) (*unstructured.Unstructured, error) {
	return h.live, nil
}

// A copy that others keep changing is reverted at once at first, and then now and then. That is said once, and stays said
// until nobody has changed it for a while.
func TestFight(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.client = holder{live: configMap(fields(FieldManager, "autoscaler", "kubelet/status"))}
	pass := func(d time.Duration) { b.clock.SetTime(b.clock.Now().Add(d)) }
	revert := func() time.Duration {
		wait := b.drifted(t.Context())
		if wait == 0 {
			b.record(func(e *entry) { e.sent = b.clock.Now() })
			b.accept(configMap(), 7)
		}
		return wait
	}
	failed := func() string {
		o, _ := b.Outcome("m1", b.key)
		return o.Failed
	}
	for i := range maxDrifts {
		if wait := revert(); wait != 0 || failed() != "" {
			t.Fatalf("drift %d is left for %v: %q", i, wait, failed())
		}
		pass(time.Second)
	}
	if wait := revert(); wait != fightPause-time.Second {
		t.Errorf("wait %v", wait)
	}
	said := failed()
	if !strings.Contains(said, "autoscaler") {
		t.Errorf("the rival is not named: %q", said)
	}
	for range 10 { // for as long as the other goes on, whatever happens to come last
		b.live = configMap(fields(FieldManager, "somebody-else"))
		pass(fightPause)
		if wait := revert(); wait != 0 || failed() != said {
			t.Fatalf("after the pause: left for %v, failed %q", wait, failed())
		}
		pass(time.Second)
		if wait := revert(); wait != fightPause-time.Second || failed() != said {
			t.Fatalf("in between: left for %v, failed %q", wait, failed())
		}
	}
	pass(fightPause)
	if revert() != 0 || b.truce() != driftWindow {
		t.Errorf("the truce lasts %v", b.truce())
	}
	pass(driftWindow)
	if wait := b.truce(); wait != 0 {
		t.Errorf("the truce lasts %v more", wait)
	}
	if b.accept(configMap(), 7); failed() != "" || revert() != 0 || b.read().drift.count != 1 {
		t.Errorf("it is not over: %q, %+v", failed(), b.read().drift)
	}
	if n := len(b.events.Events); n != 1 {
		t.Errorf("%d events, want one", n)
	}
}

// What a member's admission makes of a manifest is no drift.
func TestAnswered(t *testing.T) {
	t.Parallel()
	data := func(value string) func(*unstructured.Unstructured) {
		return func(u *unstructured.Unstructured) { u.Object["data"] = map[string]any{"key": value} }
	}
	b := newBench()
	want, rewritten := configMap(data("sent")), configMap(data("rewritten"))
	b.have, b.live = &member.Copy{Fingerprint: render.Fingerprint(rewritten)}, rewritten
	if b.answered(want) {
		t.Error("it is accepted before anything was sent")
	}
	b.drifted(t.Context())
	b.learn(want, rewritten)
	if e := b.read(); e.drift.count != 0 {
		t.Error("an apply that changed nothing counts as a drift")
	}
	annotated := configMap(data("rewritten"), func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"by": "somebody"}) })
	if b.live = annotated; !b.answered(want) {
		t.Error("the member's own answer is not accepted")
	}
	if b.live = configMap(data("changed")); b.answered(want) {
		t.Error("a change by somebody else is accepted")
	}
	b.learn(want, want)
	if b.live = rewritten; b.answered(want) {
		t.Error("an answer is accepted that the member does not give any more")
	}
}
