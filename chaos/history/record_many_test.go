package history

import (
	"testing"
	"time"
)

func TestRecordFirings(t *testing.T) {
	db := open(t)
	ran := Firing{Schedule: "a", Due: t0}
	if _, err := db.BeginFiring(t.Context(), ran); err != nil {
		t.Fatal(err)
	}
	var many []Firing
	for i := range 3 {
		many = append(many, Firing{Schedule: "a", Due: t0.Add(time.Duration(i) * time.Minute), Outcome: FiringMissed, Reason: "off"})
	}
	for range 2 { // the second time all of them are accounted for
		if err := db.RecordFirings(t.Context(), many); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.Firings(t.Context(), FiringQuery{})
	if err != nil || len(all) != 3 || all[0].Outcome != FiringMissed || all[0].Reason != "off" || all[2].Outcome != FiringRunning {
		t.Errorf("%v: %+v", err, all)
	}
}
