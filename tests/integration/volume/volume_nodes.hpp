// A coordinator's volume and a worker that reaches it, in actor systems of their own over loopback.
#pragma once

#include <boost/test/unit_test.hpp>

#include "common/actors/cluster_system.hpp"
#include "common/store/checkpoint_store.hpp"
#include "coordinator/actors/volume_actor.hpp"
#include "worker/actors/remote_store.hpp"

namespace millrace::test {

inline std::unique_ptr<ClusterSystem> start_node() {
  auto system =
      ClusterSystem::start({.credentials = nullptr, .add_messages = add_control_messages});
  BOOST_REQUIRE_MESSAGE(system.is_ok(), system.status().message());
  return std::move(system).value();
}

// The half of the coordinator; another life of it goes on with the same folder.
class VolumeNode {
 public:
  explicit VolumeNode(VolumeOptions options, Disk& disk = posix_disk()) : system_(start_node()) {
    auto keeper = VolumeKeeper::open(std::move(options), disk);
    BOOST_REQUIRE_MESSAGE(keeper.is_ok(), keeper.status().message());
    volume_ = spawn_volume(system_->actors(), std::move(keeper).value());
    const auto port =
        system_->publish(caf::actor_cast<checkpoint_volume>(volume_), {"127.0.0.1", 0});
    BOOST_REQUIRE_MESSAGE(port.is_ok(), port.status().message());
    port_ = port.value();
  }
  ~VolumeNode() {
    caf::scoped_actor self(system_->actors());
    self->send_exit(volume_, caf::exit_reason::user_shutdown);
    self->wait_for(volume_);
    volume_ = nullptr;
  }
  std::uint16_t port() const { return port_; }
  void let_write(const std::string& job, std::set<caf::node_id> nodes) {
    caf::anon_send(volume_, VolumeWriters{job, std::move(nodes)});
  }

 private:
  std::unique_ptr<ClusterSystem> system_;
  volume_actor volume_;
  std::uint16_t port_ = 0;
};

class VolumeUser {
 public:
  explicit VolumeUser(VolumeLinkOptions options = {})
      : system_(start_node()),
        link_(std::make_shared<VolumeLink>(system_->actors(), options)),
        volume_(make_remote_volume(link_)) {}

  caf::node_id node() { return system_->actors().node(); }
  VolumeLink& link() { return *link_; }
  void connect(const VolumeNode& to) {
    auto found =
        system_->connect<checkpoint_volume>({"127.0.0.1", to.port()}, std::chrono::seconds(10));
    BOOST_REQUIRE_MESSAGE(found.is_ok(), found.status().message());
    link_->connect(found.value());
  }
  std::unique_ptr<CheckpointStore> open(const std::string& job) {
    return open_checkpoint_store("coordinator/" + job, {.volume = volume_}).value();
  }

 private:
  std::unique_ptr<ClusterSystem> system_;
  std::shared_ptr<VolumeLink> link_;
  std::shared_ptr<StoreVolume> volume_;
};

}  // namespace millrace::test
