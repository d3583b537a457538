/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package apitest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Binary builds the server once and returns its path. It waits for others that build it. RemoveBinary takes it away.
func Binary(ctx context.Context) (string, error) {
	build.Do(func() { build.path, build.err = buildServer(ctx) })
	return build.path, build.err
}

// RemoveBinary removes what Binary has built, at the end of all tests of a package.
func RemoveBinary() error {
	if build.path == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(build.path))
}

// command is what users run.
const command = "github.com/manifold-k8s/manifold/cmd/manifold"

// build is the one build of this process.
var build struct {
	sync.Once
	path string
	err  error
}

func buildServer(ctx context.Context) (string, error) {
	version, err := goTool(ctx, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "manifold-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "manifold")
	_, err = goTool(ctx, "build", "-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion="+strings.TrimSpace(version), "-o", path,
		command)
	return path, err
}

// NoteSources looks at what the server is made of, from inside a test. `go test` takes note of what a test looks at, and
// runs it again when that has changed; of a build by a test it knows nothing, and would go on reporting the result of an
// earlier server. Whoever uses a hub that was started before the tests has to call it.
func NoteSources(t testing.TB) {
	t.Helper()
	noted.Do(func() { noted.err = lookAtSources(t.Context()) })
	if noted.err != nil {
		t.Fatal(noted.err)
	}
}

// noted is whether this process has looked at the sources.
var noted struct {
	sync.Once
	err error
}

func lookAtSources(ctx context.Context) error {
	dirs, err := goTool(ctx, "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", command)
	if err != nil {
		return err
	}
	mod, err := goTool(ctx, "env", "GOMOD")
	if err != nil {
		return err
	}
	if _, err := os.ReadFile(strings.TrimSpace(mod)); err != nil {
		return err
	}
	for dir := range strings.FieldsSeq(dirs) {
		if _, err := os.ReadDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func goTool(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		var stderr string
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = string(exit.Stderr)
		}
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, stderr)
	}
	return string(out), nil
}
