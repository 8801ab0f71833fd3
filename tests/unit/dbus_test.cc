// D-Bus as it is written and read; the peer is a thread with the other end.

#include "linux/dbus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "linux/dbus_message.h"
#include "scratch_directory.h"

namespace pivotbox::linux_ {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;
using namespace std::string_literals;

DbusMessage everything() {
  return {.type = DbusMessage::Type::error,
          .serial = 7,
          .reply_serial = 3,
          .destination = ":1.5",
          .sender = "org.example",
          .path = "/a/b",
          .interface = "org.example.I",
          .member = "Do",
          .error_name = "org.example.No",
          .signature = "s",
          .body = "\x02\0\0\0no\0"s};
}

TEST(DbusMessage, IsWrittenAsTheSpecificationSays) {
  const DbusMessage call{.serial = 1, .path = "/", .member = "M"};
  EXPECT_EQ(serialize(call),
            "l\x01\0\x01"
            "\0\0\0\0"
            "\x01\0\0\0"
            "\x1a\0\0\0"
            "\x01\x01o\0\x01\0\0\0/\0\0\0\0\0\0\0"
            "\x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0"s);
}

TEST(DbusMessage, ComesBackAsItWas) { EXPECT_EQ(parse_dbus_message(serialize(everything())), everything()); }

TEST(DbusMessage, TellsItsSizeEarly) {
  const std::string bytes = serialize(everything());
  EXPECT_EQ(dbus_message_size(bytes.substr(0, kDbusPrefixSize)), bytes.size());
  EXPECT_EQ(dbus_message_size(bytes.substr(0, kDbusPrefixSize - 1)), std::nullopt);
}

TEST(DbusMessage, CutShortIsNone) {
  const std::string bytes = serialize(everything());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(parse_dbus_message(bytes.substr(0, size)), std::nullopt);
}

TEST(DbusMessage, AnyDamageIsReadWithinBounds) {
  const std::string bytes = serialize(everything());
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (const char damage : {'\0', '\x7f', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = damage;
      const std::optional<DbusMessage> message = parse_dbus_message(damaged);
      if (message) static_cast<void>(DbusReader(message->body).string());
    }
  std::string huge = bytes;
  huge.replace(4, 4, "\xff\xff\xff\x7f");
  EXPECT_EQ(dbus_message_size(huge), std::nullopt);
}

TEST(DbusReader, SaysWhenSomethingIsNotThere) {
  const std::string bytes = "\x05\0\0\0abc"s;
  DbusReader reader(bytes);
  EXPECT_EQ(reader.string(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.number(), 0U);
}

TEST(DbusWriter, AnArraysSizeLeavesOutWhatAlignsIt) {
  DbusWriter writer;
  writer.add_array(8, [&] { writer.add_number(9); });
  EXPECT_EQ(writer.bytes(), "\x04\0\0\0\0\0\0\0\x09\0\0\0"s);
}

std::string name_in(const std::optional<UnixAddress>& address) {
  if (!address) return "none";
  return {address->address.sun_path, address->size - offsetof(sockaddr_un, sun_path)};
}

TEST(DbusAddress, IsTheFirstLocalSocket) {
  EXPECT_EQ(name_in(parse_dbus_address("unix:path=/run/user/1000/bus")), "/run/user/1000/bus");
  EXPECT_EQ(name_in(parse_dbus_address("tcp:host=x;unix:guid=1,path=/a%20b%2Fc,x=y;unix:path=/d")), "/a b/c");
  EXPECT_EQ(name_in(parse_dbus_address("unix:abstract=/tmp/dbus-1,guid=2")), "\0/tmp/dbus-1"s);
  for (const char* none :
       {"", "autolaunch:", "unix:", "unix:path=", "unix:path=%2", "unix:path=%zz", "unix:tmpdir=/tmp"})
    EXPECT_EQ(name_in(parse_dbus_address(none)), "none") << none;
  EXPECT_EQ(name_in(parse_dbus_address("unix:path=/" + std::string(200, 'x'))), "none");
}

/// A peer that answers each piece it reads with what `answer` says, byte by byte; nothing ends the connection.
class Peer {
 public:
  using Answer = std::function<std::string(const std::string& got)>;

  explicit Peer(Answer answer) : answer_(std::move(answer)) {
    address_ = *parse_dbus_address("unix:path=" + directory_.path("bus"));
    listening_ = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address_.address), address_.size), 0);
    EXPECT_EQ(::listen(listening_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~Peer() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] Result<Dbus> connect(std::chrono::milliseconds time = std::chrono::seconds(30)) const {
    return Dbus::connect(address_, Clock::now() + time);
  }

 private:
  void serve() {
    const Fd connection = Fd::adopt(::accept(listening_.get(), nullptr, nullptr));
    std::string block(4096, '\0');
    for (;;) {
      const ssize_t got = ::recv(connection.get(), block.data(), block.size(), 0);
      if (got <= 0) return;
      const std::string answer = answer_(block.substr(0, static_cast<std::size_t>(got)));
      if (answer.empty()) return;
      for (const char c : answer) ::send(connection.get(), &c, 1, MSG_NOSIGNAL);
    }
  }

  testing::ScratchDirectory directory_;
  Answer answer_;
  UnixAddress address_;
  Fd listening_;
  std::thread thread_;
};

const std::string kLetIn = "DATA\r\nOK 0123\r\n";

/// To each call by turns.
std::string answer_to(const std::string& call, DbusMessage answer) {
  answer.reply_serial = parse_dbus_message(call).value_or(DbusMessage{}).serial;
  answer.serial = 1;
  return serialize(answer);
}

TEST(Dbus, AnswersAreTellingAndSignalsAreKept) {
  const DbusMessage signal{.type = DbusMessage::Type::signal, .serial = 9, .path = "/", .member = "Happened"};
  const Peer peer([&](const std::string& got) {
    if (got.starts_with('\0')) return kLetIn;
    if (got.contains("Fail")) {
      DbusMessage no = everything();
      return answer_to(got, no);
    }
    return serialize(signal) +
           answer_to(got, {.type = DbusMessage::Type::method_return, .signature = "s", .body = "\1\0\0\0x\0"s});
  });
  Result<Dbus> bus = peer.connect();
  ASSERT_TRUE(bus) << bus.error().message();
  const Result<DbusMessage> answer = bus->call({.path = "/", .member = "Ask"});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(DbusReader(answer->body).string(), "x");
  for (int i = 0; i < 2; ++i) {
    const Result<DbusMessage> kept = bus->next_signal();
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->member, "Happened");
  }
  const Result<DbusMessage> failed = bus->call({.path = "/", .member = "Fail"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "Fail by D-Bus: org.example.No: no");
}

TEST(Dbus, WaitsNoLongerThanTheDeadline) {
  const Peer peer([](const std::string& got) { return got.starts_with('\0') ? kLetIn : "l"s; });
  const auto start = Clock::now();
  const Result<Dbus> bus = peer.connect(std::chrono::milliseconds(50));
  ASSERT_FALSE(bus);
  EXPECT_EQ(bus.error().code, ETIMEDOUT);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(20));
}

TEST(Dbus, ARefusalIsTold) {
  const Peer peer([](const std::string&) { return "REJECTED EXTERNAL\r\n"s; });
  const Result<Dbus> bus = peer.connect();
  ASSERT_FALSE(bus);
  EXPECT_THAT(bus.error().message(), HasSubstr("REJECTED EXTERNAL"));
}

TEST(Dbus, NonsenseAndAnEndAreErrors) {
  const Peer nonsense([](const std::string& got) { return got.starts_with('\0') ? kLetIn : std::string(64, '?'); });
  EXPECT_EQ(nonsense.connect().error().code, EBADMSG);
  const Peer endless([](const std::string&) { return std::string(2000, '?'); });
  EXPECT_EQ(endless.connect().error().code, EACCES);
  const Peer gone([](const std::string& got) { return got.starts_with('\0') ? kLetIn : ""s; });
  EXPECT_EQ(gone.connect().error().code, ECONNRESET);
}

TEST(Dbus, NobodyListensIsAnError) {
  const testing::ScratchDirectory directory;
  const Result<Dbus> bus =
      Dbus::connect(*parse_dbus_address("unix:path=" + directory.path("bus")), Clock::now() + std::chrono::seconds(10));
  ASSERT_FALSE(bus);
  EXPECT_THAT(bus.error().message(), StartsWith("connect to D-Bus: connect: "));
}

}  // namespace
}  // namespace pivotbox::linux_
