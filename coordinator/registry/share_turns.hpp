// When a job's model is shared with the workers: one sharing at a time, and another after it for
// whoever wished for one meanwhile.
//
// Place: the coordinator has one for each job. A sharing reads the registry, writes the store and
// ends with an order to serve; it takes as long as the store does. Pure.
//
// Invariant: each sharing reads the registry after the one before it has ended, so that the last
// order is of the newest state; and after the last change of the registry one that succeeds follows
// as long as `retry` is called.
#pragma once

namespace millrace {

class ShareTurns {
 public:
  // True: begin one now. False: one is under way, which another will follow.
  bool want() {
    is_wanted_ = is_busy_;
    is_owed_ = false;
    return begin();
  }

  // The one under way has ended. True: begin another.
  bool ended(bool is_ok) {
    is_busy_ = false;
    is_owed_ = is_owed_ || !is_ok;
    return is_wanted_ && want();
  }

  // A worker could not load what it was ordered to serve.
  void loading_failed() { is_owed_ = true; }

  // Now and then: true when something failed since the last one began, and another is to begin.
  bool retry() { return is_owed_ && want(); }

 private:
  bool begin() {
    const bool begins = !is_busy_;
    is_busy_ = true;
    return begins;
  }

  bool is_busy_ = false;
  bool is_wanted_ = false;  // by someone, since the one under way began
  bool is_owed_ = false;    // it failed, or a worker did
};

}  // namespace millrace
