// A conversation with other programs by a bus of D-Bus.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "linux/dbus_message.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::linux_ {

struct UnixAddress {
  sockaddr_un address{};
  socklen_t size = 0;
};

/// The first address of a list of D-Bus's ("unix:path=/run/user/1000/bus,guid=...;...") that is a local socket.
[[nodiscard]] std::optional<UnixAddress> parse_dbus_address(std::string_view list);

/// One connection. Nothing waits longer than until the deadline given to connect(); what fails by it has ETIMEDOUT.
class Dbus {
 public:
  /// Connects and says hello to the bus.
  [[nodiscard]] static Result<Dbus> connect(const UnixAddress& address, std::chrono::steady_clock::time_point deadline);

  /// Sends a call and waits for its answer; an answer that is an error is an Error with the other side's words. Signals
  /// that come before it are kept.
  [[nodiscard]] Result<DbusMessage> call(DbusMessage call);
  /// The next signal that the connection has asked for (AddMatch).
  [[nodiscard]] Result<DbusMessage> next_signal();

 private:
  Dbus(Fd socket, std::chrono::steady_clock::time_point deadline) : socket_(std::move(socket)), deadline_(deadline) {}

  Result<> authenticate();
  Result<> send(std::string_view bytes);
  /// At least `size` bytes are in unread_ then.
  Result<> receive(std::size_t size);
  Result<DbusMessage> receive_message();

  Fd socket_;
  std::chrono::steady_clock::time_point deadline_;
  std::string unread_;
  std::deque<DbusMessage> signals_;
  std::uint32_t last_serial_ = 0;
};

}  // namespace pivotbox::linux_
