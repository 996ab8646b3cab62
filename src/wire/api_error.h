// Errors of the server API, as Centrifugo's server libraries read them: a number, a message, and our own cause and
// reference beside them.
#pragma once

#include "base/http.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/refusal.h"

namespace foyer::wire {

// 100 internal or temporary, 101 unauthorized, 102 unknown channel, 103 permission denied, 104 method not found,
// 106 limit exceeded, 107 bad request, 108 history is off, 111 too many requests, 112 unrecoverable position;
// 409 (a number of applications): something else is there already.
[[nodiscard]] int api_error_number(const Refusal& refusal);
// {code, message, cause, ref, field?, needs?}
[[nodiscard]] json::Object api_error(const Refusal& refusal, const Ref& ref);
// The HTTP status in the transport error mode.
[[nodiscard]] int api_error_status(int number);

// Adds `error` to a problem: some of the libraries look at nothing else, and take a document without it for success.
void add_api_error(Response& problem);

} // namespace foyer::wire
