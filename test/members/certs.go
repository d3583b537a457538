/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// certValidity is far longer than any member lives; nothing renews these certificates.
const certValidity = 10 * 365 * 24 * time.Hour

// credentials are the files of a member's public key infrastructure, and what of them its clients need, PEM-encoded.
type credentials struct {
	dir                     string
	ca, adminCert, adminKey []byte
}

func (c credentials) file(name string) string { return filepath.Join(c.dir, name) }

// loadCredentials reads the credentials in dir, making them first if dir does not exist.
func loadCredentials(dir, member string) (credentials, error) {
	c := credentials{dir: dir}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		// A folder that exists is complete.
		if err := makeCredentials(dir+".new", member); err != nil {
			return c, err
		}
		if err := os.Rename(dir+".new", dir); err != nil {
			return c, fmt.Errorf("publish certificates: %w", err)
		}
	}
	if _, err := os.Stat(c.file(frontProxy + ".crt")); errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("the certificates in %s were made by an earlier version: remove the member's folder, or run `make demo-down`", dir)
	}
	for name, content := range map[string]*[]byte{"ca.crt": &c.ca, "admin.crt": &c.adminCert, "admin.key": &c.adminKey} {
		data, err := os.ReadFile(c.file(name))
		if err != nil {
			return c, fmt.Errorf("read certificates: %w", err)
		}
		*content = data
	}
	return c, nil
}

func makeCredentials(dir, member string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear certificates: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	ca := &x509.Certificate{
		Subject:               pkix.Name{CommonName: member + "-ca"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	caKey, err := issue(dir, "ca", ca, ca, nil)
	if err != nil {
		return err
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if _, err := issue(dir, "server", server, ca, caKey); err != nil {
		return err
	}
	admin := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if _, err := issue(dir, "admin", admin, ca, caKey); err != nil {
		return err
	}
	metrics := &x509.Certificate{
		Subject:     pkix.Name{CommonName: metricsServer},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{metricsServer + "." + metav1.NamespaceSystem + ".svc"}, // what the API server wants of an APIService
	}
	if _, err := issue(dir, metricsServer, metrics, ca, caKey); err != nil {
		return err
	}
	proxy := &x509.Certificate{
		Subject:     pkix.Name{CommonName: frontProxy},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if _, err := issue(dir, frontProxy, proxy, ca, caKey); err != nil {
		return err
	}
	return makeServiceAccountKey(dir)
}

// issue writes <name>.crt and <name>.key: cert, completed and signed by the parent. A nil parentKey means self-signed.
func issue(dir, name string, cert, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s: %w", name, err)
	}
	if parentKey == nil {
		parentKey = key
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose serial number of %s: %w", name, err)
	}
	cert.SerialNumber = serial
	cert.NotBefore = time.Now().Add(-time.Hour)
	cert.NotAfter = time.Now().Add(certValidity)
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of %s: %w", name, err)
	}
	if err := writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return key, writeKey(filepath.Join(dir, name+".key"), key)
}

func makeServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make service account key: %w", err)
	}
	return writeKey(filepath.Join(dir, "service-accounts.key"), key)
}

func writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	return writePEM(file, "EC PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
