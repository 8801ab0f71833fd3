// A Kernel that does nothing: it writes down each call, gives a plausible answer, and can fail call n.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "call_text.h"
#include "forkexec/child/message.h"

namespace pivotbox::testing {

/// Where in a system call's arguments what is. One letter each:
/// d descriptor, n number, u 32 bits, o octal, x hexadecimal, s string, - left out; the rest see argument_text().
struct Signature {
  long number;
  const char* name;
  const char* arguments;
};

inline constexpr Signature kSignatures[] = {
    {__NR_capset, "capset", "-C"},
    {__NR_chdir, "chdir", "s"},
    {__NR_clock_gettime, "clock_gettime", "n-"},
    {__NR_close, "close", "d"},
    {__NR_close_range, "close_range", "uuR"},
    {__NR_dup3, "dup3", "ddO"},
    {__NR_execve, "execve", "sVV"},
    {__NR_execveat, "execveat", "dsVVP"},
    {__NR_fchdir, "fchdir", "d"},
    {__NR_fchownat, "fchownat", "dsuuP"},
    {__NR_fcntl, "fcntl", "dFn"},
    {__NR_fsconfig, "fsconfig", "dKssn"},
    {__NR_fsmount, "fsmount", "dxT"},
    {__NR_fsopen, "fsopen", "sx"},
    {__NR_fstatfs, "fstatfs", "d-"},
    {__NR_futex, "futex", "-Wn*"},
    {__NR_getcpu, "getcpu", "---"},
    {__NR_ioctl, "ioctl", "dI*"},
    {__NR_keyctl, "keyctl", "ns"},
    {__NR_landlock_add_rule, "landlock_add_rule", "dnr"},
    {__NR_landlock_create_ruleset, "landlock_create_ruleset", "ynx"},
    {__NR_landlock_restrict_self, "landlock_restrict_self", "dx"},
    {__NR_mkdirat, "mkdirat", "dso"},
    {__NR_mknodat, "mknodat", "dson"},
    {__NR_mount, "mount", "sssMs"},
    {__NR_mount_setattr, "mount_setattr", "dsPAn"},
    {__NR_move_mount, "move_mount", "dsdsQ"},
    {__NR_open_tree, "open_tree", "dsP"},
    {__NR_openat, "openat", "dsOo"},
    {__NR_openat2, "openat2", "dsHn"},
    {__NR_pivot_root, "pivot_root", "ss"},
    {__NR_ppoll, "ppoll", "pntn"},
    {__NR_prctl, "prctl", "Lxxnn"},
    {__NR_prlimit64, "prlimit64", "nnln"},
    {__NR_recvmsg, "recvmsg", "d-x"},
    {__NR_rt_sigaction, "rt_sigaction", "nanu"},
    {__NR_rt_sigprocmask, "rt_sigprocmask", "nmnu"},
    {__NR_rt_sigtimedwait, "rt_sigtimedwait", "m-tn"},
    {__NR_sched_getaffinity, "sched_getaffinity", "nn-"},
    {__NR_sched_getattr, "sched_getattr", "n-nn"},
    {__NR_sched_setaffinity, "sched_setaffinity", "nnm"},
    {__NR_sched_setattr, "sched_setattr", "nvn"},
    {__NR_seccomp, "seccomp", "nxf"},
    {__NR_setdomainname, "setdomainname", "bn"},
    {__NR_setgroups, "setgroups", "ng"},
    {__NR_setns, "setns", "dx"},
    {__NR_sethostname, "sethostname", "bn"},
    {__NR_setresgid, "setresgid", "uuu"},
    {__NR_setresuid, "setresuid", "uuu"},
    {__NR_setsid, "setsid", ""},
    {__NR_socket, "socket", "nSn"},
    {__NR_statx, "statx", "dsPx-"},
    {__NR_symlinkat, "symlinkat", "sds"},
    {__NR_umask, "umask", "o"},
    {__NR_umount2, "umount2", "sU"},
    {__NR_unlinkat, "unlinkat", "dsP"},
    {__NR_unshare, "unshare", "x"},
    {__NR_write, "write", "dbn"},
};

using Words = std::array<long, 6>;

inline std::string argument_text(char kind, const Words& words, std::size_t i) {
  const long word = words[i];
  const auto bits = static_cast<std::uint64_t>(word);
  switch (kind) {
    case 'd':
      return word == AT_FDCWD ? "AT_FDCWD" : std::to_string(word);
    case 'u':
      return std::to_string(static_cast<std::uint32_t>(word));
    case 'o':
      return octal(bits);
    case 'x':
      return hexadecimal(bits);
    case 's':
      return pointee::string(word);
    case 'b':
      return quoted({reinterpret_cast<const char*>(word), static_cast<std::size_t>(words[i + 1])});
    case 'a':
      return pointee::action(word);
    case 'f':
      return pointee::filter(word);
    case 'g':
      return pointee::groups(word, words[i - 1]);
    case 'l':
      return pointee::limit(word);
    case 'm':
      return hexadecimal(pointee::at<std::uint64_t>(word));
    case 'p':
      return pointee::polled(word);
    case 'r':
      return words[1] == child::kRulePathBeneath ? pointee::path_beneath(word) : pointee::network_port(word);
    case 't':
      return pointee::time(word);
    case 'v':
      return pointee::turn(word);
    case 'y':
      return pointee::ruleset(word);
    case 'A':
      return pointee::attributes(word);
    case 'C':
      return pointee::capabilities(word);
    case 'F':
      return fcntl_command(bits);
    case 'H':
      return pointee::how(word);
    case 'I':
      return ioctl_request(bits);
    case 'K':
      return fsconfig_command(bits);
    case 'L':
      return prctl_option(bits);
    case 'M':
      return mount_flags(bits);
    case 'O':
      return open_flags(bits);
    case 'P':
      return path_flags(bits);
    case 'Q':
      return move_flags(bits);
    case 'R':
      return close_range_flags(bits);
    case 'S':
      return socket_flags(bits);
    case 'T':
      return attribute_flags(bits);
    case 'U':
      return umount_flags(bits);
    case 'V':
      return pointee::strings(word);
    case 'W':
      return futex_operation(bits);
    case '*':  // a pointer or not, as the argument before says
      if (words[1] == FUTEX_WAIT) return pointee::time(word);
      return words[1] == SIOCSIFFLAGS ? pointee::interface_flags(word) : std::to_string(word);
    default:
      return std::to_string(word);
  }
}

struct Call {
  long number = 0;
  Words words{};
  std::string text;  ///< "mount("tmpfs", "/", ...)"
  long result = 0;

  [[nodiscard]] std::string name() const { return text.substr(0, text.find('(')); }
};

inline void PrintTo(const Call& call, std::ostream* out) { *out << call.text << " = " << call.result; }

inline std::string call_text(long number, const Words& words) {
  const auto* signature = std::ranges::find(kSignatures, number, &Signature::number);
  if (signature == std::end(kSignatures)) return "system call " + std::to_string(number) + ", which no test knows(";
  std::string text = signature->name + std::string("(");
  const std::string_view kinds = signature->arguments;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] == '-') continue;
    if (text.back() != '(') text += ", ";
    text += argument_text(kinds[i], words, i);
  }
  return text + ")";
}

class RecordingKernel {
 public:
  struct Fault {
    std::size_t call;
    long code;  ///< errno
  };

  RecordingKernel() = default;
  explicit RecordingKernel(Fault fault) : fault_(fault) {}

  /// Answers instead of the kernel's own, if it gives one.
  std::function<std::optional<long>(const Call&)> answer;
  /// Whether calls are put into words, which takes time.
  enum class Detail { words, numbers };
  Detail detail = Detail::words;
  /// Paths that are regular files; devices are known; everything else is a directory.
  std::vector<std::string> files;
  /// Descriptors that the host has sent, as many to a message as go into one.
  int sent = 0;

  long call(long number, long a, long b, long c, long d, long e, long f) {
    Call call{.number = number, .words = {a, b, c, d, e, f}, .text = {}};
    if (detail == Detail::words) call.text = call_text(number, call.words);
    const std::optional<long> told = answer ? answer(call) : std::nullopt;
    if (fault_ && calls_.size() == fault_->call)
      call.result = -fault_->code;
    else
      call.result = told.value_or(told ? 0 : plausible(call));
    calls_.push_back(call);
    return call.result;
  }

  /// What starting the network thread comes to; without it there is no thread to be had.
  std::function<long(clone_args& arguments)> on_thread = [](clone_args&) { return -EAGAIN; };

  long start_thread(clone_args& arguments, void (*)(void*), const child::Context&) { return on_thread(arguments); }

  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }

 private:
  long plausible(const Call& call) {
    switch (call.number) {
      case __NR_openat2:
        paths_[next_] = reinterpret_cast<const char*>(call.words[1]);
        return next_++;
      case __NR_fcntl:
        return call.words[1] == F_DUPFD_CLOEXEC ? next_++ : 0;
      case __NR_landlock_create_ruleset:
      case __NR_openat:
      case __NR_open_tree:
      case __NR_fsopen:
      case __NR_fsmount:
      case __NR_socket:
        return next_++;
      case __NR_ioctl:
        return call.words[1] == SIOCGSKNS ? next_++ : 0;
      case __NR_dup3:
        return call.words[1];
      case __NR_rt_sigtimedwait:
        return -EAGAIN;
      case __NR_recvmsg:
        return receive(*reinterpret_cast<child::Message*>(call.words[1]));
      case __NR_write:
        return call.words[2];
      case __NR_umask:
        return 022;
      case __NR_sched_getaffinity:
        *reinterpret_cast<std::uint64_t*>(call.words[2]) = 0b1110;
        return sizeof(std::uint64_t);
      case __NR_getcpu:
        *reinterpret_cast<std::uint32_t*>(call.words[0]) = 2;
        return 0;
      case __NR_statx:
        fill(*reinterpret_cast<struct statx*>(call.words[4]), paths_[call.words[0]]);
        return 0;
      case __NR_fstatfs:
        *reinterpret_cast<struct statfs*>(call.words[1]) = {};
        return 0;
      case __NR_clock_gettime:
        *reinterpret_cast<__kernel_timespec*>(call.words[1]) = {.tv_sec = 1, .tv_nsec = ++ticks_};
        return 0;
      default:
        return 0;
    }
  }

  long receive(child::Message& message) {
    using Rights = child::Rights<child::kMostInMessage>;
    auto& rights = *static_cast<Rights*>(message.control);
    const auto count = static_cast<std::uint16_t>(std::min<int>(sent, child::kMostInMessage));
    message.control_length = count == 0 ? 0 : Rights::length_of(count);
    rights.length = Rights::length_of(count);
    for (int i = 0; i < count; ++i) rights.descriptors[i] = static_cast<std::int32_t>(next_++);
    sent -= count;
    return 1;
  }

  void fill(struct statx& status, const std::string& path) const {
    static const std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> kDevices = {
        {"/dev/null", {1, 3}},   {"/dev/zero", {1, 5}},    {"/dev/full", {1, 7}},
        {"/dev/random", {1, 8}}, {"/dev/urandom", {1, 9}}, {"/dev/tty", {5, 0}}};
    status = {};
    status.stx_mode = child::kDirectory;
    if (std::ranges::find(files, path) != files.end()) status.stx_mode = 0100000;
    if (const auto device = kDevices.find(path); device != kDevices.end()) {
      status.stx_mode = child::kCharacterDevice;
      status.stx_rdev_major = device->second.first;
      status.stx_rdev_minor = device->second.second;
    }
  }

  std::optional<Fault> fault_;
  std::vector<Call> calls_;
  long next_ = 100;  // descriptors
  std::map<long, std::string> paths_;
  long long ticks_ = 0;
};

}  // namespace pivotbox::testing
