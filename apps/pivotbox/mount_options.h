// The options that put something into the root: each adds one entry to Options::mounts.
#pragma once

#include "option_table.h"

namespace pivotbox::cli {

[[nodiscard]] Parsed<> add_bind(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_read_only_bind(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_tmpfs(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_directory(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_file(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_symlink(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_mask(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_read_only_remount(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_proc(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_dev(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_mqueue(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_discarding_overlay(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_read_only_overlay(Options& options, const Argument& argument);
[[nodiscard]] Parsed<> add_keeping_overlay(Options& options, const Argument& argument);

}  // namespace pivotbox::cli
