/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/schedule"
)

// Anew returns what scheduling would say now, whether or not there is a reason to ask it. Where Decide leaves a placement
// in force, the reasons for every cluster are here.
func Anew(in Input) schedule.Decision {
	next := skeleton(in)
	describe(in.Template, next)
	fill(in, next)
	return schedule.Place(request(in, next), in.Clusters)
}

// Barred returns why nobody may decide about a template of that kind, whatever policies say: then Govern returns nobody. It
// is empty for one that a policy may govern.
func Barred(gvk schema.GroupVersionKind, t metav1.Object, skipped match.Namespaces) string {
	const flag = "it is among --skipped-propagating-namespaces of the server"
	if gvk != Namespaces {
		if ok, why := match.Propagatable(gvk, t.GetNamespace(), t.GetName(), t.GetLabels()); !ok {
			return why
		}
		if skipped.Has(t.GetNamespace()) {
			return fmt.Sprintf("namespace %s stays on the hub with all that is in it: %s", t.GetNamespace(), flag)
		}
		return ""
	}
	switch {
	case reserved.MatchString(t.GetName()):
		return "every cluster has a namespace of this name for itself, or it is reserved for the federation"
	case strings.EqualFold(t.GetLabels()[workv1alpha2.SkipAutoPropagationLabel], "true"):
		return "its label " + workv1alpha2.SkipAutoPropagationLabel + " says so"
	case skipped.Has(t.GetName()):
		return flag
	}
	return ""
}
