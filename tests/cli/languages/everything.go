// What Go programs do all day, each line of output one thing.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What one connection to `listener` reads.
func talk(listener net.Listener) string {
	go func() {
		connection, err := listener.Accept()
		must(err)
		io.WriteString(connection, "heard by "+listener.Addr().Network())
		connection.Close()
	}()
	connection, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
	must(err)
	text, err := io.ReadAll(connection)
	must(err)
	return string(text)
}

func main() {
	var group sync.WaitGroup
	var count sync.Map
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(i int) { defer group.Done(); time.Sleep(time.Millisecond); count.Store(i, true) }(i)
	}
	for i := 0; i < 8; i++ { // threads of the system
		group.Add(1)
		go func() { defer group.Done(); syscall.Nanosleep(&syscall.Timespec{Nsec: 20e6}, nil) }()
	}
	group.Wait()
	fmt.Println("goroutines")

	ticker := time.NewTicker(time.Millisecond)
	<-ticker.C
	<-ticker.C
	fmt.Println("ticks")

	said, err := exec.Command("sh", "-c", "echo said | cat").Output()
	must(err)
	fmt.Print(string(said))

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(talk(tcp))
	directory, err := os.MkdirTemp("", "")
	must(err)
	unix, err := net.Listen("unix", filepath.Join(directory, "socket"))
	must(err)
	fmt.Println(talk(unix))

	must(os.WriteFile(filepath.Join(directory, "file"), []byte("kept"), 0600))
	must(os.Rename(filepath.Join(directory, "file"), filepath.Join(directory, "renamed")))
	kept, err := os.ReadFile(filepath.Join(directory, "renamed"))
	must(err)
	fmt.Println(string(kept))

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	must(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	fmt.Println(<-signals)
}
