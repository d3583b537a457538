/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/brief"
)

const (
	// maxLeftOut is how many clusters without the object are printed one by one. More are put together by their reasons.
	maxLeftOut = 10
	// maxNames bounds how many names are printed of many.
	maxNames = 3
	none     = "-"
)

// printText prints an explanation for people.
func printText(w io.Writer, e *hubv1alpha1.Explanation) error {
	p := &printer{e: e}
	p.head()
	p.policies()
	p.clusters()
	p.problems()
	p.overrides()
	_, err := w.Write(p.out.Bytes())
	return err
}

type printer struct {
	e   *hubv1alpha1.Explanation
	out bytes.Buffer // writing to it does not fail
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(&p.out, format+"\n", args...)
}

// table prints rows in columns, each row after two spaces.
func (p *printer) table(rows [][]string) {
	t := tabwriter.NewWriter(&p.out, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, "  "+strings.Join(row, "\t"))
	}
	t.Flush()
}

// title prints the title of a section, after an empty line.
func (p *printer) title(format string, args ...any) {
	p.line("\n"+format+":", args...)
}

func named(kind, namespace, name string) string {
	if namespace == "" {
		return kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}

func (p *printer) head() {
	e := p.e
	p.line("%s: %s", named(e.Template.Kind, e.Namespace, e.Name), e.State)
	p.line("  %s", e.Message)
	for _, n := range e.Notes {
		p.line("  %s", n)
	}
}

func (p *printer) policies() {
	e := p.e
	if w := e.Policy; w != nil {
		p.title("Policy")
		p.table([][]string{{named(w.Kind, w.Namespace, w.Name), w.Why}})
	}
	if len(e.OtherPolicies) > 0 {
		p.title("Other policies")
		var rows [][]string
		for _, l := range e.OtherPolicies {
			rows = append(rows, []string{named(l.Kind, l.Namespace, l.Name), l.Why})
		}
		p.table(rows)
		if e.OmittedPolicies > 0 {
			p.line("  and %d more, which do not select it", e.OmittedPolicies)
		}
	}
	if len(e.RequiredBy) > 0 {
		p.title("Required by")
		var rows [][]string
		for _, r := range e.RequiredBy {
			name := "ResourceBinding " + r.Binding
			if r.Kind != "" {
				name = r.Kind + " " + r.Name
			}
			rows = append(rows, []string{name, "in " + brief.Names(r.Clusters, maxNames)})
		}
		p.table(rows)
	}
	if b := e.Placement; b != nil && b.Binding != "" {
		kind := "ResourceBinding"
		if e.Namespace == "" {
			kind = "ClusterResourceBinding"
		}
		p.title("Placement")
		text := named(kind, e.Namespace, b.Binding)
		if b.Reason != "" {
			text += ": " + b.Reason + ": " + oneLine(b.Message)
		}
		p.line("  %s", text)
	}
}

func (p *printer) clusters() {
	if len(p.e.Clusters) == 0 {
		return
	}
	workload := p.e.Template.Replicas != nil
	row := func(name, replicas, applied, health, why string) []string {
		if workload {
			return []string{name, replicas, applied, health, why}
		}
		return []string{name, applied, health, why}
	}
	rows := [][]string{row("CLUSTER", "REPLICAS", "APPLIED", "HEALTH", "WHY")}
	var leftOut []hubv1alpha1.ExplainedCluster
	for _, c := range p.e.Clusters {
		if !c.Target && c.Message == "" {
			leftOut = append(leftOut, c)
			continue
		}
		replicas, applied := none, "False"
		if c.Replicas != nil {
			replicas = fmt.Sprint(*c.Replicas)
		}
		if c.Applied {
			applied = "True"
		}
		if c.Suspended {
			applied = "Suspended"
		}
		rows = append(rows, row(c.Name, replicas, applied, cmp.Or(c.Health, none), cmp.Or(c.Why, none)))
	}
	for _, g := range together(leftOut) {
		rows = append(rows, row(g.names, none, none, none, cmp.Or(g.why, none)))
	}
	p.title("Clusters")
	p.table(rows)
}

// group is clusters that are left out for the same reason.
type group struct{ names, why string }

// together puts clusters together by their reasons, in the order in which these appear, if there are many.
func together(clusters []hubv1alpha1.ExplainedCluster) (out []group) {
	if len(clusters) <= maxLeftOut {
		for _, c := range clusters {
			out = append(out, group{c.Name, c.Why})
		}
		return out
	}
	byWhy := map[string][]string{}
	var order []string
	for _, c := range clusters {
		if byWhy[c.Why] == nil {
			order = append(order, c.Why)
		}
		byWhy[c.Why] = append(byWhy[c.Why], c.Name)
	}
	for _, why := range order {
		out = append(out, group{brief.Names(byWhy[why], maxNames), why})
	}
	return out
}

// problems prints what is wrong in which cluster.
func (p *printer) problems() {
	var rows [][]string
	for _, c := range p.e.Clusters {
		if c.Message != "" {
			rows = append(rows, []string{c.Name, oneLine(c.Message)})
		}
		if c.OverrideError != "" && !strings.Contains(c.Message, c.OverrideError) {
			rows = append(rows, []string{c.Name, oneLine(c.OverrideError)})
		}
	}
	if len(rows) > 0 {
		p.title("Problems")
		p.table(rows)
	}
}

// overrides prints what overrides change: what is the same in several clusters, once.
func (p *printer) overrides() {
	if len(p.e.Overrides) == 0 {
		return
	}
	p.title("Overrides, in the order in which they apply")
	for _, o := range p.e.Overrides {
		name := named(o.Kind, o.Namespace, o.Name)
		p.line("  %s", name)
		changes, failing := p.changesOf(name), p.failing(o.Clusters)
		switch {
		case len(o.Clusters) == 0:
			p.line("    is for no cluster that has the object")
		case len(failing) > 0:
			p.line("    not applied in %s, as one of the overrides there cannot be", brief.Names(failing, maxNames))
		case len(changes) == 0:
			p.line("    changes nothing in %s", brief.Names(o.Clusters, maxNames))
		}
		for _, c := range changes {
			p.line("    rule %d, %s, in %s", c.Rule, strings.TrimPrefix(c.Overrider, "overriders."), brief.Names(c.clusters, maxNames))
			p.line("      %s: %s", c.Path, arrow(c.FieldChange))
		}
	}
}

// failing are those of the clusters in which some override cannot be applied.
func (p *printer) failing(clusters []string) (out []string) {
	for _, c := range p.e.Clusters {
		if c.OverrideError != "" && slices.Contains(clusters, c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// change is a change, and the clusters in which it is made.
type change struct {
	hubv1alpha1.FieldChange
	clusters []string
}

// changesOf returns the changes by a policy, in the order of rules and overriders.
func (p *printer) changesOf(policy string) (out []change) {
	for _, c := range p.e.Clusters {
		for _, f := range c.Changes {
			if f.Policy != policy {
				continue
			}
			i := slices.IndexFunc(out, func(o change) bool { return o.same(f) })
			if i < 0 {
				out = append(out, change{FieldChange: f})
				i = len(out) - 1
			}
			out[i].clusters = append(out[i].clusters, c.Name)
		}
	}
	slices.SortStableFunc(out, func(a, b change) int { return cmp.Compare(a.Rule, b.Rule) })
	return out
}

func (c change) same(f hubv1alpha1.FieldChange) bool {
	return c.Rule == f.Rule && c.Overrider == f.Overrider && c.Path == f.Path && arrow(c.FieldChange) == arrow(f)
}

// arrow says what becomes of a value.
func arrow(c hubv1alpha1.FieldChange) string {
	switch {
	case c.From == nil && c.To == nil:
		return "changed"
	case c.From == nil:
		return "added " + oneLine(*c.To)
	case c.To == nil:
		return "removed, was " + oneLine(*c.From)
	case *c.From == *c.To: // as what a Secret holds is told
		return oneLine(*c.To)
	}
	return oneLine(*c.From) + " → " + oneLine(*c.To)
}

var escapeLines = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

func oneLine(s string) string { return escapeLines.Replace(s) }
