/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package register

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeAccess writes a kubeconfig for the host with the token, readable by its owner only. Of the host's own kubeconfig it
// takes how the server is verified, and nothing of the user.
func writeAccess(path, endpoint string, host *clientcmdapi.Config, token string) error {
	from := host.Clusters[host.Contexts[host.CurrentContext].Cluster]
	c := clientcmdapi.NewConfig()
	c.Clusters["host"] = &clientcmdapi.Cluster{
		Server: endpoint, CertificateAuthorityData: from.CertificateAuthorityData, InsecureSkipTLSVerify: from.InsecureSkipTLSVerify,
		TLSServerName: from.TLSServerName, ProxyURL: from.ProxyURL,
	}
	c.AuthInfos["manifold"] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["host"] = &clientcmdapi.Context{Cluster: "host", AuthInfo: "manifold"}
	c.CurrentContext = "host"
	data, err := clientcmd.Write(*c)
	if err != nil {
		return err
	}
	return replaceFile(path, data)
}

// replaceFile writes a file with mode 0600 so that a reader sees the old or the new content.
func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
