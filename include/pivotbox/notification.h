// System calls of a running box that its filter has stopped, and what is answered (seccomp_unotify(2)).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pivotbox/error.h"
#include "pivotbox/policy.h"

namespace pivotbox {

/// A call that waits for its answer. Valid while the handler it was given to runs.
struct SyscallNotification {
  pid_t pid = 0;          ///< of the calling thread, in the host's numbers
  int number = 0;         ///< of the system call
  std::string_view name;  ///< empty if this library does not know the number
  std::array<std::uint64_t, 6> arguments{};
  SyscallAction action;  ///< what the filter says: fail, kill or notify
  std::uint64_t id = 0;  ///< of this notification
  int listener = -1;     ///< descriptor of the filter's listener; the library's

  /// False once the caller was killed or interrupted: then what was read of it belongs to nobody, and `pid` may be
  /// another process. To be asked after everything that was looked up by `pid`.
  [[nodiscard]] bool is_live() const;
  /// Bytes of the caller's memory, as many as can be read up to the size of `bytes`, checked to be of this very caller.
  /// Other threads of the box can change them at any time: never decide by them what `SyscallResponse::proceed()` then
  /// lets the caller do.
  [[nodiscard]] Result<std::size_t> read_memory(std::uint64_t address, std::span<std::byte> bytes) const;
  /// "openat(-100, 0x55d0c0de2004, 0x241, 0644)": integers as the kernel takes them, pointers as addresses.
  [[nodiscard]] std::string text() const;
};

/// The answer to a SyscallNotification. Made by the functions of the same names, which say what each means.
struct SyscallResponse {
  /// What becomes of the call.
  enum class Kind : std::uint8_t {
    proceed,  ///< it is made
    fail,     ///< it fails with the errno `number`
    value,    ///< it returns `number` without being made
    add_fd,   ///< it returns a copy of the descriptor `number`
    kill,     ///< it is the end of the box
  };
  Kind kind = Kind::kill;
  std::int64_t number = 0;    ///< errno (1 to 4095), value, or descriptor of this process
  bool close_on_exec = true;  ///< of the descriptor that is added

  /// The call is made after all, as if there were no filter. Only for what is harmless whatever the arguments.
  static SyscallResponse proceed() { return {Kind::proceed}; }
  /// It is not made; the caller sees errno `code`, 1 to 4095.
  static SyscallResponse fail(int code) { return {Kind::fail, code}; }
  /// It is not made; the caller sees it return `value`.
  static SyscallResponse value(std::int64_t value) { return {Kind::value, value}; }
  /// It is not made; the caller gets a copy of `descriptor` and sees its number returned (SECCOMP_IOCTL_NOTIF_ADDFD).
  static SyscallResponse add_fd(int descriptor) { return {Kind::add_fd, descriptor}; }
  /// Everything in the box is killed, and the Outcome names the call.
  static SyscallResponse kill() { return {Kind::kill}; }
};

}  // namespace pivotbox
