//! What the program tells people to type, typed.

/// A command as the program printed it, to be given to a shell that finds the program. No variable says where data is.
pub fn as_printed(command: &str) -> std::process::Command {
    let binary = assert_cmd::cargo::cargo_bin!("evograd");
    let own = binary.parent().expect("a program stands in a folder").display().to_string();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command]).env("PATH", format!("{own}:/usr/bin:/bin")).env_remove("EVOGRAD_DATA_DIR");
    shell
}
