package selzy

// The published codes (selzy.md 3).
const (
	codeUnspecified    = "unspecified"
	codeInvalidKey     = "invalid_api_key"
	codeAccessDenied   = "access_denied"
	codeUnknownMethod  = "unknown_method"
	codeInvalidArg     = "invalid_arg"
	codeNotEnoughMoney = "not_enough_money"
	codeRetryLater     = "retry_later"
	codeKeyLimit       = "api_call_limit_exceeded_for_api_key"
	codeIPLimit        = "api_call_limit_exceeded_for_ip"
)

// texts are the server's messages in English and Russian; other languages get English. Their wording is assumed.
var texts = map[string]struct{ en, ru string }{
	codeUnspecified:    {"The call failed", "Вызов не удался"},
	codeInvalidKey:     {"The API key is not valid", "Неверный ключ API"},
	codeAccessDenied:   {"Access denied", "Доступ запрещён"},
	codeUnknownMethod:  {"Unknown method", "Неизвестный метод"},
	codeInvalidArg:     {"An argument has a wrong value", "Неверное значение аргумента"},
	codeNotEnoughMoney: {"There is not enough money on the account", "Недостаточно денег на счёте"},
	codeRetryLater:     {"Temporary failure, retry later", "Временная ошибка, повторите позже"},
	codeKeyLimit:       {"Too many calls with this API key", "Превышен лимит вызовов для ключа API"},
	codeIPLimit:        {"Too many calls from this address", "Превышен лимит вызовов с этого адреса"},
}

// errorResult is what stands in "result" beside an error.
type errorResult int

const (
	resultAbsent errorResult = iota
	resultEmpty              // "" (documented for transferMoney)
	resultFalse              // false, and no code (documented for changeTariff)
)

// apiError is the answer to a call that failed. It never holds a key or a password.
type apiError struct {
	code   string
	detail string // English; "": the code's own text
	result errorResult
}

func fail(code string) *apiError             { return &apiError{code: code} }
func failText(code, detail string) *apiError { return &apiError{code: code, detail: detail} }
func badArg(detail string) *apiError         { return failText(codeInvalidArg, detail) }

func (e *apiError) text(lang string) string {
	t := texts[e.code]
	switch {
	case lang == "ru" && e.detail != "":
		return t.ru + ": " + e.detail
	case lang == "ru":
		return t.ru
	case e.detail != "":
		return e.detail
	}
	return t.en
}
