/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAggregateGeneric(t *testing.T) {
	t.Parallel()
	const (
		stamp = `lastTransitionTime: "2026-05-04T03:02:01Z"`
		old   = `lastTransitionTime: "2026-01-01T00:00:00Z"`
		ready = `{resourceTemplateGeneration: 5, observedGeneration: 9, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`
	)
	for name, tc := range map[string]struct {
		status  string   // of the template, whose generation is 5
		items   []string // as in TestAggregate; one that begins with ! is of a cluster that is away
		nothing bool     // no member has ever reported
		want    string
	}{
		"kept by somebody on the hub": {`{phase: Mine}`, []string{``, ``}, true, `{phase: Mine}`},
		"one cluster": {`{phase: Old, gone: 1}`, []string{`{resourceTemplateGeneration: 5, phase: New, list: [1]}`}, false,
			`{phase: New, list: [1]}`},
		"one cluster, generations are the template's": {``,
			[]string{`{resourceTemplateGeneration: 5, observedGeneration: 9, conditions: [{type: Ready, status: "True", observedGeneration: 9}, {type: Old, observedGeneration: 8}]}`}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: "True", observedGeneration: 5}, {type: Old, observedGeneration: 4}]}`},
		"one cluster, generations in conditions only": {``,
			[]string{`{resourceTemplateGeneration: 5, conditions: [{type: A, observedGeneration: 2}, {type: B, observedGeneration: 1}]}`}, false,
			`{conditions: [{type: A, observedGeneration: 5}, {type: B, observedGeneration: 4}]}`},
		"one cluster, behind": {`{observedGeneration: 4, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`,
			[]string{`{resourceTemplateGeneration: 4, observedGeneration: 8, phase: New, conditions: [{type: Ready, status: "True", reason: Up, message: up}]}`}, false,
			`{observedGeneration: 4, phase: New, conditions: [{type: Ready, status: Unknown, reason: NotUpToDate, message: "Not up to date in: a", ` + stamp + `}]}`},
		"one cluster, away": {`{observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`,
			[]string{"!" + ready}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: "up; no answer from: a", ` + old + `}]}`},
		"ready everywhere": {`{observedGeneration: 4}`, []string{ready, ready}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + stamp + `}]}`},
		"ready everywhere, in other words": {`{observedGeneration: 4}`, []string{ready,
			`{resourceTemplateGeneration: 5, observedGeneration: 2, conditions: [{type: Ready, status: "True", reason: Fine, message: fine}]}`}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: ClustersDiffer, message: True in every cluster., ` + stamp + `}]}`},
		"not ready in one": {`{observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`,
			[]string{ready, `{resourceTemplateGeneration: 5, observedGeneration: 2, conditions: [{type: Ready, status: "False", reason: Down, message: no disk}]}`}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: "False", reason: Down, message: "False in: b: no disk", ` + stamp + `}]}`},
		"one has not the present generation": {`{observedGeneration: 4}`,
			[]string{ready, `{resourceTemplateGeneration: 4, observedGeneration: 2, conditions: [{type: Ready, status: "True", reason: Up, message: up}]}`}, false,
			`{observedGeneration: 4, conditions: [{type: Ready, status: Unknown, reason: NotUpToDate, message: "Not up to date in: b", ` + stamp + `}]}`},
		"one has not acted on it yet": {`{observedGeneration: 4}`,
			[]string{ready, `{observedGeneration: 2, conditions: [{type: Ready, status: "True", reason: Up, message: up}]}`}, false,
			`{observedGeneration: 4, conditions: [{type: Ready, status: Unknown, reason: NotUpToDate, message: "Not up to date in: b", ` + stamp + `}]}`},
		"a target has come": {`{observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`, []string{ready, ``}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: Unknown, reason: NotUpToDate, message: "Not up to date in: b", ` + stamp + `}]}`},
		"one does not report it": {`{}`, []string{ready, `{resourceTemplateGeneration: 5, observedGeneration: 1}`}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: Unknown, reason: NotReported, message: "Not reported by: b", ` + stamp + `}]}`},
		"trouble in one": {`{}`, []string{`{resourceTemplateGeneration: 5, conditions: [{type: Stalled, status: "True", reason: R, message: m}]}`,
			`{resourceTemplateGeneration: 5, conditions: [{type: Stalled, status: "False", reason: S, message: none}]}`}, false,
			`{conditions: [{type: Stalled, status: "True", reason: R, message: "True in: a: m", ` + stamp + `}]}`},
		"trouble in none": {`{}`, []string{`{resourceTemplateGeneration: 5}`,
			`{resourceTemplateGeneration: 5, conditions: [{type: Stalled, status: "False", reason: S, message: none}]}`}, false,
			`{conditions: [{type: Stalled, status: "False", reason: S, message: "False in: b: none", ` + stamp + `}]}`},
		"a condition that is no more": {`{conditions: [{type: Gone, status: "True", reason: R, message: m}]}`,
			[]string{`{resourceTemplateGeneration: 5}`, `{resourceTemplateGeneration: 5}`}, false, `{conditions: []}`},
		"conditions with generations": {`{}`, []string{`{resourceTemplateGeneration: 5, conditions: [{type: Ready, status: "True", reason: R, message: m, observedGeneration: 2}]}`,
			`{resourceTemplateGeneration: 5, conditions: [{type: Ready, status: "True", reason: R, message: m, observedGeneration: 7}]}`}, false,
			`{conditions: [{type: Ready, status: "True", reason: R, message: m, observedGeneration: 5, ` + stamp + `}]}`},
		"conditions with generations, one behind": {`{conditions: [{type: Ready, status: "True", reason: R, message: m, observedGeneration: 5, ` + old + `}]}`,
			[]string{`{resourceTemplateGeneration: 5, conditions: [{type: Ready, status: "True", reason: R, message: m, observedGeneration: 2}]}`,
				`{conditions: [{type: Ready, status: "True", reason: R, message: m, observedGeneration: 7}]}`}, false,
			`{conditions: [{type: Ready, status: Unknown, reason: NotUpToDate, message: "Not up to date in: b", observedGeneration: 4, ` + stamp + `}]}`},
		"fields on which all agree": {`{phase: Old, mine: 1, size: 4}`, []string{`{resourceTemplateGeneration: 5, phase: Up, size: 1}`, `{resourceTemplateGeneration: 5, phase: Up, size: 2, extra: 1}`}, false,
			`{mine: 1, phase: Up}`},
		"moved, and nothing heard yet": {`{phase: Up, observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`, []string{``}, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: Unknown, reason: NotUpToDate, message: "Not up to date in: a", ` + stamp + `}]}`},
		"placed nowhere": {`{phase: Up, observedGeneration: 5, conditions: [{type: Ready, status: "True", reason: Up, message: up, ` + old + `}]}`, nil, false,
			`{observedGeneration: 5, conditions: [{type: Ready, status: Unknown, reason: NotPlaced, message: Placed in no cluster., ` + stamp + `}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := object(t, `{apiVersion: example.com/v1, kind: App, metadata: {generation: 5}}`)
			if s := statusOf(t, tc.status); s != nil {
				tmpl.Object["status"] = s
			}
			m := Members{Scheduled: true, Reported: !tc.nothing, Now: now}
			for i, s := range tc.items {
				it := Item{Cluster: string(rune('a' + i))}
				if len(s) > 0 && s[0] == '!' {
					it.Away, s = true, s[1:]
				}
				it.Status = statusOf(t, s)
				m.Items = append(m.Items, it)
			}
			got, _ := Of(tmpl.GroupVersionKind()).Aggregate(tmpl, m)
			if diff := cmp.Diff(statusOf(t, tc.want), got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			tmpl.Object["status"] = got
			if again, changed := Of(tmpl.GroupVersionKind()).Aggregate(tmpl, m); changed {
				t.Errorf("once more (-first +second):\n%s", cmp.Diff(got, again))
			}
		})
	}
}
