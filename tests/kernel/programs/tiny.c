/* The least a program can be: it succeeds. */
int main(void) { return 0; }
