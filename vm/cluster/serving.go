package cluster

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"

	"axolotl/vm"
)

// asker is the machine whose kubelet a request says that it comes from; nil where it
// is none of the cluster's: one that has left, or a request that somebody made up.
func asker(csr *certificatesv1.CertificateSigningRequest, c *vm.Cluster) *vm.Machine {
	name, ok := strings.CutPrefix(csr.Spec.Username, "system:node:")
	if !ok {
		return nil
	}
	return c.Machine(name)
}

// isOfKubelet returns nil where a request for a serving certificate comes from a
// machine's kubelet, and asks for that machine's name and address only.
func isOfKubelet(csr *certificatesv1.CertificateSigningRequest, m *vm.Machine) error {
	block, _ := pem.Decode(csr.Spec.Request)
	if block == nil {
		return errors.New("it holds no PEM block")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	if err := request.CheckSignature(); err != nil {
		return err
	}
	if request.Subject.CommonName != csr.Spec.Username || !slices.Equal(request.Subject.Organization, []string{"system:nodes"}) {
		return fmt.Errorf("%s asks for subject %q", csr.Spec.Username, request.Subject)
	}
	for _, name := range request.DNSNames {
		if name != m.Name {
			return fmt.Errorf("%s asks for the name %q", csr.Spec.Username, name)
		}
	}
	for _, ip := range request.IPAddresses {
		if m.Address != "" && ip.String() != m.Address {
			return fmt.Errorf("%s asks for the address %s", csr.Spec.Username, ip)
		}
	}
	if len(request.EmailAddresses) > 0 || len(request.URIs) > 0 {
		return fmt.Errorf("%s asks for mail addresses or URIs", csr.Spec.Username)
	}
	return nil
}
