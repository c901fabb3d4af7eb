package labs

import "testing"

func TestCatalogIsValid(t *testing.T) {
	names := CatalogNames()
	if len(names) < 2 {
		t.Fatalf("the catalog has only %v", names)
	}
	for _, name := range names {
		lab, err := Open(name)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		if lab.Name != name {
			t.Errorf("%s.yaml holds lab %q; the file is to have the lab's name", name, lab.Name)
		}
	}
}
