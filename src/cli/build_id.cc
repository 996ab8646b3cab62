#include "cli/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>

#include "base/bytes.h"

namespace foyer::cli {
namespace {

int look(dl_phdr_info* object, std::size_t, void* out) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    const char* end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* name = at + sizeof note;
      const char* value = name + ((note.n_namesz + 3U) & ~3U);
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
        *static_cast<std::string*>(out) = hex_encode({value, note.n_descsz}).substr(0, 12);
        return 1;
      }
      at = value + ((note.n_descsz + 3U) & ~3U);
    }
  }
  return 1; // the first object is the program itself; stop there
}

} // namespace

std::string build_id() {
  std::string id = "unknown";
  dl_iterate_phdr(look, &id);
  return id;
}

} // namespace foyer::cli
