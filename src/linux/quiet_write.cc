#include "linux/quiet_write.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace pivotbox::linux_ {

ssize_t write_quietly(int descriptor, const void* data, std::size_t size, int signal) {
  sigset_t one;
  sigset_t before;
  sigset_t pending;
  ::sigemptyset(&one);
  ::sigaddset(&one, signal);
  ::sigpending(&pending);
  ::pthread_sigmask(SIG_BLOCK, &one, &before);
  const ssize_t written = ::write(descriptor, data, size);
  const int code = errno;
  if (written < 0 && ::sigismember(&pending, signal) == 0) {
    const timespec at_once{};
    while (::sigtimedwait(&one, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return written;
}

bool write_all_quietly(int descriptor, const char* data, std::size_t size, int signal) {
  while (size > 0) {
    const ssize_t written = write_quietly(descriptor, data, size, signal);
    if (written < 0 && errno != EINTR) return false;
    data += written < 0 ? 0 : written;
    size -= written < 0 ? 0 : static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace pivotbox::linux_
