/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Config describes a fleet.
type Config struct {
	// Members is how many there are; they are called m0000, m0001 and so on.
	Members int
	// Nodes is how many each has. They are all ready.
	Nodes int
	// Pods is how many pods each has, all running.
	Pods int
	// Available is how long a Deployment takes to become available after a change of its spec; 0 means that it never does.
	Available time.Duration
	// Seen is told of every change of a Deployment, in the order of each member's changes, with a lock held: it must
	// return at once. May be nil.
	Seen func(Sighting)
}

// Fleet is a number of running members.
type Fleet struct {
	Members []*Member // not to be changed

	stop context.CancelFunc
	wg   sync.WaitGroup
	mu   sync.Mutex
	err  error // of the controllers
}

// Start starts all members. They run until Close, or until ctx ends.
func Start(ctx context.Context, cfg Config) (*Fleet, error) {
	if cfg.Members < 1 {
		return nil, errors.New("a fleet needs a member")
	}
	ctx, stop := context.WithCancel(ctx)
	f := &Fleet{stop: stop}
	var c *controller
	if cfg.Available > 0 {
		c = newController(cfg.Available)
	}
	for i := range cfg.Members {
		m, err := newMember(i, cfg, c)
		if err == nil {
			err = m.listen()
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start member %d: %w", i, err), f.Close())
		}
		f.Members = append(f.Members, m)
	}
	if c != nil {
		f.wg.Go(func() {
			err := c.run(ctx)
			f.mu.Lock()
			f.err = err
			f.mu.Unlock()
		})
	}
	return f, nil
}

// Member returns the one of that name, or nil.
func (f *Fleet) Member(name string) *Member {
	for _, m := range f.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Close ends all members and their connections. It returns an error if the members' controllers had broken down before.
func (f *Fleet) Close() error {
	f.stop()
	f.wg.Wait()
	errs := []error{f.err}
	for _, m := range f.Members {
		m.Resume()
		errs = append(errs, m.server.Close())
	}
	return errors.Join(errs...)
}

// certificate makes an authority of its own for a member, and the member's certificate, which is the authority's.
func certificate(name string) (ca []byte, pair tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, pair, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, pair, err
	}
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return ca, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
