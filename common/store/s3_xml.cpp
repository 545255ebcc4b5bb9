#include "common/store/s3_xml.hpp"

#include <cstring>
#include <pugixml.hpp>
#include <sstream>

#include "common/store/s3_limits.hpp"

namespace millrace {
namespace {

// No comments, no processing instructions, no document types: none is ever asked for.
constexpr unsigned kParsing = pugi::parse_escapes | pugi::parse_cdata;

// The root element of that name, or an empty node.
pugi::xml_node open(pugi::xml_document& document, std::string_view xml, const char* root) {
  if (xml.size() > limits::kS3AnswerBytesMax) return {};
  const auto parsed = document.load_buffer(xml.data(), xml.size(), kParsing, pugi::encoding_utf8);
  return parsed ? document.child(root) : pugi::xml_node();
}

Status not_s3(const char* wanted) {
  return {Code::io_error, std::string("the answer is no ") + wanted + " of S3",
          "check that the endpoint is the object store itself"};
}

// Whether another page follows; nothing when the answer does not say.
std::optional<bool> is_truncated(pugi::xml_node root) {
  const std::string_view text = root.child_value("IsTruncated");
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace

S3Error parse_s3_error(std::string_view xml) {
  pugi::xml_document document;
  const auto root = open(document, xml, "Error");
  return {root.child_value("Code"), root.child_value("Message")};
}

Result<S3Page> parse_s3_page(std::string_view xml) {
  pugi::xml_document document;
  const auto root = open(document, xml, "ListBucketResult");
  const auto has_more = is_truncated(root);
  if (!root || !has_more) return not_s3("listing");
  S3Page page;
  for (const auto entry : root.children("Contents")) {
    page.keys.emplace_back(entry.child_value("Key"));
  }
  if (!*has_more) return page;
  page.next = root.child_value("NextContinuationToken");
  if (page.next.empty()) return not_s3("listing that goes on");
  return page;
}

Result<S3UploadsPage> parse_s3_uploads(std::string_view xml) {
  pugi::xml_document document;
  const auto root = open(document, xml, "ListMultipartUploadsResult");
  const auto has_more = is_truncated(root);
  if (!root || !has_more) return not_s3("listing of uploads");
  S3UploadsPage page;
  for (const auto entry : root.children("Upload")) {
    page.uploads.push_back(
        {entry.child_value("Key"), entry.child_value("UploadId"), entry.child_value("Initiated")});
  }
  if (!*has_more) return page;
  page.next_key = root.child_value("NextKeyMarker");
  page.next_id = root.child_value("NextUploadIdMarker");
  if (page.next_key.empty()) return not_s3("listing of uploads that goes on");
  return page;
}

Result<std::string> parse_s3_upload_id(std::string_view xml) {
  pugi::xml_document document;
  std::string id = open(document, xml, "InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return not_s3("beginning of an upload");
  return id;
}

bool is_s3_completion(std::string_view xml) {
  pugi::xml_document document;
  return static_cast<bool>(open(document, xml, "CompleteMultipartUploadResult"));
}

std::string write_s3_completion(const std::vector<std::string>& etags) {
  pugi::xml_document document;
  auto root = document.append_child("CompleteMultipartUpload");
  for (std::size_t i = 0; i < etags.size(); ++i) {
    auto part = root.append_child("Part");
    part.append_child("PartNumber").text().set(static_cast<unsigned>(i + 1));
    part.append_child("ETag").text().set(etags[i].c_str());
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
  return text.str();
}

}  // namespace millrace
