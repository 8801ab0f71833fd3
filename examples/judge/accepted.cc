#include <iostream>

int main() {
  for (int a = 0, b = 0; std::cin >> a >> b;) std::cout << a + b << '\n';
}
