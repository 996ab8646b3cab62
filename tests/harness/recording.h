// Records what every peer of a story sends and receives, as text that can be compared before and
// after a change of the code. Each peer has its own section, because no peer can observe the order
// between two of them; within a section the order is that of the connection.
//
//   == alice
//   -- alice > {"type":"join","room":"tea"}       the statement of the story
//   > text {"type":"join","room":"tea"}           what alice sent
//   < text {"type":"joined","room":"tea","epoch":"<id-1>",…}
//
// HTTP is recorded byte for byte, a frame with its opcode, its flags and its uncompressed payload.
// Random values and times are replaced (normal_form.h).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/frame_splitter.h"

namespace foyer::harness {

class Recording {
 public:
  class Section { // of one peer
   public:
    void connected();                                                 // a new connection of it
    void event(std::string what);                                     // a line as it stands
    void sent(std::string_view bytes) { bytes_passed('>', bytes); }   // HTTP, or bytes that are neither
    void heard(std::string_view bytes) { bytes_passed('<', bytes); }  // HTTP
    void sent_frame(const RawFrame& frame, std::string_view message); // `message`: its payload, uncompressed
    void heard_frame(const RawFrame& frame);                          // heard_message() follows if it ends a message
    void heard_message(std::string_view message);

   private:
    friend class Recording;
    struct Entry {
      std::size_t step = 0;
      char direction = 0; // of bytes: '>' or '<'; 0: a line
      std::string text;
    };
    explicit Section(const Recording& recording) : recording_(recording) {}
    void bytes_passed(char direction, std::string_view bytes);

    const Recording& recording_;
    std::vector<Entry> entries_;
    int connections_ = 0;
  };

  Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void step(std::string_view what); // everything after this belongs to that step
  [[nodiscard]] Section& of(const std::string& peer);
  [[nodiscard]] std::string text() const; // in normal form
  // Writes NAME.txt into the directory of the environment variable FOYER_RECORD, if there is one: for tests
  // whose command line is GoogleTest's.
  void write_if_asked(const std::string& name) const;

 private:
  std::vector<std::string> steps_{""};
  std::map<std::string, Section> sections_;
};

// Writes a file; throws std::runtime_error if that fails.
void write_recording(const std::string& directory, const std::string& name, std::string_view text);

} // namespace foyer::harness
