/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/test/members/kubelet"
)

// Member is one cluster of a [Set].
type Member struct {
	Name       string
	Kubeconfig string // path of a file with an administrator's credentials; complete in itself, so it can be copied

	cfg    Config
	index  int // position in the set
	dir    string
	port   int
	pki    credentials
	store  string // etcd's endpoint
	spawn  *spawner
	logger klog.Logger

	mu        sync.Mutex
	processes map[string]*process // by component; the dead ones stay until they are replaced
	kubelet   *kubelet.Server     // of its nodes; nil before they are started
	metrics   int                 // port of the metrics-server; 0 before it is started
	closed    bool
}

func newMember(name string, index int, cfg Config, logger klog.Logger) (*Member, error) {
	m := &Member{
		Name:      name,
		cfg:       cfg,
		index:     index,
		dir:       filepath.Join(cfg.Dir, name),
		logger:    klog.LoggerWithValues(logger, "member", name),
		processes: map[string]*process{},
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return nil, err
	}
	m.Kubeconfig = filepath.Join(m.dir, "admin.kubeconfig")
	var err error
	if m.pki, err = loadCredentials(filepath.Join(m.dir, "pki"), name); err != nil {
		return nil, err
	}
	m.port, err = portOf(m.Kubeconfig)
	return m, err
}

// RESTConfig returns an administrator's access to the member, practically without a rate limit. It is the caller's to change.
func (m *Member) RESTConfig() *rest.Config {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.restConfig()
}

func (m *Member) restConfig() *rest.Config {
	return &rest.Config{
		Host:            m.url(),
		QPS:             1000,
		Burst:           2000,
		TLSClientConfig: rest.TLSClientConfig{CAData: m.pki.ca, CertData: m.pki.adminCert, KeyData: m.pki.adminKey},
	}
}

func (m *Member) url() string { return "https://127.0.0.1:" + strconv.Itoa(m.port) }

// Stop kills the API server, as a cluster dies that loses its power: connections break, and new ones are refused. The
// rest of the member goes on, without effect.
func (m *Member) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.processes[apiServer]; p != nil {
		p.kill()
	}
}

// Restart starts again whatever of the member is not running, on the same port and data, resumes what is suspended, and
// returns when the member is ready for use.
func (m *Member) Restart(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("start %s: the set is closed", m.Name)
	}
	err := m.startAPIServer(ctx)
	if err == nil && m.cfg.WithWorkloads {
		err = m.startWorkloads(ctx)
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", m.Name, err)
	}
	return nil
}

// Pause suspends the API server, as a cluster hangs: connections stay open, new ones are accepted, none is answered.
func (m *Member) Pause() error { return m.signal(syscall.SIGSTOP) }

// Resume ends what Pause began.
func (m *Member) Resume() error { return m.signal(syscall.SIGCONT) }

func (m *Member) signal(sig syscall.Signal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.processes[apiServer]
	if p == nil {
		return fmt.Errorf("%s of %s has not been started", apiServer, m.Name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s of %s: %w", apiServer, m.Name, err)
	}
	return nil
}

func (m *Member) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, p := range m.processes {
		p.kill()
	}
	if m.kubelet != nil {
		m.kubelet.Close()
	}
}

// ensure starts or resumes one component unless it runs.
func (m *Member) ensure(component string) (*process, error) {
	if p := m.processes[component]; p != nil && p.alive() {
		if err := p.cmd.Process.Signal(syscall.SIGCONT); err == nil {
			return p, nil
		}
		<-p.exited // the only error is that it has just ended
	}
	p, err := m.spawn.spawn(m.logger, command{name: component, bin: m.cfg.BinDir, dir: m.dir, args: m.argsOf(component)})
	if err != nil {
		return nil, err
	}
	m.processes[component] = p
	return p, nil
}

// startAPIServer returns once the API server is ready. If it has to be started, the rest of the member is stopped: after
// an outage its clients would take up to a minute before they try again, when started anew they try at once.
//
// It chooses a port the first time. Between that choice and the API server's own bind another process may
// take the port; then it chooses again.
func (m *Member) startAPIServer(ctx context.Context) error {
	const attempts = 5
	fresh := m.port == 0
	if p := m.processes[apiServer]; p != nil && !p.alive() {
		for _, p := range m.processes {
			p.kill()
		}
	}
	for attempt := 1; ; attempt++ {
		if fresh {
			if err := m.choosePort(); err != nil {
				return err
			}
		}
		p, err := m.ensure(apiServer)
		if err != nil {
			return err
		}
		err = m.awaitAPI(ctx, p)
		if err == nil {
			return nil
		}
		p.kill()
		if !fresh || attempt == attempts || !strings.Contains(p.logTail(), "address already in use") {
			return err
		}
	}
}

// choosePort picks a free port and writes the kubeconfig for it. Ports below 32768 are never given to outgoing
// connections on Linux, so one that was free once is still free when a stopped member comes back.
func (m *Member) choosePort() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	m.port = port
	return m.writeKubeconfig()
}

func freePort() (int, error) {
	const lowest, highest, attempts = 20000, 32767, 100
	for range attempts {
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("free port %d: %w", port, err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("no free port after %d attempts between %d and %d", attempts, lowest, highest)
}

func (m *Member) writeKubeconfig() error {
	k := clientcmdapi.NewConfig()
	k.Clusters[m.Name] = &clientcmdapi.Cluster{Server: m.url(), CertificateAuthorityData: m.pki.ca}
	k.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificateData: m.pki.adminCert, ClientKeyData: m.pki.adminKey}
	k.Contexts[m.Name] = &clientcmdapi.Context{Cluster: m.Name, AuthInfo: "admin"}
	k.CurrentContext = m.Name
	if err := clientcmd.WriteToFile(*k, m.Kubeconfig); err != nil { // mode 0600
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

// portOf returns the port in a kubeconfig that choosePort wrote, 0 if there is none yet.
func portOf(kubeconfig string) (int, error) {
	k, err := clientcmd.LoadFromFile(kubeconfig)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read kubeconfig: %w", err)
	}
	for _, c := range k.Clusters {
		u, err := url.Parse(c.Server)
		if err != nil {
			return 0, fmt.Errorf("read kubeconfig: %w", err)
		}
		return strconv.Atoi(u.Port())
	}
	return 0, fmt.Errorf("read kubeconfig: %s has no cluster", kubeconfig)
}
