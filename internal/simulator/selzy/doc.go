// Package selzy is Selzy's account API as a strict server with state; with Options.Brand it is UniSender's.
// It refuses what the vendor refuses and changes what the vendor changes. It knows nothing of the gateway.
//
// Vendor facts come from the protocol reference of this repository ("selzy.md" with a section number below).
// What no source tells is marked "assumed".
//
// # Calls
//
// GET or POST /{lang}/api/{method}, with query and form (urlencoded or multipart) merged; on a clash the form wins.
// Checks run in this order: call limits of key and address, key, api_mode, method, reseller right, arguments.
// Every API error has HTTP status 200. HTTP statuses of its own: 404 (another path), 405 (neither GET nor POST),
// 400 (a body that cannot be read), 413 (a body over 1 MiB).
//
// Methods: getUserInfo, getUsers, checkUserExists, register, transferMoney, changeTariff, getTotalContactsCount,
// getCurrencyRates, setSenderDomain, getSenderDomainList, validateSender, getCheckedEmail. All others answer
// unknown_method. So do getTariffs, getAvailableTariffs and getPayments: they exist at the vendor, but no source
// shows what they answer. changeTariff takes the tariffs 1, 71, 72 and 90, see tariffs in tariff.go.
//
// # Quirks
//
// Faults of kind "quirk" (see package simulator) switch on what the vendor or a service of its kind has been seen to
// do. Those that shape an error make the call fail (code unspecified unless it fails by itself) and change nothing:
//
//	empty_result       "result":"" beside error and code
//	result_false       "result":false beside error, and no code
//	code_without_text  code, and no error
//	empty_text         code, and an empty error
//	unknown_code       a code that is in no list
//	id_text            error is an internal id, not a sentence
//
// A quirk with the name of a published code makes the call fail with that code: unspecified, invalid_api_key,
// access_denied, unknown_method, invalid_arg, not_enough_money, retry_later, api_call_limit_exceeded_for_api_key,
// api_call_limit_exceeded_for_ip.
//
// Quirks of answers:
//
//	numbers            every number is a string: "-4.75", "71", "1"
//	floats             every counter and id has a fraction: 4321.0
//	bool_flags         1/0 flags are true/false
//	null_strings       empty strings are null
//	empty_dates        dates are ""
//	zero_dates         dates are "0000-00-00 00:00:00"
//	null_dates         dates are null
//	negative_balance   balances are below zero
//	raw_tab            a raw TAB byte inside the first string
//	warnings           "warnings":[{"warning":"…"}] beside result
//	warning_strings    "warnings":["…"] beside result
//	empty_map          "result":[], the way PHP writes an empty map
//	no_result          {}: neither result nor error
//	without:FIELD      getUserInfo and getUsers leave the field out
//	null:FIELD         getUserInfo and getUsers answer null for the field
//
// Statuses, cut or empty bodies, slow and gzip answers are faults of package simulator.
package selzy
