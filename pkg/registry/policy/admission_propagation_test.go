/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import "testing"

// What a propagation policy says beside selectors and placement.
func TestAdmissionOfPropagation(t *testing.T) {
	t.Parallel()
	run(t, map[string]request{
		"defaults": {
			kinds: propagationKinds,
			gives: `{spec: {priority: 0, preemption: Never, schedulerName: default-scheduler, conflictResolution: Abort, propagateDeps: null,
				activationPreference: null, failover: null, suspension: null, schedulePriority: null, preserveResourcesOnDeletion: null, placement: null}}`,
		},
		"everything": {
			kinds: propagationKinds,
			spec: `{association: true, propagateDeps: true, priority: -3, preemption: Always, dependentOverrides: [o], schedulerName: other,
				conflictResolution: Overwrite, activationPreference: Lazy, preserveResourcesOnDeletion: false,
				suspension: {dispatchingOnClusters: {clusterNames: [m1]}},
				schedulePriority: {priorityClassSource: KubePriorityClass, priorityClassName: high}}`,
			gives: `{spec: {association: true, propagateDeps: true, priority: -3, preemption: Always, dependentOverrides: [o], schedulerName: other,
				conflictResolution: Overwrite, activationPreference: Lazy, preserveResourcesOnDeletion: false}}`,
		},
		"empty strings are defaulted": {
			kinds: propagationKinds,
			spec:  `{preemption: "", schedulerName: "", conflictResolution: "", activationPreference: ""}`,
			gives: `{spec: {preemption: Never, schedulerName: default-scheduler, conflictResolution: Abort, activationPreference: null}}`,
		},
		"defaults on update": {
			kinds: propagationKinds, update: true, was: `{priority: 4, conflictResolution: Overwrite}`,
			gives: `{metadata: {generation: 2}, spec: {priority: 0, conflictResolution: Abort}}`,
		},

		"preemption unknown":                {kinds: propagationKinds, spec: `{preemption: Sometimes}`, refused: []string{`spec.preemption: supported values: "Always", "Never"`}},
		"preemption in the wrong case":      {kinds: propagationKinds, spec: `{preemption: always}`, refused: []string{`spec.preemption: supported values: "Always", "Never"`}},
		"preemption of what is named":       {kinds: propagationKinds, spec: `{preemption: Always}`},
		"preemption of all of a kind":       {kinds: propagationKinds, spec: `{preemption: Always, resourceSelectors: [{apiVersion: v1, kind: Secret}]}`, refused: []string{`spec.resourceSelectors[0].name: a policy with preemption Always must name what it takes over`}},
		"preemption by labels":              {kinds: propagationKinds, spec: `{preemption: Always, resourceSelectors: [{apiVersion: v1, kind: Secret, name: a}, {apiVersion: v1, kind: Secret, labelSelector: {}}]}`, refused: []string{`spec.resourceSelectors[1].name: must name what it takes over`}},
		"preemption switched on":            {kinds: propagationKinds, update: true, spec: `{preemption: Always}`, gives: `{metadata: {generation: 2}}`},
		"preemption switched on, no name":   {kinds: propagationKinds, update: true, spec: `{preemption: Always, resourceSelectors: [{apiVersion: v1, kind: Secret}]}`, refused: []string{`spec.resourceSelectors[0].name: must name`}},
		"conflictResolution unknown":        {kinds: propagationKinds, spec: `{conflictResolution: Merge}`, refused: []string{`spec.conflictResolution: supported values: "Abort", "Overwrite"`}},
		"conflictResolution Overwrite":      {kinds: propagationKinds, spec: `{conflictResolution: Overwrite}`},
		"conflictResolution as annotated":   {kinds: propagationKinds, spec: `{conflictResolution: overwrite}`, refused: []string{`spec.conflictResolution: supported values: "Abort", "Overwrite"`}},
		"conflictResolution changed":        {kinds: propagationKinds, update: true, spec: `{conflictResolution: Overwrite}`, gives: `{metadata: {generation: 2}}`},
		"activationPreference unknown":      {kinds: propagationKinds, spec: `{activationPreference: Eager}`, refused: []string{`spec.activationPreference: supported values: "Lazy"`}},
		"activationPreference Lazy":         {kinds: propagationKinds, spec: `{activationPreference: Lazy}`},
		"priority below zero":               {kinds: propagationKinds, spec: `{priority: -2147483648}`},
		"dependentOverrides":                {kinds: propagationKinds, spec: `{dependentOverrides: [a, b]}`},
		"dependentOverrides without a name": {kinds: propagationKinds, spec: `{dependentOverrides: [a, ""]}`, refused: []string{`spec.dependentOverrides[1]: the name of an override policy`}},

		"schedulerName chosen":          {kinds: propagationKinds, spec: `{schedulerName: other}`, gives: `{spec: {schedulerName: other}}`},
		"schedulerName changed":         {kinds: propagationKinds, update: true, spec: `{schedulerName: other}`, refused: []string{`spec.schedulerName: immutable; it is "default-scheduler". Delete the policy and create it anew`}},
		"schedulerName back to default": {kinds: propagationKinds, update: true, was: `{schedulerName: other}`, refused: []string{`spec.schedulerName: immutable; it is "other"`}},
		"schedulerName kept":            {kinds: propagationKinds, update: true, was: `{schedulerName: other}`, spec: `{schedulerName: other, priority: 1}`, gives: `{metadata: {generation: 2}}`},

		"dependencies of an imported service": {
			kinds: propagationKinds, spec: `{resourceSelectors: [{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport, name: web}]}`,
			gives: `{spec: {propagateDeps: true}}`,
		},
		"dependencies of an imported service cannot be left": {
			kinds: propagationKinds, update: true, was: `{propagateDeps: true}`,
			spec:  `{propagateDeps: false, resourceSelectors: [{apiVersion: v1, kind: Secret}, {apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport}]}`,
			gives: `{spec: {propagateDeps: true}}`,
		},
		"dependencies of another version of it": {
			kinds: propagationKinds, spec: `{resourceSelectors: [{apiVersion: multicluster.x-k8s.io/v1beta1, kind: ServiceImport, name: web}]}`,
			gives: `{spec: {propagateDeps: null}}`,
		},

		"suspension of all":                 {kinds: propagationKinds, spec: `{suspension: {dispatching: true}}`},
		"suspension of some":                {kinds: propagationKinds, spec: `{suspension: {dispatching: false, dispatchingOnClusters: {clusterNames: [m1]}}}`},
		"suspension of all and none":        {kinds: propagationKinds, spec: `{suspension: {dispatching: true, dispatchingOnClusters: {clusterNames: []}}}`},
		"suspension of all and some":        {kinds: propagationKinds, spec: `{suspension: {dispatching: true, dispatchingOnClusters: {clusterNames: [m1]}}}`, refused: []string{`spec.suspension.dispatching: leave it out or leave dispatchingOnClusters.clusterNames empty`}},
		"suspension of some turned to all":  {kinds: propagationKinds, update: true, was: `{suspension: {dispatchingOnClusters: {clusterNames: [m1]}}}`, spec: `{suspension: {dispatching: true, dispatchingOnClusters: {clusterNames: [m1]}}}`, refused: []string{`spec.suspension.dispatching: suspends every cluster already`}},
		"suspension without content":        {kinds: propagationKinds, spec: `{suspension: {}}`},
		"schedulePriority":                  {kinds: propagationKinds, spec: `{schedulePriority: {priorityClassSource: KubePriorityClass, priorityClassName: high}}`},
		"schedulePriority of another kind":  {kinds: propagationKinds, spec: `{schedulePriority: {priorityClassSource: PodPriorityClass, priorityClassName: high}}`, refused: []string{`spec.schedulePriority.priorityClassSource: supported values: "KubePriorityClass"`}},
		"schedulePriority without a source": {kinds: propagationKinds, spec: `{schedulePriority: {priorityClassName: high}}`, refused: []string{`spec.schedulePriority.priorityClassSource: one of ["KubePriorityClass"]`}},
		"schedulePriority without a name":   {kinds: propagationKinds, spec: `{schedulePriority: {priorityClassSource: KubePriorityClass}}`, refused: []string{`spec.schedulePriority.priorityClassName: the name of a PriorityClass`}},
		"several errors at once": {
			kinds: propagationKinds, spec: `{conflictResolution: x, preemption: z, placement: {clusterTolerations: [{operator: Lt}]}}`,
			refused: []string{`spec.placement.clusterTolerations[0].operator: supported values`, `spec.preemption: supported values`, `spec.conflictResolution: supported values`},
		},
	})
}

// When and how workloads leave a cluster.
func TestAdmissionOfFailover(t *testing.T) {
	t.Parallel()
	const conditions = `decisionConditions: {}`
	run(t, map[string]request{
		"defaults": {
			kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {decisionConditions: {}}, cluster: {}}}`,
			gives: `{spec: {failover: {application: {decisionConditions: {tolerationSeconds: 300}, purgeMode: Gracefully, gracePeriodSeconds: 600}, cluster: {purgeMode: Gracefully}}}}`,
		},
		"null seconds": {
			kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {decisionConditions: {tolerationSeconds: null}}}}`,
			gives: `{spec: {failover: {application: {decisionConditions: {tolerationSeconds: 300}}}}}`,
		},
		"what is set stays": {
			kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {decisionConditions: {tolerationSeconds: 0}, purgeMode: Directly}, cluster: {purgeMode: Directly}}}`,
			gives: `{spec: {failover: {application: {decisionConditions: {tolerationSeconds: 0}, purgeMode: Directly, gracePeriodSeconds: null}, cluster: {purgeMode: Directly}}}}`,
		},
		"nothing":                {kinds: propagationKinds, spec: `{failover: {}}`},
		"Never":                  {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, purgeMode: Never}}}`},
		"own grace period":       {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, gracePeriodSeconds: 1}}}`},
		"cluster needs no deps":  {kinds: propagationKinds, spec: `{failover: {cluster: {purgeMode: Gracefully}}}`},
		"without propagateDeps":  {kinds: propagationKinds, spec: `{failover: {application: {` + conditions + `}}}`, refused: []string{`spec.propagateDeps: must be true when failover.application is set`}},
		"propagateDeps taken":    {kinds: propagationKinds, update: true, was: `{propagateDeps: true}`, spec: `{failover: {application: {` + conditions + `}}}`, refused: []string{`spec.propagateDeps: must be true`}},
		"without conditions":     {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {}}}`, refused: []string{`spec.failover.application.decisionConditions: when the workload moves; {} for the defaults`}},
		"negative toleration":    {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {decisionConditions: {tolerationSeconds: -1}}}}`, refused: []string{`spec.failover.application.decisionConditions.tolerationSeconds: must not be negative`}},
		"purge mode unknown":     {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, purgeMode: Softly}}}`, refused: []string{`spec.failover.application.purgeMode: supported values: "Directly", "Gracefully", "Never"`}},
		"purge mode of old":      {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, purgeMode: Graciously}}}`, refused: []string{`spec.failover.application.purgeMode: supported values: "Directly", "Gracefully", "Never"`}},
		"grace period of zero":   {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, gracePeriodSeconds: 0}}}`, refused: []string{`spec.failover.application.gracePeriodSeconds: must be greater than 0`}},
		"negative grace period":  {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, gracePeriodSeconds: -5}}}`, refused: []string{`spec.failover.application.gracePeriodSeconds: must be greater than 0`}},
		"grace of Directly":      {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, purgeMode: Directly, gracePeriodSeconds: 5}}}`, refused: []string{`spec.failover.application.gracePeriodSeconds: only with purgeMode Gracefully`}},
		"grace of Never":         {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, purgeMode: Never, gracePeriodSeconds: 5}}}`, refused: []string{`spec.failover.application.gracePeriodSeconds: only with purgeMode Gracefully`}},
		"cluster purge Never":    {kinds: propagationKinds, spec: `{failover: {cluster: {purgeMode: Never}}}`, refused: []string{`spec.failover.cluster.purgeMode: supported values: "Directly", "Gracefully"`}},
		"state":                  {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, statePreservation: {rules: [{aliasLabelName: example.com/id, jsonPath: "{.id}"}]}}, cluster: {statePreservation: {rules: []}}}}`},
		"state without rules":    {kinds: propagationKinds, spec: `{failover: {cluster: {statePreservation: {}}}}`, refused: []string{`spec.failover.cluster.statePreservation.rules: the values to carry over`}},
		"state without label":    {kinds: propagationKinds, spec: `{failover: {cluster: {statePreservation: {rules: [{jsonPath: "{.id}"}]}}}}`, refused: []string{`spec.failover.cluster.statePreservation.rules[0].aliasLabelName: the key of the label`}},
		"state without path":     {kinds: propagationKinds, spec: `{failover: {cluster: {statePreservation: {rules: [{aliasLabelName: a, jsonPath: "{.id}"}, {aliasLabelName: b}]}}}}`, refused: []string{`spec.failover.cluster.statePreservation.rules[1].jsonPath: such as {.jobStatus.jobID}`}},
		"state, malformed label": {kinds: propagationKinds, spec: `{propagateDeps: true, failover: {application: {` + conditions + `, statePreservation: {rules: [{aliasLabelName: a b, jsonPath: "{.id}"}]}}}}`, refused: []string{`spec.failover.application.statePreservation.rules[0].aliasLabelName: must consist of alphanumeric`}},
		"state, malformed label of a cluster": {kinds: propagationKinds, spec: `{failover: {cluster: {statePreservation: {rules: [{aliasLabelName: -a, jsonPath: "{.id}"}]}}}}`,
			refused: []string{`spec.failover.cluster.statePreservation.rules[0].aliasLabelName: must consist of alphanumeric`}},
	})
}
