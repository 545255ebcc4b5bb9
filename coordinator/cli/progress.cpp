#include "coordinator/cli/progress.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace millrace::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;  // faster than the eye, slower than a terminal
constexpr double kLineSeconds = 5.0;    // in a log file, where every line stays

nlohmann::ordered_json as_json(const ProgressEvent& event) {
  nlohmann::ordered_json object;
  object["event"] = event.kind;
  object["seconds"] = event.seconds;
  object["records"] = event.records;
  object["quarantined"] = event.quarantined;
  object["skipped"] = event.skipped;
  object["records_per_second"] = event.records_per_second;
  if (event.log_loss) object["log_loss"] = *event.log_loss;
  if (event.accuracy) object["accuracy"] = *event.accuracy;
  if (event.mae) object["mae"] = *event.mae;
  object["lag"] = event.lag;
  object["checkpoint"] = event.cut;
  if (!event.message.empty()) object["message"] = event.message;
  object["schema_version"] = 1;
  return object;
}

// The last word of a job on its figures, which is shown whatever the interval.
bool is_end(const ProgressEvent& event) {
  return event.kind == "finished" || event.kind == "stopped";
}

}  // namespace

std::string progress_line(const ProgressEvent& event) {
  auto line =
      fmt::format("{:6.1f} s  {} records  {}/s", event.seconds, grouped(event.records),
                  grouped(static_cast<std::uint64_t>(std::max(0.0, event.records_per_second))));
  if (event.log_loss) line += fmt::format("  log loss {:.4f}", *event.log_loss);
  if (event.accuracy) line += fmt::format("  accuracy {:.4f}", *event.accuracy);
  if (event.mae) line += fmt::format("  mae {:.4g}", *event.mae);
  if (event.lag != 0) line += "  lag " + grouped(event.lag);
  if (event.quarantined != 0) line += "  quarantined " + grouped(event.quarantined);
  if (event.cut != 0) line += fmt::format("  checkpoint {}", event.cut);
  return line;
}

void ProgressPrinter::on_event(const ProgressEvent& event) {
  cut_ = std::max(cut_, event.cut);
  output_.event(as_json(event));
  if (event.kind == "progress" || is_end(event)) return print_progress(event);
  if (event.message.empty()) return;
  // What repeats for as long as the job runs is shown by the progress line alone.
  if (event.kind == "checkpoint" || event.kind == "published") return;
  const Style style = event.kind == "warning" ? Style::bad : Style::dim;
  output_.note(output_.styled_error(style, event.kind + ": ") + one_line(event.message));
}

void ProgressPrinter::print_progress(const ProgressEvent& event) {
  ProgressEvent shown = event;
  shown.cut = cut_;
  const double interval = output_.is_live() ? kRedrawSeconds : kLineSeconds;
  if (!is_end(event) && event.seconds - drawn_at_ < interval) return;
  drawn_at_ = event.seconds;
  if (output_.is_live())
    output_.redraw(progress_line(shown));
  else
    output_.note(progress_line(shown));
}

}  // namespace millrace::cli
