package regru

import (
	"maps"
	"slices"
	"strings"
)

// apiError is an answer with result "error". Params are interpolated into the text and sent as error_params.
type apiError struct {
	code   string
	params map[string]string
}

// fail makes an apiError; pairs are error_params as key, value, …
func fail(code string, pairs ...string) *apiError {
	e := &apiError{code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if e.params == nil {
			e.params = map[string]string{}
		}
		e.params[pairs[i]] = pairs[i+1]
	}
	return e
}

func missing(param string) *apiError   { return fail("PARAMETER_MISSING", "param", param) }
func incorrect(param string) *apiError { return fail("PARAMETER_INCORRECT", "param", param) }

// errorTexts are English and Russian, from the manual; $name stands for an error_params member.
// The two connection rates, INVALID_CONTACTS and INTERNAL_API_ERROR are not in the manual's tables: their texts are assumed.
var errorTexts = map[string][2]string{
	"ONLY_POST_ALLOWED":                         {"Only HTTP method POST allowed", "Допускается только HTTP метод POST."},
	"QUERY_PARAMS_DISALLOWED":                   {"Query string parameters are disallowed. Pass parameters in form data.", "Передача параметров в строке запроса не допускается. Необходимо передавать параметры в form data."},
	"NO_USERNAME":                               {"No username given", "Не указано имя пользователя"},
	"NO_AUTH":                                   {"No authorization mechanism selected", "Не определён способ авторизации"},
	"PASSWORD_AUTH_FAILED":                      {"Username/password Incorrect", "Ошибка аутентификации по паролю"},
	"USER_AUTHENTICATION_FAILED":                {"Login or password is incorrect.", "Неверная почта/логин или пароль."},
	"MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL": {"More than one account with the same e-mail found. Please provide a login.", "Обнаружено несколько аккаунтов с указанным e-mail адресом. Пожалуйста, введите логин."},
	"RESELLER_AUTH_FAILED":                      {"Only resellers can access to this function", "Только партнёры имеют доступ к этой функции"},
	"ACCESS_DENIED":                             {"Your access to API denied. Please, contact us", "Ваш доступ к API заблокирован, обратитесь, пожалуйста, в тех.поддержку"},
	"ACCESS_DENIED_FROM_IP":                     {"Access to API from this IP denied", "Доступ к API с этого IP заблокирован"},
	"ACCOUNT_BLOCKED":                           {"Account is blocked. The instructions on how to retrieve access can be found in Profile Page.", "Аккаунт заблокирован. Инструкции по восстановлению доступа можно получить в Личном Кабинете."},
	"PURCHASES_DISABLED":                        {"Purchases disabled for this account", "Покупки/заказы для этого аккаунта запрещены"},
	"IP_EXCEEDED_ALLOWED_CONNECTION_RATE":       {"IP exceeded allowed connection rate", "Превышено допустимое количество запросов с этого IP"},
	"ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE":  {"Account exceeded allowed connection rate", "Превышено допустимое количество запросов для этого аккаунта"},
	"SERVICE_UNAVAILABLE":                       {"Reg.API is temporarily unavailable", "Рег.API временно недоступен"},
	"BILLING_LOCK":                              {"You have another active connection for billing operation to Reg.API", "У вас активно другое соединение c Рег.API, связанное с биллинговыми операциями"},
	"CONNECTION_FAILED":                         {"Domain check failed: can't connect to server. Please, try again later", "Не удалось проверить состояние домена: невозможно установить соединение. Попробуйте повторить попытку позднее"},
	"INTERNAL_ERROR":                            {"Internal error: $error_detail", "Внутренняя ошибка: $error_detail"},
	"INTERNAL_API_ERROR":                        {"Internal error", "Внутренняя ошибка"},
	"NO_SUCH_COMMAND":                           {"Command $command_name not found", "Команда $command_name не найдена"},
	"HTTPS_ONLY":                                {"Access to api over non secure interface (http) prohibited! Please use https only", "Доступ к API по небезопасному интерфейсу (http) запрещён! Используйте, пожалуйста, https"},
	"PARAMETER_MISSING":                         {"$param required", "$param не найден(ы)"},
	"PARAMETER_INCORRECT":                       {"$param has incorrect format or data", "$param имеет неверный формат или данные"},
	"UNSUPPORTED_CURRENCY":                      {"Unsupported currency", "Валюта не поддерживается в системе"},
	"NOT_ENOUGH_MONEY":                          {"Not enough money at account for this operation", "Недостаточно денег для этой операции"},
	"USER_LOGIN_NOT_UNIQUE":                     {"This login already is busy", "Этот логин уже занят"},
	"INVALID_CONTACTS":                          {"Contacts are invalid", "Неверные контактные данные"},
	"DOMAIN_NOT_FOUND":                          {"Domain $domain_name not found or not owned by You", "Домен $domain_name не найден или вы не являетесь его владельцем"},
	"SERVICE_ID_NOT_FOUND":                      {"Service $service_id not found or not owned by You", "Услуга с $service_id не найдена или вы не является её владельцем"},
	"SERVICE_NOT_SPECIFIED":                     {"Service identification failed", "Ошибка идентификации сервиса"},
}

// text is the human sentence; languages other than ru get English.
func (e *apiError) text(lang string) string {
	texts := errorTexts[e.code]
	t := texts[0]
	if lang == "ru" {
		t = texts[1]
	}
	for k, v := range e.params {
		t = strings.ReplaceAll(t, "$"+k, v)
	}
	return t
}

func errorCodes() []string { return slices.Sorted(maps.Keys(errorTexts)) }

func quirkNames() []string {
	return append([]string{"numbers", "bare_envelope", "wm_invid_0", "billing_lock", "password_auth_failed", "unavailable503"}, errorCodes()...)
}
