package provider

import (
	"encoding/json"
	"errors"
)

// Failure is an Error as it is kept: without its cause, and without what is of
// use only when it happened.
type Failure struct {
	Kind     Kind      `json:"kind"`
	Message  string    `json:"message"`
	Upstream *Upstream `json:"upstream,omitempty"`
	Field    string    `json:"field,omitempty"`
}

// FailureOf is what to keep of an error. One that is no *Error is the gateway's
// own, and its text is not kept.
func FailureOf(err error) *Failure {
	var e *Error
	if errors.As(err, &e) {
		return &Failure{Kind: e.Kind, Message: e.Message, Upstream: e.Upstream, Field: e.Field}
	}
	return &Failure{Kind: KindOther, Message: "the gateway failed during the call"}
}

// Err is the error that the failure was.
func (f *Failure) Err() *Error {
	return &Error{Kind: f.Kind, Message: f.Message, Upstream: f.Upstream, Field: f.Field, Refused: true}
}

// Encode is its JSON.
func (f *Failure) Encode() []byte {
	data, err := json.Marshal(f)
	if err != nil { // texts always have a JSON form
		return nil
	}
	return data
}
