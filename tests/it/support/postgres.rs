//! A PostgreSQL cluster of this test process: made when the first test asks for it, gone when the process ends.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// Makes a cluster in a new folder, says where, and takes it away when standard input closes: that happens however the
/// test process ends. It listens on a socket in its folder only, so no port can be taken. Nothing in it is worth a sync.
const SCRIPT: &str = r#"
set -eu
folder=$(mktemp -d /tmp/romdex-postgres.XXXXXX)
cluster="$folder/data"
stop() { "$BINARIES/pg_ctl" -D "$cluster" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"; }
trap stop EXIT
trap 'exit 1' INT TERM HUP
"$BINARIES/initdb" -D "$cluster" -U romdex -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 \
    || { cat "$folder/log" >&2; exit 1; }
"$BINARIES/pg_ctl" -D "$cluster" -l "$folder/log" -w start >/dev/null \
    -o "-k $folder -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" \
    || { cat "$folder/log" >&2; exit 1; }
echo "$folder"
cat >/dev/null
"#;

/// A running cluster.
pub struct Cluster {
    folder: String,
    /// Closing its standard input ends the cluster; a static is never dropped, so the end of the process does it.
    _keeper: Child,
}

impl Cluster {
    /// The cluster of this process. `None` where PostgreSQL is not installed: the test is then skipped, which is said, and
    /// which is a failure where `CI=true`.
    pub fn shared() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER
            .get_or_init(|| {
                let Some(binaries) = binaries() else {
                    assert!(
                        env::var("CI").as_deref() != Ok("true"),
                        "PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql"
                    );
                    return None;
                };
                Some(start(&binaries))
            })
            .as_ref()
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://romdex@localhost/{database}?host={}", self.folder)
    }
}

/// Where Debian, or `PATH`, has the newest server.
fn binaries() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .chain(env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

fn start(binaries: &PathBuf) -> Cluster {
    // PostgreSQL does not run as root.
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]);
        command
    };
    let mut child = command
        .env("BINARIES", binaries)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell starts");
    let mut folder = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut folder)
        .unwrap();
    let folder = folder.trim().to_owned();
    assert!(!folder.is_empty(), "PostgreSQL started: see above");
    Cluster { folder, _keeper: child }
}
