package operation

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// A write that was not sent because the store did not say that it is recorded
// failed for want of the database, and not of the vendor.
func TestDisownedWriteBlamesTheDatabase(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "g.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	d := durable.New(zerolog.Nop())
	s := New(Gateway{Store: d, Log: zerolog.Nop()})
	d.Attach(st)
	now := st.Now()
	op := store.Operation{ID: "o", Account: "a", Kind: "refill", Caller: "c", Key: "k", Request: []byte("{}"), CreatedAt: now, GiveUpAt: now.Add(time.Minute)}
	if _, begun, err := st.BeginOperation(t.Context(), op, now, nil); err != nil || !begun {
		t.Fatal(begun, err)
	}
	s.disown(op.ID)
	row, _, err := st.Operation(t.Context(), op.ID)
	if err != nil {
		t.Fatal(err)
	}
	told, err := Of("fake", row)
	if err != nil || told.State != store.Failed || told.Problem == nil || told.Problem.Kind != provider.KindDatabase {
		t.Errorf("got %+v, %+v, %v", told, told.Problem, err)
	}
}
