// Where a verb writes: results on stdout, progress and errors on stderr, in the format that was
// asked for.
//
// Place: main makes one, every verb gets it. Colour and redrawn lines appear only on a terminal;
// NO_COLOR is respected. Under json, stdout carries JSON objects only, one per line, and errors are
// objects on stderr. Thread-safe: progress may come from another thread than the result.
#pragma once

#include <cstdio>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.hpp"

namespace millrace::cli {

enum class OutputFormat { table, json, yaml };

enum class Style { plain, bold, dim, good, bad };

class Output {
 public:
  explicit Output(std::FILE* out = stdout, std::FILE* err = stderr);

  void set_format(OutputFormat format) { format_ = format; }
  OutputFormat format() const { return format_; }
  bool is_table() const { return format_ == OutputFormat::table; }
  // True when a line on stderr may be drawn over.
  bool is_live() const { return is_live_ && is_table(); }

  // Text on stdout, as it is.
  void print(std::string_view text);
  // One document on stdout: a line of JSON, or a YAML document.
  void print_document(const nlohmann::ordered_json& document);
  // A line on stderr for people; left out under json.
  void note(std::string_view line);
  // A JSON object on a line of stderr, under json only.
  void event(const nlohmann::ordered_json& object);
  // Replaces the line that `redraw` left; live only.
  void redraw(std::string_view line);
  // Prints the error with its hint and gives the exit code.
  int fail(const Status& status);

  // For stdout, and for stderr.
  std::string styled(Style style, std::string_view text) const;
  std::string styled_error(Style style, std::string_view text) const;

 private:
  void end_redrawn_line();

  std::FILE* out_;
  std::FILE* err_;
  OutputFormat format_ = OutputFormat::table;
  bool has_colour_out_ = false;
  bool has_colour_err_ = false;
  bool is_live_ = false;
  std::mutex mutex_;
  bool has_redrawn_line_ = false;
};

// Exit codes of every verb; `millrace docs exit-codes` explains them.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitConflict = 4;
inline constexpr int kExitUnreachable = 5;
inline constexpr int kExitNotAllowed = 6;
inline constexpr int kExitTimedOut = 7;
inline constexpr int kExitInterrupted = 130;
int exit_code(Code code);

// Rows of cells in columns; those that hold nothing but numbers below their heading to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows,
                    std::string_view indent = "");

// The text with spaces for control characters: names, labels and records come from the data, and
// must neither break a line nor steer the terminal.
std::string one_line(std::string text);
// 45,312
std::string grouped(std::uint64_t number);
// "1 worker", "2 workers".
std::string counted(std::uint64_t number, const std::string& noun);
// 12.3 MB
std::string bytes_text(std::uint64_t bytes);

}  // namespace millrace::cli
