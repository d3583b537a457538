/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import "github.com/manifold-k8s/manifold/pkg/schedule"

// Anew returns what scheduling would say now, whether or not there is a reason to ask it. Where Decide leaves a placement
// in force, the reasons for every cluster are here.
func Anew(in Input) schedule.Decision {
	next := skeleton(in)
	describe(in.Template, next)
	fill(in, next)
	return schedule.Place(request(in, next), in.Clusters)
}
