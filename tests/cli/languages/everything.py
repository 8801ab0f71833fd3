"""What Python programs do all day, each line of output one thing."""

import asyncio
import concurrent.futures
import ctypes
import fcntl
import multiprocessing
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import tempfile


def double(number):
    return 2 * number


async def talk():
    async def answer(_, writer):
        writer.write(b"heard by tcp")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    print((await reader.read()).decode())
    writer.close()
    server.close()
    process = await asyncio.create_subprocess_exec("echo", "said", stdout=subprocess.PIPE)
    print((await process.communicate())[0].decode(), end="")


def main():
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(double, [1, 2]), flush=True)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        print("threads", list(threads.map(double, [1, 2])), flush=True)
    asyncio.run(talk())
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(os.path.join(tempfile.mkdtemp(), "socket"))
        server.listen()
        client.connect(server.getsockname())
        client.send(b"heard by unix")
        print(server.accept()[0].recv(16).decode())
    print(ctypes.CDLL(None).getpid() == os.getpid())
    shell = subprocess.run("echo piped | cat; exit 3", shell=True, capture_output=True, text=True, check=False)
    print(shell.stdout + str(shell.returncode))
    signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    signal.pause()
    signal.setitimer(signal.ITIMER_REAL, 0)
    with tempfile.NamedTemporaryFile() as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        with sqlite3.connect(file.name + ".db") as database:
            print(database.execute("pragma journal_mode=wal").fetchone()[0])
    child, terminal = pty.fork()
    if child == 0:
        os.execlp("tty", "tty")
    print(os.read(terminal, 100).decode().strip().rpartition("/")[0])
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
