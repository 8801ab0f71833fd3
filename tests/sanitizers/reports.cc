// Linked into programs that are built with a sanitizer: what it finds goes to files. tools/run_test and tools/leftovers
// look for those, so that nothing is lost in an output nobody reads or in an exit status that was expected.

namespace {
constexpr const char* kOptions = "log_path=/tmp/pivotbox-sanitizer-report";
}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the names the run times look for
extern "C" const char* __asan_default_options() { return kOptions; }
extern "C" const char* __tsan_default_options() { return kOptions; }
extern "C" const char* __ubsan_default_options() { return kOptions; }
// NOLINTEND(bugprone-reserved-identifier)
