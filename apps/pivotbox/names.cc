#include "names.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstring>

namespace pivotbox::cli {

namespace {

constexpr std::array kResources = {
    Resource{"as", RLIMIT_AS, Quantity::bytes},
    Resource{"core", RLIMIT_CORE, Quantity::bytes},
    Resource{"cpu", RLIMIT_CPU, Quantity::number},
    Resource{"data", RLIMIT_DATA, Quantity::bytes},
    Resource{"fsize", RLIMIT_FSIZE, Quantity::bytes},
    Resource{"locks", RLIMIT_LOCKS, Quantity::number},
    Resource{"memlock", RLIMIT_MEMLOCK, Quantity::bytes},
    Resource{"msgqueue", RLIMIT_MSGQUEUE, Quantity::bytes},
    Resource{"nice", RLIMIT_NICE, Quantity::number},
    Resource{"nofile", RLIMIT_NOFILE, Quantity::number},
    Resource{"nproc", RLIMIT_NPROC, Quantity::number},
    Resource{"rss", RLIMIT_RSS, Quantity::bytes},
    Resource{"rtprio", RLIMIT_RTPRIO, Quantity::number},
    Resource{"rttime", RLIMIT_RTTIME, Quantity::number},
    Resource{"sigpending", RLIMIT_SIGPENDING, Quantity::number},
    Resource{"stack", RLIMIT_STACK, Quantity::bytes},
};

constexpr auto kResourceNames = [] {
  std::array<std::string_view, kResources.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kResources[i].name;
  return names;
}();

constexpr std::array<std::string_view, 41> kCapabilities = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};
static_assert(kCapabilities[CAP_SYS_ADMIN] == "sys_admin" && kCapabilities[CAP_SETFCAP] == "setfcap" &&
              kCapabilities[CAP_CHECKPOINT_RESTORE] == "checkpoint_restore");

}  // namespace

const Resource* find_resource(std::string_view name) {
  for (const Resource& resource : kResources)
    if (resource.name == name) return &resource;
  return nullptr;
}

std::span<const std::string_view> resource_names() { return kResourceNames; }
std::span<const std::string_view> capability_names() { return kCapabilities; }

std::string signal_name(int signal) {
  if (const char* abbreviation = sigabbrev_np(signal); abbreviation != nullptr)
    return "SIG" + std::string(abbreviation);
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  return "signal " + std::to_string(signal);
}

}  // namespace pivotbox::cli
