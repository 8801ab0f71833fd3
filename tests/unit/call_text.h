// System calls in words, as strace(1) shows them: for traces that people compare.
#pragma once

#include <linux/capability.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "forkexec/child/operations.h"

namespace pivotbox::testing {

inline std::string hexadecimal(std::uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

inline std::string octal(std::uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0%llo", static_cast<unsigned long long>(value));
  return text.data();
}

inline std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : "\\" + octal(byte).substr(1);
  }
  return text + "\"";
}

using FlagNames = std::initializer_list<std::pair<std::uint64_t, std::string_view>>;

/// "A|B", with what has no name in hexadecimal.
inline std::string flags(std::uint64_t value, FlagNames names) {
  std::string text;
  for (const auto& [bits, name] : names) {
    if ((value & bits) != bits) continue;
    text += (text.empty() ? "" : "|") + std::string(name);
    value &= ~bits;
  }
  if (value != 0 || text.empty()) text += (text.empty() ? "" : "|") + (value == 0 ? "0" : hexadecimal(value));
  return text;
}

inline std::string open_flags(std::uint64_t value) {
  return flags(value, {{O_WRONLY, "O_WRONLY"},
                       {O_CREAT, "O_CREAT"},
                       {O_EXCL, "O_EXCL"},
                       {O_TRUNC, "O_TRUNC"},
                       {O_DIRECTORY, "O_DIRECTORY"},
                       {O_NOFOLLOW, "O_NOFOLLOW"},
                       {O_CLOEXEC, "O_CLOEXEC"},
                       {O_PATH, "O_PATH"}});
}

inline std::string path_flags(std::uint64_t value) {
  return flags(value, {{AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
                       {AT_REMOVEDIR, "AT_REMOVEDIR"},
                       {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
                       {AT_RECURSIVE, "AT_RECURSIVE"},
                       {OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC"},
                       {OPEN_TREE_CLONE, "OPEN_TREE_CLONE"}});
}

inline std::string mount_flags(std::uint64_t value) {
  using namespace child;
  return flags(value, {{kMsRdonly, "MS_RDONLY"},
                       {kMsNosuid, "MS_NOSUID"},
                       {kMsNodev, "MS_NODEV"},
                       {kMsRemount, "MS_REMOUNT"},
                       {kMsBind, "MS_BIND"},
                       {kMsRec, "MS_REC"},
                       {kMsPrivate, "MS_PRIVATE"}});
}

inline std::string attribute_flags(std::uint64_t value) {
  return flags(value, {{MOUNT_ATTR_RDONLY, "RDONLY"},
                       {MOUNT_ATTR_NOSUID, "NOSUID"},
                       {MOUNT_ATTR_NODEV, "NODEV"},
                       {MOUNT_ATTR_NOEXEC, "NOEXEC"}});
}

inline std::string move_flags(std::uint64_t value) {
  return flags(value, {{MOVE_MOUNT_F_EMPTY_PATH, "F_EMPTY_PATH"}, {MOVE_MOUNT_T_EMPTY_PATH, "T_EMPTY_PATH"}});
}

inline std::string umount_flags(std::uint64_t value) {
  return flags(value, {{child::kMntDetach, "MNT_DETACH"}, {child::kUmountNofollow, "UMOUNT_NOFOLLOW"}});
}

inline std::string close_range_flags(std::uint64_t value) { return flags(value, {{CLOSE_RANGE_CLOEXEC, "CLOEXEC"}}); }

inline std::string socket_flags(std::uint64_t value) {
  return flags(value, {{O_CLOEXEC, "SOCK_CLOEXEC"}, {child::kSockDgram, "SOCK_DGRAM"}});
}

inline std::string one_of(std::uint64_t value, FlagNames names) {
  for (const auto& [number, name] : names)
    if (number == value) return std::string(name);
  return std::to_string(value);
}

inline std::string prctl_option(std::uint64_t value) {
  return one_of(value, {{PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"},
                        {PR_SET_SECUREBITS, "PR_SET_SECUREBITS"},
                        {PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"},
                        {PR_CAPBSET_DROP, "PR_CAPBSET_DROP"},
                        {PR_CAP_AMBIENT, "PR_CAP_AMBIENT"}});
}

inline std::string fsconfig_command(std::uint64_t value) {
  return one_of(
      value,
      {{FSCONFIG_SET_FLAG, "SET_FLAG"}, {FSCONFIG_SET_STRING, "SET_STRING"}, {FSCONFIG_CMD_CREATE, "CMD_CREATE"}});
}

inline std::string fcntl_command(std::uint64_t value) {
  return one_of(value, {{F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"}, {F_SETFD, "F_SETFD"}});
}

inline std::string futex_operation(std::uint64_t value) {
  return one_of(value, {{FUTEX_WAIT, "FUTEX_WAIT"}, {FUTEX_WAKE, "FUTEX_WAKE"}});
}

inline std::string ioctl_request(std::uint64_t value) {
  return one_of(value, {{TIOCSCTTY, "TIOCSCTTY"}, {SIOCSIFFLAGS, "SIOCSIFFLAGS"}, {SIOCGSKNS, "SIOCGSKNS"}});
}

/// Arguments that point to something, as it is at the time of the call.
namespace pointee {

template <class T>
const T& at(long address) {
  return *reinterpret_cast<const T*>(address);
}

inline std::string string(long address) {
  return address == 0 ? "NULL" : quoted(reinterpret_cast<const char*>(address));
}

inline std::string strings(long address) {
  std::string text;
  for (auto* value = reinterpret_cast<const char* const*>(address); *value != nullptr; ++value)
    text += (text.empty() ? "" : ", ") + quoted(*value);
  return "[" + text + "]";
}

inline std::string how(long address) {
  const auto& how = at<open_how>(address);
  return "{" + open_flags(how.flags) + ", mode=" + octal(how.mode) + ", " +
         flags(how.resolve, {{RESOLVE_NO_MAGICLINKS, "NO_MAGICLINKS"},
                             {RESOLVE_NO_SYMLINKS, "NO_SYMLINKS"},
                             {RESOLVE_IN_ROOT, "IN_ROOT"}}) +
         "}";
}

inline std::string attributes(long address) {
  const auto& attributes = at<mount_attr>(address);
  return "{set=" + attribute_flags(attributes.attr_set) + ", clear=" + attribute_flags(attributes.attr_clr) +
         ", propagation=" + mount_flags(attributes.propagation) + "}";
}

inline std::string capabilities(long address) {
  const auto* data = reinterpret_cast<const __user_cap_data_struct*>(address);
  const auto joined = [](std::uint32_t low, std::uint32_t high) {
    return hexadecimal(low | static_cast<std::uint64_t>(high) << 32U);
  };
  return "{effective=" + joined(data[0].effective, data[1].effective) +
         ", permitted=" + joined(data[0].permitted, data[1].permitted) +
         ", inheritable=" + joined(data[0].inheritable, data[1].inheritable) + "}";
}

inline std::string ruleset(long address) {
  const auto& attributes = at<child::RulesetAttributes>(address);
  return "{files=" + hexadecimal(attributes.handled_files) + ", ports=" + hexadecimal(attributes.handled_ports) +
         ", scopes=" + hexadecimal(attributes.scopes) + "}";
}

inline std::string path_beneath(long address) {
  const child::PathBeneath rule = at<child::PathBeneath>(address);
  return "{" + hexadecimal(rule.access) + " beneath " + std::to_string(rule.parent) + "}";
}

inline std::string network_port(long address) {
  const auto& rule = at<child::NetworkPort>(address);
  return "{" + hexadecimal(rule.access) + " on port " + std::to_string(rule.port) + "}";
}

inline std::string limit(long address) {
  const auto* values = reinterpret_cast<const std::uint64_t*>(address);
  return "{" + std::to_string(values[0]) + ", " + std::to_string(values[1]) + "}";
}

inline std::string groups(long address, long count) {
  std::string text;
  for (long i = 0; i < count; ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(reinterpret_cast<const std::uint32_t*>(address)[i]);
  return "[" + text + "]";
}

inline std::string interface_flags(long address) {
  const auto& request = at<ifreq>(address);
  return "{" + quoted(request.ifr_name) + ", " +
         flags(static_cast<std::uint64_t>(request.ifr_flags), {{IFF_UP, "UP"}}) + "}";
}

/// The kernel's struct sigaction: handler, flags, restorer, mask.
inline std::string action(long address) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(address);
  const bool is_default = words[0] == 0 && words[1] == 0 && words[2] == 0 && words[3] == 0;
  return is_default ? "SIG_DFL" : "something else";
}

inline std::string polled(long address) {
  const auto& polled = at<pollfd>(address);
  return "{" + std::to_string(polled.fd) + ", " + (polled.events == POLLIN ? "POLLIN" : "something else") + "}";
}

inline std::string filter(long address) {
  const auto& program = at<sock_fprog>(address);
  return std::to_string(program.len) + " instructions, the first " + hexadecimal(program.filter[0].code) + " " +
         hexadecimal(program.filter[0].k);
}

inline std::string time(long address) {
  if (address == 0) return "NULL";
  const auto time = at<__kernel_timespec>(address);
  if (time.tv_nsec == 0) return std::to_string(time.tv_sec) + "s";
  return std::to_string(time.tv_sec * 1'000'000 + time.tv_nsec / 1000) + "us";
}

inline std::string turn(long address) {
  const std::uint64_t length = at<child::SchedulingAttributes>(address).runtime_ns;
  return length == child::kUsualTurn ? "usual" : std::to_string(length / 1000) + "us";
}

}  // namespace pointee

}  // namespace pivotbox::testing
