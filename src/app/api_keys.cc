#include "app/api_keys.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "access/api_key.h"

namespace foyer::app {
namespace {

using Kind = api::Credential::Kind;

// Three parts with dots between them.
bool looks_like_jwt(std::string_view text) { return std::ranges::count(text, '.') == 2; }

api::CallerPtr caller_of(const access::ApiKey& key) {
  return std::make_shared<const api::Caller>(
      api::Caller{.id = ApiKeyId{key.id}, .user = UserId{"app:" + key.name}, .name = key.name, .rights = key.rights});
}

} // namespace

void ApiKeys::find(api::Credential credential, Completion<api::CallerPtr> done) {
  if (credential.kind == Kind::key && access::looks_like_api_key(credential.text))
    return find_stored(credential.text, std::move(done));
  const bool token = credential.kind == Kind::service_token;
  if (!token && is_configured_) return configured_.find(std::move(credential), std::move(done));
  if (!is_configured_ && !stored_.any()) return done(refuse(Cause::UNKNOWN_PATH, "there is no API key"));
  if (token && !looks_like_jwt(credential.text))
    return done(refuse(Cause::API_KEY_REJECTED, "what is sent as Bearer is the token of a service; a key is not"));
  if (token) return find_of_service(std::move(credential.text), std::move(done));
  done(refuse(
      Cause::API_KEY_REJECTED, credential.kind == Kind::key ? "it is not a key of this server" : "no key was sent"));
}

void ApiKeys::find_of_service(std::string token, Completion<api::CallerPtr> done) {
  services_.find(std::move(token), [this, done = std::move(done)](Result<std::string> service) mutable {
    if (!service) return done(std::unexpected(std::move(service).error()));
    stored_.find_of_service(*service, [done = std::move(done)](Result<access::ApiKeyPtr> found) mutable {
      if (!found) return done(std::unexpected(std::move(found).error()));
      done(caller_of(**found));
    });
  });
}

void ApiKeys::find_stored(const std::string& key, Completion<api::CallerPtr> done) {
  stored_.find(key, [this, key, done = std::move(done)](Result<access::ApiKeyPtr> found) mutable {
    if (found) return done(caller_of(**found));
    if (found.error().cause != Cause::API_KEY_REJECTED) return done(std::unexpected(std::move(found).error()));
    // The configured key may have any form, also that of a stored key.
    if (is_configured_)
      return configured_.find({.kind = Kind::key, .text = key},
          [why = std::move(found).error(), done = std::move(done)](Result<api::CallerPtr> caller) mutable {
        done(caller ? std::move(caller) : Result<api::CallerPtr>(std::unexpected(std::move(why))));
      });
    if (!stored_.any()) return done(refuse(Cause::UNKNOWN_PATH, "there is no API key"));
    done(std::unexpected(std::move(found).error()));
  });
}

} // namespace foyer::app
