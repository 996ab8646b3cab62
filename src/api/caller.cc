#include "api/caller.h"

#include <utility>

#include "base/bytes.h"

namespace foyer::api {
namespace {

std::string digest_of(std::string_view key) {
  const auto digest = sha256(key);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

} // namespace

ConfiguredKey::ConfiguredKey(std::string key)
    : digest_(key.empty() ? std::string{} : digest_of(key)),
      operator_(std::make_shared<const Caller>(Caller{.id = ApiKeyId{"operator"},
          .user = UserId{"app:operator"},
          .name = "Operator",
          .rights = rooms::ApiRights::all()})) {}

void ConfiguredKey::find(Credential credential, Completion<CallerPtr> done) {
  if (digest_.empty()) return done(refuse(Cause::UNKNOWN_PATH, "no API key is configured"));
  if (credential.kind != Credential::Kind::key) return done(refuse(Cause::API_KEY_REJECTED, "no key was sent"));
  // Compares digests, so that not even the length of the key can be measured.
  if (!constant_time_equal(digest_of(credential.text), digest_))
    return done(refuse(Cause::API_KEY_REJECTED, "another key was sent"));
  done(operator_);
}

} // namespace foyer::api
