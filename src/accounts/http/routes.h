// The service over HTTP: the formats of /auth/* and of the key set. The service decides what a
// member means; this file checks that it is present once and has the right type.
#pragma once

#include <functional>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/service.h"
#include "base/http.h"

namespace foyer::accounts {

// The handlers may be called from any thread; replies come on the control plane's.
// `on_refusal` is called with every refusal, also there. `services`: whose signatures are trusted for the person
// behind a gateway.
[[nodiscard]] std::vector<Route> routes(
    AccountService& service, OnRefusal on_refusal = {}, ServiceRegistry* services = nullptr);

} // namespace foyer::accounts
