/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"crypto/x509"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// made is a fresh directory of keys, at a time that the test moves.
func made(t *testing.T) (credentials, *time.Time) {
	t.Helper()
	now := start
	dir := t.TempDir()
	return credentials{
		pki:   pki{dir: filepath.Join(dir, "pki"), now: func() time.Time { return now }},
		hosts: []string{"hub"}, url: "https://127.0.0.1:6443", kubeconfig: filepath.Join(dir, "admin.kubeconfig"),
	}, &now
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files is the content of all files that were made.
func files(t *testing.T, c credentials) map[string]string {
	t.Helper()
	list, err := os.ReadDir(c.pki.dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range list {
		out[e.Name()] = read(t, c.pki.path(e.Name()))
	}
	return out
}

func issue(t *testing.T, c credentials) (ca, admin pair) {
	t.Helper()
	ca, admin, err := c.issue()
	if err != nil {
		t.Fatal(err)
	}
	return ca, admin
}

func TestIssue(t *testing.T) {
	t.Parallel()
	c, _ := made(t)
	ca, admin := issue(t, c)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	verify := func(cert *x509.Certificate, host string, usage x509.ExtKeyUsage) error {
		_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	if err := verify(admin.cert, "", x509.ExtKeyUsageClientAuth); err != nil || !admin.fits() {
		t.Errorf("admin: %v, fits %v", err, admin.fits())
	}
	if s := admin.cert.Subject; s.CommonName != "system:admin" || len(s.Organization) != 1 || s.Organization[0] != "system:masters" {
		t.Errorf("admin is %v", s)
	}
	serving, err := c.pki.load("server")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"hub", "localhost", "127.0.0.1", "::1", "kubernetes.default.svc"} {
		if err := verify(serving.cert, host, x509.ExtKeyUsageServerAuth); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := verify(serving.cert, "elsewhere", x509.ExtKeyUsageServerAuth); err == nil {
		t.Error("the certificate is good for a name that nobody asked for")
	}
	front, err := c.pki.load("front-proxy-client")
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(front.cert, "", x509.ExtKeyUsageClientAuth); err == nil {
		t.Error("the front proxy is signed by the authority of clients: it could speak for anybody as a client")
	}
	err = filepath.WalkDir(c.pki.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReissue(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	leaves := []string{"admin", "front-proxy-client", "server"}
	for name, tc := range map[string]struct {
		change func(t *testing.T, c *credentials, now *time.Time)
		anew   []string // whose certificates are made anew
	}{
		"nothing":                {func(*testing.T, *credentials, *time.Time) {}, nil},
		"enough life left":       {func(_ *testing.T, _ *credentials, now *time.Time) { *now = now.Add(leafLifetime - renewBefore - day) }, nil},
		"close to the end":       {func(_ *testing.T, _ *credentials, now *time.Time) { *now = now.Add(leafLifetime - renewBefore + day) }, leaves},
		"long expired":           {func(_ *testing.T, _ *credentials, now *time.Time) { *now = now.Add(3 * leafLifetime) }, leaves},
		"another name":           {func(_ *testing.T, c *credentials, _ *time.Time) { c.hosts = append(c.hosts, "other") }, []string{"server"}},
		"another address":        {func(_ *testing.T, c *credentials, _ *time.Time) { c.ips = []net.IP{net.IPv4(10, 0, 0, 1)} }, []string{"server"}},
		"an unspecified address": {func(_ *testing.T, c *credentials, _ *time.Time) { c.ips = []net.IP{net.IPv4zero, nil} }, nil},
		"a name less":            {func(_ *testing.T, c *credentials, _ *time.Time) { c.hosts = nil }, nil},
		"a certificate is lost":  {func(t *testing.T, c *credentials, _ *time.Time) { remove(t, c.pki.path("server.crt")) }, []string{"server"}},
		"a key is lost":          {func(t *testing.T, c *credentials, _ *time.Time) { remove(t, c.pki.path("admin.key")) }, []string{"admin"}},
		"the authority is lost": {func(t *testing.T, c *credentials, _ *time.Time) {
			remove(t, c.pki.path("ca.crt"))
			remove(t, c.pki.path("ca.key"))
		}, []string{"admin", "ca", "server"}},
		"died between key and certificate": {func(t *testing.T, c *credentials, _ *time.Time) {
			if err := writeFile(c.pki.path("server.key"), []byte(read(t, c.pki.path("admin.key")))); err != nil {
				t.Fatal(err)
			}
		}, []string{"server"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, now := made(t)
			issue(t, c)
			before := files(t, c)
			tc.change(t, &c, now)
			issue(t, c)
			after := files(t, c)
			anew := map[string]bool{}
			for _, n := range tc.anew {
				anew[n+".crt"], anew[n+".key"] = true, true
			}
			for file := range before {
				if changed := before[file] != after[file]; changed != anew[file] {
					t.Errorf("%s is new: %v, want %v", file, changed, anew[file])
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d files, were %d", len(after), len(before))
			}
			serving, err := c.pki.load("server")
			if err != nil || !serving.fits() || now.After(serving.cert.NotAfter) {
				t.Errorf("the serving certificate is no good: %v", err)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// What cannot be read is no reason to make it anew: it may be the user's.
func TestUnreadableKeysAreKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ca.key", "ca.crt", "server.crt", "admin.key"} {
		c, _ := made(t)
		issue(t, c)
		if err := os.WriteFile(c.pki.path(name), []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.issue(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := read(t, c.pki.path(name)); got != "nonsense" {
			t.Errorf("%s was replaced", name)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	c, _ := made(t)
	if err := c.unpublish(); err != nil {
		t.Errorf("nothing to take away: %v", err)
	}
	if err := c.publish(); err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != c.url || string(cfg.CAData) != read(t, c.pki.path("ca.crt")) || string(cfg.CertData) != read(t, c.pki.path("admin.crt")) || len(cfg.KeyData) == 0 {
		t.Errorf("config = %v", cfg)
	}
	if info, err := os.Stat(c.kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: %v", info, err)
	}
	if err := c.unpublish(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.kubeconfig); !os.IsNotExist(err) {
		t.Errorf("it is there still: %v", err)
	}
}
