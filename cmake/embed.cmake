# foyer_embed(TARGET DIRECTORY): the pages in DIRECTORY become part of TARGET, as the table
# web_assets() of admin/web_assets.h. index.html is `/`, every other file goes by its path
# below DIRECTORY; *.test.mjs and *.md stay outside.
#
# Run as a script (cmake -P) this file writes the table.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  function(foyer_embed target directory)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${directory}/*.html ${directory}/*.css ${directory}/*.mjs ${directory}/*.svg ${directory}/*.webmanifest)
    list(FILTER files EXCLUDE REGEX "\\.test\\.mjs$")
    set(out ${CMAKE_CURRENT_BINARY_DIR}/web_assets_data.cc)
    add_custom_command(OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DFILES=${files}" "-DDIRECTORY=${directory}" -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
      DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
      VERBATIM COMMENT "embedding the pages")
    target_sources(${target} PRIVATE ${out})
  endfunction()
  return()
endif()

set(types "html=text/html; charset=utf-8" "css=text/css; charset=utf-8" "mjs=text/javascript; charset=utf-8" "svg=image/svg+xml"
  "webmanifest=application/manifest+json")
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  file(RELATIVE_PATH name ${DIRECTORY} ${file})
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  set(type "")
  foreach(row IN LISTS types)
    if(row MATCHES "^${extension}=(.*)$")
      set(type "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  file(READ ${file} hex HEX)
  file(SHA256 ${file} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  set(path "/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND arrays "constexpr unsigned char kBytes${number}[] = {\n${hex}};\n")
  string(APPEND rows "      WebAsset{\"${path}\", \"${type}\", view(kBytes${number}, ${length}), \"\\\"${digest}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Written by cmake/embed.cmake out of web/.
#include \"admin/web_assets.h\"

namespace foyer::admin {
namespace {
${arrays}
std::string_view view(const unsigned char* bytes, std::size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }
} // namespace

std::span<const WebAsset> web_assets() {
  static const WebAsset assets[] = {
${rows}  };
  return assets;
}
} // namespace foyer::admin
")
