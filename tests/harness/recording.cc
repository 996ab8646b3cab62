#include "harness/recording.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "base/bytes.h"
#include "harness/normal_form.h"

namespace foyer::harness {
namespace {

// On one line, without losing any byte.
std::string shown(std::string_view bytes) {
  const bool text = is_utf8(bytes);
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !text))
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

// One line per line of HTTP. Only CRLF is a plain line end; a bare \n is shown.
std::string shown_lines(char direction, std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    std::string_view line = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    bytes.remove_prefix(line.size());
    const bool ends_well = line.ends_with("\r\n");
    if (ends_well) line.remove_suffix(2);
    out += fmt::format("{} {}\n", direction, shown(line));
    if (bytes.empty() && !ends_well) out += fmt::format("{} (no line break)\n", direction);
  }
  return out;
}

std::string name_of(std::uint8_t opcode) {
  switch (opcode) {
    case 0: return "continuation";
    case 1: return "text";
    case 2: return "binary";
    case 8: return "close";
    case 9: return "ping";
    case 10: return "pong";
    default: return fmt::format("opcode {}", opcode);
  }
}

std::string head_of(const RawFrame& frame) {
  std::string out = name_of(frame.opcode());
  if ((frame.flags() & 0x80U) == 0) out += ", more follows";
  if ((frame.flags() & 0x40U) != 0) out += ", packed";
  if ((frame.flags() & 0x20U) != 0) out += ", RSV2";
  if ((frame.flags() & 0x10U) != 0) out += ", RSV3";
  return out;
}

bool is_control(std::uint8_t opcode) { return opcode >= 8; }

// The payload of Close: a code and a reason (RFC 6455 §5.5.1).
std::string shown_close(std::string_view payload) {
  if (payload.size() < 2) return shown(payload);
  const auto code =
      static_cast<unsigned>(static_cast<std::uint8_t>(payload[0]) << 8U) | static_cast<std::uint8_t>(payload[1]);
  return payload.size() == 2 ? fmt::format("{}", code) : fmt::format("{} {}", code, shown(payload.substr(2)));
}

std::string shown_control(std::uint8_t opcode, std::string_view payload) {
  return opcode == 8 ? shown_close(payload) : shown(payload);
}

} // namespace

void Recording::Section::connected() { event(fmt::format("connection {}", ++connections_)); }

void Recording::Section::event(std::string what) {
  entries_.push_back({.step = recording_.steps_.size() - 1, .direction = 0, .text = std::move(what)});
}

// Merges bytes that follow each other: into which pieces a stream was cut does not show.
void Recording::Section::bytes_passed(char direction, std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t step = recording_.steps_.size() - 1;
  if (entries_.empty() || entries_.back().step != step || entries_.back().direction != direction)
    entries_.push_back({.step = step, .direction = direction, .text = {}});
  entries_.back().text += bytes;
}

void Recording::Section::sent_frame(const RawFrame& frame, std::string_view message) {
  const std::string payload = is_control(frame.opcode()) ? shown_control(frame.opcode(), message) : shown(message);
  event(fmt::format("> {} {}", head_of(frame), payload));
}

void Recording::Section::heard_frame(const RawFrame& frame) {
  std::string line = fmt::format("< {}", head_of(frame));
  if (frame.masked) line += ", masked";
  if (is_control(frame.opcode())) line += fmt::format(" {}", shown_control(frame.opcode(), frame.payload()));
  event(std::move(line));
}

void Recording::Section::heard_message(std::string_view message) {
  entries_.back().text += fmt::format(" {}", shown(message));
}

void Recording::step(std::string_view what) { steps_.emplace_back(what); }

Recording::Section& Recording::of(const std::string& peer) {
  return sections_.try_emplace(peer, Section(*this)).first->second;
}

std::string Recording::text() const {
  std::string out;
  for (const auto& [peer, section] : sections_) {
    out += fmt::format("== {}\n", peer);
    std::size_t step = 0;
    for (const Section::Entry& entry : section.entries_) {
      if (std::exchange(step, entry.step) != entry.step) out += fmt::format("-- {}\n", shown(steps_[entry.step]));
      out += entry.direction == 0 ? entry.text + "\n" : shown_lines(entry.direction, entry.text);
    }
  }
  return normal_form(out);
}

void Recording::write_if_asked(const std::string& name) const {
  const char* directory = std::getenv("FOYER_RECORD");
  if (directory != nullptr && *directory != '\0') write_recording(directory, name, text());
}

void write_recording(const std::string& directory, const std::string& name, std::string_view text) {
  namespace fs = std::filesystem;
  fs::create_directories(directory);
  const fs::path path = fs::path(directory) / (name + ".txt");
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

} // namespace foyer::harness
