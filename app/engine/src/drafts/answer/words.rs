//! What an answer says by itself: its subject, the lines above what is quoted, the name of a file.

use roost_wire::{Address, Body, Party};

use super::header;

pub(super) fn prefixed(prefix: &str, subject: &str) -> String {
    let stem = subject.trim();
    let has = |known: &str| {
        stem.get(..known.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(known))
    };
    if has(prefix) || (prefix == "Fwd:" && has("Fw:")) {
        stem.to_owned()
    } else {
        format!("{prefix} {stem}").trim_end().to_owned()
    }
}

pub(super) fn on(date: Option<&str>) -> String {
    match date {
        Some(date) => format!("On {}, ", date.trim()),
        None => String::new(),
    }
}

pub(super) fn summary(body: &Body) -> String {
    let list = |party: Party| {
        let all: Vec<String> = body
            .recipients
            .iter()
            .filter(|(stands, _)| *stands == party)
            .take(50)
            .map(|(_, address)| address.to_string())
            .collect();
        all.join(", ")
    };
    let from: Vec<String> = body.from.iter().map(Address::to_string).collect();
    let mut out = format!("From: {}\n", from.join(", "));
    if let Some(date) = header(body, "Date") {
        out.push_str(&format!("Date: {}\n", date.trim()));
    }
    out.push_str(&format!("Subject: {}\n", body.subject));
    for (name, party) in [("To", Party::To), ("Cc", Party::Cc)] {
        let all = list(party);
        if !all.is_empty() {
            out.push_str(&format!("{name}: {all}\n"));
        }
    }
    out
}

pub(super) fn file_stem(subject: &str) -> String {
    let stem: String = subject
        .chars()
        .filter(|c| !c.is_control() && !"/\\:*?\"<>|".contains(*c))
        .take(80)
        .collect();
    match stem.trim() {
        "" => "message".to_owned(),
        stem => stem.to_owned(),
    }
}
