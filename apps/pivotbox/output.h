// Everything the command itself writes.
#pragma once

#include <string>
#include <string_view>

#include "pivotbox/error.h"

namespace pivotbox::cli {

/// Opens /dev/null in place of each standard descriptor that the caller closed: otherwise the next file opened here
/// would become the program's standard output, say.
[[nodiscard]] Result<> fill_standard_descriptors();

/// Error: the caller had closed standard output, so that what the command itself is asked to write there would be lost.
[[nodiscard]] Result<> require_standard_output();

/// Lets a program with another id open the pipes among the standard descriptors anew, as by /dev/stdout: input to read,
/// output to write. Only who may look into its processes can reach them at all.
void open_pipes_to_everybody();

/// Writes all of `text`. A closed pipe or a full disk is an error like any other; `name` is what the message calls the
/// file.
[[nodiscard]] Result<> write_all(int descriptor, std::string_view text, std::string_view name);

/// "pivotbox: line" on standard error, in one write. There is nobody left to tell when that fails.
void complain(std::string_view line);

/// complain() about `error`, after `what`, and its hint on a second line.
void complain(std::string_view what, const Error& error);

/// `text` on standard output; the exit status of a command that does nothing else.
[[nodiscard]] int print(std::string_view text);

}  // namespace pivotbox::cli
