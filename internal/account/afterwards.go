package account

import (
	"context"
	"sync"
)

// afterwardsList is what a call for a reading leaves to be done once who waits
// for it has the answer. It is safe for concurrent use.
type afterwardsList struct {
	mu   sync.Mutex
	todo []func()
}

type afterwardsKey struct{}

// withAfterwards lets what is done under the context leave things for later; who
// calls it does them.
func withAfterwards(ctx context.Context) (context.Context, *afterwardsList) {
	l := &afterwardsList{}
	return context.WithValue(ctx, afterwardsKey{}, l), l
}

// afterwards does f after the answer, or at once if nobody will.
func afterwards(ctx context.Context, f func()) {
	l, ok := ctx.Value(afterwardsKey{}).(*afterwardsList)
	if !ok {
		f()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.todo = append(l.todo, f)
}

// do does what was left until now.
func (l *afterwardsList) do() {
	l.mu.Lock()
	todo := l.todo
	l.todo = nil
	l.mu.Unlock()
	for _, f := range todo {
		f()
	}
}
