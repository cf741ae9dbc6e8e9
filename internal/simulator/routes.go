package simulator

import (
	"encoding/json"
	"net/http"
)

const controlPrefix = "/_simulator/"

func (c *Control) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, c.Faults())
	})
	mux.HandleFunc("POST /_simulator/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		in := json.NewDecoder(r.Body)
		in.DisallowUnknownFields()
		err := in.Decode(&f)
		if err == nil {
			err = c.Inject(f)
		}
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /_simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		c.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_simulator/calls", func(w http.ResponseWriter, _ *http.Request) {
		operations, total := c.Calls(), 0
		for _, n := range operations {
			total += n
		}
		writeJSON(w, http.StatusOK, map[string]any{"total": total, "operations": operations})
	})
	mux.HandleFunc("DELETE /_simulator/calls", func(w http.ResponseWriter, _ *http.Request) {
		c.ForgetCalls()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; nothing is left to do then
}
