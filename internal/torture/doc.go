// Package torture holds the whole gateway to its promises from outside. Its test runs the real program against the
// simulated vendors and kills it, takes its database away, fills its disk, breaks its vendors and sets its clock, by a
// random schedule. Meanwhile callers read and write, and every answer is compared with what the vendors really did.
//
// It knows nothing of the gateway's inside: it sees HTTP on both sides.
package torture
