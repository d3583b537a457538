/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const twoContexts = `apiVersion: v1
kind: Config
current-context: first
clusters:
- name: plain
  cluster: {server: "https://10.0.0.1:6443", insecure-skip-tls-verify: true}
- name: full
  cluster: {server: "https://10.0.0.2/base/", certificate-authority: ca.crt, proxy-url: "http://proxy:3128", tls-server-name: k8s}
users:
- name: u
  user: {token: t}
contexts:
- name: first
  context: {cluster: plain, user: u}
- name: second
  context: {cluster: full, user: u}
- name: broken
  context: {cluster: none, user: u}
`

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ca.crt", "certificate")
	file := write(t, dir, "kubeconfig", twoContexts)
	first := &MemberConfig{File: file, Context: "first", Endpoint: "https://10.0.0.1:6443", Insecure: true}
	second := &MemberConfig{
		File: file, Context: "second", Endpoint: "https://10.0.0.2/base", CAData: []byte("certificate"),
		ProxyURL: "http://proxy:3128", TLSServerName: "k8s",
	}
	for name, tc := range map[string]struct {
		context, cluster string
		want             *MemberConfig
	}{
		"current context":             {cluster: "m1", want: first},
		"context named like it":       {cluster: "second", want: second},
		"asked for":                   {cluster: "m1", context: "second", want: second},
		"asked for, against its name": {cluster: "second", context: "first", want: first},
	} {
		got, err := MemberFlags{Kubeconfig: file, Context: tc.context}.Load(tc.cluster)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreUnexported(MemberConfig{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "kubeconfig", twoContexts)
	noCurrent := write(t, dir, "no-current", strings.Replace(twoContexts, "current-context: first", "", 1))
	empty := write(t, dir, "empty", "")
	garbage := write(t, dir, "garbage", "{{")
	for name, tc := range map[string]struct {
		flags MemberFlags
		want  string
	}{
		"not given":          {want: "give --cluster-kubeconfig"},
		"no file":            {flags: MemberFlags{Kubeconfig: filepath.Join(dir, "none")}, want: "does not exist"},
		"no YAML":            {flags: MemberFlags{Kubeconfig: garbage}, want: "read " + garbage},
		"empty":              {flags: MemberFlags{Kubeconfig: empty}, want: "has no contexts"},
		"no such context":    {flags: MemberFlags{Kubeconfig: file, Context: "x"}, want: "can be broken, first, second"},
		"no current context": {flags: MemberFlags{Kubeconfig: noCurrent}, want: "one of broken, first, second"},
		"dangling context":   {flags: MemberFlags{Kubeconfig: file, Context: "broken"}, want: `context "broken"`},
		"CA file missing":    {flags: MemberFlags{Kubeconfig: file, Context: "second"}, want: "ca.crt"},
	} {
		_, err := tc.flags.Load("m1")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: want an error with %q, got %v", name, tc.want, err)
		}
	}
}
