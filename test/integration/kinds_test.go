/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// life is a case that is under way.
type life struct {
	kindCase
	ns, name string
	kept     [2]map[string]any
	versions [2]version // of the copies
	// clusterWide are resources and names of what does not go with the namespace.
	clusterWide [][2]string
}

func (l *life) expand(text string) string {
	return os.Expand(text, func(v string) string { return map[string]string{"NAME": l.name, "NS": l.ns}[v] })
}

// copies reads the copies in member1 and member2.
func (l *life) copies(ctx context.Context) (out [2]*unstructured.Unstructured, err error) {
	for i := range out {
		if out[i], err = fleet[i].Get(ctx, l.resource, l.ns, l.name); err != nil {
			return out, err
		}
	}
	return out, nil
}

// say returns an error unless both copies say all that the fragments do.
func (l *life) say(t *testing.T, fragments ...string) error {
	t.Helper()
	copies, err := l.copies(t.Context())
	if err != nil {
		return err
	}
	for i, c := range copies {
		for _, f := range fragments {
			if err := includes("", fragment(t, l.expand(f)), c.Object); err != nil {
				return fmt.Errorf("%s: %w", fleet[i].Name, err)
			}
		}
	}
	return nil
}

// TestKinds takes a template of every kind through its life in two members, all at once.
func TestKinds(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	lives := map[string]*life{}
	names := slices.Sorted(maps.Keys(kindCases))
	step := func(what string, do func(t *testing.T, l *life)) {
		for _, name := range names {
			l := lives[name]
			if l == nil {
				continue
			}
			ok := t.Run(strings.ReplaceAll(name, " ", "-")+"/"+what, func(t *testing.T) { do(t, l) })
			if !ok {
				delete(lives, name) // the rest would fail with it
			}
		}
	}
	for _, name := range names {
		l := &life{kindCase: kindCases[name], ns: ns, name: unique("kind")}
		lives[name] = l
		t.Cleanup(func() {
			for _, c := range l.clusterWide {
				deleteAfter(t, c[0], c[1])
			}
		})
	}
	step("create", func(t *testing.T, l *life) { l.create(t) })
	step("sent", func(t *testing.T, l *life) {
		apitest.Eventually(t, func() error { return l.fill(t.Context()) })
	})
	step("report", func(t *testing.T, l *life) { l.reportStatus(t) })
	step("change", func(t *testing.T, l *life) { hub.Patch(t, l.resource, l.ns, l.name, l.expand(l.change)) })
	step("changed", func(t *testing.T, l *life) {
		apitest.Eventually(t, func() error { return l.say(t, l.change, l.want) })
	})
	step("drift", func(t *testing.T, l *life) {
		fleet[0].Patch(t, l.resource, l.ns, l.name, l.expand(l.drift))
		apitest.Eventually(t, func() error { return l.say(t, l.change, l.want) })
	})
	step("status", func(t *testing.T, l *life) {
		apitest.Eventually(t, func() error { return l.statusIsRight(t) })
	})
	step("kept", func(t *testing.T, l *life) { l.expectKept(t) })
	apitest.Always(t, quiet, func() error {
		var errs []error
		for _, l := range lives {
			errs = append(errs, l.unwritten(t.Context()))
		}
		return errors.Join(errs...)
	})
	step("delete", func(t *testing.T, l *life) { hub.Delete(t, l.resource, l.ns, l.name) })
	step("gone", func(t *testing.T, l *life) {
		apitest.Eventually(t, func() error {
			for _, a := range []*apitest.API{fleet[0].API, fleet[1].API, hub.API} {
				if err := a.Lacks(t.Context(), l.resource, l.ns, l.name); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// create makes the template and policies that send it, and what it needs, to member1 and member2.
func (l *life) create(t *testing.T) {
	made := hub.Create(t, l.ns, l.expand(l.manifest))
	for i, u := range made {
		kind, selector := "PropagationPolicy", fmt.Sprintf("{apiVersion: %s, kind: %s, name: %s}", u.GetAPIVersion(), u.GetKind(), u.GetName())
		name := strings.ToLower(u.GetKind()) + "-" + u.GetName()
		if u.GetNamespace() == "" {
			kind = "ClusterPropagationPolicy"
			resource := l.resource
			if i < len(made)-1 {
				resource = strings.ToLower(u.GetKind()) + "s"
			}
			l.clusterWide = append(l.clusterWide, [2]string{resource, u.GetName()}, [2]string{"clusterpropagationpolicies", name})
		}
		hub.Create(t, l.ns, policyOf(kind, name, selector, on("member1", "member2")))
	}
	if made[len(made)-1].GetNamespace() == "" {
		l.ns = ""
	}
}

// fill notes what the members have filled into the copies.
func (l *life) fill(ctx context.Context) error {
	copies, err := l.copies(ctx)
	if err != nil {
		return err
	}
	for i, c := range copies {
		l.kept[i] = map[string]any{}
		for _, path := range l.kindCase.kept {
			v := at(c, path)
			if v == nil || v == "" {
				return fmt.Errorf("%s: %s is not filled in", fleet[i].Name, path)
			}
			l.kept[i][path] = v
		}
	}
	return nil
}

// at returns the field at a path whose parts are separated by dots.
func at(u *unstructured.Unstructured, path string) any {
	parts := strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", ".")
	}
	return field(u, parts...)
}

func (l *life) reportStatus(t *testing.T) {
	for i, status := range l.report {
		if status == "" {
			continue
		}
		client, err := fleet[i].Objects(l.resource, l.ns)
		if err != nil {
			t.Fatal(err)
		}
		data, err := yaml.YAMLToJSON([]byte("status: " + status))
		if err == nil {
			_, err = client.Patch(t.Context(), l.name, types.MergePatchType, data, metav1.PatchOptions{}, "status")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (l *life) statusIsRight(t *testing.T) error {
	if l.status == "" {
		return nil
	}
	u, err := hub.Get(t.Context(), l.resource, l.ns, l.name)
	if err != nil {
		return err
	}
	want := strings.ReplaceAll(l.status, "GENERATION", fmt.Sprint(u.GetGeneration()))
	status, _ := field(u, "status").(map[string]any)
	return includes("status", fragment(t, want), status)
}

// expectKept checks that nothing that a member filled in has changed, and notes the versions of the copies.
func (l *life) expectKept(t *testing.T) {
	copies, err := l.copies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range copies {
		l.versions[i] = versionOf(c)
		for path, before := range l.kept[i] {
			if now := at(c, path); !reflect.DeepEqual(before, now) {
				t.Errorf("%s: %s was %v and is %v", fleet[i].Name, path, before, now)
			}
		}
	}
}

// unwritten returns an error if a copy was written since expectKept.
func (l *life) unwritten(ctx context.Context) error {
	copies, err := l.copies(ctx)
	if err != nil {
		return err
	}
	for i, c := range copies {
		if versionOf(c).after(l.versions[i]) {
			return fmt.Errorf("%s: %s %s was at rest and is written, last by %s", fleet[i].Name, l.resource, l.name, lastWriter(c))
		}
	}
	return nil
}

// version tells states of an object apart.
type version struct {
	resource string // the resource version, which the member's own controllers raise, too, once they report a status
	content  string // the generation, and when we wrote
	reported bool
}

func versionOf(u *unstructured.Unstructured) version {
	v := version{resource: u.GetResourceVersion(), content: fmt.Sprint(u.GetGeneration())}
	for _, f := range u.GetManagedFields() {
		v.reported = v.reported || f.Subresource == "status"
		if f.Manager == "manifold" {
			v.content += f.Time.String()
		}
	}
	return v
}

// after reports whether an object has been written since, other than by those who report on its status. They may have begun
// to only now.
func (v version) after(before version) bool {
	if v.reported || before.reported {
		return v.content != before.content
	}
	return v.resource != before.resource
}

// lastWriter names who wrote an object last.
func lastWriter(u *unstructured.Unstructured) string {
	var last metav1.ManagedFieldsEntry
	for _, f := range u.GetManagedFields() {
		if last.Time == nil || f.Time != nil && !f.Time.Before(last.Time) {
			last = f
		}
	}
	return last.Manager + " " + last.Subresource
}

// fragment reads a part of an object.
func fragment(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	data, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(text, "\t", " ")))
	if err == nil && string(data) != "null" {
		err = utiljson.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// includes returns an error unless got says everything that want does: objects have its fields, lists its elements, and
// what is null is not there.
func includes(path string, want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, want an object", path, got)
		}
		for key, w := range want {
			if err := includes(path+"."+key, w, object[key]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, _ := got.([]any) // another type contains nothing
		for _, w := range want {
			var err error
			found := false
			for _, g := range list {
				if err = includes(path+"[]", w, g); err == nil {
					found = true
					break
				}
			}
			if !found {
				return fmt.Errorf("%s has no %v: %v", path, w, list)
			}
		}
		return nil
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("%s is %v, want %v", path, got, want)
	}
	return nil
}
