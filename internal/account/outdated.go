package account

import (
	"time"
)

// write is the end of a write to an account.
type write struct {
	stamp
	ours bool // this process made it
}

// written takes note that a write ended.
func (a *accountState) written(w write) {
	for {
		last := a.writtenAt.Load()
		if last != nil && (!w.at.After(last.at) || last.ours && last.label.Truncate(time.Microsecond).Equal(w.label)) {
			return // an earlier one, or the same, back from the store
		}
		if a.writtenAt.CompareAndSwap(last, &w) {
			return
		}
	}
}

// outdated tells whether a write came after a reading, which may have changed
// what it says.
func (a *accountState) outdated(e *entry) bool {
	last := a.writtenAt.Load()
	if last == nil || e == nil {
		return false
	}
	if last.ours && e.ours {
		return !e.at.After(last.at)
	}
	return !e.at.After(last.at.Add(stampSlack))
}

// outdatedFor is outdated for a request that came then. A reading that was
// asked for after that answers it, though a write has ended meanwhile: else
// frequent writes would leave no reading good enough.
func (a *accountState) outdatedFor(e *entry, came time.Time) bool {
	return a.outdated(e) && e.at.Before(came)
}
