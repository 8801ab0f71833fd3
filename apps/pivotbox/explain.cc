#include "pivotbox/explain.h"

#include "exit_status.h"
#include "output.h"
#include "request.h"
#include "verbs.h"

namespace pivotbox::cli {

int explain(const Options& options) {
  const Result<Request> request = make_request(options);
  if (!request) {
    complain("sandbox cannot be set up", request.error());
    return kSandboxFailed;
  }
  const Result<std::string> plan = pivotbox::explain(request->runner, options.format.value_or(ExplainFormat::text));
  if (!plan) {
    complain("sandbox cannot be set up", in_words_of(*request, plan.error()));
    return kSandboxFailed;
  }
  return print(*plan);
}

}  // namespace pivotbox::cli
