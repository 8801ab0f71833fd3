// What the host and its init tell each other: a plan one way, two records the other.
#pragma once

#include <cstdint>

#include "forkexec/plan/step.h"

namespace pivotbox::init {

/// Sent to init by the host with a signal number as its value: deliver that to the program (SIGKILL: to everything),
/// or the negated number to its process group.
/// The highest real-time signal, so that no signal of the program's is taken for it.
inline constexpr int kControlSignal = 64;

/// At the start of the memfd that init maps; what follows is found by offset.
struct PlanHeader {
  std::uint32_t steps_offset;  ///< Step each
  std::uint32_t slots_offset;  ///< int each: descriptor numbers
  std::uint32_t bytes_offset;
  std::uint16_t first_step;
  std::uint16_t step_count;
  Finale finale;
  std::uint64_t begun_ns;  ///< CLOCK_MONOTONIC, when the launch began; in a box built ahead, when its program came
  std::uint64_t swift_ns;  ///< as of Plan
  std::int32_t status_fd;
  std::int32_t host_fd;           ///< pidfd of the host, -1 if the box outlives it
  std::int32_t out_of_memory_fd;  ///< eventfd of cgroup v1: readable when memory may have run out; -1 if there is none
  std::int32_t memory_kills_fd;   ///< memory.oom_control, which says whether it has; -1 if there is none
  std::int32_t parent_death_signal;
  std::uint16_t file_count;  ///< descriptors from 0 on that the program has
  Apart apart;
  std::uint8_t record_step_times;
  std::uint8_t listens;  ///< status_fd is a socket, and the filter's listener goes with the first record
};

/// First record: the program was executed, or why not. With step times it is followed by step_count of them.
struct Started {
  Report report;
  std::uint64_t time_ns;  ///< CLOCK_MONOTONIC, just before the program was made
};

/// Second record, written when everything in the box but init is gone.
struct Ended {
  std::int32_t status;  ///< as of wait4(2)
  std::int32_t reserved;
  std::uint64_t time_ns;
  std::uint64_t user_us;  ///< of the program and all its descendants
  std::uint64_t system_us;
  std::uint64_t peak_memory_bytes;
  std::uint64_t voluntary_switches;
  std::uint64_t involuntary_switches;
  std::uint64_t minor_faults;
  std::uint64_t major_faults;
};

}  // namespace pivotbox::init
