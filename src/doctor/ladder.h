// The order of the probes: names, TCP, TLS, a plain request, the plain path, then the handshake with one thing more at
// each rung, then what goes through it. A rung that fails stops those that depend on it; they are reported as skipped
// because of it. After a refusal the same handshake is tried with one thing changed.
#pragma once

#include "doctor/case.h"
#include "doctor/prober.h"

namespace foyer::doctor {

// The whole run without holds.
inline constexpr Millis kRunTime{9'500};

class Ladder {
 public:
  Ladder(const Ask& ask, Entropy& entropy, const Clock& clock);
  [[nodiscard]] Facts climb();

 private:
  bool find_name();
  bool find_address();
  bool secure();
  void look_beside_tls();
  bool ask_plainly();
  void shake_hands();
  bool shake_hands(RungId rung, std::optional<Exchange>& into);
  void vary();
  bool vary(Variation::What what, std::string value, const HttpAsk& ask);
  void converse();
  void try_second(const std::optional<Exchange>& beside);
  void repeat();
  void hold();
  void try_big();
  void ask_directly();

  void add(RungId id, Rung::Status status, Took took, std::string evidence);
  void add(RungId id, const Exchange& exchange, bool passed);
  void skip_after(RungId failed);
  [[nodiscard]] HttpAsk plain_ask(const std::string& path) const;
  [[nodiscard]] bool talks_to_foyer() const;

  const Ask& ask_;
  Entropy& entropy_;
  const Clock& clock_;
  Prober prober_;
  Place place_;
  HttpAsk handshake_; // grows from rung to rung
  Facts facts_;
};

// The path of a health check beside the WebSocket's: "/ws/chat" → "/health/live", "/chat/ws/chat" →
// "/chat/health/live"; of other servers the root.
[[nodiscard]] std::string health_path(std::string_view socket_path);
// Paths that the URL's may have been meant to be, likeliest first.
struct OtherPath {
  Variation::What what{};
  std::string path = {};
  friend bool operator==(const OtherPath&, const OtherPath&) = default;
};
[[nodiscard]] std::vector<OtherPath> other_paths(const std::string& path);

} // namespace foyer::doctor
