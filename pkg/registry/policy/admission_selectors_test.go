/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	"strings"
	"testing"
)

// Which templates a policy selects: the same in all kinds of policies.
func TestAdmissionOfSelectors(t *testing.T) {
	t.Parallel()
	run(t, map[string]request{
		"minimal": {kinds: allKinds},
		"in the policy's namespace": {
			kinds: "pp op",
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: shop, name: web}]}`,
		},
		"namespace filled in": {
			kinds: "pp op",
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret, name: web}, {apiVersion: v1, kind: ConfigMap}]}`,
			gives: `{spec: {resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: shop, name: web}, {apiVersion: v1, kind: ConfigMap, namespace: shop}]}}`,
		},
		"namespace filled in on update": {
			kinds: "pp op", update: true,
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret, name: web}]}`,
			gives: `{metadata: {generation: 2}, spec: {resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: shop, name: web}]}}`,
		},
		"any namespace": {
			kinds: "cpp cop",
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret}]}`,
			gives: `{spec: {resourceSelectors: [{apiVersion: v1, kind: Secret}]}}`,
		},
		"a namespace": {
			kinds: "cpp cop",
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: bank}]}`,
			gives: `{spec: {resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: bank}]}}`,
		},
		"in another namespace": {
			kinds:   "pp op",
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret}, {apiVersion: v1, kind: Secret, namespace: bank}]}`,
			refused: []string{`spec.resourceSelectors[1].namespace: must be the policy's own namespace, "shop", or be left out`},
		},
		"moved to another namespace": {
			kinds: "pp op", update: true,
			was:     `{resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: shop}]}`,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret, namespace: bank}]}`,
			refused: []string{`spec.resourceSelectors[0].namespace: must be the policy's own namespace, "shop"`},
		},
		"none": {
			kinds:   propagationKinds,
			spec:    `{resourceSelectors: []}`,
			refused: []string{`spec.resourceSelectors: at least one selector`},
		},
		"not given": {
			kinds:   propagationKinds,
			spec:    `{resourceSelectors: null}`,
			refused: []string{`spec.resourceSelectors: at least one selector`},
		},
		"all taken away": {
			kinds: propagationKinds, update: true,
			spec:    `{resourceSelectors: []}`,
			refused: []string{`spec.resourceSelectors: at least one selector`},
		},
		"everything is overridden": {kinds: overrideKinds, spec: `{resourceSelectors: []}`},
		"without apiVersion": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{kind: Secret}]}`,
			refused: []string{`spec.resourceSelectors[0].apiVersion: such as apps/v1`},
		},
		"without kind": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret}, {apiVersion: v1, name: web}]}`,
			refused: []string{`spec.resourceSelectors[1].kind: such as Deployment`},
		},
		"name and labels": {
			kinds: allKinds,
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret, name: web, labelSelector: {matchLabels: {a: b}}}]}`,
		},
		"empty labels": {
			kinds: allKinds,
			spec:  `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {}}]}`,
		},
		"labels": {
			kinds: allKinds,
			spec: `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchLabels: {example.com/a: b}, matchExpressions: [
				{key: a, operator: In, values: [x]}, {key: b, operator: NotIn, values: [x, z]}, {key: c, operator: Exists}, {key: d, operator: DoesNotExist}]}}]}`,
		},
		"unknown label operator": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchExpressions: [{key: a, operator: Near}]}}]}`,
			refused: []string{`spec.resourceSelectors[0].labelSelector.matchExpressions[0].operator: not a valid selector operator`},
		},
		"label operator without values": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchExpressions: [{key: a, operator: In}]}}]}`,
			refused: []string{`spec.resourceSelectors[0].labelSelector.matchExpressions[0].values: must be specified when`},
		},
		"label operator with values in vain": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}]}`,
			refused: []string{`spec.resourceSelectors[0].labelSelector.matchExpressions[0].values: may not be specified when`},
		},
		"malformed label key": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchExpressions: [{key: a b, operator: Exists}]}}]}`,
			refused: []string{`spec.resourceSelectors[0].labelSelector.matchExpressions[0].key: must consist of alphanumeric`},
		},
		"malformed label value": {
			kinds:   allKinds,
			spec:    `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchLabels: {a: b c}}}]}`,
			refused: []string{`spec.resourceSelectors[0].labelSelector.matchLabels: valid label must be`},
		},
		"a kind that is not served":   {kinds: allKinds, spec: `{resourceSelectors: [{apiVersion: example.com/v1, kind: Nothing}]}`},
		"an apiVersion that is none":  {kinds: allKinds, spec: `{resourceSelectors: [{apiVersion: a/b/c, kind: Secret}]}`},
		"a kind never propagated":     {kinds: allKinds, spec: `{resourceSelectors: [{apiVersion: v1, kind: Event}]}`},
		"labels that contradict":      {kinds: allKinds, spec: `{resourceSelectors: [{apiVersion: v1, kind: Secret, labelSelector: {matchExpressions: [{key: a, operator: Exists}, {key: a, operator: DoesNotExist}]}}]}`},
		"the same selector twice":     {kinds: allKinds, spec: `{resourceSelectors: [{apiVersion: v1, kind: Secret}, {apiVersion: v1, kind: Secret}]}`},
		"errors of several selectors": {kinds: allKinds, spec: `{resourceSelectors: [{apiVersion: v1}, {kind: Secret}]}`, refused: []string{`spec.resourceSelectors[0].kind: such as`, `spec.resourceSelectors[1].apiVersion: such as`}},
	})
}

// Names, and the marks that the server puts on policies.
func TestAdmissionOfMetadata(t *testing.T) {
	t.Parallel()
	const ppID, cppID = "propagationpolicy.karmada.io/permanent-id", "clusterpropagationpolicy.karmada.io/permanent-id"
	run(t, map[string]request{
		"malformed name":      {kinds: allKinds, meta: `{name: Not_A_Name}`, refused: []string{`metadata.name: a lowercase RFC 1123 subdomain`}},
		"name of full length": {kinds: allKinds, meta: `{name: ` + strings.Repeat("a", 253) + `}`},
		"name too long":       {kinds: allKinds, meta: `{name: ` + strings.Repeat("a", 254) + `}`, refused: []string{`metadata.name: must be no more than 253`}},
		"malformed label":     {kinds: allKinds, meta: `{labels: {a: b c}}`, refused: []string{`metadata.labels: a valid label`}},

		"finalizer from elsewhere is dropped": {
			kinds: "pp", meta: `{finalizers: [example.com/keep, karmada.io/propagation-policy-controller]}`,
			gives: `{metadata: {finalizers: [example.com/keep]}}`,
		},
		"finalizer from elsewhere is dropped from a cluster-wide one": {
			kinds: "cpp", meta: `{finalizers: [karmada.io/cluster-propagation-policy-controller]}`,
			gives: `{metadata: {finalizers: null}}`,
		},
		"finalizer from elsewhere is dropped on update": {
			kinds: "pp", update: true, meta: `{finalizers: [karmada.io/propagation-policy-controller]}`,
			gives: `{metadata: {finalizers: null}}`,
		},
		"permanent id lost": {
			kinds: "pp cpp", update: true, meta: `{labels: {a: b}}`, spec: `{priority: 2}`,
			gives: `{metadata: {generation: 2}, spec: {priority: 2}}`,
		},
		"permanent id changed": {
			kinds: "pp", update: true, meta: `{labels: {` + ppID + `: other}}`,
			refused: []string{`metadata.labels[` + ppID + `]: the permanent id is immutable; it is `},
		},
		"permanent id of a cluster-wide one changed": {
			kinds: "cpp", update: true, meta: `{labels: {` + cppID + `: other}}`,
			refused: []string{`metadata.labels[` + cppID + `]: the permanent id is immutable; it is `},
		},
		"permanent id of the other kind is a label": {
			kinds: "cpp", update: true, meta: `{labels: {` + ppID + `: other}}`,
			gives: `{metadata: {labels: {` + ppID + `: other}}}`,
		},
		"an update of metadata keeps the generation": {
			kinds: allKinds, update: true, meta: `{annotations: {a: b}}`,
			gives: `{metadata: {generation: 1, annotations: {a: b}}}`,
		},
	})
}

// A permanent id is made on creation, whatever the client says, and stays with the policy.
func TestAdmissionGivesPermanentID(t *testing.T) {
	t.Parallel()
	d := open(t)
	for kind, label := range map[string]string{"pp": "propagationpolicy.karmada.io/permanent-id", "cpp": "clusterpropagationpolicy.karmada.io/permanent-id"} {
		obj := d.manifest(t, kind, `{labels: {`+label+`: from-the-client}}`, "")
		if _, err := d.create(t.Context(), kind, obj); err != nil {
			t.Fatal(err)
		}
		id := obj.GetLabels()[label]
		if len(id) != 36 || id == "from-the-client" {
			t.Errorf("%s: permanent id %q, want a UUID of the server", kind, id)
		}
		obj.SetResourceVersion("1")
		change := obj.DeepCopyObject().(metaObject)
		change.SetLabels(nil)
		if _, err := d.update(t.Context(), kind, change, obj); err != nil {
			t.Fatal(err)
		}
		if got := change.GetLabels()[label]; got != id {
			t.Errorf("%s: permanent id %q after an update without it, want %q", kind, got, id)
		}
	}
}
