// The service over HTTP: the shapes of /auth/* and of the key set. What a member
// means is the service's; that it is there, of its type and alone is found here.
#pragma once

#include <functional>
#include <vector>

#include "accounts/clients/services.h"
#include "accounts/service.h"
#include "base/http.h"

namespace foyer::accounts {

// The handlers may be called from any thread; replies come from the control plane's.
// `on_refusal` is called with every refusal, there, too. `services`: whose signatures are believed about the person
// behind a gateway.
[[nodiscard]] std::vector<Route> routes(
    AccountService& service, OnRefusal on_refusal = {}, ServiceRegistry* services = nullptr);

} // namespace foyer::accounts
