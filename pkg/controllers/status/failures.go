/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/manifold-k8s/manifold/pkg/brief"
)

// maxFailure bounds what the condition repeats of one failure, in bytes; the whole of it is in aggregatedStatus.
const maxFailure = 512

// failures says which clusters have not got the manifest, and why: the failure of the first of them, all that it concerns,
// and how many there are besides. It is empty when none has failed. Those that do not answer are named elsewhere.
func failures(views []view) string {
	var failed []view
	for _, v := range views {
		if v.target != nil && !v.away && v.outcome.Failed != "" {
			failed = append(failed, v)
		}
	}
	if len(failed) == 0 {
		return ""
	}
	first := slices.MinFunc(failed, func(a, b view) int { return cmp.Compare(a.cluster, b.cluster) }).outcome.Failed
	var same []string
	for _, v := range failed {
		if v.outcome.Failed == first {
			same = append(same, v.cluster)
		}
	}
	slices.Sort(same)
	why := first
	if len(why) > maxFailure {
		why = strings.ToValidUTF8(why[:maxFailure-3], "") + "..."
	}
	text := fmt.Sprintf("not applied in %s: %s", brief.Names(same, maxClusters), why)
	if others := len(failed) - len(same); others > 0 {
		text += fmt.Sprintf("; and, for other reasons, in %d more", others)
	}
	return text
}
