/* 700 MB that no allocator was asked for. */
static char array[700u << 20];

int main(void) {
  for (unsigned long at = 0; at < sizeof array; at += 4096) ((volatile char*)array)[at] = 1;
  return 0;
}
