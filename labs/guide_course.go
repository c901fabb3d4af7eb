package labs

import (
	"context"
	"slices"
)

// NextLab is the lab that comes next in the course, of those that this cluster
// serves; "" where there is none, or the lab under way is not of the course.
func (g *Guide) NextLab(ctx context.Context) string {
	names := CatalogNames()
	at := slices.Index(names, g.Lab.Name)
	if at < 0 {
		return ""
	}
	for _, name := range names[at+1:] {
		lab, err := Open(name)
		if err != nil {
			return ""
		}
		if reason, err := lab.missing(ctx, g.runner.session.handle); reason == "" && err == nil {
			return name
		}
	}
	return ""
}
