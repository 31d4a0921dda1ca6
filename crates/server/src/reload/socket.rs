//! The control socket: a unix socket in the data folder, `control.PID.sock`, mode 0600, over which `myna reload` asks and
//! is answered. A socket rather than a file with the process's number: the number may be another program's by now, a
//! signal brings no answer, and whoever may not open the data folder may not ask.

use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::{Drawn, Reload};

const RELOAD: &str = "reload";
const RELOAD_IN_COLOR: &str = "reload color";
const DONE: &str = "done";
const REFUSED: &str = "refused";
const QUESTION_BYTES_MAX: u64 = 64;
/// For the peer to send its question, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// For the server to answer: it may be making RSA keys.
const ANSWER_PATIENCE: Duration = Duration::from_mins(2);

/// A bound control socket; its file goes when this goes.
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl Control {
    /// Binds the socket of this process in the data folder; removes those that a crash left behind.
    ///
    /// # Errors
    /// Those of the system; a path beyond some hundred bytes is one.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        for path in sockets(data)? {
            if StdUnixStream::connect(&path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
                let _ = fs::remove_file(path);
            }
        }
        let path = data.join(format!("control.{}.sock", std::process::id()));
        // Left behind by a process of the same number, and not even refusing: nobody else can have it.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        // Until now the folder's mode keeps others out, and after it every peer is asked who it is.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let owner = fs::metadata(&path)?.uid();
        Ok(Self { listener, path, owner })
    }

    async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match stream.peer_cred()?.uid() {
                uid if uid == self.owner || uid == 0 => return Ok(stream),
                uid => tracing::warn!(uid, "another user may not use the control socket"),
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The next peer; never anybody without a socket.
pub(super) async fn accept(control: Option<&Control>) -> UnixStream {
    let Some(control) = control else { return std::future::pending().await };
    loop {
        match control.accept().await {
            Ok(stream) => return stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the control socket");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Reads one question and answers it.
pub(super) async fn converse(mut stream: UnixStream, reload: &Arc<Reload>) {
    let mut question = String::new();
    let reading = async {
        let (reader, _) = stream.split();
        tokio::io::BufReader::new(reader.take(QUESTION_BYTES_MAX)).read_line(&mut question).await
    };
    if !matches!(timeout(PATIENCE, reading).await, Ok(Ok(_))) {
        return;
    }
    let answer = match question.trim_end() {
        RELOAD => reload.run(Drawn::Plain).await,
        RELOAD_IN_COLOR => reload.run(Drawn::Color).await,
        _ => Err("this server knows no such question".to_owned()),
    };
    let (word, text) = match &answer {
        Ok(text) => (DONE, text),
        Err(text) => (REFUSED, text),
    };
    // A peer that is gone does not want to know.
    let _ = timeout(PATIENCE, stream.write_all(format!("{word}\n{text}").as_bytes())).await;
}

/// What one server said.
pub(crate) struct Answer {
    /// Its process.
    pub(crate) pid: String,
    /// What it did, or why it did not.
    pub(crate) said: Result<String, String>,
}

/// Asks every server that runs on the data folder to reload; none is an empty list.
///
/// # Errors
/// When the folder cannot be read or a server does not answer.
pub(crate) fn ask_all(data: &Path, drawn: Drawn) -> io::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for path in sockets(data)? {
        let mut stream = match StdUnixStream::connect(&path) {
            Ok(stream) => stream,
            // A crash left the file behind, or the server is just ending.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
                continue;
            }
            Err(error) => return Err(named(&path, &error)),
        };
        let said = ask(&mut stream, drawn).map_err(|error| named(&path, &error))?;
        answers.push(Answer { pid: pid(&path).unwrap_or_default().to_owned(), said });
    }
    Ok(answers)
}

fn ask(stream: &mut StdUnixStream, drawn: Drawn) -> io::Result<Result<String, String>> {
    stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
    let question = match drawn {
        Drawn::Plain => RELOAD,
        Drawn::Color => RELOAD_IN_COLOR,
    };
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let (mut word, mut text) = (String::new(), String::new());
    reader.read_line(&mut word)?;
    reader.read_to_string(&mut text)?;
    match word.trim_end() {
        DONE => Ok(Ok(text)),
        REFUSED => Ok(Err(text)),
        _ => Err(io::Error::other("the server ended before it answered")),
    }
}

fn sockets(data: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(data).map_err(|error| named(data, &error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| pid(path).is_some());
    paths.sort();
    Ok(paths)
}

/// The process whose socket it is; `None` for other files.
fn pid(path: &Path) -> Option<&str> {
    let pid = path.file_name()?.to_str()?.strip_prefix("control.")?.strip_suffix(".sock")?;
    pid.bytes().all(|byte| byte.is_ascii_digit()).then_some(pid)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
