#include "io/tls/tls_tickets.h"

#include <openssl/crypto.h>

#include <span>

namespace foyer::io {

namespace {
TicketKeys::Key made(Entropy& entropy) {
  TicketKeys::Key key;
  entropy.fill(std::as_writable_bytes(std::span{key.name}));
  entropy.fill(std::as_writable_bytes(std::span{key.cipher}));
  entropy.fill(std::as_writable_bytes(std::span{key.mac}));
  return key;
}
} // namespace

TicketKeys::TicketKeys(Entropy& entropy)
    : entropy_(entropy),
      pair_{.current = made(entropy), .former = made(entropy)} {}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(&pair_, sizeof pair_); }

void TicketKeys::rotate() {
  const Key next = made(entropy_);
  const std::scoped_lock lock(mutex_);
  pair_.former = pair_.current;
  pair_.current = next;
}

TicketKeys::Pair TicketKeys::keys() const {
  const std::scoped_lock lock(mutex_);
  return pair_;
}

} // namespace foyer::io
