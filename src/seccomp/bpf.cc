#include "seccomp/bpf.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <vector>

namespace pivotbox::seccomp {

namespace {

enum class Operation : std::uint8_t {
  forbidden,
  load_data,
  load_length,
  load_constant,
  load_memory,
  store,
  arithmetic,
  negate,
  jump,
  branch,
  answer,
  transfer
};

Operation operation_of(std::uint16_t code) {
  switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return Operation::load_data;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
      return Operation::load_length;
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
      return Operation::load_constant;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
      return Operation::load_memory;
    case BPF_ST:
    case BPF_STX:
      return Operation::store;
    case BPF_ALU | BPF_NEG:
      return Operation::negate;
    case BPF_JMP | BPF_JA:
      return Operation::jump;
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
      return Operation::answer;
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
      return Operation::transfer;
    default:
      break;
  }
  const auto source_free = static_cast<std::uint16_t>(code & ~BPF_X);
  for (const int op : {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH})
    if (source_free == (BPF_ALU | op)) return Operation::arithmetic;
  for (const int op : {BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET})
    if (source_free == (BPF_JMP | op)) return Operation::branch;
  return Operation::forbidden;
}

/// Why one instruction is refused; empty if it is not.
std::string_view refusal(const sock_filter& instruction, std::size_t after) {
  switch (operation_of(instruction.code)) {
    case Operation::forbidden:
      return "is not allowed in a filter";
    case Operation::load_data:
      return instruction.k % 4 != 0 || instruction.k >= sizeof(seccomp_data) ? "loads from outside seccomp_data" : "";
    case Operation::load_memory:
    case Operation::store:
      return instruction.k >= BPF_MEMWORDS ? "uses a memory word that does not exist" : "";
    case Operation::jump:
      return instruction.k >= after ? "jumps beyond the end" : "";
    case Operation::branch:
      return instruction.jt >= after || instruction.jf >= after ? "jumps beyond the end" : "";
    case Operation::arithmetic: {
      if ((instruction.code & BPF_X) != 0) return "";
      const int op = BPF_OP(instruction.code);
      if (op == BPF_DIV && instruction.k == 0) return "divides by zero";
      return (op == BPF_LSH || op == BPF_RSH) && instruction.k >= 32 ? "shifts by 32 or more" : "";
    }
    default:
      return "";
  }
}

std::unexpected<Error> invalid(std::string why) {
  return std::unexpected(Error{.kind = Error::Kind::invalid, .action = std::move(why)});
}

/// Which memory words may be unset on some path: as the kernel's check_load_and_stores().
Result<> check_memory(std::span<const sock_filter> program) {
  std::vector<std::uint16_t> set_before(program.size(), 0xffff);
  std::uint16_t set = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const sock_filter& instruction = program[i];
    set &= set_before[i];
    const auto reach = [&](std::size_t offset) { set_before[i + 1 + offset] &= set; };
    switch (operation_of(instruction.code)) {
      case Operation::store:
        set |= static_cast<std::uint16_t>(1U << instruction.k);
        break;
      case Operation::load_memory:
        if ((unsigned{set} >> instruction.k & 1U) == 0)
          return invalid(fmt::format("instruction {} reads a memory word that may not be set", i));
        break;
      case Operation::jump:
        reach(instruction.k);
        set = 0xffff;
        break;
      case Operation::branch:
        reach(instruction.jt);
        reach(instruction.jf);
        set = 0xffff;
        break;
      default:
        break;
    }
  }
  return {};
}

struct Machine {
  std::uint32_t accumulator = 0;
  std::uint32_t index = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};

  [[nodiscard]] std::uint32_t operand(const sock_filter& i) const { return (i.code & BPF_X) != 0 ? index : i.k; }
};

std::uint32_t computed(int operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_MUL:
      return a * b;
    case BPF_DIV:
      return b == 0 ? 0 : a / b;
    case BPF_AND:
      return a & b;
    case BPF_OR:
      return a | b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return b < 32 ? a << b : 0;
    default:
      return b < 32 ? a >> b : 0;
  }
}

bool holds(int operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_JEQ:
      return a == b;
    case BPF_JGE:
      return a >= b;
    case BPF_JGT:
      return a > b;
    default:
      return (a & b) != 0;
  }
}

std::uint32_t loaded(const seccomp_data& call, std::uint32_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, reinterpret_cast<const char*>(&call) + offset, sizeof value);
  return value;
}

}  // namespace

Result<> check(std::span<const sock_filter> program) {
  if (program.empty() || program.size() > kMaxInstructions)
    return invalid(fmt::format("has {} instructions; 1 to {} are possible", program.size(), kMaxInstructions));
  for (std::size_t i = 0; i < program.size(); ++i)
    if (const std::string_view why = refusal(program[i], program.size() - i - 1); !why.empty())
      return invalid(fmt::format("instruction {} ({:#06x}) {}", i, program[i].code, why));
  if (operation_of(program.back().code) != Operation::answer) return invalid("does not end with a return");
  return check_memory(program);
}

std::uint32_t evaluate(std::span<const sock_filter> program, const seccomp_data& call) {
  Machine m;
  for (std::size_t at = 0;; ++at) {
    const sock_filter& i = program[at];
    const bool to_index = BPF_CLASS(i.code) == BPF_LDX || BPF_CLASS(i.code) == BPF_STX;
    std::uint32_t& target = to_index ? m.index : m.accumulator;
    switch (operation_of(i.code)) {
      case Operation::load_data:
        target = loaded(call, i.k);
        break;
      case Operation::load_length:
        target = sizeof(seccomp_data);
        break;
      case Operation::load_constant:
        target = i.k;
        break;
      case Operation::load_memory:
        target = m.memory[i.k];
        break;
      case Operation::store:
        m.memory[i.k] = target;
        break;
      case Operation::negate:
        m.accumulator = 0U - m.accumulator;
        break;
      case Operation::arithmetic:
        m.accumulator = computed(BPF_OP(i.code), m.accumulator, m.operand(i));
        break;
      case Operation::jump:
        at += i.k;
        break;
      case Operation::branch:
        at += holds(BPF_OP(i.code), m.accumulator, m.operand(i)) ? i.jt : i.jf;
        break;
      case Operation::transfer:
        if (BPF_MISCOP(i.code) == BPF_TAX)
          m.index = m.accumulator;
        else
          m.accumulator = m.index;
        break;
      case Operation::answer:
        return BPF_RVAL(i.code) == BPF_A ? m.accumulator : i.k;
      case Operation::forbidden:
        return SECCOMP_RET_KILL_PROCESS;
    }
  }
}

std::string describe_action(std::uint32_t action) {
  const std::uint32_t data = action & SECCOMP_RET_DATA;
  switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return "allow";
    case SECCOMP_RET_ERRNO:
      return fmt::format("errno {}", data);
    case SECCOMP_RET_KILL_PROCESS:
      return data == 0 ? "kill process" : "kill process (foreign)";
    case SECCOMP_RET_KILL_THREAD:
      return "kill thread";
    case SECCOMP_RET_LOG:
      return "log";
    case SECCOMP_RET_TRAP:
      return "trap";
    case SECCOMP_RET_USER_NOTIF:
      return "notify";
    case SECCOMP_RET_TRACE:
      return fmt::format("trace {}", data);
    default:
      return fmt::format("{:#010x}", action);
  }
}

std::string dump(std::span<const sock_filter> program) {
  std::string out;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& i = program[at];
    out += fmt::format("{:4}  ", at);
    switch (operation_of(i.code)) {
      case Operation::load_data:
        out += fmt::format("load [{}]", i.k);
        break;
      case Operation::jump:
        out += fmt::format("goto {}", at + 1 + i.k);
        break;
      case Operation::branch: {
        const int op = BPF_OP(i.code);
        const char* sign = op == BPF_JEQ ? "==" : op == BPF_JGE ? ">=" : op == BPF_JGT ? ">" : "&";
        out += fmt::format("if A {} {:#x} goto {} else {}", sign, i.k, at + 1 + i.jt, at + 1 + i.jf);
        break;
      }
      case Operation::arithmetic:
        out += fmt::format("A op{:#x} {:#x}", BPF_OP(i.code), i.k);
        break;
      case Operation::answer:
        out += fmt::format("return {}", describe_action(i.k));
        break;
      default:
        out += fmt::format("code {:#06x} k {:#x}", i.code, i.k);
    }
    out += '\n';
  }
  return out;
}

}  // namespace pivotbox::seccomp
