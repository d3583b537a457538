/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/manifold-k8s/manifold/test/bench/process"
)

// limit is what a figure has to be: less than a value, at most or at least as much.
type limit struct {
	Sense string  `json:"sense"` // "<", "<=" or ">="
	Value float64 `json:"value"`
}

func below(v float64) *limit { return &limit{"<", v} }

func atMost(v float64) *limit { return &limit{"<=", v} }

func atLeast(v float64) *limit { return &limit{">=", v} }

func (l *limit) holds(v float64) bool {
	switch l.Sense {
	case "<":
		return v < l.Value
	case "<=":
		return v <= l.Value
	}
	return v >= l.Value
}

func (l *limit) String() string { return l.Sense + " " + number(l.Value) }

// figure is one result.
type figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Allowed *limit  `json:"allowed,omitempty"`
	OK      *bool   `json:"ok,omitempty"` // absent where nothing is allowed or forbidden
}

// writeCount is how often one kind of object was written to the hub's store.
type writeCount struct {
	Phase    string  `json:"phase"`
	Resource string  `json:"resource"`
	Verb     string  `json:"verb"`
	PerItem  float64 `json:"perDeployment"`
	Bytes    float64 `json:"bytesPerWrite"`
}

// report is all that was found.
type report struct {
	Title      string    `json:"title"`
	Begin      time.Time `json:"begin"`
	Seconds    float64   `json:"seconds"`
	Cores      int       `json:"cores"`
	LoadBefore string    `json:"loadBefore"` // average of 1, 5 and 15 minutes
	LoadAfter  string    `json:"loadAfter"`
	Workers    int       `json:"workers"`
	Profiled   bool      `json:"profiled"`
	Runs       []*result `json:"runs"`
}

// result is what one federation showed.
type result struct {
	Name        string       `json:"name"`
	Members     string       `json:"members"` // of which sort
	Count       int          `json:"count"`
	Deployments int          `json:"deployments"`
	OneAtATime  int          `json:"oneAtATime"`
	Replicas    int          `json:"replicas"`
	LoadBefore  string       `json:"loadBefore"`
	LoadAfter   string       `json:"loadAfter"`
	Figures     []figure     `json:"figures"`
	Notes       []string     `json:"notes,omitempty"`
	Shares      []share      `json:"shares"`
	Writes      []writeCount `json:"writes,omitempty"`
	Trace       []step       `json:"trace,omitempty"`

	limits map[string]*limit // by the figures' names
}

// add takes in a figure.
func (r *result) add(name string, value float64, unit string) {
	f := figure{Name: name, Value: value, Unit: unit, Allowed: r.limits[name]}
	if f.Allowed != nil {
		ok := f.Allowed.holds(value)
		f.OK = &ok
	}
	r.Figures = append(r.Figures, f)
}

// addMemory takes in what the hub takes.
func (r *result) addMemory(name string, m process.Memory) {
	r.add(name, m.RSS, "MiB")
	r.add(name+", anonymous", m.Anon, "MiB")
	r.add(name+", of files", m.File, "MiB")
}

func (r *report) write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s. Hub, members and load generator share %d cores; load %s before, %s after; %.0f s in all, %d requests at once.\n",
		r.Title, r.Cores, r.LoadBefore, r.LoadAfter, r.Seconds, r.Workers)
	for _, one := range r.Runs {
		one.print(out)
	}
}

func (r *result) print(out io.Writer) {
	fmt.Fprintf(out, "\n== %s: %d %s; %d Deployments (Duplicated, replicas: %d); load %s before, %s after\n\n",
		r.Name, r.Count, r.Members, r.Deployments, r.Replicas, r.LoadBefore, r.LoadAfter)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "FIGURE\tVALUE\tUNIT\tALLOWED\t\t")
	for _, f := range r.Figures {
		allowed, verdict := "", ""
		if f.OK != nil {
			allowed, verdict = f.Allowed.String(), "ok"
			if !*f.OK {
				verdict = "MISSED"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t\n", f.Name, number(f.Value), f.Unit, allowed, verdict)
	}
	_ = t.Flush()
	for _, note := range r.Notes {
		fmt.Fprintf(out, "%s\n", note)
	}
	if len(r.Writes) > 0 {
		fmt.Fprintf(out, "\nWrites to the hub's store\n")
		t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "PHASE\tRESOURCE\tVERB\tPER DEPLOYMENT\tBYTES EACH\t")
		for _, w := range r.Writes {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.0f\t\n", w.Phase, w.Resource, w.Verb, number(w.PerItem), w.Bytes)
		}
		_ = t.Flush()
	}
	if len(r.Trace) > 0 {
		fmt.Fprintf(out, "\nThe writes for one Deployment, in order\n")
	}
	for _, s := range r.Trace {
		fmt.Fprintf(out, "  %s %6.0f ms  %-6s %s  (%d bytes)  %s\n", s.Phase, s.Milliseconds, s.Verb, s.Key, s.Bytes, s.Changed)
	}
	fmt.Fprintf(out, "\nWhere the machine's time went, in per cent of all cores\n")
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "PHASE\tSECONDS\tHUB\tMEMBERS\tGENERATOR\tOTHERS\tIDLE\t")
	for _, s := range r.Shares {
		fmt.Fprintf(t, "%s\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", s.Phase, s.Seconds, s.Hub, s.Members, s.Generator, s.Others, s.Idle)
	}
	_ = t.Flush()
}

// number prints three significant digits, and never an exponent.
func number(v float64) string {
	digits := 0
	if a := math.Abs(v); a > 0 {
		digits = max(0, 2-int(math.Floor(math.Log10(a))))
	}
	return strconv.FormatFloat(v, 'f', min(digits, 3), 64)
}

// percentile returns the smallest of the values that at least p per cent of them do not exceed.
func percentile(values []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(0, rank-1)]
}
