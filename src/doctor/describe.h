// Facts in a few words, for the evidence of rungs and diagnoses. Everything of a peer is printable and short; no token,
// no query and no cookie is in it.
#pragma once

#include <string>

#include "doctor/facts.h"

namespace foyer::doctor {

[[nodiscard]] std::string describe(const NameFacts& facts);
[[nodiscard]] std::string describe(const std::vector<ConnectFacts>& facts, std::uint16_t port);
[[nodiscard]] std::string describe(const TlsFacts& facts);
[[nodiscard]] std::string describe(const Exchange& exchange); // "403 Forbidden, Server: nginx, 12 ms"
[[nodiscard]] std::string describe(const Talk& talk);
[[nodiscard]] std::string describe(Ending ending);
[[nodiscard]] std::string duration(Took took);                   // "3 ms", "2.5 s"
[[nodiscard]] std::string first_bytes(const std::string& bytes); // printable text, or hexadecimal when it is not
[[nodiscard]] std::string verify_words(int error);               // of X509_V_ERR_*
[[nodiscard]] std::string address_and_port(const std::string& address, std::uint16_t port);

} // namespace foyer::doctor
