/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	scale       bool          // over simulated members
	runs        []string      // which of the plans
	deployments int           // created, updated and deleted in one go
	members     int           // clusters; each gets every Deployment
	idleMembers int           // clusters in the run in which nothing happens
	oneAtATime  int           // Deployments created one after the other
	faultRounds int           // how often each fault is compared with none
	replicas    int           // of each Deployment in each member
	workers     int           // that create, update and delete at the same time
	rest        time.Duration // how long figures at rest are taken
	calm        time.Duration // how long the hub must be quiet to count as done
	limit       time.Duration // of all runs together
	bin         string        // folder of the server
	json        string        // file for the report
	profile     string        // folder for profiles; empty means none
}

// names of the plans, in their order.
var (
	benchRuns = []string{"full", "api", "pods"}
	scaleRuns = []string{"load", "faults", "idle"}
)

func parse(args []string) (settings, error) {
	s := settings{
		runs: benchRuns, deployments: 1000, members: 3, oneAtATime: 100, rest: 20 * time.Second, calm: 3 * time.Second,
		limit: 20 * time.Minute, json: "bench.json",
	}
	if len(args) > 0 && args[0] == "scale" {
		s.scale, args = true, args[1:]
		s.runs, s.deployments, s.members, s.rest, s.limit, s.json = scaleRuns, 10000, 10, time.Minute, 40*time.Minute, "bench-scale.json"
	}
	all := s.runs
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.Func("runs", "which of the runs "+strings.Join(all, ", ")+" to do, separated by commas (default all)", func(v string) error {
		s.runs = strings.Split(v, ",")
		for _, name := range s.runs {
			if !slices.Contains(all, name) {
				return fmt.Errorf("there is no run %q", name)
			}
		}
		return nil
	})
	fs.IntVar(&s.deployments, "deployments", s.deployments, "Deployments to create, update and delete in one go")
	fs.IntVar(&s.members, "members", s.members, "member clusters, each of which gets every Deployment")
	fs.IntVar(&s.idleMembers, "idle-members", 1000, "simulated member clusters that do nothing")
	fs.IntVar(&s.oneAtATime, "one-at-a-time", s.oneAtATime, "Deployments to create one after the other")
	fs.IntVar(&s.faultRounds, "fault-rounds", 3, "how often each fault of a member is compared with none")
	fs.IntVar(&s.replicas, "replicas", 1, "pods of each Deployment in each member; with 0 the machine is not busy with making pods")
	fs.IntVar(&s.workers, "workers", 8, "how many requests the load generator has under way at once")
	fs.DurationVar(&s.rest, "rest", s.rest, "how long figures at rest are taken; what the hub does once a minute needs one")
	fs.DurationVar(&s.calm, "calm", s.calm, "how long the hub must be quiet to count as being done with something")
	fs.DurationVar(&s.limit, "limit", s.limit, "when to give up")
	fs.StringVar(&s.bin, "bin", "bin", "`folder` of manifold")
	fs.StringVar(&s.json, "json", s.json, "`file` for the report as JSON")
	fs.StringVar(&s.profile, "profile", "", "`folder` for CPU and heap profiles of the server and of the load generator; that costs some speed")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if s.deployments < 1 || s.members < 1 || s.idleMembers < 1 || s.oneAtATime < 1 || s.faultRounds < 1 || s.workers < 1 || s.replicas < 0 || s.rest <= 0 || s.calm <= 0 {
		return s, errors.New("--replicas must be at least 0, all other numbers at least 1, --rest and --calm more than 0")
	}
	return s, nil
}

func (s settings) title() string {
	if s.scale {
		return "The hub over simulated members"
	}
	return "The hub over its members"
}
