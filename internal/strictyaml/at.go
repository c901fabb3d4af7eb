package strictyaml

import "reflect"

// DecodeAt is Decode for the value at a path that Decode has met, as a rule in
// a field of type any whose real type another field tells. Where there is no
// such value nothing happens.
func (d *Document) DecodeAt(path string, into any) {
	if node, ok := d.nodes[path]; ok {
		d.value(path, node, reflect.ValueOf(into).Elem())
	}
}
