package store_test

import (
	"fmt"
	"testing"
	"time"

	"accountgateway/internal/store"
	"accountgateway/internal/testneed"
)

// BenchmarkSlot measures what the budget adds to a vendor call: with REG.RU's
// limit, unused and nearly used up.
func BenchmarkSlot(b *testing.B) {
	l := store.BudgetLimit{Calls: 1200, Per: time.Hour}
	for name, newURL := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testneed.Postgres} {
		for _, used := range []int{0, 1100} {
			b.Run(fmt.Sprintf("%s/%d used", name, used), func(b *testing.B) {
				s := open(b, newURL(b), newClock())
				take := func() store.Slot {
					slot, _, err := s.TakeSlot(b.Context(), []store.BudgetShare{{Name: "regru", Limit: l}}, store.Asker{}, hold)
					must(b, err)
					if !slot.Granted() {
						b.Fatal("refused")
					}
					return slot
				}
				for range used {
					must(b, s.EndSlot(b.Context(), take()))
				}
				b.Run("take and release", func(b *testing.B) {
					for b.Loop() {
						must(b, s.ReleaseSlot(b.Context(), take()))
					}
				})
				slot := take()
				b.Run("end", func(b *testing.B) {
					for b.Loop() {
						must(b, s.EndSlot(b.Context(), slot))
					}
				})
			})
		}
	}
}

func BenchmarkSaveReading(b *testing.B) {
	s := open(b, sqliteURL(b), newClock())
	r := []store.Reading{{Key: balanceKey, AsOf: epoch, Body: make([]byte, 1000)}}
	for b.Loop() {
		must(b, s.SaveReadings(b.Context(), r))
	}
}

// BenchmarkCommit compares the pools that write: what durability costs on
// this disk. PostgreSQL's other sessions don't wait for its disk here.
func BenchmarkCommit(b *testing.B) {
	engines := map[string]func(testing.TB) string{
		"sqlite": sqliteURL,
		"postgres": func(b testing.TB) string {
			return testneed.Postgres(b) + "&synchronous_commit=off"
		},
	}
	for name, url := range engines {
		for _, pool := range []string{"write", "durable"} {
			b.Run(name+"/"+pool, func(b *testing.B) {
				s := open(b, url(b), newClock())
				for b.Loop() {
					_, err := s.Pools()[pool].ExecContext(b.Context(), `UPDATE readings_seq SET last = last + 1`)
					must(b, err)
				}
			})
		}
	}
}
