// Keys in PEM (RFC 7468): one block and nothing around it. For every form, the
// numbers are extracted and pass the same checks as those of a JWK.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/openssl.h"

namespace foyer::jose {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::unexpected<Refusal> unreadable(std::string what) { return refuse(Cause::KEY_UNREADABLE, std::move(what)); }

struct Block {
  std::string_view label;
  std::string_view body;
  std::string_view rest; // after the block
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<Block> next_block(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kDashes = "-----";
  const auto begin = text.find(kBegin);
  if (begin == std::string_view::npos) {
    if (text.starts_with('\x30'))
      return unreadable(
          "DER instead of PEM; `openssl pkey -inform DER -in FILE -out key.pem` converts it (with -pubin for a public "
          "key)");
    return unreadable("no PEM block of a private key (PKCS#8) or public key (SPKI)");
  }
  if (!trimmed(text.substr(0, begin)).empty())
    return unreadable("text before the PEM block; the file may contain only the text from BEGIN to END");
  const auto label_at = begin + kBegin.size();
  const auto label_end = text.find(kDashes, label_at);
  if (label_end == std::string_view::npos || label_end - label_at > 64)
    return unreadable("a PEM block whose first line is truncated");
  const auto label = text.substr(label_at, label_end - label_at);
  const std::string end = "-----END " + std::string{label} + std::string{kDashes};
  const auto body_at = label_end + kDashes.size();
  const auto end_at = text.find(end, body_at);
  if (end_at == std::string_view::npos) return unreadable("a PEM block without its last line");
  return Block{.label = label,
      .body = text.substr(body_at, end_at - body_at),
      .rest = trimmed(text.substr(end_at + end.size()))};
}

// Explains why a block is not supported, with a way to convert it.
std::unexpected<Refusal> other_block(const Block& block) {
  if (block.label == "ENCRYPTED PRIVATE KEY")
    return unreadable("a PEM key with a password; store it without one, readable by its owner only");
  if (block.label.ends_with("CERTIFICATE"))
    return unreadable("a certificate instead of a key; `openssl x509 -in FILE -pubkey -noout` prints its public key");
  if (block.label == "OPENSSH PRIVATE KEY")
    return unreadable("a key in the format of OpenSSH; `ssh-keygen -p -m PKCS8 -f FILE` converts a copy of it");
  return unreadable("a PEM block that is not a key for tokens: " + printable(block.label, 64));
}

Result<std::string> der_of(const Block& block) {
  if (block.body.find("ENCRYPTED") != std::string_view::npos)
    return unreadable("a PEM key with a password; store it without one, readable by its owner only");
  std::string base64;
  for (const char c : block.body)
    if (kSpace.find(c) == std::string_view::npos) base64 += c;
  auto der = base64_decode(base64);
  OPENSSL_cleanse(base64.data(), base64.size());
  if (!der || der->empty()) return unreadable("a PEM block that is not base64");
  return std::move(*der);
}

// A key from all of the bytes, or null.
Pkey parse_der(std::string_view label, const std::string& der) {
  const unsigned char* at = raw(std::string_view{der});
  const unsigned char* const end = at + der.size();
  const auto size = static_cast<long>(der.size());
  Pkey key;
  if (label == "PRIVATE KEY") {
    const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Releases<PKCS8_PRIV_KEY_INFO_free>> info{
        d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, size)};
    if (info != nullptr) key.reset(EVP_PKCS82PKEY(info.get()));
  } else if (label == "PUBLIC KEY") {
    key.reset(d2i_PUBKEY(nullptr, &at, size));
  } else if (label == "RSA PUBLIC KEY") {
    key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
  } else {
    key.reset(d2i_PrivateKey(label == "RSA PRIVATE KEY" ? EVP_PKEY_RSA : EVP_PKEY_EC, nullptr, &at, size));
  }
  return at == end ? std::move(key) : nullptr;
}

std::string number_bytes(const EVP_PKEY* key, const char* name) {
  const Number number = number_param(key, name);
  return number == nullptr ? std::string{} : bytes_of(number.get());
}

Result<Material> rsa_of(const EVP_PKEY* key, bool is_private) {
  RsaNumbers numbers;
  numbers.n = number_bytes(key, OSSL_PKEY_PARAM_RSA_N);
  numbers.e = number_bytes(key, OSSL_PKEY_PARAM_RSA_E);
  if (is_private) {
    if (number_param(key, OSSL_PKEY_PARAM_RSA_FACTOR3) != nullptr)
      return unreadable("an RSA key of more than two primes");
    numbers.d = number_bytes(key, OSSL_PKEY_PARAM_RSA_D);
    numbers.p = number_bytes(key, OSSL_PKEY_PARAM_RSA_FACTOR1);
    numbers.q = number_bytes(key, OSSL_PKEY_PARAM_RSA_FACTOR2);
    numbers.dp = number_bytes(key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
    numbers.dq = number_bytes(key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
    numbers.qi = number_bytes(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
    if (numbers.d.empty()) return unreadable("an RSA private key without its private exponent");
  }
  return make_rsa(numbers);
}

Result<Material> ec_of(const EVP_PKEY* key, bool is_private) {
  int explicit_params = 0;
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_params);
  if (explicit_params != 0) return unreadable("an EC key with explicit curve parameters; a named curve is required");
  std::string group(64, '\0');
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1)
    return unreadable("an EC key without a curve");
  group.resize(size);
  const auto curve = find_curve(group == "prime256v1" ? "P-256"
          : group == "secp384r1"                      ? "P-384"
          : group == "secp521r1"                      ? "P-521"
                                                      : "");
  if (!curve) return unreadable("an EC key on " + printable(group, 32) + "; P-256, P-384 and P-521 are known");
  const auto part = [&](const char* name) {
    const Number number = number_param(key, name);
    return number == nullptr ? std::string{} : bytes_of(number.get(), coordinate_bytes(*curve));
  };
  std::string d = is_private ? part(OSSL_PKEY_PARAM_PRIV_KEY) : std::string{};
  if (is_private && d.empty()) return unreadable("an EC private key without its number");
  auto made = make_ec(*curve, part(OSSL_PKEY_PARAM_EC_PUB_X), part(OSSL_PKEY_PARAM_EC_PUB_Y), d);
  OPENSSL_cleanse(d.data(), d.size());
  return made;
}

Result<Material> ed25519_of(const EVP_PKEY* key, bool is_private) {
  std::string bytes(kEd25519Bytes, '\0');
  std::size_t size = bytes.size();
  const int done = is_private ? EVP_PKEY_get_raw_private_key(key, raw(bytes), &size)
                              : EVP_PKEY_get_raw_public_key(key, raw(bytes), &size);
  if (done != 1) return unreadable("an Ed25519 key without its bytes");
  auto made = is_private ? make_ed25519_private(bytes) : make_ed25519_public(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return made;
}

} // namespace

Result<Material> read_pem(std::string_view pem) {
  const QuietErrors quiet;
  TRY(block, next_block(pem));
  // `openssl ecparam -genkey` writes the curve a second time before the key, which also names it.
  if (block.label == "EC PARAMETERS" && !block.rest.empty()) {
    TRY(second, next_block(block.rest));
    block = second;
  }
  constexpr std::string_view kLabels[] = {
      "PRIVATE KEY", "PUBLIC KEY", "RSA PRIVATE KEY", "RSA PUBLIC KEY", "EC PRIVATE KEY"};
  if (std::ranges::find(kLabels, block.label) == std::end(kLabels)) return other_block(block);
  if (!block.rest.empty())
    return unreadable(
        block.rest.starts_with("-----BEGIN ") ? "a second PEM block after the key" : "text after the PEM block");
  TRY(der, der_of(block));
  const bool is_private = block.label.ends_with("PRIVATE KEY");
  const Pkey key = parse_der(block.label, der);
  OPENSSL_cleanse(der.data(), der.size());
  if (key == nullptr)
    return unreadable(is_private ? "a PEM private key that does not parse" : "a PEM public key that does not parse");
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) return rsa_of(key.get(), is_private);
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) return ec_of(key.get(), is_private);
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) return ed25519_of(key.get(), is_private);
  if (EVP_PKEY_is_a(key.get(), "RSA-PSS") == 1)
    return unreadable(
        "an RSA key restricted to PSS by its own identifier; one of the plain RSA kind signs PS256 as well");
  const char* name = EVP_PKEY_get0_type_name(key.get());
  return unreadable(
      "a PEM key of type " + std::string{name == nullptr ? "unknown" : name} + "; Ed25519, EC and RSA are known");
}

} // namespace foyer::jose
