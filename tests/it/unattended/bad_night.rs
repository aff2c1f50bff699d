//! The bad night of docs/OPERATIONS.md, played with the commands that stand there, one after the other.

use std::collections::VecDeque;
use std::path::Path;

use crate::common::workspace::Ran;
use crate::unattended::town::LEAVERS;
use crate::unattended::town::Town;

const WRONG: [&str; 3] = ["p001", "p002", "p003"];

/// The commands of one section of the document, as an administrator would copy them.
fn commands(section: &str) -> VecDeque<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/OPERATIONS.md")).unwrap();
    let (_, section) = text.split_once(&format!("## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines();
    let commands = lines.filter_map(|line| line.strip_prefix("       exeunt "));
    commands.map(str::to_owned).collect()
}

/// Splits a command as a shell does, where only double quotes matter.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in command.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

struct Night {
    town: Town,
    /// What is left of the document.
    commands: VecDeque<String>,
    /// The number that the document calls 1042.
    number: String,
}

impl Night {
    /// Runs the next command of the document, which must be this one; `more` is what somebody types
    /// who is asked.
    #[track_caller]
    fn does(&mut self, command: &str, more: &[&str]) -> Ran {
        let next = self.commands.pop_front().unwrap();
        assert!(
            next.starts_with(command),
            "the document goes on with {next}"
        );
        let next = next
            .replace("jonas@example.com", "p001@town.test")
            .replace("1042", &self.number);
        let words = words(&next);
        let args = words.iter().map(String::as_str).chain(more.iter().copied());
        self.town.ws.run(&args.collect::<Vec<_>>())
    }

    fn out(&self) -> usize {
        self.town.out(0)
    }
}

#[test]
fn wrong_people_are_seen_the_rest_is_stopped_and_they_are_given_back() {
    let town = Town::of(30, &[LEAVERS]);
    // HR's list has leave dates in the wrong lines, and more of them a little later
    town.leaves(&WRONG);
    town.run().exits(0);
    town.seconds(300);
    town.leaves(&["p004", "p005"]);
    town.run().exits(5).says("block.breaker");
    let mut night = Night {
        commands: commands("The bad night"),
        town,
        number: String::new(),
    };
    assert_eq!(night.out(), 4);

    night.does("halt on", &[]).exits(0);
    // cron goes on, and so does the list
    night.town.leaves(&["p006"]);
    night.town.run();
    assert_eq!(night.out(), 4);

    let why = night.does("why", &[]).exits(0).says("leave date");
    let line = why
        .out
        .lines()
        .find(|l| l.contains("about to disable the account"));
    let number = line.unwrap().split("[#").nth(1).unwrap();
    night.number = number.trim_end_matches(']').to_owned();
    let touched = night.does("log --type command.intended", &[]).exits(0);
    assert_eq!(
        touched.out.matches("about to disable").count(),
        4,
        "early as well"
    );
    let departed = night.does("departed", &[]).exits(0);
    for name in WRONG.iter().chain(&["p004", "p005", "p006"]) {
        assert!(departed.out.contains(name), "{}", departed.out);
    }

    let status = night.does("status", &[]).exits(0);
    status
        .says("HALTED")
        .says("open plan")
        .says("p004@town.test");
    night.does("breaker show", &[]).exits(0).says("tripped");

    night
        .town
        .ws
        .reconfigure("ring = \"enforce\"", "ring = \"report\"");
    night.does("sync", &[]).exits(0);
    assert_eq!(night.town.plans().len(), 0, "they are void");

    night.does("halt off", &[]).exits(0);
    night
        .does("restore --run", &["--confirm", "3"])
        .exits(0)
        .says("3 accounts given back");
    assert_eq!(night.out(), 1, "early alone");
    night.town.seconds(300);
    night.town.run().exits(0);
    assert_eq!(night.out(), 1, "cron has nothing to do");

    night
        .does("why", &[])
        .exits(0)
        .says("about to give the account back")
        .says("reason: the list of HR was wrong");
    night.does("verify", &[]).exits(0).says("good:");

    night
        .town
        .stays(&["p001", "p002", "p003", "p004", "p005", "p006"]);
    night.town.hours(6);
    night.does("sync", &[]).exits(0);
    let departed = night.does("departed", &[]).exits(0);
    assert_eq!(departed.out.matches("@town.test").count(), 1);

    night
        .town
        .ws
        .reconfigure("ring = \"report\"", "ring = \"enforce\"");
    night.does("sync", &[]).exits(0).says("policy approve");
    night.does("policy approve", &[]).exits(0);
    night.town.hours(24);
    // whoever leaves now is out with the next run, and nobody else
    night.town.leaves(&["p009"]);
    night.does("run", &[]).exits(0);
    assert!(night.town.is_out(0, "p009"));
    assert_eq!(night.out(), 2);
    assert_eq!(night.commands, VecDeque::<String>::new(), "all were played");
    night.town.ws.is_sound();
}
