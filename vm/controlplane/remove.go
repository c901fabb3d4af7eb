package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// remove deletes keys of etcd's, past the API server, by the JSON API that etcd has
// beside gRPC. All of them must be there.
func remove(ctx context.Context, s *Server, keys ...string) error {
	client, err := s.etcdClient()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	for _, key := range keys {
		if err := removeBy(ctx, client, s, key); err != nil {
			return err
		}
	}
	return nil
}

func removeBy(ctx context.Context, client *http.Client, s *Server, key string) error {
	body, err := json.Marshal(map[string][]byte{"key": []byte(key)}) // in base64, as etcd wants it
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url(etcdHost, s.EtcdPort)+"/v3/kv/deleterange", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var said struct {
		Deleted string `json:"deleted"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || response.StatusCode != http.StatusOK || said.Deleted != "1" {
		return fmt.Errorf("etcd was to delete %s: %s: %s", key, response.Status, answer)
	}
	return nil
}

// etcdClient speaks to etcd as the API server does.
func (s *Server) etcdClient() (*http.Client, error) {
	authority, err := os.ReadFile(s.pki("etcd/ca.crt"))
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	own, err := tls.LoadX509KeyPair(s.pki("apiserver-etcd-client.crt"), s.pki("apiserver-etcd-client.key"))
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: trusted, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12,
	}}}, nil
}
