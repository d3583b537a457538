/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, fixed in the interface of Linux.
const tick = 10 * time.Millisecond

// cpuOf returns the processor time that a process has used, 0 for one that does not exist.
func cpuOf(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStat(string(data))
}

// parseStat adds up the time in user mode and in the kernel, the 14th and the 15th field of a process's stat.
func parseStat(stat string) time.Duration {
	// The second field, a name in parentheses, may hold anything.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0
	}
	u, _ := strconv.ParseInt(fields[user], 10, 64)
	s, _ := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * tick
}

// rssOf returns the resident memory of a process in MiB.
func rssOf(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			return n / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no memory", pid)
}

// usage is the processor time that was used up to a moment.
type usage struct {
	at                      time.Time
	busy                    time.Duration // of all processors
	hub, members, generator time.Duration
}

// share says where the machine's time went in one phase, in per cent of all its processors.
type share struct {
	Phase     string  `json:"phase"`
	Seconds   float64 `json:"seconds"`
	Hub       float64 `json:"hub"`
	Members   float64 `json:"members"`
	Generator float64 `json:"generator"` // with the store of the members
	Others    float64 `json:"others"`
	Idle      float64 `json:"idle"`
}

func (u usage) since(before usage) share {
	s := share{Seconds: u.at.Sub(before.at).Seconds()}
	percent := func(now, then time.Duration) float64 {
		return max(0, 100*(now-then).Seconds()/s.Seconds/float64(cores()))
	}
	s.Hub, s.Members, s.Generator = percent(u.hub, before.hub), percent(u.members, before.members), percent(u.generator, before.generator)
	busy := percent(u.busy, before.busy)
	s.Others = max(0, busy-s.Hub-s.Members-s.Generator)
	s.Idle = max(0, 100-busy)
	return s
}

// machineUsage reads how long the processors have been busy.
func machineUsage() (usage, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}, fmt.Errorf("read the machine's load: %w", err)
	}
	return usage{at: time.Now(), busy: parseMachineStat(string(data))}, nil
}

// parseMachineStat adds up the first line of /proc/stat: user, nice, system, (idle, waiting,) irq, softirq, steal.
func parseMachineStat(stat string) time.Duration {
	line, _, _ := strings.Cut(stat, "\n")
	var busy time.Duration
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		n, _ := strconv.ParseInt(field, 10, 64)
		busy += time.Duration(n) * tick
	}
	return busy
}

// loadAverage returns the machine's load of the last 1, 5 and 15 minutes, as the kernel writes it.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	fields := strings.Fields(string(data))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
