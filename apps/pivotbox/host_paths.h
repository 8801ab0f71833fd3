// What is looked up on the host for a request.
#pragma once

#include <string>
#include <string_view>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::cli {

/// Physical path of the current directory.
[[nodiscard]] Result<std::string> current_directory();

/// `path` made absolute. Leading "." and ".." are taken off against the current directory, which is exact because that
/// is a physical path; any other ".." stays, and the library refuses it: it may stand behind a symbolic link.
[[nodiscard]] Result<std::string> absolute_path(std::string_view path);

/// `path`, absolute, with what a symbolic link directly in "/" says in place of that link: /bin/sh is /usr/bin/sh where
/// /usr is merged. Only root can have put it there, unless "/" is writable for others: then it stays a link.
[[nodiscard]] std::string without_link_in_root(const std::string& path);

/// A host file opened without passing through any symbolic link, which a box may have planted. `mode` is that of a file
/// that O_CREAT makes.
[[nodiscard]] Result<Fd> open_without_links(const std::string& path, int flags, unsigned mode = 0);

/// Contents of a regular file of at most 16 MiB; no symbolic link is followed.
[[nodiscard]] Result<std::string> read_host_file(const std::string& path);

}  // namespace pivotbox::cli
