/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// hubWrites takes the writes of one binding and its template.
type hubWrites struct {
	binding           *binding.Binding // as stored
	bindings, patches []time.Time
	refuse            error // the answer to patches
	clock             *clocktesting.FakePassiveClock
	controller        *Controller
}

func (w *hubWrites) Create(context.Context, *workv1alpha2.ResourceBinding) (*workv1alpha2.ResourceBinding, error) {
	return nil, errors.New("nothing is to be created")
}

func (w *hubWrites) Delete(context.Context, *workv1alpha2.ResourceBinding) error {
	return errors.New("nothing is to be deleted")
}

func (w *hubWrites) Get(context.Context, string, string) (*workv1alpha2.ResourceBinding, error) {
	return w.binding, nil
}

func (w *hubWrites) Update(_ context.Context, b *workv1alpha2.ResourceBinding) (*workv1alpha2.ResourceBinding, error) {
	w.bindings = append(w.bindings, w.clock.Now())
	w.binding = b
	return b, nil
}

func (w *hubWrites) setStatus(context.Context, *unstructured.Unstructured, map[string]any) error {
	w.patches = append(w.patches, w.clock.Now())
	return w.refuse
}

func newHubWrites(progress rate.Limit) *hubWrites {
	w := &hubWrites{binding: bound([]string{"a"}), clock: clocktesting.NewFakePassiveClock(start)}
	w.controller = &Controller{
		cfg:       Config{Bindings: binding.NewStore(nil, nil, w, nil), Templates: template.NewStore(nil, nil, nil), Clock: w.clock},
		setStatus: w.setStatus, pacer: newPacer(progress, ageRate),
	}
	return w
}

// tell publishes a state that n stands for.
func (w *hubWrites) tell(t *testing.T, n int64, moving bool) time.Duration {
	t.Helper()
	tmpl := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "web", "resourceVersion": "1"}}}
	next := w.binding.Status.DeepCopy()
	next.SchedulerObservedGeneration = n
	wait, err := w.controller.publish(t.Context(), web, news{
		binding: w.binding, status: next, template: tmpl, templateStatus: map[string]any{"n": n}, moving: moving,
	}, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

// A burst of changes in the members, a hundred in each second, costs each object at most one write a second, however the
// state moves, and the last state is told.
func TestBurst(t *testing.T) {
	t.Parallel()
	for name, moving := range map[string]func(i int64) bool{
		"settled":        func(int64) bool { return false },
		"moving":         func(int64) bool { return true },
		"back and forth": func(i int64) bool { return i%3 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHubWrites(rate.Inf)
			const seconds, last = 30, 3000
			var wait time.Duration
			for i := range int64(last + 1) {
				wait = w.tell(t, i, moving(i))
				w.clock.SetTime(w.clock.Now().Add(10 * time.Millisecond))
			}
			for wait > 0 {
				w.clock.SetTime(w.clock.Now().Add(wait))
				wait = w.tell(t, last, moving(last))
			}
			if w.binding.Status.SchedulerObservedGeneration != last {
				t.Errorf("the last state written is %d, want %d", w.binding.Status.SchedulerObservedGeneration, last)
			}
			for of, writes := range map[string][]time.Time{"binding": w.bindings, "template": w.patches} {
				if len(writes) == 0 || len(writes) > seconds+10 {
					t.Errorf("%d writes of the %s in %d s", len(writes), of, seconds)
				}
				for i := 1; i < len(writes); i++ {
					if gap := writes[i].Sub(writes[i-1]); gap < writeGap {
						t.Errorf("writes %d and %d of the %s are %v apart", i-1, i, of, gap)
					}
				}
			}
		})
	}
}

// What the hub does not take is not offered to it again and again, and is no failure.
func TestRefusedStatus(t *testing.T) {
	t.Parallel()
	kind := schema.GroupKind{Group: "example.com", Kind: "App"}
	for name, refusal := range map[string]error{
		"no status":      apierrors.NewNotFound(schema.GroupResource{Group: "example.com", Resource: "apps"}, "web"),
		"other form":     apierrors.NewInvalid(kind, "web", nil),
		"without effect": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newHubWrites(rate.Inf)
			w.refuse = refusal
			for range 10 {
				w.tell(t, 1, false)
				w.clock.SetTime(w.clock.Now().Add(time.Minute))
			}
			if len(w.patches) != 1 {
				t.Errorf("the same status was offered %d times", len(w.patches))
			}
			w.tell(t, 2, false)
			if len(w.patches) != 2 {
				t.Error("a new status was not offered")
			}
		})
	}
}

// When a cluster stops to answer, all that is in it has only that to tell: it takes turns, and holds up nothing else.
func TestAgeTakesTurns(t *testing.T) {
	t.Parallel()
	p := newPacer(rate.Inf, ageRate)
	const many = 1000
	at := make([]time.Duration, many)
	key := func(i int) types.NamespacedName { return types.NamespacedName{Name: string(rune(i))} }
	for i := range at {
		at[i] = max(0, p.wait(key(i), false, true, start))
	}
	if at[ageBurst-1] > 0 || at[many-1] < (many-ageBurst)*time.Second/ageRate-time.Second {
		t.Errorf("waits: %v for the first hundred, %v for the last", at[ageBurst-1], at[many-1])
	}
	if again := p.wait(key(many-1), false, true, start.Add(time.Second)); again != at[many-1]-time.Second {
		t.Errorf("the last has to wait %v after a second, it was %v", again, at[many-1])
	}
	if wait := p.wait(web, false, false, start); wait > 0 {
		t.Errorf("news of another template has to wait %v", wait)
	}
	for i := range at {
		p.wrote(key(i), false, start)
	}
	if len(p.turns) != 0 {
		t.Errorf("%d turns are left", len(p.turns))
	}
}
