package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"

	"axolotl/vm"
)

// A kubelet gets a certificate for its own machine, and nothing else. A request of
// nobody's is not waited for.
func TestServingRequests(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "cp-1", Address: "10.88.0.11"}, {Name: "worker-1", Address: "10.88.0.12"}}}
	node := pkix.Name{CommonName: "system:node:worker-1", Organization: []string{"system:nodes"}}
	for _, test := range []struct {
		name, user string
		request    x509.CertificateRequest
		nobodys    bool
		want       string // in the error
	}{
		{name: "its own", user: "system:node:worker-1", request: x509.CertificateRequest{Subject: node, DNSNames: []string{"worker-1"}, IPAddresses: []net.IP{net.IPv4(10, 88, 0, 12)}}},
		{name: "another's name", user: "system:node:worker-1", request: x509.CertificateRequest{Subject: node, DNSNames: []string{"cp-1"}}, want: `asks for the name "cp-1"`},
		{name: "another's address", user: "system:node:worker-1", request: x509.CertificateRequest{Subject: node, IPAddresses: []net.IP{net.IPv4(10, 88, 0, 11)}}, want: "asks for the address 10.88.0.11"},
		{name: "another's subject", user: "system:node:cp-1", request: x509.CertificateRequest{Subject: node}, want: "asks for subject"},
		{name: "mail", user: "system:node:worker-1", request: x509.CertificateRequest{Subject: node, EmailAddresses: []string{"a@b"}}, want: "mail addresses"},
		{name: "of a machine that has left", user: "system:node:worker-2", request: x509.CertificateRequest{Subject: node}, nobodys: true},
		{name: "made up", user: "worker-1", request: x509.CertificateRequest{Subject: node}, nobodys: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			der, err := x509.CreateCertificateRequest(rand.Reader, &test.request, key)
			if err != nil {
				t.Fatal(err)
			}
			csr := &certificatesv1.CertificateSigningRequest{Spec: certificatesv1.CertificateSigningRequestSpec{
				Username: test.user, Request: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			}}
			m := asker(csr, c)
			if (m == nil) != test.nobodys {
				t.Fatalf("it is of %+v", m)
			}
			if m == nil {
				return
			}
			if err := isOfKubelet(csr, m); (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
