// What Rust programs do all day, each line of output one thing.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{env, fs, thread};

fn main() {
    let threads: Vec<_> = (0..32).map(|_| thread::spawn(|| thread::sleep(Duration::from_millis(1)))).collect();
    for one in threads {
        one.join().unwrap();
    }
    println!("threads");

    let shared = Arc::new((Mutex::new(false), Condvar::new()));
    let other = shared.clone();
    thread::spawn(move || {
        *other.0.lock().unwrap() = true;
        other.1.notify_all();
    });
    let guard = shared.0.lock().unwrap();
    drop(shared.1.wait_timeout_while(guard, Duration::from_secs(30), |set| !*set).unwrap());
    println!("condition");

    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    cat.stdin.take().unwrap().write_all(b"piped").unwrap();
    println!("{}", String::from_utf8(cat.wait_with_output().unwrap().stdout).unwrap());

    let mut heard = String::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    tcp.accept().unwrap().0.write_all(b"heard by tcp").unwrap();
    stream.read_to_string(&mut heard).unwrap();
    println!("{heard}");

    let directory = env::temp_dir().join("everything");
    fs::create_dir(&directory).unwrap();
    let unix = UnixListener::bind(directory.join("socket")).unwrap();
    let mut stream = UnixStream::connect(directory.join("socket")).unwrap();
    unix.accept().unwrap().0.write_all(b"heard by unix").unwrap();
    heard.clear();
    stream.read_to_string(&mut heard).unwrap();
    println!("{heard}");

    fs::write(directory.join("file"), "kept").unwrap();
    fs::copy(directory.join("file"), directory.join("copy")).unwrap();
    fs::rename(directory.join("copy"), directory.join("renamed")).unwrap();
    println!("{}", fs::read_to_string(directory.join("renamed")).unwrap());
    fs::remove_dir_all(&directory).unwrap();
}
