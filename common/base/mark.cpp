#include "common/base/mark.hpp"

namespace millrace {

namespace {

// A list that is only ever added to.
std::atomic<Mark*> first_mark{nullptr};

}  // namespace

Mark::Mark(const char* name) : name_(name) {
  next_ = first_mark.load();
  while (!first_mark.compare_exchange_weak(next_, this)) {
  }
}

std::map<std::string, std::uint64_t> all_marks() {
  std::map<std::string, std::uint64_t> marks;
  for (const Mark* mark = first_mark.load(); mark != nullptr; mark = mark->next_) {
    marks[mark->name()] += mark->hits();
  }
  return marks;
}

}  // namespace millrace
