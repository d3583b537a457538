/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"crypto"
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
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	caLifetime   = 10 * 365 * 24 * time.Hour
	leafLifetime = 365 * 24 * time.Hour
	// renewBefore is how much life a certificate has left when it is replaced: enough for a server that is restarted
	// once a quarter to never serve an expired one.
	renewBefore = 120 * 24 * time.Hour
)

// pki is the directory of keys and certificates that the server makes for itself. Files are written with mode 0600 and
// replaced atomically, so that a reader sees the old or the new content, never half of it.
type pki struct {
	dir string
	now func() time.Time
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (p pki) path(name string) string { return filepath.Join(p.dir, name) }

// authority loads the certificate authority of that name, or makes it.
func (p pki) authority(name string) (pair, error) {
	if ca, err := p.load(name); err == nil || !errors.Is(err, os.ErrNotExist) {
		return ca, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	now := p.now()
	tmpl := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "manifold-" + name},
		NotBefore:             now.Add(-time.Minute), // clocks differ
		NotAfter:              now.Add(caLifetime),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return p.store(name, tmpl, tmpl, key, key)
}

// leaf loads the certificate of that name, or issues it anew when it is missing, close to its end, signed by another
// authority, not of its key (the server died between writing the two), or when it lacks one of the names asked for.
func (p pki) leaf(name string, ca pair, want x509.Certificate) (pair, error) {
	have, err := p.load(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return pair{}, err
	case have.cert.NotAfter.Sub(p.now()) > renewBefore && have.cert.CheckSignatureFrom(ca.cert) == nil && have.fits() && covers(have.cert, &want):
		return have, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	now := p.now()
	want.NotBefore, want.NotAfter = now.Add(-time.Minute), now.Add(leafLifetime)
	want.KeyUsage = x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature
	return p.store(name, &want, ca.cert, key, ca.key)
}

// fits reports whether certificate and key belong together.
func (p pair) fits() bool {
	public, ok := p.cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(p.key.Public())
}

func covers(have, want *x509.Certificate) bool {
	for _, n := range want.DNSNames {
		if !slices.Contains(have.DNSNames, n) {
			return false
		}
	}
	for _, ip := range want.IPAddresses {
		if !slices.ContainsFunc(have.IPAddresses, ip.Equal) {
			return false
		}
	}
	return have.Subject.CommonName == want.Subject.CommonName
}

func (p pki) load(name string) (pair, error) {
	key, err := keyutil.PrivateKeyFromFile(p.path(name + ".key"))
	if err != nil {
		return pair{}, err
	}
	certs, err := certutil.CertsFromFile(p.path(name + ".crt"))
	if err != nil {
		return pair{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return pair{}, fmt.Errorf("%s: the key cannot sign", p.path(name+".key"))
	}
	return pair{cert: certs[0], key: signer}, nil
}

func (p pki) store(name string, tmpl, parent *x509.Certificate, key *ecdsa.PrivateKey, signer crypto.Signer) (pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return pair{}, err
	}
	tmpl.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		return pair{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return pair{}, err
	}
	// The key first: a crash between the two leaves a pair that does not fit, which the next start mends, rather than
	// a certificate nobody has the key of.
	if err := writeFile(p.path(name+".key"), keyPEM); err != nil {
		return pair{}, err
	}
	return pair{cert: cert, key: key}, writeFile(p.path(name+".crt"), encode(cert))
}

// signingKey makes sure that there is a key for service account tokens. It is never replaced: that would end every token.
func (p pki) signingKey(name string) (string, error) {
	path := p.path(name + ".key")
	if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return path, err
	}
	pemKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return "", err
	}
	return path, writeFile(path, pemKey)
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certutil.CertificateBlockType, Bytes: c.Raw})
}

// writeFile replaces a file atomically, readable by its owner only.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// servingNames is what the serving certificate must say.
func servingNames(hosts []string, ips []net.IP) x509.Certificate {
	c := x509.Certificate{
		Subject:     pkix.Name{CommonName: "manifold"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "manifold", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback},
	}
	for _, ip := range ips {
		if ip != nil && !ip.IsUnspecified() && !slices.ContainsFunc(c.IPAddresses, ip.Equal) {
			c.IPAddresses = append(c.IPAddresses, ip)
		}
	}
	for _, h := range hosts {
		if h != "" && net.ParseIP(h) == nil && !slices.Contains(c.DNSNames, h) {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return c
}

// clientName is a client certificate for that user and group.
func clientName(user, group string) x509.Certificate {
	c := x509.Certificate{
		Subject:     pkix.Name{CommonName: user},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if group != "" {
		c.Subject.Organization = []string{group}
	}
	return c
}

// writeKubeconfig writes a kubeconfig with everything embedded.
func writeKubeconfig(path, url string, ca *x509.Certificate, client pair) error {
	key, err := keyutil.MarshalPrivateKeyToPEM(client.key)
	if err != nil {
		return err
	}
	c := clientcmdapi.NewConfig()
	c.Clusters["manifold"] = &clientcmdapi.Cluster{Server: url, CertificateAuthorityData: encode(ca)}
	c.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificateData: encode(client.cert), ClientKeyData: key}
	c.Contexts["manifold"] = &clientcmdapi.Context{Cluster: "manifold", AuthInfo: "admin"}
	c.CurrentContext = "manifold"
	out, err := clientcmd.Write(*c)
	if err != nil {
		return err
	}
	return writeFile(path, out)
}
