// The messages that a job puts out, as they stand in their topics.
//
// Place: called by the training thread for each micro-batch; nothing is allocated per record but in
// the batch, which grows.
#pragma once

#include <span>
#include <string>

#include "common/config/job_spec.hpp"
#include "common/data/dictionary.hpp"
#include "common/data/micro_batch.hpp"
#include "common/data/quarantine.hpp"
#include "common/data/schema.hpp"
#include "worker/sinks/output_batch.hpp"

namespace millrace {

class PredictionMessages {
 public:
  PredictionMessages(const std::string& job, Task task, std::uint32_t outputs);

  // One message for each row: its key is "<split>:<offset>", its value an object of JSON.
  // predictions [rows, outputs], as a Model gives them.
  void add(const MicroBatch& batch, std::span<const float> predictions,
           const Dictionary& dictionary, OutputBatch& into);

 private:
  void put_class(std::uint32_t id);
  void put_classes(const float* output, float label);

  const Task task_;
  const std::uint32_t outputs_;
  std::string head_;                  // what every value begins with
  std::vector<std::string> classes_;  // by id, as JSON; as many as the dictionary is known to have
  std::string key_, value_;           // reused
};

// The message as it was, and in headers where it stood and what was wrong with it.
void add_dead_letter(const DeadLetter& letter, const std::string& job, const std::string& topic,
                     OutputBatch& into);

}  // namespace millrace
