/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package architecture_test keeps the imports as the architecture wants them: downwards only, and the heavy parts where
// they belong. Test files are free.
package architecture_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/manifold-k8s/manifold"

// pkg is a package as `go list` describes it.
type pkg struct {
	ImportPath string
	Imports    []string // directly
	Deps       []string // all it links
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// within reports whether path is the package or folder that pattern names. Patterns that begin with a folder of this
// module are relative to it.
func within(path, pattern string) bool {
	if first, _, _ := strings.Cut(pattern, "/"); !strings.Contains(first, ".") {
		pattern = module + "/" + pattern
	}
	return path == pattern || strings.HasPrefix(path, pattern+"/")
}

func anyWithin(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(path, p) })
}

// forbidden are edges that must not be, with what they would lead to, directly or through other packages.
var forbidden = []struct {
	from    string
	except  []string // packages in from that may
	to      []string
	besides []string // packages in to that all may import
	direct  bool     // only imports count, not what they link
	why     string
}{
	{
		from: "apis", to: []string{"pkg", "cmd", "test", "hack"},
		why: "clients import the API types; they must not get the server with them",
	},
	{
		from: "pkg", to: []string{"cmd", "test", "hack"},
		why: "imports run downwards: commands are made of packages",
	},
	{
		from: "pkg", except: []string{"pkg/native"}, to: []string{"k8s.io/kubernetes"}, direct: true,
		why: "k8s.io/kubernetes has no stable Go API: what breaks with the next release must be in one place",
	},
	{
		from: "cmd", to: []string{"k8s.io/kubernetes", "pkg/native", "pkg/registry"}, direct: true,
		why: "main is a table of contents; the assembly is in pkg/server",
	},
	{
		from: "cmd/kubectl-manifold", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "k8s.io/kubernetes", "k8s.io/apiserver", "go.etcd.io/etcd"},
		why: "the CLI is a small program on users' machines; it talks to the server and does not contain it",
	},
	{
		from: "pkg/cli", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/member", "pkg/explain"},
		why: "the CLI knows the API and nothing of how the server does its work",
	},
	{
		from: "pkg/controllers", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "k8s.io/kubernetes"},
		why: "controllers work on what they are given: they must be testable without an API server",
	},
	{
		from: "pkg/registry", to: []string{"pkg/server", "pkg/native", "pkg/etcd", "pkg/controllers", "pkg/member"},
		why: "storage knows its kinds: what becomes of an object after it is stored is not its business",
	},
	{
		from: "pkg/native", besides: []string{"pkg/local"}, to: []string{"pkg", "apis"}, direct: true,
		why: "the Kubernetes server is the same whatever is built on it; groups and policies are handed in",
	},
	{
		from: "pkg/local", to: []string{"pkg", "apis", "k8s.io/kubernetes"},
		why: "storage without HTTP is the same for whatever is stored",
	},
	{
		from: "pkg/member", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/binding", "pkg/policy", "pkg/template"},
		why: "a connection to a member knows nothing of who uses it",
	},
	{
		from: "pkg/unified", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "k8s.io/kubernetes"},
		why: "what members own is served on every replica: it rests on the connections to them, and on nothing that only the leader runs",
	},
	{
		from: "pkg/unified/union", to: []string{"pkg", "apis", "k8s.io/kubernetes"},
		why: "a cache over many sources is the same whatever the objects are, and wherever they come from",
	},
	{
		from: "pkg/host", to: []string{"pkg", "k8s.io/kubernetes"},
		why: "who the users of a host are does not depend on what is served to them",
	},
	{
		from: "pkg/telemetry", to: []string{"pkg", "apis"}, direct: true,
		why: "what measures knows nothing of what is measured, so that everybody can be measured",
	},
	{
		from: "pkg/works", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/member"},
		why: "Works are computed from what is stored on the hub, on every replica: members are the leader's",
	},
	{
		from: "pkg/match", to: []string{"pkg/schedule", "pkg/render", "pkg/interpret"},
		why: "matching comes first and rests on types alone",
	},
	{
		from: "pkg/interpret", to: []string{"pkg/match", "pkg/schedule", "pkg/render"},
		why: "what a kind means depends on no decision",
	},
	{
		from: "pkg/placement", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/member", "pkg/template", "pkg/policy"},
		why: "where a template belongs is a function of values; who asks, and what is written, is not its business",
	},
	{
		from: "pkg/explain", except: []string{"pkg/explain/subresource"},
		to:  []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/member", "pkg/template", "pkg/policy", "k8s.io/apiserver"},
		why: "an explanation is a function of the values that decisions are made of, and of nothing else",
	},
	{
		from: "pkg/explain/subresource", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/member"},
		why: "every replica explains, from what is stored on the hub: members are the leader's",
	},
	{
		from: "pkg/forecast", to: []string{"pkg/server", "pkg/native", "pkg/registry", "pkg/etcd", "pkg/controllers", "pkg/member", "pkg/template", "pkg/policy", "pkg/admission"},
		why: "what would become of a template is a function of values; who asks about a dry run, and who may know, is not its business",
	},
	{
		from: "pkg/schedule", to: []string{"pkg/render"},
		why: "where something goes does not depend on how it is sent there",
	},
	{
		from: "pkg/render", to: []string{"pkg/schedule"},
		why: "a manifest is made from a decision, not from how it came about",
	},
}

func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for _, rule := range forbidden {
		applied := false
		for _, p := range all {
			if !within(p.ImportPath, rule.from) || anyWithin(p.ImportPath, rule.except) {
				continue
			}
			applied = true
			deps := p.Deps
			if rule.direct {
				deps = p.Imports
			}
			for _, d := range deps {
				if anyWithin(d, rule.to) && !within(d, rule.from) && !anyWithin(d, rule.besides) {
					t.Errorf("%s leads to %s: %s", p.ImportPath, d, rule.why)
				}
			}
		}
		if !applied {
			t.Errorf("there is no package %s; the rule is out of date", rule.from)
		}
	}
}

// pure are the packages that are functions over values, and what they may import beside the standard library.
var pure = map[string][]string{
	"apis":                values,
	"pkg/brief":           nil,
	"pkg/match":           values,
	"pkg/interpret":       values,
	"pkg/unified/present": values,
	"pkg/schedule":        append([]string{"pkg/match", "pkg/interpret"}, values...),
	"pkg/forecast":        append([]string{"pkg/binding", "pkg/interpret", "pkg/manifest", "pkg/match", "pkg/placement", "pkg/render"}, values...),
	"pkg/render":          append([]string{"pkg/match", "pkg/interpret", "sigs.k8s.io/yaml"}, values...),
}

// values are types of the API and their machinery, and what words them.
var values = []string{"apis", "pkg/brief", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"}

// impure are parts of the standard library by which the world comes in.
var impure = []string{"context", "net", "net/http", "os", "os/exec", "math/rand", "math/rand/v2", "sync", "syscall"}

func TestPurePackages(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for folder, allowed := range pure {
		found := false
		for _, p := range all {
			if !within(p.ImportPath, folder) {
				continue
			}
			found = true
			for _, i := range p.Imports {
				first, _, _ := strings.Cut(i, "/")
				standard := !strings.Contains(first, ".")
				if standard && folder != "apis" && slices.Contains(impure, i) {
					t.Errorf("%s imports %s: it has to be a function over values, the same for the same input", p.ImportPath, i)
				}
				if !standard && !anyWithin(i, allowed) {
					t.Errorf("%s imports %s: it may import API types and their machinery only, so that it can be tested and replayed without a server", p.ImportPath, i)
				}
			}
		}
		if !found {
			t.Errorf("there is no package %s; the rule is out of date", folder)
		}
	}
}
