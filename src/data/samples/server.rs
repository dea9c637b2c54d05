//! A server of one file that misbehaves as it is asked to, for tests.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How one connection is served.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Serve {
    /// As it should be: the whole, or the part that was asked for.
    All,
    /// As `All`, but the connection ends after so many bytes.
    Cut(usize),
    /// As `All`, but nothing comes after so many bytes.
    Stall(usize),
    /// Nothing comes at all.
    Silent,
    /// The right number of wrong bytes.
    Corrupt,
    /// The whole, whatever was asked for.
    NoRange,
    /// Another part than the one asked for.
    WrongRange,
    /// Without saying how long it is, and a byte too long.
    Endless,
    /// Only a status.
    Status(u16),
}

pub struct Server {
    /// Its address, without the file.
    pub address: String,
    asked: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// Serves `bytes` under any name, each connection as the list says; then it refuses connections.
    pub fn new(bytes: &[u8], connections: &[Serve]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (bytes, connections, log) = (bytes.to_vec(), connections.to_vec(), asked.clone());
        std::thread::spawn(move || {
            for how in connections {
                let (stream, _) = listener.accept().unwrap();
                let range = range(&stream);
                log.lock().unwrap().push(range);
                let bytes = bytes.clone();
                // The client may hang up whenever it wants.
                std::thread::spawn(move || answer(stream, &bytes, range, how).ok());
            }
        });
        Server { address, asked }
    }

    /// Where each request wanted to begin; `None` for the whole.
    pub fn asked(&self) -> Vec<Option<usize>> {
        self.asked.lock().unwrap().clone()
    }
}

fn range(stream: &TcpStream) -> Option<usize> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
    range.map(|range| range.trim_end_matches('-').parse().unwrap())
}

fn answer(mut stream: TcpStream, bytes: &[u8], range: Option<usize>, how: Serve) -> std::io::Result<()> {
    let start = range.filter(|_| how != Serve::NoRange).unwrap_or(0);
    let body: Vec<u8> = bytes[start..].iter().map(|byte| if how == Serve::Corrupt { !byte } else { *byte }).collect();
    match how {
        Serve::Status(status) => {
            return write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Serve::Silent => {
            std::thread::sleep(Duration::from_secs(2));
            return Ok(());
        }
        Serve::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            return stream.write_all(&[&body[..], b"!"].concat());
        }
        _ if start > 0 => {
            let first = if how == Serve::WrongRange { start - 1 } else { start };
            write!(
                stream,
                "HTTP/1.1 206 Partial\r\nContent-Range: bytes {first}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            )?;
        }
        _ => write!(stream, "HTTP/1.1 200 OK\r\n")?,
    }
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    match how {
        Serve::Cut(count) => stream.write_all(&body[..count]),
        Serve::Stall(count) => {
            stream.write_all(&body[..count])?;
            std::thread::sleep(Duration::from_secs(2));
            Ok(())
        }
        _ => stream.write_all(&body),
    }
}
