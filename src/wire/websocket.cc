#include "wire/websocket.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "wire/mask.h"

namespace foyer::wire {
namespace {

constexpr std::size_t kMaxReason = 123; // the 125 bytes of a control frame without the code

void append_head(std::string& out, Opcode opcode, std::size_t size, bool masked, bool packed) {
  const auto byte = [&out](std::uint64_t value) { out.push_back(static_cast<char>(static_cast<std::uint8_t>(value))); };
  const std::uint64_t mask_bit = masked ? 0x80 : 0;
  byte(0x80U | (packed ? 0x40U : 0U) | static_cast<std::uint64_t>(opcode));
  if (size < 126) {
    byte(mask_bit | size);
  } else if (size < 65536) {
    byte(mask_bit | 126U);
    byte(size >> 8U);
    byte(size);
  } else {
    byte(mask_bit | 127U);
    for (int shift = 56; shift >= 0; shift -= 8) byte(size >> static_cast<unsigned>(shift));
  }
}

struct Sha1 {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Sha1() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
  }
};

bool is_base64_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

} // namespace

void append_frame(std::string& out, Opcode opcode, std::string_view payload, bool packed) {
  append_head(out, opcode, payload.size(), false, packed);
  out.append(payload);
}

void frame_in_place(std::string& out, Opcode opcode) {
  std::string head;
  append_head(head, opcode, out.size() - kFrameRoom, false, false);
  out.replace(0, kFrameRoom, head);
}

FramedMessage message_of(std::string_view frame) {
  const unsigned length = static_cast<std::uint8_t>(frame[1]) & 0x7fU;
  const std::size_t head = length < 126 ? 2 : length == 126 ? 4 : 10;
  return {static_cast<Opcode>(static_cast<std::uint8_t>(frame[0]) & 0x0fU), frame.substr(head)};
}

void append_masked_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask, bool packed) {
  append_head(out, opcode, payload.size(), true, packed);
  const MaskKey key = {static_cast<std::uint8_t>(mask >> 24U), static_cast<std::uint8_t>(mask >> 16U),
      static_cast<std::uint8_t>(mask >> 8U), static_cast<std::uint8_t>(mask)};
  for (const std::uint8_t byte : key) out.push_back(static_cast<char>(byte));
  const std::size_t from = out.size();
  out.append(payload);
  apply_mask(out.data() + from, payload.size(), key);
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  if (code == 1005) return {};
  if (reason.size() > kMaxReason) {
    std::size_t cut = kMaxReason;
    while (cut > 0 && (static_cast<std::uint8_t>(reason[cut]) & 0xc0U) == 0x80U) --cut;
    reason = reason.substr(0, cut);
  }
  std::string out;
  out.reserve(2 + reason.size());
  out.push_back(static_cast<char>(code >> 8U));
  out.push_back(static_cast<char>(code & 0xffU));
  out.append(reason);
  return out;
}

bool valid_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

std::string accept_key(std::string_view sec_websocket_key) {
  static thread_local const Sha1 sha1; // fetched once: a fetch per handshake costs more than the hash
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest{};
  EVP_DigestInit_ex2(sha1.context, sha1.algorithm, nullptr);
  EVP_DigestUpdate(sha1.context, sec_websocket_key.data(), sec_websocket_key.size());
  EVP_DigestUpdate(sha1.context, kGuid.data(), kGuid.size());
  EVP_DigestFinal_ex(sha1.context, digest.data(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool valid_websocket_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), is_base64_char);
}

} // namespace foyer::wire
