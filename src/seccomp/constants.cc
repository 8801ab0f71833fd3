#include "seccomp/constants.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <utility>

namespace pivotbox::seccomp {

namespace {

struct Constant {
  std::string_view name;
  std::uint64_t value;
};

#define PIVOTBOX_CONSTANT(name) \
  Constant { #name, static_cast<std::uint64_t>(name) }

constexpr auto kConstants = std::to_array<Constant>({
    // clone, unshare
    PIVOTBOX_CONSTANT(CLONE_VM),
    PIVOTBOX_CONSTANT(CLONE_FS),
    PIVOTBOX_CONSTANT(CLONE_FILES),
    PIVOTBOX_CONSTANT(CLONE_SIGHAND),
    PIVOTBOX_CONSTANT(CLONE_PTRACE),
    PIVOTBOX_CONSTANT(CLONE_VFORK),
    PIVOTBOX_CONSTANT(CLONE_PARENT),
    PIVOTBOX_CONSTANT(CLONE_THREAD),
    PIVOTBOX_CONSTANT(CLONE_NEWNS),
    PIVOTBOX_CONSTANT(CLONE_NEWCGROUP),
    PIVOTBOX_CONSTANT(CLONE_NEWUTS),
    PIVOTBOX_CONSTANT(CLONE_NEWIPC),
    PIVOTBOX_CONSTANT(CLONE_NEWUSER),
    PIVOTBOX_CONSTANT(CLONE_NEWPID),
    PIVOTBOX_CONSTANT(CLONE_NEWNET),
    PIVOTBOX_CONSTANT(CLONE_NEWTIME),
    // socket
    PIVOTBOX_CONSTANT(AF_UNIX),
    PIVOTBOX_CONSTANT(AF_INET),
    PIVOTBOX_CONSTANT(AF_INET6),
    PIVOTBOX_CONSTANT(AF_NETLINK),
    PIVOTBOX_CONSTANT(AF_PACKET),
    PIVOTBOX_CONSTANT(AF_ALG),
    PIVOTBOX_CONSTANT(AF_VSOCK),
    PIVOTBOX_CONSTANT(AF_XDP),
    PIVOTBOX_CONSTANT(NETLINK_ROUTE),
    PIVOTBOX_CONSTANT(SOCK_STREAM),
    PIVOTBOX_CONSTANT(SOCK_DGRAM),
    PIVOTBOX_CONSTANT(SOCK_RAW),
    PIVOTBOX_CONSTANT(SOCK_SEQPACKET),
    Constant{"IPPROTO_SMC", 256},    // <linux/in.h> of Linux 6.11
    Constant{"IPPROTO_MPTCP", 262},  // <linux/in.h>
    PIVOTBOX_CONSTANT(MSG_FASTOPEN),
    PIVOTBOX_CONSTANT(SOCK_CLOEXEC),
    PIVOTBOX_CONSTANT(SOCK_NONBLOCK),
    // ioctl
    PIVOTBOX_CONSTANT(TCGETS),
    PIVOTBOX_CONSTANT(TIOCGWINSZ),
    PIVOTBOX_CONSTANT(TIOCSTI),
    PIVOTBOX_CONSTANT(TIOCLINUX),
    PIVOTBOX_CONSTANT(TIOCSETD),
    PIVOTBOX_CONSTANT(TIOCCONS),
    PIVOTBOX_CONSTANT(TIOCEXCL),
    PIVOTBOX_CONSTANT(TCXONC),
    PIVOTBOX_CONSTANT(TCOOFF),
    PIVOTBOX_CONSTANT(FIONREAD),
    PIVOTBOX_CONSTANT(FIONBIO),
    PIVOTBOX_CONSTANT(FIOCLEX),
    // open, chmod
    PIVOTBOX_CONSTANT(O_WRONLY),
    PIVOTBOX_CONSTANT(O_RDWR),
    PIVOTBOX_CONSTANT(O_ACCMODE),
    PIVOTBOX_CONSTANT(O_CREAT),
    PIVOTBOX_CONSTANT(O_TRUNC),
    PIVOTBOX_CONSTANT(O_APPEND),
    Constant{"O_TMPFILE", O_TMPFILE & ~O_DIRECTORY},  // the bit of its own: as a set it would hold O_DIRECTORY too
    PIVOTBOX_CONSTANT(S_ISUID),
    PIVOTBOX_CONSTANT(S_ISGID),
    PIVOTBOX_CONSTANT(S_ISVTX),
    // fcntl
    PIVOTBOX_CONSTANT(F_DUPFD),
    PIVOTBOX_CONSTANT(F_GETFD),
    PIVOTBOX_CONSTANT(F_SETFD),
    PIVOTBOX_CONSTANT(F_GETFL),
    PIVOTBOX_CONSTANT(F_SETFL),
    PIVOTBOX_CONSTANT(F_SETLEASE),
    PIVOTBOX_CONSTANT(F_DUPFD_CLOEXEC),
    PIVOTBOX_CONSTANT(F_ADD_SEALS),
    PIVOTBOX_CONSTANT(F_SETPIPE_SZ),
    // memory; <sys/mman.h> has the same
    Constant{"PROT_READ", 1},
    Constant{"PROT_WRITE", 2},
    Constant{"PROT_EXEC", 4},
    Constant{"MAP_SHARED", 1},
    Constant{"MAP_PRIVATE", 2},
    Constant{"MAP_ANONYMOUS", 0x20},
    // prctl, setpriority, personality, prlimit64
    PIVOTBOX_CONSTANT(PR_SET_NAME),
    PIVOTBOX_CONSTANT(PR_GET_NAME),
    PIVOTBOX_CONSTANT(PR_SET_PDEATHSIG),
    PIVOTBOX_CONSTANT(PR_SET_DUMPABLE),
    PIVOTBOX_CONSTANT(PR_SET_NO_NEW_PRIVS),
    PIVOTBOX_CONSTANT(PR_SET_SECCOMP),
    PIVOTBOX_CONSTANT(PR_SET_VMA),
    PIVOTBOX_CONSTANT(PR_CAPBSET_READ),
    PIVOTBOX_CONSTANT(PRIO_USER),
    PIVOTBOX_CONSTANT(PER_LINUX),
    PIVOTBOX_CONSTANT(PER_LINUX32),
    PIVOTBOX_CONSTANT(UNAME26),
    PIVOTBOX_CONSTANT(ADDR_NO_RANDOMIZE),
    PIVOTBOX_CONSTANT(READ_IMPLIES_EXEC),
    PIVOTBOX_CONSTANT(RLIMIT_AS),
    PIVOTBOX_CONSTANT(RLIMIT_CORE),
    PIVOTBOX_CONSTANT(RLIMIT_CPU),
    PIVOTBOX_CONSTANT(RLIMIT_NOFILE),
    PIVOTBOX_CONSTANT(RLIMIT_NPROC),
    PIVOTBOX_CONSTANT(RLIMIT_STACK),
});

#undef PIVOTBOX_CONSTANT

constexpr int kHighestError = 133;  // EHWPOISON

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_previous;
  std::vector<std::size_t> previous(to.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);  // NOLINT(modernize-use-ranges): not in libstdc++ 12
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::vector<std::size_t> current(to.size() + 1, i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
    }
    before_previous = std::exchange(previous, std::move(current));
  }
  return previous.back();
}

}  // namespace

std::optional<std::uint64_t> constant_value(std::string_view name) {
  const auto* found = std::ranges::find(kConstants, name, &Constant::name);
  if (found == kConstants.end()) return std::nullopt;
  return found->value;
}

std::vector<std::string_view> constant_names() {
  std::vector<std::string_view> names;
  for (const Constant& constant : kConstants) names.push_back(constant.name);
  return names;
}

std::optional<int> error_code(std::string_view name) {
  for (int code = 1; code <= kHighestError; ++code)
    if (const char* known = strerrorname_np(code); known != nullptr && name == known) return code;
  return std::nullopt;
}

std::string error_name(int code) {
  const char* name = strerrorname_np(code);
  return name != nullptr ? name : std::to_string(code);
}

std::vector<std::string_view> error_names() {
  std::vector<std::string_view> names;
  for (int code = 1; code <= kHighestError; ++code)
    if (const char* name = strerrorname_np(code); name != nullptr) names.emplace_back(name);
  return names;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names) {
  constexpr std::size_t kLongestWord = 64;  // nothing longer is a slip of the finger
  if (word.size() > kLongestWord) return {};
  // A slip or two of the finger, not half of another word.
  std::size_t best = std::max<std::size_t>(word.size() / 4, 1) + 1;
  std::string_view closest;
  for (const std::string_view name : names)
    if (const std::size_t found = distance(word, name); found < best) {
      best = found;
      closest = name;
    }
  return closest;
}

}  // namespace pivotbox::seccomp
