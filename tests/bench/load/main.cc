// bench_load MODE --port P --pid PID [options]: one measurement, one line of JSON.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "load/engine.h"

namespace {

constexpr const char* kUsage =
    "bench_load fanout|pingpong|connect|idle --port P --pid SERVER_PID\n"
    "  --protocol foyer|raw    raw: frames without handshake, for bench_limit\n"
    "  --connections N         subscribers, clients\n"
    "  --outstanding W         fanout: messages not yet received by everybody\n"
    "  --seconds S --warm-up S\n"
    "  --text-bytes N --room NAME --source-addresses N\n"
    "  --secret S --issuer I --audience A    of the HS256 tokens\n";

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  bench::Options options;
  const std::string_view mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--pid")
      options.server_pid = std::atoi(value);
    else if (name == "--protocol")
      options.protocol = std::string_view{value} == "raw" ? bench::Protocol::raw : bench::Protocol::foyer;
    else if (name == "--connections")
      options.connections = std::atoi(value);
    else if (name == "--outstanding")
      options.outstanding = std::atoi(value);
    else if (name == "--seconds")
      options.seconds = std::atof(value);
    else if (name == "--warm-up")
      options.warm_up = std::atof(value);
    else if (name == "--text-bytes")
      options.text_bytes = std::atoi(value);
    else if (name == "--source-addresses")
      options.source_addresses = std::atoi(value);
    else if (name == "--room")
      options.room = value;
    else if (name == "--secret")
      options.secret = value;
    else if (name == "--issuer")
      options.issuer = value;
    else if (name == "--audience")
      options.audience = value;
    else
      bench::die("unknown option " + std::string(name));
  }
  if (mode == "fanout") return bench::run_fanout(options);
  if (mode == "pingpong") return bench::run_pingpong(options);
  if (mode == "connect") return bench::run_connect(options);
  if (mode == "idle") return bench::run_idle(options);
  std::fputs(kUsage, stderr);
  return 2;
}
