/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/manifold-k8s/manifold/pkg/brief"
)

// Bounds for messages, so that conditions of large fleets stay readable.
const (
	maxNames   = 3
	maxReasons = 5
)

// fitMessage sums up why no cluster of total fits, the most frequent reasons first, then in alphabetical order.
func fitMessage(refusals []refusal, total int) string {
	if total == 0 {
		return "no cluster exists"
	}
	byReason := make(map[string][]string)
	for _, r := range refusals {
		byReason[r.why] = append(byReason[r.why], r.cluster)
	}
	reasons := make([]string, 0, len(byReason))
	for why := range byReason {
		reasons = append(reasons, why)
	}
	slices.SortFunc(reasons, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(byReason[b]), len(byReason[a])), cmp.Compare(a, b))
	})
	parts := make([]string, 0, maxReasons+1)
	for i, why := range reasons {
		if i == maxReasons {
			parts = append(parts, plural(int64(len(reasons)-i), "other reason"))
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s (%s)", len(byReason[why]), why, brief.Names(byReason[why], maxNames)))
	}
	return fmt.Sprintf("0/%d clusters are available: %s", total, strings.Join(parts, ", "))
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
