#include "linux/dbus.h"

#include <poll.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "linux/file.h"

namespace pivotbox::linux_ {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestLine = 512;

/// Never negative.
std::chrono::milliseconds until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return std::max(left, std::chrono::milliseconds::zero());
}

Error broken(std::string action, int code) {
  return {.kind = Error::Kind::system, .action = std::move(action), .code = code};
}

/// "%2f" is "/".
std::optional<std::string> unescaped(std::string_view text) {
  const auto digit = [](char c) {
    const std::string_view digits = "0123456789abcdef";
    return digits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c));
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::size_t high = digit(text[i + 1]);
    const std::size_t low = digit(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

/// Of "path=/a,guid=b".
std::optional<std::string> value_of(std::string_view options, std::string_view key) {
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find(','));
    options.remove_prefix(std::min(option.size() + 1, options.size()));
    if (option.starts_with(key) && option.substr(key.size()).starts_with('='))
      return unescaped(option.substr(key.size() + 1));
  }
  return std::nullopt;
}

/// `name` as the kernel has it: a path, or after a null byte an abstract name.
std::optional<UnixAddress> unix_address(std::string_view name) {
  UnixAddress made;
  made.address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof made.address.sun_path) return std::nullopt;
  std::memcpy(made.address.sun_path, name.data(), name.size());
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return made;
}

}  // namespace

std::optional<UnixAddress> parse_dbus_address(std::string_view list) {
  while (!list.empty()) {
    std::string_view one = list.substr(0, list.find(';'));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    if (!one.starts_with("unix:")) continue;
    one.remove_prefix(std::strlen("unix:"));
    if (const std::optional<std::string> path = value_of(one, "path")) return unix_address(*path);
    if (const std::optional<std::string> name = value_of(one, "abstract")) return unix_address('\0' + *name);
  }
  return std::nullopt;
}

Result<Dbus> Dbus::connect(const UnixAddress& address, Clock::time_point deadline) {
  Fd socket = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(system_error("make a socket for D-Bus", "socket"));
  // Bounds connect(2) to a full queue too. A time of 0 would be no bound.
  const auto left = std::max(until(deadline), std::chrono::milliseconds(1));
  const timeval longest{.tv_sec = left.count() / 1000, .tv_usec = left.count() % 1000 * 1000};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest) != 0)
    return std::unexpected(system_error("bound the time for D-Bus", "setsockopt"));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) != 0)
    return std::unexpected(system_error("connect to D-Bus", "connect"));
  Dbus bus(std::move(socket), deadline);
  if (Result<> r = bus.authenticate(); !r) return std::unexpected(std::move(r.error()));
  const Result<DbusMessage> greeted = bus.call({.destination = "org.freedesktop.DBus",
                                                .path = "/org/freedesktop/DBus",
                                                .interface = "org.freedesktop.DBus",
                                                .member = "Hello"});
  if (!greeted) return std::unexpected(greeted.error());
  return bus;
}

/// The kernel tells the bus who we are (SO_PEERCRED), so no id is named: it would be wrong in a user namespace.
Result<> Dbus::authenticate() {
  using namespace std::string_view_literals;
  if (Result<> r = send("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"sv); !r) return r;
  for (;;) {
    std::size_t end = unread_.find("\r\n");
    while (end == std::string::npos && unread_.size() < kLongestLine) {
      if (Result<> r = receive(unread_.size() + 1); !r) return r;
      end = unread_.find("\r\n");
    }
    const std::string line = unread_.substr(0, end);
    if (end != std::string::npos) unread_.erase(0, end + 2);
    if (line.starts_with("OK ")) return {};
    if (line != "DATA") return std::unexpected(broken("be let in by D-Bus: \"" + line + "\"", EACCES));
  }
}

Result<> Dbus::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return std::unexpected(broken("wait for D-Bus", ETIMEDOUT));
    if (sent < 0) return std::unexpected(system_error("write to D-Bus", "send"));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<> Dbus::receive(std::size_t size) {
  std::array<char, 4096> block;
  while (unread_.size() < size) {
    const std::chrono::milliseconds left = until(deadline_);
    if (left.count() == 0) return std::unexpected(broken("wait for D-Bus", ETIMEDOUT));
    pollfd watched{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return std::unexpected(system_error("wait for D-Bus", "poll"));
    if (ready <= 0) continue;
    const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return std::unexpected(system_error("read from D-Bus", "recv"));
    if (got == 0) return std::unexpected(broken("read from D-Bus", ECONNRESET));
    unread_.append(block.data(), static_cast<std::size_t>(got));
  }
  return {};
}

Result<DbusMessage> Dbus::receive_message() {
  if (Result<> r = receive(kDbusPrefixSize); !r) return std::unexpected(std::move(r.error()));
  const std::optional<std::size_t> size = dbus_message_size(unread_);
  if (!size) return std::unexpected(broken("read from D-Bus", EBADMSG));
  if (Result<> r = receive(*size); !r) return std::unexpected(std::move(r.error()));
  std::optional<DbusMessage> message = parse_dbus_message(std::string_view(unread_).substr(0, *size));
  unread_.erase(0, *size);
  if (!message) return std::unexpected(broken("read from D-Bus", EBADMSG));
  return std::move(*message);
}

Result<DbusMessage> Dbus::call(DbusMessage call) {
  call.serial = ++last_serial_;
  if (Result<> r = send(serialize(call)); !r) return std::unexpected(std::move(r.error()));
  for (;;) {
    Result<DbusMessage> message = receive_message();
    if (!message) {
      message.error().action = call.member + " by D-Bus: " + message.error().action;
      return message;
    }
    if (message->type == DbusMessage::Type::signal) {
      signals_.push_back(std::move(*message));
      continue;
    }
    if (message->reply_serial != call.serial) continue;
    if (message->type == DbusMessage::Type::method_return) return message;
    const std::string words = message->signature.starts_with('s') ? DbusReader(message->body).string() : "";
    return std::unexpected(broken(call.member + " by D-Bus: " + message->error_name + ": " + words, 0));
  }
}

Result<DbusMessage> Dbus::next_signal() {
  while (signals_.empty()) {
    Result<DbusMessage> message = receive_message();
    if (!message) return message;
    if (message->type == DbusMessage::Type::signal) signals_.push_back(std::move(*message));
  }
  DbusMessage signal = std::move(signals_.front());
  signals_.pop_front();
  return signal;
}

}  // namespace pivotbox::linux_
