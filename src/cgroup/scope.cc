#include "cgroup/scope.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/group_files.h"
#include "cgroup/layout.h"
#include "linux/dbus.h"
#include "linux/file.h"

namespace pivotbox::cgroup {

namespace {

using linux_::Dbus;
using linux_::DbusMessage;
using linux_::DbusReader;
using linux_::DbusWriter;

constexpr std::size_t kStructBoundary = 8;
constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

/// Not from the environment of a set-user-ID host, which is a stranger's.
std::string environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value == nullptr ? "" : value;
}

/// Where the bus of the caller's systemd is, as sd_bus_open_user(3) looks for it.
std::optional<linux_::UnixAddress> user_bus() {
  if (const std::string address = environment("DBUS_SESSION_BUS_ADDRESS"); !address.empty())
    return linux_::parse_dbus_address(address);
  std::string directory = environment("XDG_RUNTIME_DIR");
  if (directory.empty()) directory = "/run/user/" + std::to_string(::geteuid());
  if (::access((directory + "/bus").c_str(), F_OK) != 0) return std::nullopt;
  return linux_::parse_dbus_address("unix:path=" + directory + "/bus");
}

DbusMessage manager_call(std::string member) {
  return {
      .destination = kSystemd, .path = "/org/freedesktop/systemd1", .interface = kManager, .member = std::move(member)};
}

DbusMessage call_to_start(const std::string& scope) {
  DbusWriter body;
  const auto add_text = [&](std::string_view name, std::string_view value) {
    body.align(kStructBoundary);
    body.add_string(name);
    body.add_signature("s");
    body.add_string(value);
  };
  body.add_string(scope);
  body.add_string("fail");  // rather than replace another job
  body.add_array(kStructBoundary, [&] {
    add_text("Description", "Boxes of pivotbox");
    add_text("CollectMode", "inactive-or-failed");
    body.align(kStructBoundary);
    body.add_string("Delegate");
    body.add_signature("b");
    body.add_number(1);
    body.align(kStructBoundary);
    body.add_string("PIDs");
    body.add_signature("au");
    // 0 is whoever asks: systemd may know the caller by another pid.
    body.add_array(sizeof(std::uint32_t), [&] { body.add_number(0); });
  });
  body.add_array(kStructBoundary, [] {});  // no further units
  DbusMessage call = manager_call("StartTransientUnit");
  call.signature = "ssa(sv)a(sa(sv))";
  call.body = body.bytes();
  return call;
}

/// systemd has accepted the job; how it ended comes as a signal.
Result<> await_scope(Dbus& bus, const std::string& scope) {
  for (;;) {
    const Result<DbusMessage> signal = bus.next_signal();
    if (!signal) return std::unexpected(signal.error());
    if (signal->member != "JobRemoved" || signal->signature != "uoss") continue;
    DbusReader body(signal->body);
    static_cast<void>(body.number());  // the job's number and path
    static_cast<void>(body.string());
    if (body.string() != scope) continue;
    const std::string result = body.string();
    if (result == "done") return {};
    return std::unexpected(
        Error{.kind = Error::Kind::system, .action = "start " + scope + ": systemd's job ended as \"" + result + "\""});
  }
}

Result<> start_scope(const std::string& scope, std::chrono::seconds patience) {
  const std::optional<linux_::UnixAddress> address = user_bus();
  if (!address)
    return std::unexpected(Error{.kind = Error::Kind::unsupported, .action = "there is no bus of the user's systemd"});
  Result<Dbus> bus = Dbus::connect(*address, std::chrono::steady_clock::now() + patience);
  if (!bus) return std::unexpected(std::move(bus.error()));
  DbusWriter rule;
  rule.add_string("type='signal',sender='" + std::string(kSystemd) + "',interface='" + kManager +
                  "',member='JobRemoved'");
  const Result<DbusMessage> matched = bus->call({.destination = "org.freedesktop.DBus",
                                                 .path = "/org/freedesktop/DBus",
                                                 .interface = "org.freedesktop.DBus",
                                                 .member = "AddMatch",
                                                 .signature = "s",
                                                 .body = rule.bytes()});
  if (!matched) return std::unexpected(matched.error());
  for (const DbusMessage& call : {manager_call("Subscribe"), call_to_start(scope)})
    if (const Result<DbusMessage> answer = bus->call(call); !answer) return std::unexpected(answer.error());
  return await_scope(*bus, scope);
}

/// The group of version 2 that the caller is in.
Result<std::string> own_directory() {
  const Result<std::vector<Hierarchy>> hierarchies = find_hierarchies();
  if (!hierarchies) return std::unexpected(hierarchies.error());
  const auto found = std::ranges::find(*hierarchies, Version::v2, &Hierarchy::version);
  return found == hierarchies->end() ? "" : found->own_directory();
}

/// A group that holds processes may not hand on controllers.
Result<> make_room(int scope) {
  const std::string leaf(kScopeLeafName);
  if (::mkdirat(scope, leaf.c_str(), 0755) != 0)
    return std::unexpected(linux_::system_error("make the control group " + leaf, "mkdirat"));
  const auto failed = [](std::string action, int code) {
    return std::unexpected(
        Error{.kind = Error::Kind::system, .action = std::move(action), .syscall = "write", .code = code});
  };
  if (const int code = write_in(scope, leaf + "/cgroup.procs", "0"); code != 0)
    return failed("move the caller to " + leaf, code);
  for (const Controller one : parse_controllers(text_in(scope, "cgroup.controllers"))) {
    const std::string name(name_of(one, Version::v2));
    if (const int code = write_in(scope, "cgroup.subtree_control", "+" + name); code != 0)
      return failed("hand on the cgroup controller " + name, code);
  }
  return {};
}

}  // namespace

bool has_user_bus() { return user_bus().has_value(); }

Result<> enter_scope(std::chrono::seconds patience) {
  std::uint32_t number = 0;  // drawn: a scope of that pid may be there, of another pid namespace
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    return std::unexpected(linux_::system_error("name a scope", "getrandom"));
  const std::string scope = std::string(kPrefix) + std::to_string(::getpid()) + "-" + std::to_string(number) + ".scope";
  if (Result<> r = start_scope(scope, patience); !r) return r;
  const Result<std::string> own = own_directory();
  if (!own) return std::unexpected(own.error());
  if (!own->ends_with("/" + scope))
    return std::unexpected(
        Error{.kind = Error::Kind::system, .action = "systemd has made " + scope + ", but the caller is in " + *own});
  const Result<Fd> directory = open_directory(AT_FDCWD, *own);
  return directory ? make_room(directory->get()) : std::unexpected(directory.error());
}

}  // namespace pivotbox::cgroup
