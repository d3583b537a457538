/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package policy_test

import (
	"strings"
	"testing"
)

// clusterFilters are requests about a filter on clusters that is put into %: it is the same wherever it stands.
func clusterFilters(kinds, path, spec string) map[string]request {
	in := func(filter string) string { return strings.ReplaceAll(spec, "%", filter) }
	return map[string]request{
		path + " full": {kinds: kinds, spec: in(`labelSelector: {matchLabels: {a: b}}, clusterNames: [m1], exclude: [m2],
			fieldSelector: {matchExpressions: [{key: provider, operator: In, values: [p]}, {key: region, operator: NotIn, values: [r]}, {key: zone, operator: In, values: [z]}]}`)},
		path + " label operator": {
			kinds: kinds, spec: in(`labelSelector: {matchExpressions: [{key: a, operator: Near}]}`),
			refused: []string{path + `.labelSelector.matchExpressions[0].operator: not a valid selector operator`},
		},
		path + " label value": {
			kinds: kinds, spec: in(`labelSelector: {matchLabels: {a: not a value}}`),
			refused: []string{path + `.labelSelector.matchLabels: valid label must be`},
		},
		path + " field key": {
			kinds: kinds, spec: in(`fieldSelector: {matchExpressions: [{key: zone, operator: In, values: [z]}, {key: planet, operator: In, values: [mars]}]}`),
			refused: []string{path + `.fieldSelector.matchExpressions[1].key: supported values: "provider", "region", "zone"`},
		},
		path + " no field key": {
			kinds: kinds, spec: in(`fieldSelector: {matchExpressions: [{operator: In, values: [z]}]}`),
			refused: []string{path + `.fieldSelector.matchExpressions[0].key: one of ["provider" "region" "zone"]`},
		},
		path + " field operator": {
			kinds: kinds, spec: in(`fieldSelector: {matchExpressions: [{key: zone, operator: Exists}]}`),
			refused: []string{path + `.fieldSelector.matchExpressions[0].operator: supported values: "In", "NotIn"`},
		},
		path + " no field operator": {
			kinds: kinds, spec: in(`fieldSelector: {matchExpressions: [{key: region, values: [r]}]}`),
			refused: []string{path + `.fieldSelector.matchExpressions[0].operator: one of ["In" "NotIn"]`},
		},
	}
}

// Filters on clusters, at every place where one may stand.
func TestAdmissionOfClusterFilters(t *testing.T) {
	t.Parallel()
	for path, spec := range map[string]string{
		"spec.placement.clusterAffinity":                                                      `{placement: {clusterAffinity: {%}}}`,
		"spec.placement.clusterAffinities[0]":                                                 `{placement: {clusterAffinities: [{affinityName: a, %}]}}`,
		"spec.placement.clusterAffinities[0].overflowAffinities[0]":                           `{placement: {replicaScheduling: {replicaDivisionPreference: Aggregated}, clusterAffinities: [{affinityName: a, clusterNames: [m1], overflowAffinities: [{affinityName: b, %}]}]}}`,
		"spec.placement.replicaScheduling.weightPreference.staticWeightList[0].targetCluster": `{placement: {replicaScheduling: {weightPreference: {staticWeightList: [{weight: 1, targetCluster: {%}}]}}}}`,
	} {
		run(t, clusterFilters(propagationKinds, path, spec))
	}
	for path, spec := range map[string]string{
		"spec.overrideRules[0].targetCluster": `{overrideRules: [{targetCluster: {%}, overriders: {}}]}`,
		"spec.targetCluster":                  `{overrideRules: null, targetCluster: {%}}`,
	} {
		run(t, clusterFilters(overrideKinds, path, spec))
	}
}

// Which clusters are chosen.
func TestAdmissionOfPlacement(t *testing.T) {
	t.Parallel()
	const affinities = "spec.placement.clusterAffinities"
	full, tooLong := strings.Repeat("a", 32), strings.Repeat("a", 33)
	run(t, map[string]request{
		"absent":            {kinds: propagationKinds, spec: `{placement: null}`},
		"empty":             {kinds: propagationKinds, spec: `{placement: {}}`},
		"one affinity":      {kinds: propagationKinds, spec: `{placement: {clusterAffinity: {}}}`},
		"several in order":  {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: a, clusterNames: [m1]}, {affinityName: example.com/b}]}}`},
		"unknown clusters":  {kinds: propagationKinds, spec: `{placement: {clusterAffinity: {clusterNames: [nowhere], exclude: [nowhere]}}}`},
		"both affinities":   {kinds: propagationKinds, spec: `{placement: {clusterAffinity: {}, clusterAffinities: [{affinityName: a}]}}`, refused: []string{affinities + `: must not be combined with clusterAffinity; use one of the two`}},
		"both, one empty":   {kinds: propagationKinds, spec: `{placement: {clusterAffinity: {clusterNames: [m1]}, clusterAffinities: []}}`, refused: []string{affinities + `: must not be combined with clusterAffinity`}},
		"second added":      {kinds: propagationKinds, update: true, was: `{placement: {clusterAffinity: {}}}`, spec: `{placement: {clusterAffinity: {}, clusterAffinities: [{affinityName: a}]}}`, refused: []string{affinities + `: use one of the two`}},
		"name missing":      {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: a}, {clusterNames: [m1]}]}}`, refused: []string{affinities + `[1].affinityName: a name by which the binding's status refers to it`}},
		"name empty":        {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: ""}]}}`, refused: []string{affinities + `[0].affinityName: a name by which`}},
		"name long":         {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: ` + full + `}]}}`},
		"name too long":     {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: ` + tooLong + `}]}}`, refused: []string{affinities + `[0].affinityName: may not be more than 32 bytes`}},
		"name malformed":    {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: not a key}]}}`, refused: []string{affinities + `[0].affinityName: must consist of alphanumeric`}},
		"name twice":        {kinds: propagationKinds, spec: `{placement: {clusterAffinities: [{affinityName: a}, {affinityName: b}, {affinityName: a}]}}`, refused: []string{affinities + `[2].affinityName: Duplicate value`}},
		"tolerations":       {kinds: propagationKinds, spec: `{placement: {clusterTolerations: [{operator: Exists}, {key: k, operator: Equal, value: v}, {key: k, effect: NoExecute, tolerationSeconds: 5}]}}`},
		"toleration Lt":     {kinds: propagationKinds, spec: `{placement: {clusterTolerations: [{key: k, operator: Lt, value: "1"}]}}`, refused: []string{`spec.placement.clusterTolerations[0].operator: supported values: "", "Exists", "Equal"`}},
		"toleration Gt":     {kinds: propagationKinds, spec: `{placement: {clusterTolerations: [{operator: Exists}, {key: k, operator: Gt, value: "1"}]}}`, refused: []string{`spec.placement.clusterTolerations[1].operator: supported values: "", "Exists", "Equal"`}},
		"toleration of old": {kinds: propagationKinds, spec: `{placement: {clusterTolerations: [{key: k, operator: exists}]}}`, refused: []string{`spec.placement.clusterTolerations[0].operator: supported values: "", "Exists", "Equal"`}},

		"together":           {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {affinity: {groupByLabelKey: app}, antiAffinity: {groupByLabelKey: example.com/tier}}}}`},
		"together nowhere":   {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {}}}`},
		"together without":   {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {affinity: {}}}}`, refused: []string{`spec.placement.workloadAffinity.affinity.groupByLabelKey: a label key`}},
		"apart without":      {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {antiAffinity: {groupByLabelKey: ""}}}}`, refused: []string{`spec.placement.workloadAffinity.antiAffinity.groupByLabelKey: a label key`}},
		"together malformed": {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {affinity: {groupByLabelKey: no key}}}}`, refused: []string{`spec.placement.workloadAffinity.affinity.groupByLabelKey: must consist of alphanumeric`}},
		"apart malformed":    {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {antiAffinity: {groupByLabelKey: a/b/c}}}}`, refused: []string{`spec.placement.workloadAffinity.antiAffinity.groupByLabelKey: a valid label key`}},
		"together and apart": {kinds: propagationKinds, spec: `{placement: {workloadAffinity: {affinity: {groupByLabelKey: app}, antiAffinity: {groupByLabelKey: app}}}}`, refused: []string{`spec.placement.workloadAffinity.antiAffinity.groupByLabelKey: must differ from affinity.groupByLabelKey`}},
	})
}

// Clusters that serve when others are full.
func TestAdmissionOfOverflow(t *testing.T) {
	t.Parallel()
	const path = "spec.placement.clusterAffinities[0].overflowAffinities"
	in := func(scheduling, term, overflows string) string {
		return `{placement: {replicaScheduling: ` + scheduling + `, clusterAffinities: [{affinityName: a, ` + term + ` overflowAffinities: ` + overflows + `}]}}`
	}
	const aggregated, dynamic = `{replicaDivisionPreference: Aggregated}`, `{weightPreference: {dynamicWeight: AvailableReplicas}}`
	const m1, one = `clusterNames: [m1],`, `[{affinityName: b}]`
	run(t, map[string]request{
		"aggregated":   {kinds: propagationKinds, spec: in(aggregated, m1, `[{affinityName: b}, {affinityName: c, clusterNames: [m2]}]`)},
		"dynamic":      {kinds: propagationKinds, spec: in(dynamic, m1, one)},
		"by labels":    {kinds: propagationKinds, spec: in(dynamic, `labelSelector: {matchLabels: {a: b}},`, one)},
		"by exclusion": {kinds: propagationKinds, spec: in(dynamic, `exclude: [m1],`, one)},
		"by fields":    {kinds: propagationKinds, spec: in(dynamic, `fieldSelector: {},`, one)},
		"of none":      {kinds: propagationKinds, spec: in(`null`, ``, `[]`)},
		"no division":  {kinds: propagationKinds, spec: in(`null`, m1, one), refused: []string{path + `: replicaSchedulingType Divided, with the preference Aggregated or with a dynamicWeight`}},
		"duplicated":   {kinds: propagationKinds, spec: in(`{replicaSchedulingType: Duplicated}`, m1, one), refused: []string{path + `: only when replicas are divided by capacity`}},
		"duplicated in vain": {kinds: propagationKinds, spec: in(`{replicaSchedulingType: Duplicated, weightPreference: {dynamicWeight: AvailableReplicas}}`, m1, one),
			refused: []string{path + `: only when replicas are divided by capacity`}},
		"static":     {kinds: propagationKinds, spec: in(`{weightPreference: {staticWeightList: [{targetCluster: {}, weight: 1}]}}`, m1, one), refused: []string{path + `: only when replicas are divided by capacity`}},
		"equal":      {kinds: propagationKinds, spec: in(`{}`, m1, one), refused: []string{path + `: only when replicas are divided by capacity`}},
		"of all":     {kinds: propagationKinds, spec: in(aggregated, ``, one), refused: []string{path + `: needs a term that selects clusters itself`}},
		"of no name": {kinds: propagationKinds, spec: in(aggregated, `clusterNames: [],`, one), refused: []string{path + `: needs a term that selects clusters itself`}},
		"both wrong": {kinds: propagationKinds, spec: in(`null`, ``, one), refused: []string{path + `: only when replicas`, path + `: needs a term`}},

		"name missing":     {kinds: propagationKinds, spec: in(aggregated, m1, `[{clusterNames: [m2]}]`), refused: []string{path + `[0].affinityName: a name by which`}},
		"name too long":    {kinds: propagationKinds, spec: in(aggregated, m1, `[{affinityName: `+strings.Repeat("b", 33)+`}]`), refused: []string{path + `[0].affinityName: may not be more than 32 bytes`}},
		"name malformed":   {kinds: propagationKinds, spec: in(aggregated, m1, `[{affinityName: "?"}]`), refused: []string{path + `[0].affinityName: must consist of alphanumeric`}},
		"name of the term": {kinds: propagationKinds, spec: in(aggregated, m1, `[{affinityName: a}]`), refused: []string{path + `[0].affinityName: Duplicate value: "a"`}},
		"name twice":       {kinds: propagationKinds, spec: in(aggregated, m1, `[{affinityName: b}, {affinityName: c}, {affinityName: b}]`), refused: []string{path + `[2].affinityName: Duplicate value: "b"`}},
		"name in another term": {kinds: propagationKinds,
			spec: `{placement: {replicaScheduling: {replicaDivisionPreference: Aggregated}, clusterAffinities: [{affinityName: a, clusterNames: [m1], overflowAffinities: [{affinityName: x}]}, {affinityName: x, clusterNames: [m2], overflowAffinities: [{affinityName: a}]}]}}`},
	})
}

// How many clusters are chosen, and how many replicas each gets.
func TestAdmissionOfSpreadAndDivision(t *testing.T) {
	t.Parallel()
	const spread, scheduling = "spec.placement.spreadConstraints", "spec.placement.replicaScheduling"
	run(t, map[string]request{
		"spread defaults": {
			kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{}, {spreadByLabel: rack, minGroups: 2}]}}`,
			gives: `{spec: {placement: {spreadConstraints: [{spreadByField: cluster, minGroups: 1}, {spreadByLabel: rack, minGroups: 2}]}}}`,
		},
		"spread has no default maximum": {
			kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{spreadByField: cluster, minGroups: 3}]}}`,
			gives: `{spec: {placement: {spreadConstraints: [{spreadByField: cluster, minGroups: 3}]}}}`,
		},
		"spread by all fields": {
			kinds: propagationKinds,
			spec:  `{placement: {spreadConstraints: [{spreadByField: zone, maxGroups: 1}, {spreadByField: provider, maxGroups: 1}, {spreadByField: region, minGroups: 1, maxGroups: 2}, {spreadByField: cluster, minGroups: 2, maxGroups: 2}]}}`,
		},
		"spread by label alone":      {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{spreadByLabel: a}]}}`},
		"spread by unknown":          {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{spreadByField: rack}, {}]}}`, refused: []string{spread + `[0].spreadByField: supported values: "cluster", "region", "zone", "provider"`}},
		"spread by both":             {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{spreadByField: cluster, spreadByLabel: a}]}}`, refused: []string{spread + `[0].spreadByLabel: must not be combined with spreadByField; use one of the two`}},
		"spread minimum negative":    {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{minGroups: -1}]}}`, refused: []string{spread + `[0].minGroups: must not be negative`}},
		"spread maximum negative":    {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{maxGroups: -2}]}}`, refused: []string{spread + `[0].maxGroups: must not be negative`}},
		"spread maximum low":         {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{minGroups: 3, maxGroups: 2}]}}`, refused: []string{spread + `[0].maxGroups: must not be less than minGroups, which is 3`}},
		"spread maximum of 1":        {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{maxGroups: 1}]}}`},
		"spread twice":               {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{spreadByField: cluster}, {spreadByField: region}, {spreadByField: region}]}}`, refused: []string{spread + `[2].spreadByField: Duplicate value: "region"`}},
		"spread thrice, said once":   {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{}, {}, {}]}}`, refused: []string{spread + `[1].spreadByField: Duplicate value: "cluster"`}},
		"spread without cluster":     {kinds: propagationKinds, spec: `{placement: {spreadConstraints: [{spreadByField: region}]}}`, refused: []string{spread + `: an entry with spreadByField "cluster"`}},
		"spread, cluster taken away": {kinds: propagationKinds, update: true, was: `{placement: {spreadConstraints: [{spreadByField: region}, {}]}}`, spec: `{placement: {spreadConstraints: [{spreadByField: region}]}}`, refused: []string{spread + `: an entry with spreadByField "cluster"`}},

		"division defaults": {
			kinds: propagationKinds, spec: `{placement: {replicaScheduling: {}}}`,
			gives: `{spec: {placement: {replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, weightPreference: null}}}}`,
		},
		"division has no default when copied": {
			kinds: propagationKinds, spec: `{placement: {replicaScheduling: {replicaSchedulingType: Duplicated}}}`,
			gives: `{spec: {placement: {replicaScheduling: {replicaSchedulingType: Duplicated, replicaDivisionPreference: null}}}}`,
		},
		"division aggregated": {
			kinds: propagationKinds, spec: `{placement: {replicaScheduling: {replicaDivisionPreference: Aggregated}}}`,
			gives: `{spec: {placement: {replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Aggregated}}}}`,
		},
		"division type unknown":       {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {replicaSchedulingType: Halved}}}`, refused: []string{scheduling + `.replicaSchedulingType: supported values: "Duplicated", "Divided"`}},
		"division preference unknown": {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {replicaDivisionPreference: Random}}}`, refused: []string{scheduling + `.replicaDivisionPreference: supported values: "Aggregated", "Weighted"`}},
		"weight 0":                    {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {weightPreference: {staticWeightList: [{targetCluster: {}, weight: 1}, {targetCluster: {}, weight: 0}]}}}}`, refused: []string{scheduling + `.weightPreference.staticWeightList[1].weight: must be at least 1`}},
		"weight negative":             {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {weightPreference: {staticWeightList: [{targetCluster: {}, weight: -1}]}}}}`, refused: []string{scheduling + `.weightPreference.staticWeightList[0].weight: must be at least 1`}},
		"weight missing":              {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {weightPreference: {staticWeightList: [{targetCluster: {clusterNames: [m1]}}]}}}}`, refused: []string{scheduling + `.weightPreference.staticWeightList[0].weight: must be at least 1`}},
		"weight dynamic":              {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {weightPreference: {dynamicWeight: AvailableReplicas}}}}`},
		"weight dynamic, unknown":     {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {weightPreference: {dynamicWeight: Price}}}}`, refused: []string{scheduling + `.weightPreference.dynamicWeight: supported values: "AvailableReplicas"`}},
		"weights static and dynamic":  {kinds: propagationKinds, spec: `{placement: {replicaScheduling: {weightPreference: {staticWeightList: [{targetCluster: {}, weight: 1}], dynamicWeight: AvailableReplicas}}}}`},
	})
}
