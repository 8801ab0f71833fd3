// The library's own threads.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "pivotbox/error.h"

namespace pivotbox {

/// Does `work` in a thread that has every signal blocked: the caller's handlers are not for it. The Error, if none
/// could be made, is `field`'s, and says what the thread was for: "keeps the limits".
[[nodiscard]] Result<std::thread> start_quiet_thread(std::string field, const std::string& purpose,
                                                     std::move_only_function<void()> work);

}  // namespace pivotbox
