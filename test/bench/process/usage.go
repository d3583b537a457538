/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, fixed in the interface of Linux.
const tick = 10 * time.Millisecond

// CPU returns the processor time that a process has used, 0 for one that does not exist.
func CPU(pid int) time.Duration {
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

// Memory is what is resident of a process, in MiB: all of it, what it has allocated, and pages of files, which the
// kernel may take away at any time.
type Memory struct{ RSS, Anon, File float64 }

// MemoryOf returns the memory of a process.
func MemoryOf(pid int) (Memory, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, fmt.Errorf("read memory: %w", err)
	}
	m, err := parseMemory(string(data))
	if err == nil && m.RSS == 0 {
		err = fmt.Errorf("process %d has no memory", pid)
	}
	return m, err
}

func parseMemory(status string) (Memory, error) {
	var m Memory
	fields := map[string]*float64{"VmRSS": &m.RSS, "RssAnon": &m.Anon, "RssFile": &m.File}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		field := fields[name]
		if field == nil {
			continue
		}
		kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
		if err != nil {
			return m, fmt.Errorf("read memory: %w", err)
		}
		*field = kib / 1024
	}
	return m, nil
}

// Busy returns how long the machine's processors have been busy, all together.
func Busy() (time.Duration, error) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the machine's load: %w", err)
	}
	return parseMachineStat(string(data)), nil
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

// LoadAverage returns the machine's load of the last 1, 5 and 15 minutes, as the kernel writes it.
func LoadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	fields := strings.Fields(string(data))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
