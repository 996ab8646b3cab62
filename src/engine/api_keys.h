// The keys of the server API. A key has a name, rights, and one or two secrets, of which only the hashes are stored; or
// it belongs to a registered service, whose tokens count as the key.
//
// Several processes may change them at once: the server, and `foyer api-key` beside it. So every change has a
// new version, by which a server notices it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"

namespace foyer::engine {

inline constexpr std::size_t kMostApiKeys = 1'000; // in one store; more: INVALID_VALUE

struct ApiSecret {
  std::string hash; // base64url of SHA-256
  WallTime created{};
  std::optional<WallTime> ends = {}; // not accepted from then on
};

struct ApiKeyRow {
  std::string id;
  std::string name;                // unique
  std::vector<std::string> rights; // as in rooms/model/api_rights.h
  std::vector<ApiSecret> secrets;  // newest first: one or two; none of a key that belongs to a service
  WallTime created{};
  std::optional<WallTime> disabled = {}; // since then
  std::optional<WallTime> used = {};     // coarse: no more often than once an hour
  std::string service = {};              // the id of the service that it belongs to, unique; empty: it has secrets
};

struct ApiKeyList {
  std::string version;         // of this list; another one: something changed
  std::vector<ApiKeyRow> keys; // by name
};

struct ApiKeyUse {
  std::string id;
  WallTime at{};
};

// Answers like those of a RoomLog.
class ApiKeys {
 public:
  virtual ~ApiKeys() = default;

  // NAME_TAKEN, with the field `service` for a service that has a key already; INVALID_VALUE for too many.
  virtual void add_api_key(ApiKeyRow key, Completion<bool> done) = 0;
  // The key gets a second secret. The one before stays until `old_ends`, or until told; an older one ends now.
  // NOT_FOUND. The answer is the changed key.
  virtual void rotate_api_key(
      std::string name, ApiSecret fresh, std::optional<WallTime> old_ends, Completion<ApiKeyRow> done) = 0;
  // The rights are replaced. NOT_FOUND. The answer is the changed key.
  virtual void set_api_key_rights(std::string name, std::vector<std::string> rights, Completion<ApiKeyRow> done) = 0;
  // All secrets but the newest end now. NOT_FOUND.
  virtual void drop_old_api_secrets(std::string name, Completion<ApiKeyRow> done) = 0;
  // Disabled since `since`; nothing: enabled. False: it was so before. NOT_FOUND.
  virtual void disable_api_key(std::string name, std::optional<WallTime> since, Completion<bool> done) = 0;
  // Nothing: the list still has that version.
  virtual void api_keys_since(std::string version, Completion<std::optional<ApiKeyList>> done) = 0;
  // Does not change the version.
  virtual void note_api_key_uses(std::vector<ApiKeyUse> uses, Completion<bool> done) = 0;
};

} // namespace foyer::engine
