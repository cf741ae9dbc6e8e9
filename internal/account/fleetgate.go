package account

import "context"

// The bounds of vendor calls that fleet reads wait for, all of them together.
const (
	fleetAtOnce = 64
	fleetAtHost = 8
)

// fleetGate lets fleet reads ask vendors in turn: first come, first served.
type fleetGate struct {
	all    chan struct{}
	atHost map[string]chan struct{}
}

func newFleetGate() *fleetGate {
	return &fleetGate{all: make(chan struct{}, fleetAtOnce), atHost: map[string]chan struct{}{}}
}

// add makes room for calls to a host. It is not safe for concurrent use.
func (g *fleetGate) add(host string) {
	if g.atHost[host] == nil {
		g.atHost[host] = make(chan struct{}, fleetAtHost)
	}
}

// enter waits for a turn, or for ctx to end, whose cause it returns. The place at
// the host comes first: who waits for a busy host keeps nobody from others.
func (g *fleetGate) enter(ctx context.Context, host string) (leave func(), err error) {
	if ctx.Err() != nil { // else chance would let some in
		return nil, context.Cause(ctx)
	}
	for i, room := range []chan struct{}{g.atHost[host], g.all} {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-g.atHost[host]
			}
			return nil, context.Cause(ctx)
		}
	}
	return func() {
		<-g.all
		<-g.atHost[host]
	}, nil
}
