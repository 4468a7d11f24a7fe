//! Many short messages, all different.

use super::Delivered;
use super::message::rfc5322_date;

const NAMES: [&str; 16] = [
    "Ada Byron",
    "Béla Kovács",
    "Chiara Rossi",
    "Dmitri Volkov",
    "Emre Yılmaz",
    "Fatima Zahra",
    "Grace Okafor",
    "Hiroshi Sato",
    "Ines Duarte",
    "Jonas Weber",
    "Kaja Nowak",
    "Liu Yang",
    "Maya Cohen",
    "Noor Aziz",
    "Olga Petrova",
    "Pablo Ruiz",
];
const TOPICS: [&str; 12] = [
    "Minutes of the meeting",
    "Question about the invoice",
    "Weekend plans",
    "Draft of the report",
    "New schedule",
    "Photos",
    "Re: budget",
    "Server maintenance",
    "Your order",
    "Reminder",
    "Fwd: article",
    "Lunch?",
];

/// One message every ten minutes up to the beginning of 2026.
pub fn messages(count: u32) -> impl Iterator<Item = Delivered> {
    (0..count).map(move |index| {
        let time = 1_767_000_000 - u64::from(count - index) * 600;
        let name = NAMES[(index.wrapping_mul(2_654_435_761) >> 20) as usize % NAMES.len()];
        let topic = TOPICS[(index.wrapping_mul(40_503) >> 8) as usize % TOPICS.len()];
        let address = name.to_lowercase().replace(' ', ".").replace(|c: char| !c.is_ascii(), "x");
        let raw = format!(
            "From: {} <{address}@example.org>\nTo: Alice <alice@roost.test>\nSubject: {topic} {index}\nDate: {}\n\
             Message-ID: <many.{index}@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n\
             This is message number {index}. {topic}: nothing urgent, just so that there is something to find.\n",
            encoded(name),
            rfc5322_date(time),
        );
        Delivered {
            raw: raw.into_bytes(),
            time,
            flags: match index % 17 {
                0 => "FS",
                1..=3 => "",
                4 => "RS",
                _ => "S",
            },
        }
    })
}

fn encoded(name: &str) -> String {
    use base64::Engine as _;
    if name.is_ascii() {
        name.to_owned()
    } else {
        format!(
            "=?utf-8?B?{}?=",
            base64::engine::general_purpose::STANDARD.encode(name)
        )
    }
}
