// Plays scenario files: `scenarios [--record DIR] [--given "SETTING VALUE"]… FILE…`. Each is played three
// times, with the clients' bytes as they are sent, in pieces of seven, and on loops that are so busy that
// every signature waits for a later turn; which must make no difference.
//
// --record writes what every peer sent and received to DIR/NAME.txt (harness/recording.h). --given is a
// setting for all of them, as if each file began with it.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "harness/player.h"
#include "harness/recording.h"
#include "harness/words.h"

namespace {

using foyer::harness::PlayOptions;
using foyer::harness::Recording;

struct Arguments {
  std::string record; // a directory; empty: nothing is recorded
  foyer::harness::Settings settings;
  std::vector<std::string> files;
};

struct Way { // to play a story
  std::string_view name;
  std::size_t piece = 0;
  bool busy = false;
};
constexpr Way kWays[] = {
    {.name = "as it is sent"}, {.name = "in pieces of 7", .piece = 7}, {.name = "busy", .busy = true}};

// One file for all the ways; where one makes no difference, it says so.
class RecordingFile {
 public:
  void add(std::string_view way, const Recording& recording) {
    std::string text = recording.text();
    if (file_.empty()) first_ = text;
    const bool same = !file_.empty() && text == first_;
    file_ += fmt::format("==== {}{}\n", way, same ? ": the same" : "");
    if (!same) file_ += text;
  }
  [[nodiscard]] const std::string& text() const { return file_; }

 private:
  std::string first_, file_;
};

bool play_in_all_ways(const std::string& path, const foyer::harness::Script& script, const Arguments& arguments) {
  RecordingFile file;
  bool well = true;
  for (const Way& way : kWays) {
    Recording recording;
    const auto difference = foyer::harness::play(script,
        {.piece = way.piece,
            .busy = way.busy,
            .settings = arguments.settings,
            .recording = arguments.record.empty() ? nullptr : &recording});
    if (!arguments.record.empty()) file.add(way.name, recording);
    if (!difference) continue;
    fmt::print(
        "{}:{}: {}\n{}\n  (played: {})\n", path, difference->line, difference->statement, difference->what, way.name);
    well = false;
    break;
  }
  if (!arguments.record.empty()) foyer::harness::write_recording(arguments.record, script.name, file.text());
  return well;
}

bool play_file(const std::string& path, const Arguments& arguments) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto script = foyer::harness::parse_script(text);
  if (!script) {
    fmt::print("{}: {}\n", path, script.error());
    return false;
  }
  if (script->name != std::filesystem::path(path).stem()) {
    fmt::print("{}: its first line calls it {}\n", path, script->name);
    return false;
  }
  if (!play_in_all_ways(path, *script, arguments)) return false;
  fmt::print("ok {}\n", script->name);
  return true;
}

// False: not understood.
bool read_arguments(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word != "--record" && word != "--given") {
      out.files.push_back(word);
      continue;
    }
    if (++i == argc) return false;
    foyer::harness::Words value(argv[i]);
    if (word == "--record") {
      out.record = argv[i];
    } else {
      std::string name(value.take());
      out.settings.emplace_back(std::move(name), value.rest());
    }
  }
  return !out.files.empty();
}

} // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!read_arguments(argc, argv, arguments)) {
    fmt::print(stderr, "usage: scenarios [--record DIR] [--given \"SETTING VALUE\"]... FILE...\n");
    return 2;
  }
  int failed = 0;
  for (const std::string& file : arguments.files) failed += play_file(file, arguments) ? 0 : 1;
  return failed == 0 ? 0 : 1;
}
