/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package sync

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
)

func invalid(causes ...*field.Error) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "web", causes)
}

// The messages are those of Kubernetes' validation.
func TestFixedFields(t *testing.T) {
	t.Parallel()
	at := func(path ...string) *field.Path { return field.NewPath(path[0], path[1:]...) }
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"none":         {},
		"no answer":    {err: errors.New("connection refused")},
		"another kind": {err: apierrors.NewForbidden(schema.GroupResource{}, "web", errors.New("field is immutable"))},
		"not about a change": {err: invalid(field.Invalid(at("spec", "replicas"), -1, "must be greater than or equal to 0"),
			field.Forbidden(at("spec", "hostNetwork"), "disallowed by cluster policy"))},
		"a selector": {
			err:  invalid(field.Invalid(at("spec", "selector"), map[string]string{"app": "other"}, "field is immutable")),
			want: []string{"spec.selector"},
		},
		"an address": {
			err:  invalid(field.Invalid(at("spec", "clusterIPs").Index(0), []string{"10.0.0.2"}, "may not change once set")),
			want: []string{"spec.clusterIPs[0]"},
		},
		"parameters and more": {
			err: invalid(field.Forbidden(at("provisioner"), "updates to provisioner are forbidden."), field.Required(at("x"), ""),
				field.Forbidden(at("parameters"), "updates to parameters are forbidden.")),
			want: []string{"parameters", "provisioner"},
		},
		"a sealed Secret": {
			err:  invalid(field.Forbidden(at("data"), "field is immutable when `immutable` is set")),
			want: []string{"data"},
		},
		"a role": {err: invalid(field.Invalid(at("roleRef"), nil, "cannot change roleRef")), want: []string{"roleRef"}},
		"a StatefulSet": {
			err:  invalid(field.Forbidden(at("spec"), "updates to statefulset spec for fields other than 'replicas', 'template' are forbidden")),
			want: []string{"spec (other than 'replicas', 'template')"},
		},
		"a claim": {
			err:  invalid(field.Forbidden(at("spec"), "spec is immutable after creation except resources.requests\n  core.Spec{...}")),
			want: []string{"spec (except resources.requests)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, fixedFields(wrapped(tc.err))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What was refused is not sent again before something changes, or much later; and the reason stands.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.have = &member.Copy{Fingerprint: 7}
	manifest := func(hash string) *unstructured.Unstructured {
		return configMap(func(u *unstructured.Unstructured) {
			u.SetAnnotations(map[string]string{workv1alpha2.ContentHashAnnotation: hash})
		})
	}
	if b.refused(manifest("")) != 0 {
		t.Error("refused before it was sent")
	}
	if wait := b.refuse(manifest("h1"), invalid(field.Forbidden(field.NewPath("data"), "field is immutable when `immutable` is set"))); wait != refusalCheck {
		t.Errorf("wait %v", wait)
	}
	said := "does not let data be changed"
	if o, _ := b.Outcome("m1", b.key); !strings.Contains(o.Failed, said) {
		t.Errorf("failed: %q", o.Failed)
	}
	b.record(func(e *entry) { e.Failed = "suspended" })
	b.clock.SetTime(start.Add(time.Minute))
	if wait := b.refused(manifest("h1")); wait != refusalCheck-time.Minute {
		t.Errorf("wait %v", wait)
	}
	if o, _ := b.Outcome("m1", b.key); !strings.Contains(o.Failed, said) {
		t.Errorf("failed: %q", o.Failed)
	}
	if b.refused(manifest("h2")) != 0 {
		t.Error("another manifest is held back")
	}
	b.have.Fingerprint = 8
	if b.refused(manifest("h1")) != 0 {
		t.Error("it is held back although the copy is another one")
	}
	b.have.Fingerprint = 7
	b.clock.SetTime(start.Add(refusalCheck))
	if b.refused(manifest("h1")) != 0 {
		t.Error("it is never tried again")
	}
}
