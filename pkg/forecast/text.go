/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Limits bound an answer.
type Limits struct {
	Lines int // templates that are named, each in a line of its own
	Bytes int // of a line; must be more than 3
}

// Rest is what was not looked at.
type Rest struct {
	Templates int
	More      bool // there are more than that, nobody counted how many
}

// Text puts changes into lines: those that may hurt most come first, what does not fit is counted, and so is what may not
// be named. Templates of which nothing changes are left out. No line has control characters.
func Text(changes []Change, rest Rest, limits Limits) []string {
	var named, hidden []Change
	for _, c := range changes {
		switch {
		case c.None():
		case c.Hidden:
			hidden = append(hidden, c)
		default:
			named = append(named, c)
		}
	}
	slices.SortStableFunc(named, func(a, b Change) int { return cmp.Compare(a.rank(), b.rank()) })
	var lines []string
	shown := min(len(named), limits.Lines)
	for _, c := range named[:shown] {
		lines = append(lines, bounded(c.String(), limits.Bytes))
	}
	if left := named[shown:]; len(left) > 0 {
		lines = append(lines, fmt.Sprintf("and %s would change%s", templates(len(left), "more "), leavers(left)))
	}
	if len(hidden) > 0 {
		lines = append(lines, fmt.Sprintf("%s that you may not read would change%s", templates(len(hidden), ""), leavers(hidden)))
	}
	switch {
	case rest.More:
		lines = append(lines, fmt.Sprintf("at least %s would have to be looked at, and were not", templates(max(rest.Templates, 1), "more ")))
	case rest.Templates > 0:
		lines = append(lines, fmt.Sprintf("%s would have to be looked at, and were not", templates(rest.Templates, "more ")))
	}
	return lines
}

func templates(n int, more string) string {
	if n == 1 {
		return "1 " + more + "template"
	}
	return fmt.Sprintf("%d %stemplates", n, more)
}

// leavers counts the changes by which copies are removed.
func leavers(changes []Change) string {
	n, sum := 0, int64(0)
	for _, c := range changes {
		if c.rank() == removes {
			n++
		}
		if c.Workload {
			for _, t := range c.Lost {
				sum += int64(t.Replicas)
			}
		}
	}
	switch {
	case n == 0:
		return ""
	case sum == 0:
		return fmt.Sprintf(", %d of them would be removed from clusters", n)
	}
	return fmt.Sprintf(", %d of them would be removed from clusters with %d replicas", n, sum)
}

// bounded cuts a line, and takes out what a header cannot hold.
func bounded(line string, most int) string {
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(line, "?"))
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most-3], "") + "..."
}
