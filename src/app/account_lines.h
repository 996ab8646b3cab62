// What the accounts store has of a user, for `user_export` of the server API.
#pragma once

#include <string>

#include "accounts/store.h"
#include "base/completion.h"
#include "base/ids.h"

namespace foyer::app {

// Lines of JSON: `account`, then a `session` for each that has not ended; no line if there is no such account.
// Passwords, tokens and the secrets of second factors are left out.
void account_lines(accounts::AccountStore& store, UserId user, Completion<std::string> done);

} // namespace foyer::app
