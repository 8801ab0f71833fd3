// Technique: SysV shared memory, semaphores and message queues
// Tries: to leave one of each behind
// Right result: they are in the box's own ipc namespace and gone with it
// Class: leftover
// Area: leftovers
// Arguments: {key}
// Reaches without: namespace.ipc
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const key_t key = (key_t)strtoul(argument(argc, argv, 1), NULL, 0);
  if (shmget(key, 4096, IPC_CREAT | 0600) < 0) cannot("shmget: %m");
  if (semget(key, 1, IPC_CREAT | 0600) < 0) cannot("semget: %m");
  if (msgget(key, IPC_CREAT | 0600) < 0) cannot("msgget: %m");
  held("made one of each");
  return verdict();
}
