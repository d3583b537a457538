/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

func names(t *testing.T, list runtime.Object) []string {
	t.Helper()
	out := []string{}
	if err := meta.EachListItem(list, func(obj runtime.Object) error {
		out = append(out, nameOf(obj))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// A member that does not answer is waited for a bounded time, and named; what was last known of it is shown.
func TestAway(t *testing.T) {
	t.Parallel()
	members := fakes{"m1": newFake(t, "a"), "m2": newFake(t, "b")}
	pods := serving(t, members)
	ctx, warned := request(t)
	list, err := pods.List(ctx, &internalversion.ListOptions{})
	if err != nil || len(warned.text) > 0 {
		t.Fatalf("%v, warned of %v", err, warned.text)
	}
	if diff := cmp.Diff([]string{"a.m1", "b.m2"}, names(t, list)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	members["m2"].silence(true)
	ctx, warned = request(t)
	start := time.Now()
	obj, err := pods.Get(ctx, "b.m2", &metav1.GetOptions{})
	if err != nil || nameOf(obj) != "b.m2" || len(warned.text) != 1 || !strings.Contains(warned.text[0], "m2 does not answer") {
		t.Errorf("what was last known: %v: %v, warned of %v", obj, err, warned.text)
	}
	ctx, _ = request(t)
	if _, err := pods.Get(ctx, "c.m2", &metav1.GetOptions{}); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "cluster m2 does not answer") {
		t.Errorf("what is not known: %v", err)
	}
	ctx, _ = request(t)
	if _, _, err := pods.Delete(ctx, "b.m2", rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("delete: %v", err)
	}
	ctx, _ = request(t)
	list, err = pods.List(ctx, &internalversion.ListOptions{})
	if diff := cmp.Diff([]string{"a.m1", "b.m2"}, names(t, list)); err != nil || diff != "" {
		t.Errorf("the list while m2 is away: %v (-want +got):\n%s", err, diff)
	}
	if took := time.Since(start); took > 10*patience {
		t.Errorf("four requests have taken %v", took)
	}
}

// What nobody knows is missing from a list, which says so.
func TestMissing(t *testing.T) {
	t.Parallel()
	members := fakes{"m1": newFake(t, "a"), "m2": newFake(t, "b")}
	members["m2"].silence(true)
	pods := serving(t, members)
	ctx, warned := request(t)
	list, err := pods.List(ctx, &internalversion.ListOptions{})
	if diff := cmp.Diff([]string{"a.m1"}, names(t, list)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"m2 does not answer; its pods are missing from this list"}, warned.text); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	ctx, _ = request(t)
	_, err = pods.DeleteCollection(ctx, rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}, &internalversion.ListOptions{})
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "cluster m2 does not answer") {
		t.Errorf("delete collection: %v", err)
	}
	if diff := cmp.Diff([]string{"DELETE a"}, members["m1"].sent); diff != "" {
		t.Errorf("sent to m1 (-want +got):\n%s", diff)
	}
}

func TestPlainNames(t *testing.T) {
	t.Parallel()
	members := fakes{"m1": newFake(t, "one", "both", "copy"), "m2": newFake(t, "both"), "m3": newFake(t)}
	members["m1"].pods["copy"].Labels = map[string]string{"karmada.io/managed": "true"}
	pods := serving(t, members)
	get := func(name string) (string, []string, error) {
		ctx, warned := request(t)
		obj, err := pods.Get(ctx, name, &metav1.GetOptions{})
		if err != nil {
			return "", warned.text, err
		}
		return nameOf(obj), warned.text, nil
	}
	for name, want := range map[string]struct{ found, says string }{
		"one":     {found: "one.m1"},
		"one.m1":  {found: "one.m1"},
		"one.m2":  {says: `pods "one.m2" not found`},
		"one.m9":  {says: `pods "one.m9" not found`},
		"copy":    {says: `pods "copy" not found`},
		"copy.m1": {found: "copy.m1"},
		"both":    {says: "choose one of both.m1, both.m2"},
		"none":    {says: `pods "none" not found`},
	} {
		found, warned, err := get(name)
		if found != want.found || (err == nil) != (want.says == "") || (err != nil && (!apierrors.IsNotFound(err) || !strings.Contains(err.Error(), want.says))) || len(warned) > 0 {
			t.Errorf("%s: found %q, %v, warned of %v", name, found, err, warned)
		}
	}

	members["m3"].silence(true)
	found, warned, err := get("one")
	if found != "one.m1" || len(warned) != 1 || !strings.Contains(warned[0], "m3") {
		t.Errorf("found %q, %v, warned of %v", found, err, warned)
	}
	if _, _, err = get("none"); !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "no answer from m3") {
		t.Errorf("nobody who answers has it: %v", err)
	}
	ctx, _ := request(t)
	if _, _, err := pods.Delete(ctx, "one", rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "m3") {
		t.Errorf("delete, and one has not answered: %v", err)
	}
	if sent := slices.Concat(members["m1"].sent, members["m2"].sent); len(sent) > 0 {
		t.Errorf("sent: %v", sent)
	}
}

// relabel is an update that adds a label.
func relabel(key, value, resourceVersion string) rest.UpdatedObjectInfo {
	return rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		obj := old.DeepCopyObject()
		m, err := meta.Accessor(obj)
		if err != nil {
			return nil, err
		}
		m.SetLabels(map[string]string{key: value})
		if resourceVersion != "" {
			m.SetResourceVersion(resourceVersion)
		}
		return obj, nil
	})
}

// A patch, which asks for no particular state, is made anew when the object has just changed; an update is not.
func TestConflicts(t *testing.T) {
	t.Parallel()
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "a", errors.New("it has changed"))
	members := fakes{"m1": newFake(t, "a")}
	pods := serving(t, members)
	update := func(info rest.UpdatedObjectInfo) error {
		ctx, _ := request(t)
		_, _, err := pods.Update(ctx, "a.m1", info, nil, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
		return err
	}
	for _, tc := range []struct {
		refusals int
		version  string
		fails    bool
		sent     int
	}{
		{0, "", false, 1},
		{2, "", false, 3},
		{attempts, "", true, attempts},
		{0, "5", false, 1},
		{0, "4", true, 0},
		{0, "1838353352019657416", true, 0}, // of a sequence that this process has not issued
	} {
		members["m1"].sent, members["m1"].refusals = nil, nil
		for range tc.refusals {
			members["m1"].refusals = append(members["m1"].refusals, conflict)
		}
		err := update(relabel("k", "v", tc.version))
		if apierrors.IsConflict(err) != tc.fails || (err != nil) != tc.fails || len(members["m1"].sent) != tc.sent {
			t.Errorf("%d refusals, version %q: %v, sent %v", tc.refusals, tc.version, err, members["m1"].sent)
		}
		if tc.fails && !strings.Contains(err.Error(), "a") {
			t.Errorf("it is not named in %v", err)
		}
	}
	members["m1"].sent = nil
	if err := update(relabel(present.ClusterLabel, "m1", "")); err != nil || len(members["m1"].sent) > 0 {
		t.Errorf("an update that changes nothing: %v, sent %v", err, members["m1"].sent)
	}
}

// What went wrong between hub and member is put in the hub's terms.
func TestExplain(t *testing.T) {
	t.Parallel()
	pods := serving(t, fakes{"m1": newFake(t)})
	resource := schema.GroupResource{Resource: "pods"}
	for name, tc := range map[string]struct {
		err    error
		reason metav1.StatusReason
		says   string
	}{
		"no connection": {errors.New("refused"), metav1.StatusReasonServiceUnavailable, "cluster m1 does not answer: refused"},
		"not there":     {apierrors.NewNotFound(resource, "a"), metav1.StatusReasonNotFound, `pods "a.m1" not found`},
		"wrapped":       {fmt.Errorf("get: %w", apierrors.NewNotFound(resource, "a")), metav1.StatusReasonNotFound, `pods "a.m1" not found`},
		"credentials":   {apierrors.NewUnauthorized("no"), metav1.StatusReasonServiceUnavailable, "does not accept Manifold's credentials"},
		"rights":        {apierrors.NewForbidden(resource, "a", errors.New("no")), metav1.StatusReasonForbidden, "Manifold itself may not do this in cluster m1"},
		"conflict":      {apierrors.NewConflict(resource, "a", errors.New("changed")), metav1.StatusReasonConflict, "changed"},
		"budget":        {apierrors.NewTooManyRequests("budget", 5), metav1.StatusReasonTooManyRequests, "budget"},
	} {
		err := pods.explain("m1", "a.m1", tc.err)
		if apierrors.ReasonForError(err) != tc.reason || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	pods := serving(t, fakes{"m1": newFake(t, "a")})
	ctx, _ := request(t)
	list, err := pods.List(ctx, &internalversion.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := pods.ConvertToTable(ctx, list, &metav1.TableOptions{})
	if err != nil || len(table.Rows) != 1 || table.ColumnDefinitions[0].Name != "Name" || table.ColumnDefinitions[1].Name != "Cluster" ||
		table.Rows[0].Cells[0] != "a.m1" || table.Rows[0].Cells[1] != "m1" || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) {
		t.Errorf("%v: %v", table, err)
	}
	again, err := pods.ConvertToTable(ctx, list, &metav1.TableOptions{NoHeaders: true})
	if err != nil || len(again.ColumnDefinitions) != 0 || again.Rows[0].Cells[1] != "m1" {
		t.Errorf("without headers: %v: %v", again, err)
	}
	stored := pods.newInternal()
	m, err := meta.Accessor(stored)
	if err != nil {
		t.Fatal(err)
	}
	m.SetName("a")
	if table, err = pods.ConvertToTable(ctx, stored, &metav1.TableOptions{}); err != nil || table.Rows[0].Cells[1] != onHub {
		t.Errorf("a template: %v: %v", table, err)
	}
}
