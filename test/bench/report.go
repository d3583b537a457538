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
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// limit is what a figure may be at most.
type limit struct {
	Max float64 `json:"max"`
	// Strict: the figure must be below Max.
	Strict bool `json:"strict"`
}

func below(v float64) *limit { return &limit{Max: v, Strict: true} }

func atMost(v float64) *limit { return &limit{Max: v} }

func (l *limit) holds(v float64) bool { return v < l.Max || (!l.Strict && v == l.Max) }

func (l *limit) String() string {
	if l.Strict {
		return "< " + number(l.Max)
	}
	return "<= " + number(l.Max)
}

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

// report is all that a run found.
type report struct {
	Begin       time.Time    `json:"begin"`
	Seconds     float64      `json:"seconds"`
	Cores       int          `json:"cores"`
	LoadBefore  string       `json:"loadBefore"`
	LoadAfter   string       `json:"loadAfter"`
	Deployments int          `json:"deployments"`
	Members     int          `json:"members"`
	OneAtATime  int          `json:"oneAtATime"`
	Workers     int          `json:"workers"`
	Replicas    int          `json:"replicas"`
	Profiled    bool         `json:"profiled"`
	Figures     []figure     `json:"figures"`
	Shares      []share      `json:"shares"`
	Writes      []writeCount `json:"writes"`
	Trace       []step       `json:"trace"`
}

func cores() int { return runtime.NumCPU() }

func (r *report) begin(s settings) {
	*r = report{
		Begin: time.Now(), Cores: cores(), LoadBefore: loadAverage(), Profiled: s.profile != "",
		Deployments: s.deployments, Members: s.members, OneAtATime: s.oneAtATime, Workers: s.workers, Replicas: s.replicas,
	}
}

func (r *report) finish() {
	r.Seconds = time.Since(r.Begin).Seconds()
	r.LoadAfter = loadAverage()
}

// add takes in a figure; allowed is nil where there is no range.
func (r *report) add(name string, value float64, unit string, allowed *limit) {
	f := figure{Name: name, Value: value, Unit: unit, Allowed: allowed}
	if allowed != nil {
		ok := allowed.holds(value)
		f.OK = &ok
	}
	r.Figures = append(r.Figures, f)
}

func (r *report) write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%d members with workloads, %d Deployments each in all members (Duplicated, replicas: %d), %d requests at once.\n",
		r.Members, r.Deployments, r.Replicas, r.Workers)
	fmt.Fprintf(out, "Hub, members and load generator share %d cores; load %s before, %s after; %.0f s in all.\n\n",
		r.Cores, r.LoadBefore, r.LoadAfter, r.Seconds)
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
	fmt.Fprintf(out, "\nWrites to the hub's store\n")
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "PHASE\tRESOURCE\tVERB\tPER DEPLOYMENT\tBYTES EACH\t")
	for _, w := range r.Writes {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.0f\t\n", w.Phase, w.Resource, w.Verb, number(w.PerItem), w.Bytes)
	}
	_ = t.Flush()
	fmt.Fprintf(out, "\nThe writes for one Deployment, in order\n")
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
	fmt.Fprintln(out, "The generator's part includes the store of the members.")
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
