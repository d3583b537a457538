/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package process

import (
	"os"
	"testing"
	"time"
)

// The figures are compared with the kernel's own unit, so the place of the fields matters, whatever the name holds.
func TestParseStat(t *testing.T) {
	t.Parallel()
	const stat = "42 (a ) name) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 7 7 20 0 9 0 123 1000 2000"
	if got, want := parseStat(stat), 2*time.Second; got != want {
		t.Errorf("process: got %v, want %v", got, want)
	}
	const machine = "cpu  100 10 50 9999 8888 5 5 30 777 777\ncpu0 1 1 1 1"
	if got, want := parseMachineStat(machine), 2*time.Second; got != want {
		t.Errorf("machine: got %v, want %v", got, want)
	}
}

func TestParseMemory(t *testing.T) {
	t.Parallel()
	got, err := parseMemory("Name:\tx\nVmRSS:\t  3072 kB\nRssAnon:\t 2048 kB\nRssFile:\t 1024 kB\n")
	if want := (Memory{RSS: 3, Anon: 2, File: 1}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := parseMemory("VmRSS:\t x kB\n"); err == nil {
		t.Error("what is no number is accepted")
	}
}

func TestOwnProcess(t *testing.T) {
	t.Parallel()
	if m, err := MemoryOf(os.Getpid()); err != nil || m.RSS < 1 || m.Anon <= 0 {
		t.Errorf("memory of this process is %+v, %v", m, err)
	}
	for begin := time.Now(); CPU(os.Getpid()) == 0; { // works until it shows
		if time.Since(begin) > 10*time.Second {
			t.Fatal("this process uses no processor time")
		}
	}
}
