#include "base/cause.h"

#include <algorithm>
#include <array>
#include <vector>

namespace foyer {
namespace {

constexpr CauseInfo kCatalogue[] = {
#define FOYER_CAUSE(name, ...) {.cause = Cause::name, .code = #name, __VA_ARGS__},
#include "base/catalogue.def"
#undef FOYER_CAUSE
};
constexpr std::size_t kCount = std::size(kCatalogue);

consteval bool codes_are_unique() {
  for (std::size_t i = 0; i < kCount; ++i)
    for (std::size_t j = i + 1; j < kCount; ++j)
      if (kCatalogue[i].code == kCatalogue[j].code) return false;
  return true;
}
static_assert(codes_are_unique());

} // namespace

std::span<const CauseInfo> all_causes() { return kCatalogue; }

const CauseInfo& info(Cause cause) { return kCatalogue[static_cast<std::size_t>(cause)]; }

std::optional<Cause> find_cause(std::string_view code) {
  const auto* found = std::ranges::find(kCatalogue, code, &CauseInfo::code);
  if (found == std::end(kCatalogue)) return std::nullopt;
  return found->cause;
}

std::string_view to_string(Step step) {
  switch (step) {
    case Step::configuration: return "configuration";
    case Step::readiness: return "readiness";
    case Step::transport: return "transport";
    case Step::subprotocol: return "subprotocol";
    case Step::credential_present: return "credential_present";
    case Step::credential_form: return "credential_form";
    case Step::auth_service: return "auth_service";
    case Step::service_identity: return "service_identity";
    case Step::credential_valid: return "credential_valid";
    case Step::revocation: return "revocation";
    case Step::user: return "user";
    case Step::permission: return "permission";
    case Step::application: return "application";
    case Step::capacity: return "capacity";
    case Step::session: return "session";
    case Step::chat: return "chat";
    case Step::http: return "http";
    case Step::accounts: return "accounts";
    case Step::store: return "store";
  }
  return "http";
}

std::string_view to_string(Retry retry) {
  switch (retry) {
    case Retry::never: return "never";
    case Retry::refresh: return "refresh";
    case Retry::after: return "after";
  }
  return "never";
}

std::string_view to_string(Who who) {
  switch (who) {
    case Who::operator_: return "operator";
    case Who::user: return "user";
    case Who::client: return "client";
    case Who::nobody: return "nobody";
  }
  return "nobody";
}

} // namespace foyer
