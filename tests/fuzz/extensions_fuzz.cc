// Sec-WebSocket-Extensions: what was read is the same when written, and what is agreed
// on about permessage-deflate is within one of the offers (RFC 7692 §7.1).
#include <charconv>
#include <set>
#include <string>

#include "fuzz.h"
#include "wire/extensions.h"
#include "wire/http_lines.h"

using namespace foyer::wire;

namespace {

std::string write(const std::vector<Extension>& extensions) {
  std::string out;
  for (const Extension& extension : extensions) {
    out += (out.empty() ? "" : ", ") + extension.name;
    for (const auto& [name, value] : extension.parameters) out += "; " + name + (value ? "=\"" + *value + "\"" : "");
  }
  return out;
}

bool same(const std::vector<Extension>& a, const std::vector<Extension>& b) {
  return std::ranges::equal(a, b, [](const Extension& x, const Extension& y) {
    return x.name == y.name && std::ranges::equal(x.parameters, y.parameters, [](const auto& p, const auto& q) {
      return p.name == q.name && p.value == q.value;
    });
  });
}

// 8 to 15 without a leading zero.
bool is_window(const std::string& text) {
  unsigned bits = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() && !text.starts_with('0') && bits >= 8 &&
      bits <= 15;
}

const std::optional<std::string>* find(const Extension& extension, std::string_view name) {
  for (const auto& parameter : extension.parameters)
    if (parameter.name == name) return &parameter.value;
  return nullptr;
}

// Whether an answer with these terms is one that this offer allows.
bool allows(const Extension& offer, const DeflateTerms& terms) {
  if (offer.name != "permessage-deflate") return false;
  std::set<std::string> names;
  for (const auto& [name, value] : offer.parameters) {
    if (!names.insert(name).second) return false;
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (value) return false;
    } else if (name == "server_max_window_bits") {
      if (!value || !is_window(*value)) return false;
    } else if (name == "client_max_window_bits") {
      if (value && !is_window(*value)) return false;
    } else {
      return false;
    }
  }
  const auto* server = find(offer, "server_max_window_bits");
  const auto* client = find(offer, "client_max_window_bits");
  if (names.contains("server_no_context_takeover") && terms.server_takeover) return false;
  if (server != nullptr && terms.server_bits > std::stoi(**server)) return false;
  return client != nullptr || !terms.client_bits_sent;
}

} // namespace

FUZZER(extensions) {
  (void)broken_deflate(input);
  const auto offers = parse_extensions(input);
  if (!offers) return;
  invariant(!offers->empty(), "a list that was read is not empty");
  for (const Extension& extension : *offers) {
    invariant(is_token(extension.name), "an extension's name is a token");
    for (const auto& [name, value] : extension.parameters)
      invariant(is_token(name) && (!value || is_token(*value)), "so are its parameters");
  }
  const auto again = parse_extensions(write(*offers));
  invariant(again && same(*again, *offers), "what was read is the same when written");

  for (const bool takeover : {false, true}) {
    const auto terms = accept_deflate(*offers, takeover);
    if (!terms) continue;
    invariant(std::ranges::any_of(*offers, [&](const Extension& offer) { return allows(offer, *terms); }),
        "what is agreed on is within an offer");
    invariant(takeover || (!terms->server_takeover && !terms->client_takeover),
        "no context is taken over that we do not want");
    invariant(
        terms->server_bits >= 8 && terms->server_bits <= 15 && terms->client_bits >= 8 && terms->client_bits <= 15,
        "a window has 8 to 15 bits");
    const auto answer = parse_extensions(deflate_answer(*terms));
    invariant(
        answer && answer->size() == 1 && answer->front().name == "permessage-deflate", "an answer names one extension");
    for (const auto& parameter : answer->front().parameters)
      invariant(
          parameter.name.ends_with("_takeover") ? !parameter.value : parameter.value && is_window(*parameter.value),
          "an answer's parameters have values");
    invariant((find(answer->front(), "client_max_window_bits") != nullptr) == terms->client_bits_sent &&
            (find(answer->front(), "server_max_window_bits") != nullptr) == terms->server_bits_asked,
        "and are those that were agreed on");
  }
}
