#include "common/base/limits.hpp"
#include "common/config/job_key_access.hpp"
#include "common/config/job_keys.hpp"

namespace millrace {
namespace job_key_access {

template <>
const std::vector<std::string>& words<ImputeStrategy>() {
  static const std::vector<std::string> all = {"mean", "constant"};
  return all;
}

}  // namespace job_key_access

const std::vector<std::string>& transform_names() {
  static const std::vector<std::string> all = {"impute", "standardize", "one_hot", "hash"};
  return all;
}

TransformKind transform_kind(std::string_view name) {
  const auto& all = transform_names();
  const auto found = std::find(all.begin(), all.end(), name);
  MILLRACE_CHECK(found != all.end());
  return static_cast<TransformKind>(found - all.begin());
}

const std::string& transform_name(TransformKind kind) {
  return transform_names().at(static_cast<std::size_t>(kind));
}

const std::vector<TransformKey>& transform_keys() {
  static const std::vector<TransformKey> all = [] {
    using namespace job_key_access;
    const auto step = itself<TransformSpec>();
    std::vector<TransformKey> keys;
    for (const auto& name : transform_names()) {
      keys.push_back(
          key(name + ".fields", step, &TransformSpec::fields, "the fields it applies to"));
      keys.back().default_note = name == "impute" || name == "standardize" ? "every number"
                                 : name == "one_hot" ? "every category with a closed vocabulary"
                                                     : "every other category";
    }
    keys.push_back(
        key("impute.strategy", step, &TransformSpec::strategy, "what replaces a missing number"));
    keys.push_back(key("impute.value", step, &TransformSpec::value, "the constant"));
    keys.back().only_with = "impute.strategy=constant";
    keys.push_back(key("one_hot.max_categories", step, &TransformSpec::max_categories,
                       "values that get an input of their own; all later ones share `other`"));
    keys.back().minimum = 1;
    keys.back().maximum = limits::kCategoriesMax;
    keys.push_back(key("hash.bits", step, &TransformSpec::bits, "the table has 2^bits rows"));
    keys.back().minimum = 4;
    keys.back().maximum = 26;
    return keys;
  }();
  return all;
}

}  // namespace millrace
