#include "accounts/password/foreign_hashes.h"

#include <argon2.h>
#include <crypt.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "accounts/password/passwords.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

// Nanoseconds on one core of 2020; only their ratios matter.
constexpr std::uint64_t kArgon2PerKiBAndPass = 820;
constexpr std::uint64_t kBcryptPerRound = 60'000;
constexpr std::uint64_t kScryptPerBlock = 640; // N·r·p of them
constexpr std::uint64_t kPbkdf2Sha256 = 400;   // an iteration
constexpr std::uint64_t kPbkdf2Sha512 = 900;

constexpr std::size_t kBcryptTail = 53; // salt and tag
constexpr std::string_view kBcryptStored = "$bcrypt$cost=";

struct Bcrypt {
  std::uint32_t cost = 0;
  std::string setting; // $2b$12$SALT+TAG, the input of crypt(3)
};
struct Scrypt {
  std::uint32_t ln = 0, r = 0, p = 0;
  std::string salt, tag;
};
struct Pbkdf2 {
  bool sha512 = false;
  std::uint32_t iterations = 0;
  std::string salt, tag;
};
struct Argon2 {
  argon2_type type = Argon2_id;
  std::uint32_t version = 0;
  HashCost cost;
  std::string salt, tag;
};
using Hash = std::variant<Bcrypt, Scrypt, Pbkdf2, Argon2>;

std::unexpected<Refusal> unsupported(std::string why) {
  return refuse_field(Cause::HASH_UNSUPPORTED, "hash", std::move(why));
}
std::unexpected<Refusal> damaged() { return unsupported("it is damaged or has an unknown form"); }

std::optional<std::uint32_t> decimal(std::string_view text) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// "ln=14,r=8,p=1" with these names in this order.
template <std::size_t N>
std::optional<std::array<std::uint32_t, N>> parameters(
    std::string_view text, const std::array<std::string_view, N>& names) {
  const auto parts = split(text, ',');
  if (parts.size() != N) return std::nullopt;
  std::array<std::uint32_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    if (!parts[i].starts_with(names[i]) || parts[i].size() <= names[i].size() || parts[i][names[i].size()] != '=')
      return std::nullopt;
    const auto value = decimal(parts[i].substr(names[i].size() + 1));
    if (!value) return std::nullopt;
    out[i] = *value;
  }
  return out;
}

// RFC 4648 §4, with or without padding; passlib writes '.' for '+'.
std::optional<std::string> unpack(std::string_view text) {
  std::string padded{text};
  std::ranges::replace(padded, '.', '+');
  while (padded.size() % 4 != 0) padded += '=';
  return base64_decode(padded);
}

bool in_bounds(const std::string& salt, const std::string& tag, std::size_t longest_tag) {
  return !salt.empty() && salt.size() <= 64 && tag.size() >= 16 && tag.size() <= longest_tag;
}

Result<Hash> read_bcrypt(std::string_view version, std::string_view cost_text, std::string_view tail) {
  const auto cost = decimal(cost_text);
  if (version != "2a" && version != "2b" && version != "2y")
    return unsupported("a variant of bcrypt that is not 2a, 2b or 2y");
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
  };
  if (!cost || cost_text.size() != 2 || tail.size() != kBcryptTail || !std::ranges::all_of(tail, plain))
    return damaged();
  if (*cost < 4 || *cost > kHighestBcryptCost)
    return unsupported(fmt::format("bcrypt with cost {}; 4 to {} are allowed", *cost, kHighestBcryptCost));
  return Bcrypt{*cost, fmt::format("${}${}${}", version, cost_text, tail)};
}

Result<Hash> read_scrypt(const std::vector<std::string_view>& parts) {
  if (parts.size() != 5) return damaged();
  const auto values = parameters<3>(parts[2], {"ln", "r", "p"});
  auto salt = unpack(parts[3]);
  auto tag = unpack(parts[4]);
  if (!values || !salt || !tag || !in_bounds(*salt, *tag, 64)) return damaged();
  Scrypt out{(*values)[0], (*values)[1], (*values)[2], std::move(*salt), std::move(*tag)};
  if (out.ln < 1 || out.ln > 24 || out.r < 1 || out.r > 64 || out.p < 1 || out.p > 64)
    return unsupported(fmt::format("scrypt with ln={}, r={}, p={}", out.ln, out.r, out.p));
  if (128ULL * out.r << out.ln > kMostHashMemory)
    return unsupported(fmt::format(
        "scrypt that needs {} MiB; {} are allowed", (128ULL * out.r << out.ln) >> 20, kMostHashMemory >> 20));
  return out;
}

Result<Hash> read_pbkdf2(bool sha512, std::string_view iterations_text, std::string salt, std::string_view tag_text) {
  if (iterations_text.starts_with("i=")) iterations_text.remove_prefix(2);
  const auto iterations = decimal(iterations_text);
  auto tag = unpack(tag_text);
  if (!iterations || *iterations == 0 || !tag || !in_bounds(salt, *tag, sha512 ? 64 : 32)) return damaged();
  return Pbkdf2{sha512, *iterations, std::move(salt), std::move(*tag)};
}

Result<Hash> read_argon2(const std::vector<std::string_view>& parts) {
  const bool versioned = parts.size() == 6;
  if (!versioned && parts.size() != 5) return damaged();
  Argon2 out{.type = parts[1] == "argon2i" ? Argon2_i
          : parts[1] == "argon2d"          ? Argon2_d
                                           : Argon2_id,
      .version = ARGON2_VERSION_10,
      .cost = {},
      .salt = {},
      .tag = {}};
  if (versioned) {
    const auto version = parameters<1>(parts[2], {"v"});
    if (!version || ((*version)[0] != ARGON2_VERSION_10 && (*version)[0] != ARGON2_VERSION_13))
      return unsupported("a version of argon2 that is not 16 or 19");
    out.version = (*version)[0];
  }
  const auto values = parameters<3>(parts[parts.size() - 3], {"m", "t", "p"});
  auto salt = unpack(parts[parts.size() - 2]);
  auto tag = unpack(parts[parts.size() - 1]);
  if (!values || !salt || !tag || salt->size() < 8 || !in_bounds(*salt, *tag, 64)) return damaged();
  out.cost = {.memory_kib = (*values)[0], .passes = (*values)[1], .lanes = (*values)[2]};
  if (!within_bounds(out.cost) || out.cost.memory_kib > kMostHashMemory / 1024)
    return unsupported(fmt::format("argon2 with m={}, t={}, p={}; at most {} MiB are allowed", out.cost.memory_kib,
        out.cost.passes, out.cost.lanes, kMostHashMemory >> 20));
  out.salt = std::move(*salt);
  out.tag = std::move(*tag);
  return out;
}

std::uint64_t time_of(const Hash& hash) {
  struct Times {
    std::uint64_t operator()(const Bcrypt& h) const { return kBcryptPerRound << h.cost; }
    std::uint64_t operator()(const Scrypt& h) const { return (kScryptPerBlock * h.r * h.p) << h.ln; }
    std::uint64_t operator()(const Pbkdf2& h) const {
      return (h.sha512 ? kPbkdf2Sha512 : kPbkdf2Sha256) * h.iterations;
    }
    std::uint64_t operator()(const Argon2& h) const { return kArgon2PerKiBAndPass * h.cost.memory_kib * h.cost.passes; }
  };
  return std::visit(Times{}, hash);
}

// A framework's own prefix of a hash.
std::string_view bare(std::string_view hash) {
  for (const std::string_view before : {"argon2$argon2", "bcrypt$$2"})
    if (hash.starts_with(before)) return hash.substr(hash.starts_with("a") ? 6 : 7);
  return hash;
}

Result<Hash> read_any(std::string_view hash) {
  if (hash.size() > kMaxHashBytes)
    return unsupported(fmt::format("it has {} bytes; at most {} are allowed", hash.size(), kMaxHashBytes));
  const auto parts = split(hash, '$');
  if (parts.size() == 4 && parts[0] == "pbkdf2_sha256")
    return read_pbkdf2(false, parts[1], std::string{parts[2]}, parts[3]);
  if (parts.size() < 4 || !parts[0].empty()) return unsupported("its kind is unknown");
  const std::string_view kind = parts[1];
  if (kind == "bcrypt" && parts.size() == 5 && parts[2].starts_with("cost="))
    return read_bcrypt(parts[3], parts[2].substr(5), parts[4]);
  if (kind.starts_with("2") && kind.size() <= 2 && parts.size() == 4) return read_bcrypt(kind, parts[2], parts[3]);
  if (kind == "scrypt") return read_scrypt(parts);
  if (kind == "argon2i" || kind == "argon2d" || kind == "argon2id") return read_argon2(parts);
  if ((kind == "pbkdf2-sha256" || kind == "pbkdf2-sha512") && parts.size() == 5) {
    auto salt = unpack(parts[3]);
    if (!salt) return damaged();
    return read_pbkdf2(kind == "pbkdf2-sha512", parts[2], std::move(*salt), parts[4]);
  }
  return unsupported("its kind is unknown");
}

Result<Hash> read(std::string_view hash) {
  auto known = read_any(hash);
  if (known && time_of(*known) > kLongestHashTime)
    return unsupported(fmt::format("one login would take about {} ms of a core", time_of(*known) / 1'000'000));
  return known;
}

bool matches(std::string_view password, const Bcrypt& h) {
  const bool whole =
      password.find('\0') == std::string_view::npos; // otherwise crypt(3) would read and time only a part of it
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(std::string{password}.c_str(), h.setting.c_str(), data.get());
  return made != nullptr && constant_time_equal(made, h.setting) && whole;
}
bool matches(std::string_view password, const Scrypt& h) {
  std::string tag(h.tag.size(), '\0');
  return EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(h.salt.data()),
             h.salt.size(), 1ULL << h.ln, h.r, h.p, kMostHashMemory * 2, reinterpret_cast<unsigned char*>(tag.data()),
             tag.size()) == 1 &&
      constant_time_equal(tag, h.tag);
}
bool matches(std::string_view password, const Pbkdf2& h) {
  std::string tag(h.tag.size(), '\0');
  return PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
             reinterpret_cast<const unsigned char*>(h.salt.data()), static_cast<int>(h.salt.size()),
             static_cast<int>(h.iterations), h.sha512 ? EVP_sha512() : EVP_sha256(), static_cast<int>(tag.size()),
             reinterpret_cast<unsigned char*>(tag.data())) == 1 &&
      constant_time_equal(tag, h.tag);
}
bool matches(std::string_view password, const Argon2& h) {
  std::string tag(h.tag.size(), '\0');
  return argon2_hash(h.cost.passes, h.cost.memory_kib, h.cost.lanes, password.data(), password.size(), h.salt.data(),
             h.salt.size(), tag.data(), tag.size(), nullptr, 0, h.type, h.version) == ARGON2_OK &&
      constant_time_equal(tag, h.tag);
}

} // namespace

Result<std::string> importable_hash(std::string_view hash) {
  hash = bare(hash);
  TRY(known, read(hash));
  const auto* bcrypt = std::get_if<Bcrypt>(&known);
  if (bcrypt == nullptr) return std::string{hash};
  const std::string_view setting = bcrypt->setting; // $2b$12$…
  return fmt::format("{}{:02}${}${}", kBcryptStored, bcrypt->cost, setting.substr(1, 2), setting.substr(7));
}

bool verify_foreign(std::string_view password, std::string_view hash) {
  // A password that is too long takes the same time: otherwise the answer would reveal the kind of the user's hash.
  const bool fits = password.size() <= kMaxPasswordBytes;
  const auto known = read(hash);
  return known &&
      std::visit([part = password.substr(0, kMaxPasswordBytes)](const auto& h) { return matches(part, h); }, *known) &&
      fits;
}

std::uint64_t verification_time(std::string_view hash) {
  if (const auto ours = cost_of(hash)) return kArgon2PerKiBAndPass * ours->memory_kib * ours->passes;
  const auto known = read(hash);
  return known ? time_of(*known) : 0;
}

std::string dummy_hash(std::string_view beginning) {
  const bool sha512 = beginning.starts_with("$pbkdf2-sha512$");
  std::string out{beginning};
  if (beginning.starts_with(kBcryptStored))
    out += "2b$" + std::string(kBcryptTail, '.');
  else
    out += std::string(22, 'A') + '$' + std::string(sha512 ? 86 : 43, 'A');
  return verification_time(out) > 0 ? out : std::string{};
}

} // namespace foyer::accounts
