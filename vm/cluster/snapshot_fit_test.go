package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"axolotl/internal/disktest"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// certificate is one, in PEM, that runs out at a time.
func certificate(t *testing.T, name string, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// kubeconfig is one whose user has a certificate.
func kubeconfig(t *testing.T, certificate []byte) []byte {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.AuthInfos["user"] = &clientcmdapi.AuthInfo{ClientCertificateData: certificate}
	data, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A snapshot whose credentials have run out is not restored, wherever they are, and
// nothing gives way for it.
func TestSnapshotWhoseCredentialsHaveRunOut(t *testing.T) {
	ranOut, holds := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		admin, kubelet, server time.Time
		want                   string
	}{
		"whole":       {holds, holds, holds, ""},
		"the admin's": {ranOut, holds, holds, `the certificate of "admin" in `},
		"a kubelet's": {holds, ranOut, holds, `the certificate of "kubelet" in `},
		"a server's":  {holds, holds, ranOut, `the certificate of "server" in `},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := snapshotable(t)
			driver := &saving{}
			open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
			quiet := term.NewProgress(io.Discard, true)
			_, err := s.SaveSnapshot(t.Context(), "c", "before", open, quiet)
			err = errors.Join(err,
				os.WriteFile(c.Kubeconfig(), kubeconfig(t, certificate(t, "admin", test.admin)), 0o600),
				store.WriteFile(c.Path("nodes", "worker-1", "kubelet.conf"), kubeconfig(t, certificate(t, "kubelet", test.kubelet)), 0o600),
				store.WriteFile(c.Path("nodes", "cp-1", "pki", "apiserver.crt"), certificate(t, "server", test.server), 0o600))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.SaveSnapshot(t.Context(), "c", "now", open, quiet); err != nil {
				t.Fatal(err)
			}
			if _, err := s.fittingSnapshot(c, driver, "before"); err != nil {
				t.Errorf("without certificates: %v", err)
			}
			if test.want == "" {
				if _, err := s.fittingSnapshot(c, driver, "now"); err != nil {
					t.Error(err)
				}
				return
			}
			_, err = s.RestoreSnapshot(t.Context(), "now", UpOptions{Name: "c", Open: open}, quiet)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "ran out on "+ranOut.UTC().Format(time.DateOnly)) {
				t.Errorf("error %v", err)
			}
			if now, err := s.Load("c"); err != nil || now.Phase != vm.PhaseUp {
				t.Errorf("the cluster is %+v, %v", now, err)
			}
		})
	}
}

// Nothing gives way for a snapshot that has no room.
func TestSnapshotWithoutRoom(t *testing.T) {
	s, _ := snapshotable(t)
	driver := &saving{bytes: 1 << 60}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	quiet := term.NewProgress(io.Discard, true)
	if _, err := s.SaveSnapshot(t.Context(), "c", "before", open, quiet); err != nil {
		t.Fatal(err)
	}
	_, err := s.RestoreSnapshot(t.Context(), "before", UpOptions{Name: "c", Open: open}, quiet)
	if err == nil || !strings.Contains(err.Error(), "takes 1099511627776 MiB when it is restored") {
		t.Errorf("error %v", err)
	}
	if now, err := s.Load("c"); err != nil || now.Phase != vm.PhaseUp {
		t.Errorf("the cluster is %+v, %v", now, err)
	}
}

// What gives way is room.
func TestRoomOfWhatGivesWay(t *testing.T) {
	s := Store{Home: store.Home{State: disktest.Small(t)}}
	c := &vm.Cluster{Name: "c", ID: "1", Dir: s.Home.Cluster("c")}
	if err := store.WriteFile(c.Path("machines", "cp-1", "root.qcow2"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	shot := &Snapshot{Name: "before", dir: c.Path(snapshotsDir, "before")}
	if err := hasRoom(c, &saving{bytes: 3 << 19}, shot); err != nil {
		t.Error(err)
	}
	if err := hasRoom(c, &saving{bytes: 5 << 19}, shot); err == nil {
		t.Error("there is room for more than the disk has")
	}
}

// Whoever completes a restore looks as whoever began it: it may be another build.
func TestRestoreIsCompletedOnlyWhereItFits(t *testing.T) {
	s, c := snapshotable(t)
	driver := &saving{}
	open := func(*vm.Cluster) (vm.Driver, error) { return driver, nil }
	quiet := term.NewProgress(io.Discard, true)
	if _, err := s.SaveSnapshot(t.Context(), "c", "before", open, quiet); err != nil {
		t.Fatal(err)
	}
	driver.bytes = 1 << 60
	c.BeginRestoring("before")
	if err := errors.Join(s.Save(c), store.WriteFile(c.Path("disk"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Up(t.Context(), UpOptions{Name: "c", AsIs: true, Open: open}, quiet)
	if err == nil || !strings.Contains(err.Error(), "'axolotl recreate c'") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Path("disk")); err != nil {
		t.Errorf("it gave way: %v", err)
	}
}
