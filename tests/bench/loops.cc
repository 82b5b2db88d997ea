// SPDX-License-Identifier: Apache-2.0
// The timed loops of scripts/bench: `ward_bench LOOP ARGUMENT...` prints the seconds that the loop took. Compiled, so
// that an interpreter's overhead doesn't hide what a file system costs; each loop checks that it did what it times.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "tests/bench/bench.h"

namespace ward::bench {
namespace {

constexpr std::size_t kBlock = 1 << 20, kPage = 4096;

void must(bool good, const std::string& what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

/// An open file. Who writes calls close(), whose failure is a save's.
class File {
 public:
  File(const std::string& path, int flags) : path_(path), fd_(::open(path.c_str(), flags, 0644)) {
    must(fd_ >= 0, "open " + path);
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  void write(const std::string& bytes, std::size_t size) {
    must(::write(fd_, bytes.data(), size) == static_cast<ssize_t>(size), "write " + path_);
  }
  void close() { must(::close(std::exchange(fd_, -1)) == 0, "close " + path_); }
  std::uint64_t size() const {
    struct stat st {};
    must(::fstat(fd_, &st) == 0, "fstat " + path_);
    return static_cast<std::uint64_t>(st.st_size);
  }

 private:
  const std::string path_;
  int fd_;
};

/// Bytes that no compression and no deduplication makes smaller, different for each seed.
std::string noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at + 8 <= size; at += 8) {
    const auto word = random();
    std::memcpy(bytes.data() + at, &word, 8);
  }
  return bytes;
}

std::string path(const Arguments& words, std::uint64_t index) {
  return words[0] + "/f" + std::to_string(index);
}

/// read FILE: the whole file in reads of 1 MiB.
double read_file(const Arguments& words) {
  std::string buffer(kBlock, '\0');
  const Clock clock;
  const File file(words[0], O_RDONLY);
  std::uint64_t total = 0;
  for (ssize_t n; (n = ::read(file.fd(), buffer.data(), buffer.size())) != 0; total += static_cast<std::uint64_t>(n))
    must(n > 0, "read " + words[0]);
  const double took = clock.seconds();
  if (total != file.size()) throw std::runtime_error("short read of " + words[0]);
  return took;
}

/// map FILE: touches every page of a shared mapping.
double map_file(const Arguments& words) {
  const Clock clock;
  const File file(words[0], O_RDONLY);
  const auto size = file.size();
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd(), 0);
  must(map != MAP_FAILED, "mmap " + words[0]);
  const auto* bytes = static_cast<const volatile char*>(map);
  for (std::uint64_t at = 0; at < size; at += kPage) static_cast<void>(bytes[at]);
  ::munmap(map, size);
  return clock.seconds();
}

/// random FILE COUNT: reads of 4 KiB anywhere.
double read_random(const Arguments& words) {
  std::string buffer(kPage, '\0');
  std::mt19937_64 random(1);
  const File file(words[0], O_RDONLY);
  const auto pages = file.size() / kPage;
  const Clock clock;
  for (auto left = number(words[1]); left > 0; --left) {
    const auto at = static_cast<off_t>(random() % pages * kPage);
    must(::pread(file.fd(), buffer.data(), kPage, at) == static_cast<ssize_t>(kPage), "pread " + words[0]);
  }
  return clock.seconds();
}

/// write FILE SIZE SEED: a new file in writes of 1 MiB, until close() returns.
double write_file(const Arguments& words) {
  auto bytes = noise(kBlock, number(words[2]));
  const auto size = number(words[1]);
  const Clock clock;
  File file(words[0], O_WRONLY | O_CREAT | O_EXCL);
  for (std::uint64_t at = 0; at < size; at += kBlock) {
    std::memcpy(bytes.data(), &at, sizeof at);  // no two blocks alike
    file.write(bytes, std::min<std::uint64_t>(kBlock, size - at));
  }
  file.close();
  return clock.seconds();
}

/// saves FOLDER COUNT SIZE SEED: new files FOLDER/f0, f1 …, each opened, written (if SIZE isn't 0) and closed.
double save_small(const Arguments& words) {
  const auto count = number(words[1]), size = number(words[2]);
  auto bytes = noise(size, number(words[3]));
  const Clock clock;
  for (std::uint64_t i = 0; i < count; ++i) {
    File file(path(words, i), O_WRONLY | O_CREAT | O_EXCL);
    if (size >= sizeof i) std::memcpy(bytes.data(), &i, sizeof i);
    if (size > 0) file.write(bytes, size);
    file.close();
  }
  return clock.seconds();
}

/// opens FOLDER COUNT ROUNDS: opens and closes each of the files once per round.
double open_all(const Arguments& words) {
  const auto count = number(words[1]);
  const Clock clock;
  for (auto round = number(words[2]); round > 0; --round)
    for (std::uint64_t i = 0; i < count; ++i) File(path(words, i), O_RDONLY).close();
  return clock.seconds();
}

/// list FOLDER COUNT: what `ls -l` does: all names, then the attributes of each.
double list(const Arguments& words) {
  const Clock clock;
  DIR* folder = ::opendir(words[0].c_str());
  must(folder != nullptr, "opendir " + words[0]);
  std::uint64_t seen = 0;
  struct stat st {};
  while (const dirent* entry = ::readdir(folder)) {
    must(::fstatat(::dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0,
         std::string("stat ") + entry->d_name);
    if (S_ISREG(st.st_mode)) ++seen;
  }
  ::closedir(folder);
  const double took = clock.seconds();
  if (seen != number(words[1])) throw std::runtime_error(words[0] + " lists " + std::to_string(seen) + " files");
  return took;
}

/// stats FOLDER COUNT
double stat_all(const Arguments& words) {
  struct stat st {};
  const Clock clock;
  for (std::uint64_t i = 0, count = number(words[1]); i < count; ++i)
    must(::stat(path(words, i).c_str(), &st) == 0, "stat " + path(words, i));
  return clock.seconds();
}

/// unlinks FOLDER COUNT
double unlink_all(const Arguments& words) {
  const Clock clock;
  for (std::uint64_t i = 0, count = number(words[1]); i < count; ++i)
    must(::unlink(path(words, i).c_str()) == 0, "unlink " + path(words, i));
  return clock.seconds();
}

/// Share of a file's pages that are in the page cache.
double resident(const File& file) {
  const auto size = file.size();
  if (size == 0) return 0;
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd(), 0);
  must(map != MAP_FAILED, "mmap");
  std::vector<unsigned char> pages((size + kPage - 1) / kPage);
  const int result = ::mincore(map, size, pages.data());
  ::munmap(map, size);
  must(result == 0, "mincore");
  const auto in = std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
  return static_cast<double>(in) / static_cast<double>(pages.size());
}

/// forget FILE: what the file system that it is named in keeps of it in memory; what is below that one keeps its own.
double forget(const Arguments& words) {
  const Clock clock;
  const File file(words[0], O_RDONLY);
  ::fsync(file.fd());
  must(::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED) == 0, "fadvise " + words[0]);
  return clock.seconds();
}

/// evict FILE…: the same until nothing is left. What somebody still maps stays: a daemon that lets go soon is waited
/// for.
double evict(const Arguments& words) {
  const Clock clock;
  for (const auto& name : words) {
    do {
      forget({name});
    } while (resident(File(name, O_RDONLY)) > 0.01 && clock.seconds() < 5 && ::usleep(10'000) == 0);
    if (clock.seconds() >= 5) throw std::runtime_error(name + " stays in the page cache");
  }
  return clock.seconds();
}

struct Loop {
  const char* name;
  std::size_t arguments;
  double (*run)(const Arguments&);
};
constexpr Loop kLoops[] = {{"read", 1, read_file},   {"map", 1, map_file},     {"random", 2, read_random},
                           {"write", 3, write_file}, {"saves", 4, save_small}, {"opens", 3, open_all},
                           {"list", 2, list},        {"stats", 2, stat_all},   {"unlinks", 2, unlink_all},
                           {"forget", 1, forget},    {"evict", 1, evict},      {"append", 2, append},
                           {"index", 1, index_log},  {"ask", 3, ask_log},      {"compress", 1, compress_log}};

int run(const std::string& name, const Arguments& words) {
  for (const auto& loop : kLoops) {
    if (name != loop.name || words.size() < loop.arguments) continue;
    std::printf("%.9f\n", loop.run(words));
    return 0;
  }
  std::fprintf(stderr, "ward_bench: no loop %s with %zu arguments\n", name.c_str(), words.size());
  return 2;
}

}  // namespace

std::uint64_t number(const std::string& word) {
  return std::stoull(word);
}

}  // namespace ward::bench

int main(int argc, char** argv) {
  try {
    return ward::bench::run(argc > 1 ? argv[1] : "", {argv + std::min(argc, 2), argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ward_bench: %s\n", error.what());
    return 1;
  }
}
