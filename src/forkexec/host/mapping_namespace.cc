#include "forkexec/host/mapping_namespace.h"

#include <fcntl.h>
#include <linux/sched.h>

#include <string>

#include "forkexec/child/child.h"
#include "forkexec/host/birth.h"
#include "linux/file.h"
#include "linux/idmap.h"

namespace pivotbox {

Result<Fd> new_mapping_namespace(const IdMapping& uid, const IdMapping& gid) {
  const ChildStack stack;
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  Result<Birth> holder = give_birth(arguments, stack, child::hold_namespace, nullptr);
  if (!holder) {
    holder.error().action = "make a user namespace for an id-mapped mount";
    return std::unexpected(std::move(holder.error()));
  }
  const Burial burial(*holder);
  if (Result<> r = linux_::write_id_maps(holder->pid, {&uid, 1}, linux_::MapWriter::self, {&gid, 1},
                                         linux_::MapWriter::self, Setgroups::allow);
      !r)
    return std::unexpected(std::move(r.error()));
  return linux_::open_file(AT_FDCWD, "/proc/" + std::to_string(holder->pid) + "/ns/user", O_RDONLY);
}

}  // namespace pivotbox
