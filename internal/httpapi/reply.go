package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// reply is an encoded answer. It stands for the generated response types, which
// would encode straight into the connection: here a failure to encode is still
// a problem, and a body can be kept and sent again.
type reply struct {
	status      int
	contentType string
	body        []byte
}

// encode makes the reply of a body.
func encode(status int, body any) (reply, error) {
	data, err := json.Marshal(body)
	return reply{status: status, contentType: "application/json", body: data}, err
}

func (a reply) send(w http.ResponseWriter) error {
	send(w, a.status, a.contentType, a.body)
	return nil
}

// send writes a whole answer. A failed write means that the caller is gone, and
// there is nobody to tell.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// What the generated code asks of an answer to each operation.

func (a reply) VisitListAccountsResponse(w http.ResponseWriter) error  { return a.send(w) }
func (a reply) VisitGetAccountResponse(w http.ResponseWriter) error    { return a.send(w) }
func (a reply) VisitGetBalanceResponse(w http.ResponseWriter) error    { return a.send(w) }
func (a reply) VisitGetStatisticsResponse(w http.ResponseWriter) error { return a.send(w) }
func (a reply) VisitListUsersResponse(w http.ResponseWriter) error     { return a.send(w) }
func (a reply) VisitGetBalancesResponse(w http.ResponseWriter) error   { return a.send(w) }
func (a reply) VisitGetSpecResponse(w http.ResponseWriter) error       { return a.send(w) }
func (a reply) VisitGetHealthResponse(w http.ResponseWriter) error     { return a.send(w) }
func (a reply) VisitGetReadyResponse(w http.ResponseWriter) error      { return a.send(w) }
