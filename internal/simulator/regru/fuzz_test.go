package regru_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"accountgateway/internal/simulator/regru"
)

// FuzzInputData: whatever comes in, the answer is JSON with a result, also when everything is echoed.
func FuzzInputData(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"currency":"USD"}`, `[]`, `null`, `{"a":`, `{}{}`, `{"currency":["RUR",1]}`, `{"currency":{"a":null}}`,
		`{"username":"shop","password":"shop-secret","output_format":"plain"}`, `{"limit":1e9,"offset":-0,"lang":"ru"}`,
		`{"bills":[1,"2",{"bill_id":3},null,true,[4]],"bill_id":"x"}`, "{\"\\ud800\":\"\xff\"}", `{"io_encoding":"cp866","lang":"ru","username":null}`,
	} {
		f.Add("user/get_balance", seed, "utf8")
		f.Add("bill/nop", seed, "cp1251")
		f.Add("user/create", seed, "utf-8")
	}
	s := regru.New(regru.Options{Refill: true, Rate: regru.Rate{Calls: -1}})
	f.Fuzz(func(t *testing.T, function, data, charset string) {
		form := url.Values{"username": {"test"}, "password": {"test"}, "input_format": {"json"}, "io_encoding": {charset},
			"show_input_params": {"1"}, "input_data": {data}}
		r := request("nop", form)
		r.URL.Path = "/api/regru2/" + function
		w := do(s, r)
		if w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
		if w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
			return // another format was asked for
		}
		var envelope struct {
			Result string `json:"result"`
			Code   string `json:"error_code"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &envelope); err != nil {
			t.Fatalf("%v in %q", err, w.Body)
		}
		if (envelope.Result == "success") != (envelope.Code == "") {
			t.Errorf("result %q with code %q", envelope.Result, envelope.Code)
		}
	})
}
