package account

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"strings"
	"sync"
)

// fingerprintRounds make the key of fingerprints slow to guess: whoever reads
// the database and knows a payload could else try vendor passwords on it.
const fingerprintRounds = 600_000

// pepper is the key of an account's fingerprints. It comes from the account's
// credentials, which all replicas have and the database has not, so that a
// reader of the database can't try passwords on the fingerprint of a new user.
// Changed credentials make an old key look reused, which is safe.
type pepper struct {
	key func() []byte
}

// newPepper derives the key at its first use: it takes a moment.
func newPepper(account string, secrets []string) pepper {
	rounds := fingerprintRounds
	if len(secrets) == 0 {
		rounds = 1 // there is nothing to guess
	}
	return pepper{sync.OnceValue(func() []byte {
		key, err := pbkdf2.Key(sha256.New, strings.Join(secrets, "\x00"), []byte("accountgateway fingerprint "+account), rounds, sha256.Size)
		if err != nil { // only for a key length that is no length
			panic(err)
		}
		return key
	})}
}

// fingerprint tells payloads of a kind apart without telling what they are.
func (a *accountState) fingerprint(kind string, payload []byte) []byte {
	mac := hmac.New(sha256.New, a.pepper.key())
	mac.Write([]byte(kind))
	mac.Write([]byte{0})
	mac.Write(payload)
	return mac.Sum(nil)
}
