#include "worker/sources/zeromq_splits.hpp"

#include "common/net/socket.hpp"

namespace millrace {
namespace {

constexpr std::uint32_t kPortMax = 65'535;

// Held until all are chosen, so that no port is chosen twice.
Result<std::vector<std::uint16_t>> find_free_ports(std::uint32_t count) {
  net::Context context;
  std::vector<net::Socket> held;
  std::vector<std::uint16_t> ports;
  for (std::uint32_t i = 0; i < count; ++i) {
    MILLRACE_ASSIGN(auto socket,
                    net::Socket::bind(context, net::SocketKind::router, net::Endpoint{}));
    ports.push_back(socket.endpoint().port);
    held.push_back(std::move(socket));
  }
  return ports;
}

}  // namespace

Result<std::vector<SplitDescription>> plan_zeromq_splits(const ZeroMqSpec& zeromq,
                                                         std::uint32_t parallelism) {
  MILLRACE_ASSIGN(net::Endpoint endpoint, net::Endpoint::parse(zeromq.bind));
  std::vector<std::uint16_t> ports;
  if (endpoint.port == 0) {
    MILLRACE_ASSIGN(ports, find_free_ports(parallelism));
  } else if (endpoint.port + parallelism - 1 > kPortMax) {
    return Status(Code::invalid_argument,
                  "source.zeromq.bind: " + std::to_string(parallelism) +
                      " replicas listen at consecutive ports, and there are fewer behind " +
                      zeromq.bind,
                  "choose a lower port");
  }
  std::vector<SplitDescription> splits;
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    SplitDescription split;
    split.id = SplitId(i);
    net::Endpoint own = endpoint;
    own.port = ports.empty() ? static_cast<std::uint16_t>(endpoint.port + i) : ports[i];
    split.path = own.text();
    split.end = kUnknownEnd;
    splits.push_back(std::move(split));
  }
  return splits;
}

SourceSpec sample_of(const SourceSpec& source) {
  SourceSpec sample = source;
  sample.kind = SourceKind::file;
  sample.path = source.zeromq.sample;
  sample.csv.header = true;
  return sample;
}

}  // namespace millrace
