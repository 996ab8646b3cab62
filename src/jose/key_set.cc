#include "jose/key_set.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer::jose {

Result<std::shared_ptr<const KeySet>> KeySet::of(std::vector<Key> keys) {
  if (keys.empty()) return refuse(Cause::KEY_UNREADABLE, "a key set without a key that verifies signatures");
  if (keys.size() > kMaxKeys) return refuse(Cause::KEY_UNREADABLE, std::to_string(keys.size()) + " keys; a key set has at most " + std::to_string(kMaxKeys));
  for (auto& key : keys) key = key.public_part();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i].can_verify()) return refuse_field(Cause::KEY_UNREADABLE, "key_ops", "a secret whose key_ops have no verify");
    for (std::size_t j = i + 1; j < keys.size(); ++j) {
      if (keys[i].kid() == keys[j].kid()) return refuse_field(Cause::KEY_UNREADABLE, "kid", "two keys with the kid " + printable(keys[i].kid(), 64));
      if (keys[i].thumbprint() == keys[j].thumbprint()) return refuse(Cause::KEY_UNREADABLE, "the same key under two kids, " + printable(keys[i].kid(), 64) + " and " + printable(keys[j].kid(), 64));
      if (keys[i].symmetric() != keys[j].symmetric()) return refuse(Cause::CONFLICTING_KEYS, "a shared secret and a public key in one key set");
    }
  }
  return std::shared_ptr<const KeySet>(new KeySet(std::move(keys)));
}

Result<std::shared_ptr<const KeySet>> KeySet::of(Key key) {
  std::vector<Key> keys;
  keys.push_back(std::move(key));
  return of(std::move(keys));
}

std::shared_ptr<const KeySet> KeySet::none() { return std::shared_ptr<const KeySet>(new KeySet({})); }

Result<std::shared_ptr<const KeySet>> KeySet::parse(std::string_view jwks) {
  const auto document = json::parse(jwks, {.bytes = 256 * 1024, .depth = 8});
  if (!document) return refuse(Cause::KEY_UNREADABLE, "a key set that is not JSON: " + document.error());
  const auto* object = document->if_object();
  const auto* list = object == nullptr ? nullptr : object->if_contains("keys");
  if (list == nullptr || !list->is_array()) return refuse_field(Cause::KEY_UNREADABLE, "keys", "a key set without the array keys");
  std::vector<Key> keys;
  for (const auto& element : list->get_array()) {
    if (!element.is_object()) return refuse_field(Cause::KEY_UNREADABLE, "keys", "a key set with an element that is not an object");
    const auto& jwk = element.get_object();
    if (!is_known_signature_key(jwk)) continue;
    TRY(key, Key::from_jwk(jwk));
    if (key.has_private() && !key.symmetric()) return refuse_field(Cause::KEY_UNREADABLE, "d", "a private key in a key set; it has to be replaced, since everybody could read it");
    keys.push_back(std::move(key));
    if (keys.size() > kMaxKeys) break; // of() says so; the rest is not worth the work
  }
  return of(std::move(keys));
}

std::shared_ptr<const KeySet> KeySet::pinned(const std::shared_ptr<const KeySet>& set, std::optional<Algorithm> wanted) {
  if (std::ranges::none_of(set->keys_, &Key::is_open)) return set;
  std::vector<Key> keys = set->keys_;
  for (auto& key : keys) {
    if (!key.is_open()) continue;
    if (wanted && key.takes(*wanted)) key = *key.with_algorithm(*wanted);
    key = key.pinned();
  }
  return std::shared_ptr<const KeySet>(new KeySet(std::move(keys)));
}

const Key* KeySet::find(std::string_view kid) const {
  const auto found = std::ranges::find_if(keys_, [kid](const Key& key) { return key.kid() == kid; });
  return found == keys_.end() ? nullptr : &*found;
}

std::string KeySet::algorithms() const {
  std::string out;
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    if (std::ranges::none_of(keys_, [algorithm](const Key& key) { return key.takes(algorithm); })) continue;
    if (!out.empty()) out += ", ";
    out += to_string(algorithm);
  }
  return out;
}

Result<const Key*> KeySet::select(std::string_view alg, std::optional<std::string_view> kid) const {
  if (keys_.empty()) return refuse_field(Cause::KEY_UNKNOWN, "kid", "no key set was fetched yet");
  const auto algorithm = find_algorithm(alg);
  const auto fits = [&](const Key& key) { return key.takes(*algorithm); };
  if (!algorithm || std::ranges::none_of(keys_, fits)) return refuse_field(Cause::ALGORITHM_NOT_ALLOWED, "alg", "alg " + printable(alg, 16) + "; the keys here are for " + algorithms());
  if (kid) {
    const Key* key = find(*kid);
    if (key == nullptr) return refuse_field(Cause::KEY_UNKNOWN, "kid", "kid " + printable(*kid, 64) + "; " + std::to_string(keys_.size()) + " other keys are known");
    if (!fits(*key)) return refuse_field(Cause::ALGORITHM_NOT_ALLOWED, "alg", "alg " + printable(alg, 16) + " with a key for " + std::string{to_string(key->algorithm())});
    return key;
  }
  if (std::ranges::count_if(keys_, fits) > 1) return refuse_field(Cause::KEY_UNKNOWN, "kid", "no kid, and more than one key fits");
  return &*std::ranges::find_if(keys_, fits);
}

std::string KeySet::to_jwks() const {
  json::Array list;
  for (const auto& key : keys_)
    if (!key.symmetric()) list.emplace_back(key.public_jwk());
  return json::write(json::Object{{"keys", std::move(list)}});
}

std::vector<std::string> KeySet::thumbprints() const {
  std::vector<std::string> out;
  for (const auto& key : keys_) out.push_back(key.thumbprint());
  std::ranges::sort(out);
  return out;
}

} // namespace foyer::jose
