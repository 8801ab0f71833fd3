// What Java programs do all day, each line of output one thing.
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.concurrent.*;

public class Everything {
    static int waste() {
        byte[][] kept = new byte[100][];
        for (int i = 0; i < 20000; ++i) kept[i % kept.length] = new byte[10000]; // work for the collector
        return kept.length;
    }

    static String talk(ServerSocketChannel server) throws Exception {
        try (server; SocketChannel client = SocketChannel.open(server.getLocalAddress())) {
            try (SocketChannel accepted = server.accept()) {
                accepted.write(ByteBuffer.wrap("heard".getBytes()));
            }
            ByteBuffer heard = ByteBuffer.allocate(16);
            while (client.read(heard) >= 0) {}
            return new String(heard.array(), 0, heard.position());
        }
    }

    public static void main(String[] arguments) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        Future<?>[] work = new Future<?>[8];
        for (int i = 0; i < work.length; ++i) work[i] = threads.submit(Everything::waste);
        for (Future<?> one : work) one.get();
        threads.shutdown();
        System.gc();
        System.out.println("threads");

        ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
        timer.schedule(() -> System.out.println("timer"), 5, TimeUnit.MILLISECONDS).get();
        timer.shutdown();

        Process shell = new ProcessBuilder("sh", "-c", "echo said | cat").start();
        System.out.print(new String(shell.getInputStream().readAllBytes()));
        shell.waitFor();

        System.out.println(talk(ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) + " by tcp");
        Path directory = Files.createTempDirectory("everything");
        Path socket = directory.resolve("socket");
        System.out.println(talk(ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))) + " by unix");

        Files.writeString(directory.resolve("file"), "kept");
        Files.move(directory.resolve("file"), directory.resolve("renamed"));
        try (FileChannel file = FileChannel.open(directory.resolve("renamed"), StandardOpenOption.READ)) {
            byte[] bytes = new byte[4];
            file.map(FileChannel.MapMode.READ_ONLY, 0, bytes.length).get(bytes);
            System.out.println(new String(bytes));
        }
    }
}
