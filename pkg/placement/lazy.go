/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"runtime/debug"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
)

// waits reports whether what the policy says has to wait: it is Lazy, and the template says what it said when the
// binding last followed a policy. It notes in next what the template says now. next has to have already what the
// template itself asks for.
//
// A binding without such a note has followed a policy that was not Lazy, or none: from now on the template's next change
// counts. Only a change of what the template asks for is certain to be one already. A template of which there is a copy
// nowhere waits for nothing: there is nothing that the policy could disturb.
func waits(in Input, next *binding.Binding) bool {
	p := in.Governor.Policy
	if p == nil || p.Spec.ActivationPreference != policyv1alpha1.LazyActivation {
		delete(next.Annotations, workv1alpha2.LazyTemplateAnnotation)
		return false
	}
	noted, now := next.Annotations[workv1alpha2.LazyTemplateAnnotation], note(in.Template)
	next.Annotations[workv1alpha2.LazyTemplateAnnotation] = now
	switch old := in.Old; {
	case old == nil, old.Spec.Placement == nil, old.Spec.Resource.UID != in.Template.GetUID(), len(binding.Clusters(old)) == 0:
		return false
	case old.Spec.Replicas != next.Spec.Replicas || !equality.Semantic.DeepEqual(old.Spec.ReplicaRequirements, next.Spec.ReplicaRequirements):
		return false
	case !strings.HasPrefix(noted, form+"/"):
		return true
	}
	return noted == now
}

// form stands for the form in which templates are read. Another version of the API's types may fill in other defaults,
// which is no change by anybody: a note of another form counts as none.
var form = formOf(debug.ReadBuildInfo())

func formOf(build *debug.BuildInfo, known bool) string {
	if known {
		for _, d := range build.Deps {
			if d.Path == "k8s.io/api" {
				return d.Version
			}
		}
	}
	return "unknown"
}

// note tells apart what users make of a template, in 32 hexadecimal digits after the form. It leaves out the status, the
// marks of claims, and all other metadata but labels and annotations.
func note(t *unstructured.Unstructured) string {
	own := maps.Clone(t.Object)
	delete(own, "status")
	labels, annotations := map[string]string{}, map[string]string{} // none and no more are the same
	maps.Copy(labels, t.GetLabels())
	maps.Copy(annotations, t.GetAnnotations())
	binding.SetClaim(labels, annotations, nil)
	own["metadata"] = []map[string]string{labels, annotations}
	data, err := json.Marshal(own)
	if err != nil {
		panic(err) // it came as JSON
	}
	digest := sha256.Sum256(data)
	return form + "/" + hex.EncodeToString(digest[:16])
}
