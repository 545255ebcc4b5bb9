#include "coordinator/cli/wait_condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "common/config/nearest.hpp"

namespace millrace::cli {
namespace {

using control::JobStatus;

struct Number {
  const char* name;
  double (*of)(const JobStatus&);
};
constexpr std::array kNumbers = {
    Number{"lag", [](const JobStatus& s) { return static_cast<double>(s.lag); }},
    Number{"records", [](const JobStatus& s) { return static_cast<double>(s.records); }},
    Number{"quarantined", [](const JobStatus& s) { return static_cast<double>(s.quarantined); }},
    Number{"version", [](const JobStatus& s) { return static_cast<double>(s.version); }},
    Number{"checkpoints",
           [](const JobStatus& s) { return static_cast<double>(s.checkpoints_completed); }},
    Number{"restarts", [](const JobStatus& s) { return static_cast<double>(s.restarts); }},
    Number{"workers", [](const JobStatus& s) { return static_cast<double>(s.workers.size()); }}};

struct Metric {
  const char* name;
  std::optional<double> MetricsReport::*member;
};
constexpr std::array kMetrics = {Metric{"accuracy", &MetricsReport::accuracy},
                                 Metric{"log_loss", &MetricsReport::log_loss},
                                 Metric{"precision", &MetricsReport::precision},
                                 Metric{"recall", &MetricsReport::recall},
                                 Metric{"f1", &MetricsReport::f1},
                                 Metric{"kappa", &MetricsReport::kappa},
                                 Metric{"kappa_temporal", &MetricsReport::kappa_temporal},
                                 Metric{"auc", &MetricsReport::auc},
                                 Metric{"mae", &MetricsReport::mae},
                                 Metric{"rmse", &MetricsReport::rmse},
                                 Metric{"r2", &MetricsReport::r2}};

template <typename List>
std::vector<std::string> names_in(const List& list) {
  std::vector<std::string> names;
  for (const auto& entry : list) names.emplace_back(entry.name);
  return names;
}

template <typename List>
const auto* find_in(const List& list, std::string_view name) {
  const auto* const found =
      std::ranges::find_if(list, [&](const auto& entry) { return name == entry.name; });
  return found == list.end() ? nullptr : found;
}

std::optional<double> metric_of(const JobStatus& status, std::string_view name) {
  const auto member = find_in(kMetrics, name)->member;
  const auto& window = status.evaluation.window.*member;
  return window ? window : status.evaluation.prequential.*member;
}

std::optional<double> value_of(const WaitCondition& condition, const JobStatus& status) {
  if (condition.kind == WaitCondition::Kind::metric) return metric_of(status, condition.name);
  return find_in(kNumbers, condition.name)->of(status);
}

Status wrong(std::string_view text, const std::string& why, const std::string& hint) {
  return {Code::invalid_argument, fmt::format("--for {}: {}", text, why), hint};
}

constexpr const char* kExamples =
    "for example state=running, lag.below=1000 or metric.auc.above=0.8";

Result<WaitCondition> parse_state(WaitCondition condition, std::string_view word) {
  const auto state = control::parse_job_state(word);
  if (!state || *state == control::JobState::unknown) {
    std::vector<std::string> known;
    for (auto at = 1; at <= static_cast<int>(control::JobState::cancelled); ++at)
      known.emplace_back(control::to_string(static_cast<control::JobState>(at)));
    return wrong(condition.text, fmt::format("'{}' is no state of a job", word),
                 suggestion(word, known));
  }
  condition.state = *state;
  return condition;
}

Result<WaitCondition> parse_condition(std::string_view text) {
  WaitCondition condition;
  condition.text = text;
  const auto equals = text.find('=');
  if (equals == text.npos) return wrong(text, "there is no '='", kExamples);
  auto left = text.substr(0, equals);
  const auto right = text.substr(equals + 1);
  if (left == "state") return parse_state(std::move(condition), right);
  const auto dot = left.rfind('.');
  const auto sense = dot == left.npos ? std::string_view() : left.substr(dot + 1);
  if (sense != "above" && sense != "below")
    return wrong(text, "it says neither `above` nor `below`", kExamples);
  condition.sense = sense == "above" ? WaitCondition::Sense::above : WaitCondition::Sense::below;
  left = left.substr(0, dot);
  const bool is_metric = left.starts_with("metric.");
  condition.kind = is_metric ? WaitCondition::Kind::metric : WaitCondition::Kind::number;
  condition.name = is_metric ? left.substr(7) : left;
  if (is_metric && find_in(kMetrics, condition.name) == nullptr)
    return wrong(text, "there is no metric '" + condition.name + "'",
                 suggestion(condition.name, names_in(kMetrics)));
  if (!is_metric && find_in(kNumbers, condition.name) == nullptr)
    return wrong(text, "a job has no number '" + condition.name + "'",
                 suggestion(condition.name, names_in(kNumbers)));
  const auto [end, error] =
      std::from_chars(right.data(), right.data() + right.size(), condition.bound);
  if (error != std::errc() || end != right.data() + right.size() || !std::isfinite(condition.bound))
    return wrong(text, fmt::format("'{}' is no number", right), kExamples);
  return condition;
}

}  // namespace

bool WaitCondition::holds(const JobStatus& status) const {
  if (kind == Kind::state) return status.state == state;
  const auto value = value_of(*this, status);
  if (!value) return false;
  return sense == Sense::above ? *value > bound : *value < bound;
}

std::string WaitCondition::present(const JobStatus& status) const {
  if (kind == Kind::state) return fmt::format("the job is {}", control::to_string(status.state));
  const auto value = value_of(*this, status);
  return value ? fmt::format("{} is {:.6g}", name, *value) : name + " is not known yet";
}

Result<std::vector<WaitCondition>> parse_conditions(std::string_view text) {
  std::vector<WaitCondition> conditions;
  while (true) {
    const auto comma = text.find(',');
    auto one = text.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    MILLRACE_ASSIGN(auto condition, parse_condition(one));
    conditions.push_back(std::move(condition));
    if (comma == text.npos) return conditions;
    text.remove_prefix(comma + 1);
  }
}

bool is_out_of_reach(const std::vector<WaitCondition>& conditions, const JobStatus& status) {
  return control::is_ended(status.state) &&
         !std::ranges::all_of(conditions, [&](const auto& c) { return c.holds(status); });
}

}  // namespace millrace::cli
