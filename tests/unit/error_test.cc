#include "pivotbox/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace pivotbox {
namespace {

TEST(ErrorMessage, BeginsWithTheFieldAndEndsWithTheErrno) {
  const Error error{.kind = Error::Kind::setup,
                    .field = "mounts[2].source",
                    .action = "bind /data on /data (read-only)",
                    .syscall = "open_tree",
                    .code = ENOENT,
                    .step = 5,
                    .hint = "make it"};
  EXPECT_EQ(error.message(), "mounts[2].source: bind /data on /data (read-only): open_tree: No such file or directory");
}

TEST(ErrorMessage, LeavesOutWhatIsAbsent) {
  EXPECT_EQ((Error{.action = "is empty"}.message()), "is empty");
  EXPECT_EQ((Error{.field = "args", .action = "is empty"}.message()), "args: is empty");
  EXPECT_EQ((Error{.syscall = "clone3", .code = EPERM}.message()), "clone3: Operation not permitted");
  EXPECT_EQ(Error{}.message(), "");
}

TEST(ErrorMessage, ShowsWhatIsNotPrintable) {
  using std::string_literals::operator""s;
  EXPECT_EQ((Error{.field = "mounts[0].target", .action = "\"/a\0b\" contains a NUL character"s}.message()),
            "mounts[0].target: \"/a\\x00b\" contains a NUL character");
  EXPECT_EQ((Error{.action = "/\n\x1b[31m\xff\x7f \xc2\x9b \xc3\xa4"}.message()),
            "/\\x0a\\x1b[31m\\xff\\x7f \\xc2\\x9b \xc3\xa4");
}

TEST(ErrorMessage, NumbersAnErrnoWithoutAName) {
  EXPECT_EQ((Error{.syscall = "mount", .code = 4095}.message()), "mount: errno 4095");
}

}  // namespace
}  // namespace pivotbox
