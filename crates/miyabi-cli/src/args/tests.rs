use super::*;

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

/// Every line of an `Examples:` block that starts the program, as words.
fn examples(command: &clap::Command, found: &mut Vec<Vec<String>>) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in text.lines().filter(|line| line.starts_with("  ")) {
        let line = line.trim_start();
        // A remark stands apart by blanks; what comes before a pipe is another program's.
        let line = line.split("   ").next().unwrap_or(line);
        let line =
            line.rsplit_once("| miyabi ").map_or(line.to_owned(), |(_, rest)| format!("miyabi {rest}"));
        let line = line.split(" > ").next().unwrap_or(&line).split(" | ").next().unwrap_or(&line).to_owned();
        assert!(line.starts_with("miyabi"), "`{line}` of {} starts another program", command.get_name());
        found.push(words(&line));
    }
    command.get_subcommands().for_each(|command| examples(command, found));
}

/// Words as a shell splits them, for double quotes only.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_example_in_help_is_understood() {
    let mut found = Vec::new();
    examples(&command(), &mut found);
    assert!(found.len() > 20, "{} examples", found.len());
    for words in found {
        let parsed = parse(words.iter().map(Into::into));
        assert!(
            parsed.is_ok(),
            "{words:?}: {}",
            parsed.err().map(|error| error.to_string()).unwrap_or_default()
        );
    }
}

#[test]
fn every_command_has_an_example_and_a_sentence() {
    for command in command().get_subcommands() {
        let name = command.get_name();
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(examples.starts_with("Examples:\n  ") && examples.ends_with("\n\n"), "{name}: {examples:?}");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty() && about.chars().count() <= 76, "{name}: {about}");
    }
}
