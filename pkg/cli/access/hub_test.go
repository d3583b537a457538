/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestHubFlags(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ca.crt", "certificate")
	file := write(t, dir, "kubeconfig", twoContexts)
	for name, tc := range map[string]struct {
		env  string // KUBECONFIG
		args []string
		want string // host, or part of the error
	}{
		"nothing":                {env: filepath.Join(dir, "none"), want: "no kubeconfig for the hub"},
		"a file that is missing": {env: file, args: []string{"--kubeconfig", filepath.Join(dir, "none")}, want: "kubeconfig of the hub: stat"},
		"environment":            {env: file, want: "https://10.0.0.1:6443"},
		"context":                {env: file, args: []string{"--context", "second"}, want: "https://10.0.0.2/base/"},
		"context, as elsewhere":  {env: file, args: []string{"--karmada-context", "second"}, want: "https://10.0.0.2/base/"},
		"no such context":        {env: file, args: []string{"--context", "x"}, want: `context "x" does not exist`},
		"server alone":           {env: filepath.Join(dir, "none"), args: []string{"--server", "https://h"}, want: "https://h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", tc.env)
			flags := NewHubFlags()
			fs := pflag.NewFlagSet("", pflag.ContinueOnError)
			flags.AddFlags(fs)
			if err := fs.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			cfg, err := flags.RESTConfig()
			got := fmt.Sprint(err)
			if err == nil {
				got = cfg.Host
			}
			if !strings.Contains(got, tc.want) {
				t.Errorf("want %q, got %q", tc.want, got)
			}
		})
	}
}
