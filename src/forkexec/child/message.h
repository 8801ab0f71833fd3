// A message on a socket, and descriptors in it (sendmsg(2), unix(7)): libc's <sys/socket.h> is out of bounds here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pivotbox::child {

inline constexpr int kSolSocket = 1, kScmRights = 1;
inline constexpr unsigned kMsgNosignal = 0x4000, kMsgCmsgCloexec = 0x40000000;

/// The most descriptors that go with one message (SCM_MAX_FD).
inline constexpr std::uint16_t kMostInMessage = 253;

/// The kernel's iovec.
struct Vector {
  void* base;
  std::size_t size;
};

/// The kernel's user_msghdr.
struct Message {
  void* name = nullptr;
  int name_length = 0;
  Vector* vectors = nullptr;
  std::size_t count = 0;
  void* control = nullptr;
  std::size_t control_length = 0;
  unsigned flags = 0;
};

/// The kernel's cmsghdr with what follows it; `length` counts no padding.
template <std::uint16_t Most>
struct Rights {
  std::size_t length;
  int level;
  int type;
  std::int32_t descriptors[Most];

  static constexpr std::size_t length_of(std::uint16_t count) {
    return offsetof(Rights, descriptors) + count * sizeof(std::int32_t);
  }
};

}  // namespace pivotbox::child
