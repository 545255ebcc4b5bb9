// One example of every message that actors send from one process to another.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/actors/host_interfaces.hpp"
#include "worker/training/message_codec.hpp"
#include "worker/training/parameter_payload.hpp"

namespace millrace::test {

// A job of two replicas and two shards over three splits, with every optional part filled in.
JobPackagePtr example_package();
order::StartAttempt example_start();
RunningPart example_part_running();
WorkerOutline example_outline();
WorkerReport example_report(decltype(WorkerReport::what) what);
// A push and a view of two vectors with dense values, rows and everything else.
std::shared_ptr<ParameterPush> example_push();
std::shared_ptr<ParameterView> example_view();
Entry example_entry();
Entry example_rounded_entry();
Answer example_answer();
Chunk example_chunk();

struct GoldenFrame {
  std::string name;
  Bytes frame;  // as it is encoded now
  // Decodes a frame and encodes what it holds.
  std::function<Result<Bytes>(ByteView)> pass;
  // Equal messages have equal bytes in every version of the program. Not where a job file is in it,
  // which later versions print with more keys.
  bool is_canonical = true;
};
std::vector<GoldenFrame> golden_frames();

}  // namespace millrace::test
