/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// FuzzOverride applies any overriders to any object. Either they fit, and the manifest is of the same object, or the error
// says which does not. Whatever happens, the arguments stay as they are, and the result is a value of its own.
func FuzzOverride(f *testing.F) {
	f.Fuzz(func(t *testing.T, template, overriders []byte) {
		content := map[string]any{}
		if utiljson.Unmarshal(template, &content) != nil {
			t.Skip("no object")
		}
		tmpl := &unstructured.Unstructured{Object: content}
		o := Override{Policy: "OverridePolicy d/p", Rule: 1, Namespaced: true}
		if json.Unmarshal(overriders, &o.Overriders) != nil {
			t.Skip("no overriders")
		}
		target := Target{Binding: Binding{"d", "b", "id"}, TemplateUID: "u"}
		if _, err := Render(tmpl, target, nil); err != nil {
			t.Skip("no template") // whatever the override
		}
		tmplBefore, overridersBefore := tmpl.DeepCopy(), o.Overriders.DeepCopy()
		got, err := Render(tmpl, target, []Override{o})
		again, errAgain := Render(tmpl, target, []Override{o})
		if (err == nil) != (errAgain == nil) {
			t.Fatalf("once %v, once %v", err, errAgain)
		}
		if err != nil {
			var oe *OverrideError
			if !errors.As(err, &oe) || got != nil || oe.Policy != o.Policy || oe.Rule != 1 || !strings.HasPrefix(oe.Path, "overriders") {
				t.Fatalf("manifest %v, error %v", got, err)
			}
		} else {
			if identityOf(got.Object) != identityOf(tmplBefore.Object) {
				t.Errorf("another object: %v, was %v", identityOf(got.Object), identityOf(tmplBefore.Object))
			}
			if Hash(got) != Hash(again) || !Holds(got, again) {
				t.Errorf("rendered once more (-first +second):\n%s", cmp.Diff(got, again))
			}
			if _, err := json.Marshal(got.Object); err != nil {
				t.Errorf("it cannot be sent: %v", err)
			}
			scribble(got.Object)
		}
		if !reflect.DeepEqual(tmplBefore, tmpl) {
			t.Errorf("template (-before +after):\n%s", cmp.Diff(tmplBefore, tmpl))
		}
		if !reflect.DeepEqual(overridersBefore, &o.Overriders) {
			t.Errorf("overriders (-before +after):\n%s", cmp.Diff(overridersBefore, &o.Overriders))
		}
	})
}

var (
	nameSyntax = regexp.MustCompile(`^[a-z0-9]+([._/-][a-z0-9]+)*$`)
	hostSyntax = regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9]+)+(:[0-9]+)?$`)
)

// FuzzImage takes any image reference apart and edits it. Put together again it is the same, and in what is an image
// reference, an edit changes the part that it is about, and no other.
func FuzzImage(f *testing.F) {
	f.Fuzz(func(t *testing.T, s, component, operator, value string) {
		before := parseImage(s)
		if got := before.String(); got != s {
			t.Fatalf("%q became %q", s, got)
		}
		o := policyv1alpha1.ImageOverrider{
			Component: policyv1alpha1.ImageComponent(component), Operator: policyv1alpha1.OverriderOperator(operator), Value: value,
		}
		edited, err := overrideImage(s, o)
		known := map[string]bool{"Registry": true, "Repository": true, "Tag": true}[component] &&
			map[string]bool{"add": true, "remove": true, "replace": true}[operator]
		if (err == nil) != known {
			t.Fatalf("%s %s: %v", operator, component, err)
		}
		if !known || !nameSyntax.MatchString(before.repository) {
			return
		}
		want, law := editedAs(before, o)
		if got := parseImage(edited); law && got != want {
			t.Errorf("%s %s %q in %q gives %+v, want %+v", operator, component, value, s, got, want)
		}
	})
}

// editedAs is what an edit makes of an image reference; law is false where the outcome need not be one.
func editedAs(i image, o policyv1alpha1.ImageOverrider) (_ image, law bool) {
	remove := o.Operator == policyv1alpha1.OverriderOpRemove
	switch {
	case o.Operator == policyv1alpha1.OverriderOpAdd:
		return i, false
	case o.Component == policyv1alpha1.ImageComponentRegistry && !remove:
		i.registry = o.Value
		return i, hostSyntax.MatchString(o.Value)
	case o.Component == policyv1alpha1.ImageComponentRepository && !remove:
		i.repository = o.Value
		return i, nameSyntax.MatchString(o.Value) && (i.registry != "" || parseImage(o.Value).registry == "")
	case o.Component == policyv1alpha1.ImageComponentTag && remove:
		i.tag, i.digest = "", ""
		return i, true
	case o.Component == policyv1alpha1.ImageComponentTag && digestSyntax.MatchString(o.Value):
		i.tag, i.digest = "", o.Value
		return i, true
	case o.Component == policyv1alpha1.ImageComponentTag && tagSyntax.MatchString(o.Value):
		i.tag, i.digest = o.Value, ""
		return i, true
	case o.Component == policyv1alpha1.ImageComponentTag:
		return i, true // neither, which changes nothing
	}
	return i, false
}
