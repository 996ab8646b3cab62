#include "gateway/compression.h"

#include <algorithm>

namespace foyer::gateway {
namespace {

using wire::Deflater;

// The window bits for zlib, which has no raw stream with 8. Then 0: negotiated, but nothing is compressed.
std::uint8_t send_bits(const wire::DeflateTerms& terms) {
  if (terms.server_bits < 9) return 0;
  return terms.server_takeover ? std::min(terms.server_bits, wire::kTakeoverBits) : terms.server_bits;
}

} // namespace

Compression::Compression(const CompressionPolicy& policy, Metrics& metrics)
    : policy_(policy),
      messages_(metrics.counter("foyer_messages_compressed_total", "Messages sent compressed (permessage-deflate).")),
      saved_(metrics.counter(
          "foyer_compression_saved_bytes_total", "Bytes that were not sent because messages were compressed.")) {}

std::string Compression::agree(
    std::string_view offers, std::string_view user_agent, SendTerms& send, wire::WsDecoder& receive) {
  if (!policy_.enabled || offers.empty() || !wire::broken_deflate(user_agent).empty()) return {};
  const auto extensions = wire::parse_extensions(offers);
  const auto terms = extensions ? wire::accept_deflate(*extensions, policy_.takeover) : std::nullopt;
  if (!terms) return {};
  send.bits = send_bits(*terms);
  send.takeover = terms->server_takeover;
  receive.allow_deflate(inflaters_, terms->client_bits, terms->client_takeover);
  return wire::deflate_answer(*terms);
}

bool Compression::pack_payload(std::string_view payload, SendTerms& terms) {
  auto& deflater = terms.takeover ? terms.own : deflaters_[terms.bits];
  if (!deflater)
    deflater =
        std::make_unique<Deflater>(terms.bits, terms.takeover ? Deflater::Context::takeover : Deflater::Context::none);
  return deflater->pack(payload, packed_);
}

SharedBytes Compression::packed_frame(const SharedBytes& frame, SendTerms& terms) {
  const auto [kind, payload] = wire::message_of(*frame);
  if (!pack_payload(payload, terms)) return frame;
  std::string out;
  out.reserve(packed_.size() + 10);
  wire::append_frame(out, kind, packed_, true);
  return share(std::move(out));
}

SharedBytes Compression::pack(const SharedBytes& frame, SendTerms& terms) {
  if (terms.bits == 0 || !worth_it(wire::message_of(*frame).payload.size())) return frame;
  SharedBytes out;
  if (terms.takeover) {
    out = packed_frame(frame, terms);
  } else {
    if (plain_ != frame) {
      plain_ = frame;
      twins_.fill(nullptr);
    }
    SharedBytes& twin = twins_[terms.bits];
    if (!twin) twin = packed_frame(frame, terms);
    out = twin;
  }
  if (out == frame) return out;
  messages_.add();
  saved_.add(frame->size() - out->size());
  return out;
}

void Compression::append_message(std::string& out, wire::Opcode kind, std::string_view payload, SendTerms& terms) {
  if (terms.bits == 0 || !worth_it(payload.size()) || !pack_payload(payload, terms))
    return wire::append_frame(out, kind, payload);
  wire::append_frame(out, kind, packed_, true);
  messages_.add();
  saved_.add(payload.size() - packed_.size());
}

} // namespace foyer::gateway
