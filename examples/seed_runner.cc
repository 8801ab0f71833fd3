// A root built by hand: pivot_root onto a given directory, with a /proc and a /tmp of its own. The program is root
// inside and an ordinary user outside.
#include <unistd.h>

#include <cstdio>

#include "pivotbox/pivotbox.h"

namespace mount = pivotbox::mount;

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: seed_runner NEW-ROOT\n"), 2;

  // Only root may map somebody else's id; an ordinary user becomes root inside as itself.
  const bool is_root = geteuid() == 0;
  const pivotbox::Runner runner{
      .args = {"/bin/sh", "-c",
               "echo user: $(id -u); echo processes: $(cd /proc && echo [0-9]*); "
               "echo only in here >/tmp/note; echo /tmp: $(ls /tmp); echo /: $(ls /); touch /note"},
      .uid_mappings = {{.container_id = 0, .host_id = is_root ? 1000 : geteuid(), .size = 1}},
      .gid_mappings = {{.container_id = 0, .host_id = is_root ? 1000 : getegid(), .size = 1}},
      .pivot_root = argv[1],
      .mounts =
          {
              mount::Proc{.target = "/proc"},
              mount::Tmpfs{.target = "/tmp"},
              // What /bin/sh needs to run. On Debian /bin and /lib are links into /usr.
              mount::Bind{.source = "/usr", .target = "/usr"},
              mount::Symlink{.text = "usr/bin", .target = "/bin"},
              mount::Symlink{.text = "usr/lib", .target = "/lib"},
              mount::Symlink{.text = "usr/lib64", .target = "/lib64"},
          },
  };

  const pivotbox::Result<pivotbox::Outcome> outcome = pivotbox::run(runner);
  if (!outcome) {
    std::fprintf(stderr, "%s\n%s\n", outcome.error().message().c_str(), outcome.error().hint.c_str());
    return 1;
  }
  std::printf("%s%s", outcome->standard_output.c_str(), outcome->standard_error.c_str());
}
