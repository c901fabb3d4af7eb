package local

import (
	"path/filepath"

	"axolotl/internal/store"
	"axolotl/vm"
)

// orders are what the supervisor is told, in a file of the cluster's directory.
// They hold all that it needs: it reads no other record.
type orders struct {
	Cluster vm.Cluster `json:"cluster"`
	Dir     string     `json:"dir"`
	Node    string     `json:"node"` // path of the node binary
	Kwok    string     `json:"kwok"` // path of kwok
}

func ordersPath(dir string) string { return filepath.Join(dir, "local.json") }

func readOrders(dir string) (*orders, error) {
	var o orders
	if err := store.ReadJSON(ordersPath(dir), &o); err != nil {
		return nil, err
	}
	o.Cluster.Dir = o.Dir
	return &o, nil
}

func (o *orders) write() error { return store.WriteJSON(ordersPath(o.Dir), o) }

// path is a file in the cluster's directory.
func (o *orders) path(elem ...string) string { return o.Cluster.Path(elem...) }
