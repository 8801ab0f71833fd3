#include "linux/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "scratch_directory.h"

namespace pivotbox::linux_ {
namespace {

using pivotbox::testing::ScratchDirectory;

TEST(File, IsReadWhole) {
  const ScratchDirectory scratch;
  const std::string contents(10000, 'x');
  scratch.write("large", contents);
  scratch.write("empty", "");
  EXPECT_EQ(read_file(scratch.path("large")).value(), contents);
  EXPECT_EQ(read_file(scratch.path("empty")).value(), "");
}

TEST(File, IsWrittenBelowADirectory) {
  const ScratchDirectory scratch;
  scratch.write("file", "");
  const Fd directory = open_file(AT_FDCWD, scratch.path(), O_PATH | O_DIRECTORY).value();
  ASSERT_TRUE(write_file(directory.get(), "file", "0 1000 1\n"));
  EXPECT_EQ(read_file(scratch.path("file")).value(), "0 1000 1\n");
}

TEST(File, IsNeverMade) {
  const ScratchDirectory scratch;
  const Result<> written = write_file(AT_FDCWD, scratch.path("absent"), "x");
  ASSERT_FALSE(written);
  EXPECT_FALSE(std::filesystem::exists(scratch.path("absent")));
}

TEST(File, IsOpenedCloseOnExec) {
  const Fd file = open_file(AT_FDCWD, "/dev/null", O_RDONLY).value();
  EXPECT_EQ(::fcntl(file.get(), F_GETFD), FD_CLOEXEC);
}

TEST(File, FailureNamesPathCallAndErrno) {
  const Error error = read_file("/nonexistent/file").error();
  EXPECT_EQ(error.kind, Error::Kind::system);
  EXPECT_EQ(error.message(), "open /nonexistent/file: openat: No such file or directory");
  EXPECT_EQ(read_file("/").error().code, EISDIR);
  EXPECT_EQ(read_file("/").error().syscall, "read");
}

}  // namespace
}  // namespace pivotbox::linux_
