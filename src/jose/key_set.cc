#include "jose/key_set.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer::jose {
namespace {

constexpr std::size_t kShownKid = 64;
constexpr std::size_t kMaxElements = 4 * kMaxKeys; // elements that are read; an RSA key costs a millisecond

std::unexpected<Refusal> unfit(Cause cause, std::string_view field, std::string why) {
  return refuse_field(cause, std::string{field}, std::move(why));
}

Result<Key> usable(const json::Object& jwk) {
  TRY(key, Key::from_jwk(jwk));
  if (key.has_private() && !key.symmetric())
    return unfit(Cause::KEY_UNREADABLE, "d", "a private key in a key set; replace it, since anyone could read it");
  if (!key.can_verify()) return unfit(Cause::KEY_UNREADABLE, "key_ops", "a secret whose key_ops do not include verify");
  return key.public_part();
}

// The elements of a published set: the usable keys, and why the others are not.
struct Sorting {
  std::vector<Key> keys = {};
  std::vector<IgnoredKey> ignored = {};

  void ignore(std::string_view kid, const Refusal& why) {
    ignored.push_back({.kid = printable(kid, kShownKid), .why = why});
  }

  void add(const json::Value& element) {
    if (!element.is_object())
      return ignore(
          "", {.cause = Cause::KEY_UNREADABLE, .evidence = "an element that is not an object", .field = "keys"});
    const auto& jwk = element.get_object();
    const std::string kid{json::get_string(jwk, "kid").value_or("")};
    if (!is_known_signature_key(jwk)) {
      if (!says_another_use(jwk))
        ignore(kid, {.cause = Cause::KEY_UNREADABLE, .evidence = "a key of an unknown kind or curve", .field = "kty"});
      return;
    }
    if (keys.size() == kMaxKeys)
      return ignore(kid,
          {.cause = Cause::KEY_UNREADABLE,
              .evidence = "a key set has at most " + std::to_string(kMaxKeys) + " keys",
              .field = "keys"});
    auto key = usable(jwk);
    if (!key) return ignore(kid, key.error());
    for (const Key& other : keys) {
      if (other.kid() == key->kid())
        return ignore(kid, {.cause = Cause::KEY_UNREADABLE, .evidence = "a second key with this kid", .field = "kid"});
      if (other.thumbprint() == key->thumbprint())
        return ignore(kid,
            {.cause = Cause::KEY_UNREADABLE,
                .evidence = "the same key as " + printable(other.kid(), kShownKid) + " under another kid",
                .field = "kid"});
    }
    keys.push_back(std::move(*key));
  }

  // RFC 8725 §3.1: a public key cannot be mistaken for an HMAC secret if the set has no secrets.
  void part_secrets_from_public_keys() {
    if (std::ranges::all_of(keys, &Key::symmetric)) return;
    for (const Key& key : keys)
      if (key.symmetric())
        ignore(key.kid(),
            {.cause = Cause::CONFLICTING_KEYS, .evidence = "a shared secret beside public keys", .field = "kty"});
    std::erase_if(keys, &Key::symmetric);
  }
};

} // namespace

Result<std::shared_ptr<const KeySet>> KeySet::of(std::vector<Key> keys) {
  if (keys.empty()) return refuse(Cause::KEY_UNREADABLE, "a key set without a key that verifies signatures");
  if (keys.size() > kMaxKeys)
    return refuse(Cause::KEY_UNREADABLE,
        std::to_string(keys.size()) + " keys; a key set has at most " + std::to_string(kMaxKeys));
  for (auto& key : keys) key = key.public_part();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i].can_verify())
      return refuse_field(Cause::KEY_UNREADABLE, "key_ops", "a secret whose key_ops do not include verify");
    for (std::size_t j = i + 1; j < keys.size(); ++j) {
      if (keys[i].kid() == keys[j].kid())
        return refuse_field(Cause::KEY_UNREADABLE, "kid", "two keys with the kid " + printable(keys[i].kid(), 64));
      if (keys[i].thumbprint() == keys[j].thumbprint())
        return refuse(Cause::KEY_UNREADABLE,
            "the same key under two kids, " + printable(keys[i].kid(), 64) + " and " + printable(keys[j].kid(), 64));
      if (keys[i].symmetric() != keys[j].symmetric())
        return refuse(Cause::CONFLICTING_KEYS, "a shared secret and a public key in one key set");
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
  if (list == nullptr || !list->is_array())
    return refuse_field(Cause::KEY_UNREADABLE, "keys", "a key set without the array keys");
  Sorting sorting;
  const auto& elements = list->get_array();
  for (std::size_t i = 0; i < std::min(elements.size(), kMaxElements); ++i) sorting.add(elements[i]);
  if (elements.size() > kMaxElements)
    sorting.ignore("",
        {.cause = Cause::KEY_UNREADABLE,
            .evidence = std::to_string(elements.size() - kMaxElements) + " more elements, which are ignored",
            .field = "keys"});
  sorting.part_secrets_from_public_keys();
  if (!sorting.keys.empty())
    return std::shared_ptr<const KeySet>(new KeySet(std::move(sorting.keys), std::move(sorting.ignored)));
  Refusal none{.cause = Cause::KEY_UNREADABLE};
  if (!sorting.ignored.empty()) none = sorting.ignored.front().why;
  none.evidence = "a key set without a key that verifies signatures" +
      (none.evidence.empty() ? std::string{} : "; " + none.evidence);
  return std::unexpected(std::move(none));
}

std::shared_ptr<const KeySet> KeySet::pinned(
    const std::shared_ptr<const KeySet>& set, std::optional<Algorithm> wanted) {
  if (std::ranges::none_of(set->keys_, &Key::is_open)) return set;
  std::vector<Key> keys = set->keys_;
  for (auto& key : keys) {
    if (!key.is_open()) continue;
    if (wanted && key.takes(*wanted)) key = *key.with_algorithm(*wanted);
    key = key.pinned();
  }
  return std::shared_ptr<const KeySet>(new KeySet(std::move(keys), set->ignored_));
}

Result<std::shared_ptr<const KeySet>> KeySet::restricted(
    const std::shared_ptr<const KeySet>& set, const std::vector<Algorithm>& algorithms) {
  if (algorithms.empty()) return pinned(set);
  std::vector<Key> keys;
  for (const auto& key : set->keys_)
    for (const auto algorithm : algorithms) {
      if (!key.takes(algorithm)) continue;
      keys.push_back(*key.with_algorithm(algorithm));
      break;
    }
  if (!keys.empty()) return std::shared_ptr<const KeySet>(new KeySet(std::move(keys), set->ignored_));
  std::string wanted;
  for (const auto algorithm : algorithms) wanted += (wanted.empty() ? "" : ", ") + std::string{to_string(algorithm)};
  return refuse_field(Cause::CONFLICTING_KEYS, "algorithms",
      "no key for " + wanted + "; those in the set are for " + set->algorithms());
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
  if (keys_.empty()) return refuse_field(Cause::KEY_UNKNOWN, "kid", "no key set has been fetched yet");
  const auto algorithm = find_algorithm(alg);
  const auto fits = [&](const Key& key) { return key.takes(*algorithm); };
  if (!algorithm || std::ranges::none_of(keys_, fits))
    return refuse_field(
        Cause::ALGORITHM_NOT_ALLOWED, "alg", "alg " + printable(alg, 16) + "; the keys here are for " + algorithms());
  if (kid) {
    const Key* key = find(*kid);
    if (key == nullptr) {
      const auto ignored = std::ranges::find(ignored_, printable(*kid, kShownKid), &IgnoredKey::kid);
      if (!kid->empty() && ignored != ignored_.end())
        return refuse_field(Cause::KEY_UNKNOWN, "kid",
            "kid " + ignored->kid + " is in the key set and cannot be used: " + ignored->reason());
      return refuse_field(Cause::KEY_UNKNOWN, "kid",
          "kid " + printable(*kid, 64) + "; " + std::to_string(keys_.size()) + " other keys are known");
    }
    if (!fits(*key))
      return refuse_field(Cause::ALGORITHM_NOT_ALLOWED, "alg",
          "alg " + printable(alg, 16) + " with a key for " + std::string{to_string(key->algorithm())});
    return key;
  }
  if (std::ranges::count_if(keys_, fits) > 1)
    return refuse_field(Cause::KEY_UNKNOWN, "kid", "no kid, and more than one key fits");
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
