// The statement of a fuzzer: ends the program with a sentence when it is false.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void invariant(bool holds, const char* sentence) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", sentence);
  std::abort();
}
