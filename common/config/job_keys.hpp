// The table of every key that a job file may hold: the one place that validation, `docs job-file`,
// the JSON Schema, printing and the comparison of two jobs are driven by.
//
// Place: private to common/config. A key is read and written through a JobValue, so that the code
// around the table knows eight value types and no field of JobSpec. Immutable after first use;
// thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/job_spec.hpp"

namespace millrace {

// Empty: the key is absent and something else decides. Durations are milliseconds.
using JobValue =
    std::variant<std::monostate, bool, std::uint64_t, double, std::string, std::vector<std::string>,
                 std::vector<std::uint64_t>, std::vector<double>, Properties>;

enum class KeyType {
  text,
  character,
  choice,
  boolean,
  integer,
  number,
  duration,
  text_list,
  integer_list,
  number_list,
  properties,  // settings of a library by name, some of them secrets
};

// Whether stored state still fits when the key changes.
enum class OnChange {
  state_is_lost,
  goes_on,
  rescales,  // it fits once it is shared out anew: on a cluster, not in an embedded run
};

// What is true of a key whatever it belongs to.
struct KeyRules {
  std::string path;  // "optimizer.learning_rate"
  KeyType type = KeyType::text;
  std::string help;
  double minimum = -std::numeric_limits<double>::infinity();  // of every element of a list
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_is_open = false;  // the minimum itself is not allowed
  bool maximum_is_open = false;
  std::string unit;
  std::vector<std::string> choices;              // choice: in the order of the documentation
  std::vector<std::string> unsupported_choices;  // known words that this version cannot do
  std::string
      only_with;  // "optimizer.kind=nag|adam": elsewhere the key has no effect and is an error
  std::string default_note;  // what decides when the key, or its whole section, is absent
  bool is_required = false;
  bool is_headline = false;  // printed even when it has its default: it says what the section is
  OnChange on_change = OnChange::state_is_lost;
  int since = 1;  // the job-file version that brought it
};

template <typename Root>
struct Key : KeyRules {
  std::function<JobValue(const Root&)> get;
  std::function<void(Root&, const JobValue&)> set;
};

using JobKey = Key<JobSpec>;
using TransformKey = Key<TransformSpec>;  // path: "impute.strategy"

struct SectionHelp {
  std::string path;
  std::string help;
};

// A key that the documentation of the whole system knows and this version does not.
struct UnsupportedKey {
  std::string path;
  std::string
      neutral;  // the one value that asks for nothing and is therefore accepted; empty: none
};

const std::vector<JobKey>& job_keys();
const std::vector<TransformKey>& transform_keys();
const std::vector<SectionHelp>& job_sections();  // in the order of the documentation
const std::vector<UnsupportedKey>& unsupported_keys();

const JobKey* find_job_key(std::string_view path);
const TransformKey* find_transform_key(std::string_view path);
// True for "optimizer", "source.csv": keys begin with it and a dot.
bool is_job_section(std::string_view path);
// The names directly under a section ("" for the top), keys and sections alike.
std::vector<std::string> job_names_under(std::string_view section);

const std::vector<std::string>& transform_names();
TransformKind transform_kind(std::string_view name);  // precondition: one of transform_names()
const std::string& transform_name(TransformKind kind);

}  // namespace millrace
