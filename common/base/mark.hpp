// Counts how often rare branches are taken, so that the simulator can say which ones it has never
// seen.
//
// Place: `MILLRACE_MARK(name);` stands where a decision takes an unusual turn; tests/simulation
// reads the counts and knows all names. Nothing else reads them and nothing is decided by them. Any
// thread; a branch that is taken for each record or batch is none for a mark.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace millrace {

class Mark {
 public:
  explicit Mark(const char* name);  // lives for ever
  void hit() { hits_.fetch_add(1, std::memory_order_relaxed); }
  const char* name() const { return name_; }
  std::uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }

 private:
  friend std::map<std::string, std::uint64_t> all_marks();
  const char* name_;
  std::atomic<std::uint64_t> hits_{0};
  Mark* next_ = nullptr;
};

// Those that were hit, by name.
std::map<std::string, std::uint64_t> all_marks();

}  // namespace millrace

#define MILLRACE_MARK(name)                   \
  do {                                        \
    static ::millrace::Mark mark_here(#name); \
    mark_here.hit();                          \
  } while (false)
