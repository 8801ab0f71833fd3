#include "pivotbox/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>
#include <utility>

namespace pivotbox {
namespace {

static_assert(!std::is_copy_constructible_v<Fd> && !std::is_copy_assignable_v<Fd>);
static_assert(!std::is_constructible_v<Fd, int>, "only adopt() makes an owner");

int open_descriptor() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

TEST(Fd, OwnsNothingAtFirst) {
  const Fd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.get(), -1);
}

TEST(Fd, ClosesWhatItAdopted) {
  const int descriptor = open_descriptor();
  ASSERT_GE(descriptor, 0);
  {
    const Fd fd = Fd::adopt(descriptor);
    EXPECT_TRUE(fd);
    EXPECT_EQ(fd.get(), descriptor);
    EXPECT_TRUE(is_open(descriptor));
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(Fd, DescriptorZeroIsOne) {
  Fd fd = Fd::adopt(0);
  EXPECT_TRUE(fd);
  EXPECT_EQ(fd.release(), 0);
}

TEST(Fd, MovingLeavesNothingBehind) {
  const int descriptor = open_descriptor();
  Fd first = Fd::adopt(descriptor);
  const Fd second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(second.get(), descriptor);
  EXPECT_TRUE(is_open(descriptor));
}

TEST(Fd, AssigningClosesTheOldOne) {
  const int old = open_descriptor();
  const int replacement = open_descriptor();
  Fd fd = Fd::adopt(old);
  fd = Fd::adopt(replacement);
  EXPECT_FALSE(is_open(old));
  EXPECT_EQ(fd.get(), replacement);
}

TEST(Fd, AssigningToItselfKeepsIt) {
  const int descriptor = open_descriptor();
  Fd fd = Fd::adopt(descriptor);
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.get(), descriptor);
  EXPECT_TRUE(is_open(descriptor));
}

TEST(Fd, ReleaseGivesItAway) {
  Fd fd = Fd::adopt(open_descriptor());
  const int descriptor = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(descriptor));
  ::close(descriptor);
}

TEST(Fd, ResetClosesOnceAndKeepsErrno) {
  const int descriptor = open_descriptor();
  Fd fd = Fd::adopt(descriptor);
  errno = EXDEV;
  fd.reset();
  EXPECT_EQ(errno, EXDEV);
  EXPECT_FALSE(fd);
  EXPECT_FALSE(is_open(descriptor));

  Fd stale = Fd::adopt(descriptor);  // close(2) fails now
  errno = EXDEV;
  stale.reset();
  EXPECT_EQ(errno, EXDEV);
}

}  // namespace
}  // namespace pivotbox
