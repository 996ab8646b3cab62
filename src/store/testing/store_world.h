// For tests: a temporary directory, and a file layer under SQLite
// whose device fails on request.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace foyer::testing_world {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "foyer-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  void write(std::string_view name, std::string_view bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
  }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_;
};

// A VFS over the system's whose writes fail with a given errno while one is set.
class Faults {
 public:
  static std::string vfs() {
    static const bool registered = [] {
      base() = sqlite3_vfs_find(nullptr);
      layer() = *base();
      layer().zName = "faults";
      layer().xOpen = open;
      layer().xGetLastError = [](sqlite3_vfs*, int, char*) { return last_error().load(); };
      layer().szOsFile = static_cast<int>(sizeof(File)) + base()->szOsFile;
      return sqlite3_vfs_register(&layer(), 0) == SQLITE_OK;
    }();
    return registered ? "faults" : "";
  }
  static void writes_fail_with(int error) { failing() = error; }
  static void none() { failing() = 0; }

 private:
  struct File {
    sqlite3_file head;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static sqlite3_vfs*& base() {
    static sqlite3_vfs* v = nullptr;
    return v;
  }
  static sqlite3_vfs& layer() {
    static sqlite3_vfs v{};
    return v;
  }
  static std::atomic<int>& failing() {
    static std::atomic<int> v{0};
    return v;
  }
  static std::atomic<int>& last_error() {
    static std::atomic<int> v{0};
    return v;
  }
  static File* of(sqlite3_file* f) { return reinterpret_cast<File*>(f); }

  static int write(sqlite3_file* f, const void* data, int n, sqlite3_int64 at) {
    if (const int error = failing(); error != 0) {
      last_error() = error;
      return error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return of(f)->real()->pMethods->xWrite(of(f)->real(), data, n, at);
  }

  static int control(sqlite3_file* f, int operation, void* argument) {
    if (operation == SQLITE_FCNTL_LAST_ERRNO && last_error() != 0) {
      *static_cast<int*>(argument) = last_error();
      return SQLITE_OK;
    }
    return of(f)->real()->pMethods->xFileControl(of(f)->real(), operation, argument);
  }

  static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* f, int flags, int* out) {
    File* file = of(f);
    std::memset(file->real(), 0, static_cast<std::size_t>(base()->szOsFile));
    file->head.pMethods = nullptr;
    const int code = base()->xOpen(base(), name, file->real(), flags, out);
    if (file->real()->pMethods == nullptr) return code;
    static const sqlite3_io_methods methods = {
        3,
        [](sqlite3_file* x) { return of(x)->real()->pMethods->xClose(of(x)->real()); },
        [](sqlite3_file* x, void* d, int n, sqlite3_int64 at) {
      return of(x)->real()->pMethods->xRead(of(x)->real(), d, n, at);
    },
        write,
        [](sqlite3_file* x, sqlite3_int64 n) { return of(x)->real()->pMethods->xTruncate(of(x)->real(), n); },
        [](sqlite3_file* x, int n) { return of(x)->real()->pMethods->xSync(of(x)->real(), n); },
        [](sqlite3_file* x, sqlite3_int64* n) { return of(x)->real()->pMethods->xFileSize(of(x)->real(), n); },
        [](sqlite3_file* x, int n) { return of(x)->real()->pMethods->xLock(of(x)->real(), n); },
        [](sqlite3_file* x, int n) { return of(x)->real()->pMethods->xUnlock(of(x)->real(), n); },
        [](sqlite3_file* x, int* n) { return of(x)->real()->pMethods->xCheckReservedLock(of(x)->real(), n); },
        control,
        [](sqlite3_file* x) { return of(x)->real()->pMethods->xSectorSize(of(x)->real()); },
        [](sqlite3_file* x) { return of(x)->real()->pMethods->xDeviceCharacteristics(of(x)->real()); },
        [](sqlite3_file* x, int a, int b, int c, void volatile** d) {
      return of(x)->real()->pMethods->xShmMap(of(x)->real(), a, b, c, d);
    },
        [](sqlite3_file* x, int a, int b, int c) { return of(x)->real()->pMethods->xShmLock(of(x)->real(), a, b, c); },
        [](sqlite3_file* x) { of(x)->real()->pMethods->xShmBarrier(of(x)->real()); },
        [](sqlite3_file* x, int d) { return of(x)->real()->pMethods->xShmUnmap(of(x)->real(), d); },
        // No memory map: every write must pass through here.
        [](sqlite3_file*, sqlite3_int64, int, void** p) {
      *p = nullptr;
      return SQLITE_OK;
    },
        [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; },
    };
    file->head.pMethods = &methods;
    return code;
  }
};

} // namespace foyer::testing_world
