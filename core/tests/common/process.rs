//! A test that starts its own program again, and plays the other process when it finds itself started so.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Where the directory is, for the other process.
const DIRECTORY: &str = "CAUSELOG_TEST_DIRECTORY";

/// The line that starts what the other process says.
const READY: &str = "the other process is ready";

/// The directory, if this is the other process.
pub(crate) fn as_other() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// The other process says that it is where it should be, and waits for the first to go on.
pub(crate) fn ready() {
    println!("\n{READY}");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
}

pub(crate) struct Other {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(test: &str, directory: &Path) -> Other {
        Other::run(Command::new(std::env::current_exe().unwrap()), test, directory)
    }

    pub(crate) fn run(mut command: Command, test: &str, directory: &Path) -> Other {
        let mut child = command
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Other { child, output }
    }

    /// Waits until it says that it is ready.
    pub(crate) fn wait(&mut self) {
        let mut line = String::new();
        while line.trim_end() != READY {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the other process ended");
        }
    }

    pub(crate) fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"!").unwrap();
    }

    pub(crate) fn succeeds(mut self) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
        assert!(rest.contains("1 passed"), "the other process ran nothing: {rest}");
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
