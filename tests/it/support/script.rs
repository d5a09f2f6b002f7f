//! A loopback server that answers what a test wrote down, in that order: also with answers that no
//! web framework would send (cut short, never ending, none at all).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole answer.
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// An answer that promises more than it sends, then ends.
    Cut(Vec<u8>),
    /// The connection is closed without an answer.
    Close,
    /// No answer, for as long as the client waits.
    Silence,
}

impl Reply {
    /// A JSON answer with status 200.
    pub(crate) fn json(body: &impl ToString) -> Self {
        Self::status(200, body.to_string())
    }

    /// An answer with a status.
    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Http {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A running server; it ends with the test.
#[derive(Debug)]
pub(crate) struct ScriptedServer {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    left: Arc<Mutex<Vec<Reply>>>,
}

impl ScriptedServer {
    /// Starts a server that gives these answers, one a request. Past the last it closes connections.
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new(Mutex::new(replies));
        let (log, script) = (Arc::clone(&received), Arc::clone(&left));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self {
            url,
            received,
            left,
        }
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("unpoisoned").clone()
    }

    /// Adds further answers.
    pub(crate) fn then(&self, replies: Vec<Reply>) {
        self.left.lock().expect("unpoisoned").extend(replies);
    }

    /// How many answers were not asked for.
    pub(crate) fn left(&self) -> usize {
        self.left.lock().expect("unpoisoned").len()
    }
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Received>>>,
    script: Arc<Mutex<Vec<Reply>>>,
) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    log.lock().expect("unpoisoned").push(request);
    let reply = {
        let mut script = script.lock().expect("unpoisoned");
        if script.is_empty() {
            Reply::Close
        } else {
            script.remove(0)
        }
    };
    // The client may be gone already; that is its business.
    let _ = answer(&mut stream, reply).await;
}

async fn answer(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Http {
            status,
            headers,
            body,
        } => {
            let mut head = format!(
                "HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\nconnection: close\r\n",
                body.len()
            );
            for (name, value) in headers {
                head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Reply::Cut(body) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                body.len() + 100
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Reply::Close => stream.shutdown().await,
        Reply::Silence => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok(())
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().expect("a length"));
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received {
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&bytes[head_end..]).into_owned(),
    })
}
