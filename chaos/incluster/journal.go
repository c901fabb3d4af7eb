package incluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"axolotl/chaos/journal"
	"axolotl/internal/kube"
	"axolotl/internal/store"
)

// The names of ConfigMaps begin with these; a run's ID follows.
const (
	undoPrefix   = "axolotl-undo-"
	reportPrefix = "axolotl-run-"
)

// kindLabel tells what a ConfigMap of ours holds, and holderAnnotation which
// replica has the entry that it holds.
const (
	kindLabel        = "axolotl.dev/holds"
	holdsUndo        = "undo"
	holdsReport      = "report"
	holderAnnotation = "axolotl.dev/holder"
	entryKey         = "entry.json"
)

// Journal is the place where entries are ConfigMaps. An entry that another
// replica holds is taken from it: that one leads no more, or we would not be
// asked. It cannot write the entry from then on, and so injects nothing.
type Journal struct {
	maps     typed.ConfigMapInterface
	identity string

	mu   sync.Mutex
	held map[string]*corev1.ConfigMap // by ID; nil: of an entry that is not there yet
}

var _ journal.Place = (*Journal)(nil)

// NewJournal returns the journal in a namespace, for the replica with this
// identity.
func NewJournal(client kubernetes.Interface, namespace, identity string) *Journal {
	return &Journal{maps: client.CoreV1().ConfigMaps(namespace), identity: identity, held: map[string]*corev1.ConfigMap{}}
}

// Hold implements journal.Place.
func (j *Journal) Hold(id string) (journal.Hold, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ours := j.held[id]; ours {
		return nil, &store.LockedError{Path: undoPrefix + id, Holder: j.self()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var found *corev1.ConfigMap
	err := kube.RetryOnConflict(func() (err error) {
		if found, err = j.maps.Get(ctx, undoPrefix+id, metav1.GetOptions{}); err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&found.ObjectMeta, holderAnnotation, j.identity)
		found, err = j.maps.Update(ctx, found, metav1.UpdateOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		found, err = nil, nil // it is about to begin
	}
	if err != nil {
		return nil, err
	}
	j.held[id] = found
	return hold{j, id}, nil
}

// hold is an entry that this process has.
type hold struct {
	journal *Journal
	id      string
}

// Unlock implements journal.Hold.
func (h hold) Unlock() error {
	h.journal.mu.Lock()
	defer h.journal.mu.Unlock()
	delete(h.journal.held, h.id)
	return nil
}

// Remove implements journal.Hold: there is nothing beside the entry.
func (h hold) Remove() error { return h.Unlock() }

// Holder implements journal.Place, as far as this process knows.
func (j *Journal) Holder(id string) (*store.Holder, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ours := j.held[id]; !ours {
		return nil, nil
	}
	holder := j.self()
	return &holder, nil
}

func (j *Journal) self() store.Holder {
	return store.Holder{PID: os.Getpid(), Command: strings.Join(os.Args, " ")}
}

// Begin implements journal.Place.
func (j *Journal) Begin(e journal.Entry) error {
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: undoPrefix + e.ID, Labels: map[string]string{kindLabel: holdsUndo},
		Annotations: map[string]string{holderAnnotation: j.identity},
	}}
	return j.put(e, made, func(ctx context.Context, m *corev1.ConfigMap) (*corev1.ConfigMap, error) {
		return j.maps.Create(ctx, m, metav1.CreateOptions{})
	})
}

// Write implements journal.Place. It fails where another replica has taken the
// entry meanwhile.
func (j *Journal) Write(e journal.Entry) error {
	j.mu.Lock()
	have := j.held[e.ID]
	j.mu.Unlock()
	if have == nil {
		return fmt.Errorf("entry %q is not held", e.ID)
	}
	err := j.put(e, have.DeepCopy(), func(ctx context.Context, m *corev1.ConfigMap) (*corev1.ConfigMap, error) {
		return j.maps.Update(ctx, m, metav1.UpdateOptions{})
	})
	if apierrors.IsConflict(err) {
		return fmt.Errorf("another replica has taken entry %q over: %w", e.ID, err)
	}
	return err
}

func (j *Journal) put(e journal.Entry, m *corev1.ConfigMap, put func(context.Context, *corev1.ConfigMap) (*corev1.ConfigMap, error)) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	m.Data = map[string]string{entryKey: string(text)}
	m.Labels["axolotl.dev/state"] = string(e.State)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if m, err = put(ctx, m); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.held[e.ID] = m
	return nil
}

// Read implements journal.Place.
func (j *Journal) Read(id string) (journal.Entry, error) {
	var e journal.Entry
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := j.maps.Get(ctx, undoPrefix+id, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return e, fmt.Errorf("journal entry %q: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(found.Data[entryKey]), &e); err != nil {
		return e, fmt.Errorf("ConfigMap %s: %w; see what it names, undo that by hand, and delete it", found.Name, err)
	}
	return e, nil
}

// Remove implements journal.Place.
func (j *Journal) Remove(id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := j.maps.Delete(ctx, undoPrefix+id, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// IDs implements journal.Place.
func (j *Journal) IDs() ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := j.maps.List(ctx, metav1.ListOptions{LabelSelector: kindLabel + "=" + holdsUndo})
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var ids []string
	for i := range found.Items {
		ids = append(ids, strings.TrimPrefix(found.Items[i].Name, undoPrefix))
	}
	slices.Sort(ids) // by time
	return ids, nil
}

// mostUndone is how many entries are kept of what is undone.
const mostUndone = 50

// Prune removes the oldest entries of what is undone.
func (j *Journal) Prune() error {
	entries := journal.In(j)
	all, err := entries.All()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e journal.Entry) bool { return e.State != journal.Undone || e.Ended == nil })
	if len(all) <= mostUndone {
		return nil
	}
	slices.SortFunc(all, func(a, b journal.Entry) int { return b.Ended.Compare(*a.Ended) })
	_, err = entries.Prune(all[mostUndone].Ended.Add(time.Nanosecond))
	return err
}
