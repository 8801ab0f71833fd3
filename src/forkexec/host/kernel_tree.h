// The host's files and mounts as the calling process sees them.
#pragma once

#include "forkexec/plan/host_tree.h"

namespace pivotbox {

class KernelTree : public HostTree {
 public:
  Result<HostFile> look(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<std::string> real_path(const std::string& path, Symlinks symlinks) override;
  Result<std::vector<HostMount>> mounts() override;
};

}  // namespace pivotbox
