#include "svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace bench {

namespace {

constexpr int kWidth = 900;
constexpr int kLeft = 290;
constexpr int kRight = 100;
constexpr int kTop = 50;
constexpr int kRow = 22;

struct Scale {
  double low;
  double high;
  [[nodiscard]] double x(double value) const {
    return kLeft + (kWidth - kLeft - kRight) * (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
  }
};

Scale scale_of(const Measurement& measurement) {
  Scale scale{1e9, 1};
  for (const Result& r : measurement.results) {
    if (r.failed()) continue;
    scale.low = std::min(scale.low, percentile(r.microseconds, 0.1));
    scale.high = std::max(scale.high, percentile(r.microseconds, 0.9));
  }
  return {scale.low * 0.9, scale.high * 1.1};
}

}  // namespace

std::string svg(const Measurement& measurement) {
  const Scale scale = scale_of(measurement);
  const int height = kTop + kRow * static_cast<int>(measurement.results.size()) + 30;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n",
      kWidth, height);
  out += "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  out += fmt::format(
      "<text x=\"10\" y=\"24\" font-size=\"15\">{}: launch to reaped, microseconds (p10, median, p90)</text>\n",
      measurement.target);
  for (std::int64_t decade = 10; static_cast<double>(decade) < scale.high; decade *= 10)
    for (const std::int64_t step : {1, 2, 5}) {
      const auto tick = static_cast<double>(decade * step);
      if (tick < scale.low || tick > scale.high) continue;
      out += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#ddd\"/><text x=\"{0:.1f}\" y=\"{3}\" "
          "text-anchor=\"middle\" fill=\"#666\">{4:.0f}</text>\n",
          scale.x(tick), kTop - 8, height - 25, height - 10, tick);
    }
  int y = kTop + 6;
  for (const Result& r : measurement.results) {
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kLeft - 10, y + 4, r.name);
    if (r.failed()) {
      out += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#b00\">failed</text>\n", kLeft, y + 4);
    } else {
      const double median = percentile(r.microseconds, 0.5);
      const char* colour = r.name.starts_with("library") || r.name.starts_with("pivotbox") ? "#0a6" : "#36c";
      out += fmt::format(
          "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{c}\" stroke-width=\"3\"/><circle "
          "cx=\"{:.1f}\" cy=\"{y}\" r=\"5\" fill=\"{c}\"/>",
          scale.x(percentile(r.microseconds, 0.1)), scale.x(percentile(r.microseconds, 0.9)), scale.x(median),
          fmt::arg("y", y), fmt::arg("c", colour));
      out += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#333\">{:.0f}  x{:.2f}</text>\n", kWidth - kRight + 10, y + 4,
                         median, r.ratio);
    }
    y += kRow;
  }
  return out + "</svg>\n";
}

}  // namespace bench
