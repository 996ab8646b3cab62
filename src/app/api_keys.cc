#include "app/api_keys.h"

#include <memory>
#include <utility>

#include "access/api_key.h"

namespace foyer::app {

void ApiKeys::find(std::optional<std::string> key, Completion<api::CallerPtr> done) {
  if (key && access::looks_like_api_key(*key)) return find_stored(*key, std::move(done));
  if (is_configured_) return configured_.find(std::move(key), std::move(done));
  if (!stored_.any()) return done(refuse(Cause::UNKNOWN_PATH, "there is no API key"));
  done(refuse(Cause::API_KEY_REJECTED, key ? "it is not a key of this server" : "no key was sent"));
}

void ApiKeys::find_stored(const std::string& key, Completion<api::CallerPtr> done) {
  stored_.find(key, [this, key, done = std::move(done)](Result<access::ApiKeyPtr> found) mutable {
    if (found) {
      const access::ApiKey& stored = **found;
      return done(std::make_shared<const api::Caller>(api::Caller{.id = ApiKeyId{stored.id},
          .user = UserId{"app:" + stored.name},
          .name = stored.name,
          .rights = stored.rights}));
    }
    if (found.error().cause != Cause::API_KEY_REJECTED) return done(std::unexpected(std::move(found).error()));
    // The configured key may have any form.
    if (is_configured_)
      return configured_.find(
          key, [why = std::move(found).error(), done = std::move(done)](Result<api::CallerPtr> caller) mutable {
        done(caller ? std::move(caller) : Result<api::CallerPtr>(std::unexpected(std::move(why))));
      });
    if (!stored_.any()) return done(refuse(Cause::UNKNOWN_PATH, "there is no API key"));
    done(std::unexpected(std::move(found).error()));
  });
}

} // namespace foyer::app
