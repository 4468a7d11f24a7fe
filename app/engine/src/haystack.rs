//! Summaries as a search on this device reads them: all their text in one piece, lower-cased, and beside it what operators
//! ask about. Some 250 bytes a message, so that 100,000 of them are searched within a keystroke.

use std::collections::HashMap;

use roost_wire::{Address, Delta, Flags, SearchQuery, Summary, Uid, UidSet};

/// How many messages of one mailbox are searched on this device.
pub const MAX_ROWS: usize = 150_000;
/// How much of the text of a body that is here is searched, in bytes.
const MAX_BODY: usize = 32 * 1024;
/// How much text of bodies is read from what is kept, in bytes: so much is searched within a keystroke.
const MAX_TEXTS: usize = 8 * 1024 * 1024;
/// Letters by how common they are in mail, in most of its languages.
const COMMON: &[u8] = b" etaoinrshldcumfpgwybv.k,-@xjqz0123456789";

const SEEN: u8 = 1;
const FLAGGED: u8 = 2;
const ATTACHMENT: u8 = 4;

/// What a message is searched by.
#[derive(Debug, Clone, Default)]
pub struct Haystack {
    /// Sender, recipients, subject and preview of each row, each ended by a line feed, which none of them has.
    text: String,
    rows: Vec<Row>,
    places: HashMap<Uid, usize>,
    /// Texts of messages that were read or fetched ahead, in the order in which they came; of UID 0 when the message is gone,
    /// or has another.
    bodies: Vec<(Uid, String)>,
    body_places: HashMap<Uid, usize>,
    /// How many bytes they have.
    body_bytes: usize,
}

/// How much of a haystack was looked through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Read {
    rows: usize,
    bodies: usize,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// 0 when the message is gone, or has another row.
    uid: Uid,
    start: u32,
    received: i64,
    size: u32,
    bits: u8,
}

/// Changes of flags that are not confirmed yet: which messages, `\Seen` and `\Flagged`.
pub type FlagChange<'a> = (&'a UidSet, Option<bool>, Option<bool>);

impl Haystack {
    /// All that there is to search, what is gone included; never less than before.
    pub fn end(&self) -> Read {
        Read {
            rows: self.rows.len(),
            bodies: self.bodies.len(),
        }
    }

    /// How many messages are searched.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn add(&mut self, summary: &Summary) {
        let start = self.text.len();
        for people in [&summary.from, &summary.to] {
            for address in people {
                push_address(&mut self.text, address);
            }
            self.text.push('\n');
        }
        for field in [&summary.subject, &summary.preview] {
            push_lowered(&mut self.text, field);
            self.text.push('\n');
        }
        let bits = (u8::from(summary.attachment) * ATTACHMENT) | bits(&summary.flags);
        if let Some(&place) = self.places.get(&summary.uid) {
            if self.text_of(place) == &self.text[start..] {
                self.text.truncate(start);
                self.rows[place].bits = bits;
                return;
            }
            self.rows[place].uid = 0;
        }
        if self.rows.len() >= MAX_ROWS {
            self.text.truncate(start);
            self.places.remove(&summary.uid);
            return;
        }
        self.places.insert(summary.uid, self.rows.len());
        self.rows.push(Row {
            uid: summary.uid,
            start: start as u32,
            received: summary.received,
            size: summary.size,
            bits,
        });
    }

    /// Takes in the text of a message, given as the HTML that is shown of it.
    pub fn add_body(&mut self, uid: Uid, html: &str) {
        let text = text_in(html);
        if self.body_of(uid) == Some(&text) {
            return;
        }
        self.remove_body(uid);
        self.body_bytes += text.len();
        self.body_places.insert(uid, self.bodies.len());
        self.bodies.push((uid, text));
    }

    /// Whether the text of a message would be found, could it be read from what is kept.
    pub fn wants_body(&self, uid: Uid) -> bool {
        self.body_bytes < MAX_TEXTS && self.has(uid) && !self.body_places.contains_key(&uid)
    }

    fn body_of(&self, uid: Uid) -> Option<&String> {
        self.body_places
            .get(&uid)
            .map(|&place| &self.bodies[place].1)
    }

    fn remove_body(&mut self, uid: Uid) {
        if let Some(place) = self.body_places.remove(&uid) {
            let (_, text) = std::mem::take(&mut self.bodies[place]);
            self.body_bytes -= text.len();
        }
    }

    pub fn has(&self, uid: Uid) -> bool {
        self.places.contains_key(&uid)
    }

    pub fn set_flags(&mut self, uid: Uid, flags: &Flags) {
        if let Some(&place) = self.places.get(&uid) {
            let row = &mut self.rows[place];
            row.bits = (row.bits & ATTACHMENT) | bits(flags);
        }
    }

    /// Does what a delta says.
    pub fn change(&mut self, delta: &Delta) {
        self.lose(&delta.vanished);
        for (uid, flags) in &delta.flags {
            self.set_flags(*uid, flags);
        }
        for summary in &delta.arrived {
            self.add(summary);
        }
    }

    /// Takes out messages that are gone.
    pub fn lose(&mut self, gone: &UidSet) {
        let places = self.places.keys().copied();
        for uid in places.filter(|uid| gone.contains(*uid)).collect::<Vec<_>>() {
            self.remove(uid);
        }
    }

    pub fn remove(&mut self, uid: Uid) {
        if let Some(place) = self.places.remove(&uid) {
            self.rows[place].uid = 0;
        }
        self.remove_body(uid);
    }

    /// The messages that match of what was not looked through before, in no order.
    pub fn find(&self, query: &SearchQuery, before: Read, changes: &[FlagChange]) -> Vec<Uid> {
        let from = before.rows;
        let needles = Needles::of(query);
        let fits = |place: &usize| {
            let row = &self.rows[*place];
            row.uid != 0 && self.fits(*place, row, &needles, changes)
        };
        let uid = |place: usize| self.rows[place].uid;
        let Some(longest) = needles.longest() else {
            return (from..self.rows.len()).filter(fits).map(uid).collect();
        };
        let mut places = self.rows_with(longest, from);
        // A text that came after its row may be what was missing.
        let in_texts = needles.text.iter().any(|word| word == longest);
        for (index, (uid, text)) in self.bodies.iter().enumerate() {
            if let Some(&place) = self.places.get(uid)
                && (index >= before.bodies || place >= from)
                && !needles.text.is_empty()
                && (!in_texts || contains(text, longest))
            {
                places.push(place);
            }
        }
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter(fits).map(uid).collect()
    }

    /// The rows whose text has this in it, ascending. One pass over all of the text.
    fn rows_with(&self, needle: &str, from: usize) -> Vec<usize> {
        let mut places = Vec::new();
        let mut at = self.start_of(from);
        while let Some(found) = position(&self.text.as_bytes()[at..], needle.as_bytes()) {
            let found = at + found;
            let place = self.rows.partition_point(|row| row.start as usize <= found) - 1;
            places.push(place);
            at = self.start_of(place + 1);
        }
        places
    }

    fn start_of(&self, place: usize) -> usize {
        self.rows
            .get(place)
            .map_or(self.text.len(), |row| row.start as usize)
    }

    fn text_of(&self, place: usize) -> &str {
        // The row that is being added has its text already.
        let start = self.rows[place].start as usize;
        let mut end = start;
        for _ in 0..4 {
            end += self.text[end..].find('\n').map_or(0, |length| length + 1);
        }
        &self.text[start..end]
    }

    fn fits(&self, place: usize, row: &Row, needles: &Needles, changes: &[FlagChange]) -> bool {
        let query = needles.query;
        let (mut seen, mut flagged) = (row.bits & SEEN != 0, row.bits & FLAGGED != 0);
        for (uids, now_seen, now_flagged) in changes {
            if uids.contains(row.uid) {
                seen = now_seen.unwrap_or(seen);
                flagged = now_flagged.unwrap_or(flagged);
            }
        }
        if query.unread.is_some_and(|unread| unread == seen)
            || query.starred.is_some_and(|starred| starred != flagged)
            || query.attachment && row.bits & ATTACHMENT == 0
            || query.larger.is_some_and(|size| row.size <= size)
        {
            return false;
        }
        let day = row.received.div_euclid(86_400);
        if query.after.is_some_and(|after| day < i64::from(after))
            || query.before.is_some_and(|before| day >= i64::from(before))
        {
            return false;
        }
        if needles.longest().is_none() {
            return true;
        }
        let text = self.text_of(place);
        let mut fields = text.split('\n');
        let mut has = |needle: &Option<String>| {
            let field = fields.next().unwrap_or_default();
            needle.as_ref().is_none_or(|needle| contains(field, needle))
        };
        if !(has(&needles.from) && has(&needles.to) && has(&needles.subject)) {
            return false;
        }
        let body = self.body_of(row.uid);
        needles
            .text
            .iter()
            .all(|word| contains(text, word) || body.is_some_and(|body| contains(body, word)))
    }
}

/// What is looked for, lower-cased.
struct Needles<'a> {
    query: &'a SearchQuery,
    text: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    subject: Option<String>,
}

impl<'a> Needles<'a> {
    fn of(query: &'a SearchQuery) -> Self {
        let lowered = |text: &String| {
            let mut lowered = String::new();
            push_lowered(&mut lowered, text);
            lowered
        };
        Self {
            query,
            text: query.text.iter().map(lowered).collect(),
            from: query.from.as_ref().map(lowered),
            to: query.to.as_ref().map(lowered),
            subject: query.subject.as_ref().map(lowered),
        }
    }

    /// The one that the fewest messages have, most likely.
    fn longest(&self) -> Option<&String> {
        let fields = [&self.from, &self.to, &self.subject];
        let all = self.text.iter().chain(fields.into_iter().flatten());
        all.max_by_key(|needle| needle.len())
    }
}

fn bits(flags: &Flags) -> u8 {
    (u8::from(flags.seen) * SEEN) | (u8::from(flags.flagged) * FLAGGED)
}

/// An address as a header has it; several follow one another.
fn push_address(text: &mut String, address: &Address) {
    if !address.name.is_empty() {
        push_lowered(text, &address.name);
        text.push(' ');
    }
    text.push('<');
    push_lowered(text, &address.email);
    text.push_str(">, ");
}

fn push_lowered(text: &mut String, piece: &str) {
    if piece.is_ascii() {
        text.extend(piece.chars().map(|c| match c {
            '\n' | '\r' => ' ',
            c => c.to_ascii_lowercase(),
        }));
    } else {
        text.push_str(&piece.to_lowercase().replace(['\n', '\r'], " "));
    }
}

/// The text in a fragment of HTML, lower-cased, with one blank for whatever stands between words.
fn text_in(html: &str) -> String {
    const ENTITIES: [(&str, &str); 5] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let mut text = String::new();
    for (index, piece) in html.split('<').enumerate() {
        // The first piece stands before any tag. Styles stand in no fragment.
        let piece = match piece.split_once('>') {
            Some((tag, after)) if index > 0 => {
                // Tags that only change how letters look do not part words.
                let name = tag.trim_start_matches('/').split([' ', '/']).next();
                let inline = matches!(
                    name,
                    Some("a" | "b" | "i" | "u" | "s" | "em" | "strong" | "span" | "font" | "wbr")
                );
                if !inline && !text.ends_with(' ') {
                    text.push(' ');
                }
                after
            }
            _ => piece,
        };
        for c in piece.chars() {
            if !c.is_whitespace() {
                text.push(c);
            } else if !text.ends_with(' ') {
                text.push(' ');
            }
        }
        if text.len() > MAX_BODY {
            break;
        }
    }
    for (entity, character) in ENTITIES {
        if text.contains(entity) {
            text = text.replace(entity, character);
        }
    }
    text.to_lowercase()
}

fn contains(text: &str, needle: &str) -> bool {
    position(text.as_bytes(), needle.as_bytes()).is_some()
}

/// Where a needle stands. Looks for its rarest letter first: most of the text is passed over with one comparison a byte.
fn position(text: &[u8], needle: &[u8]) -> Option<usize> {
    let rarity = |byte: &u8| COMMON.iter().position(|common| common == byte);
    let (offset, &rare) = needle
        .iter()
        .enumerate()
        .max_by_key(|(_, byte)| rarity(byte).unwrap_or(COMMON.len()))
        .unwrap_or((0, &b' '));
    if needle.is_empty() {
        return Some(0);
    }
    let mut at = offset;
    while let Some(found) = text.get(at..)?.iter().position(|&byte| byte == rare) {
        let start = at + found - offset;
        if text[start..].starts_with(needle) {
            return Some(start);
        }
        at += found + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tests::summary;
    use crate::query;

    fn haystack() -> Haystack {
        let mut haystack = Haystack::default();
        let mut add = |uid, from: &str, subject: &str, preview: &str| {
            haystack.add(&Summary {
                from: vec![Address {
                    name: from.to_owned(),
                    email: format!("{}@example.org", from.to_lowercase()),
                }],
                subject: subject.to_owned(),
                preview: preview.to_owned(),
                ..summary(uid)
            });
        };
        add(1, "Ann", "Tulips", "They bloom in May");
        add(2, "Bob", "Über Äpfel", "An apple a day");
        add(3, "Maya", "May", "Nothing of Ann");
        haystack
    }

    fn found(haystack: &Haystack, text: &str) -> Vec<Uid> {
        let mut found = haystack.find(&query::parse(text).search, Read::default(), &[]);
        found.sort_unstable();
        found
    }

    #[test]
    fn words_and_operators() {
        let haystack = haystack();
        for (text, expected) in [
            ("may", &[1, 3][..]),
            ("MAY bloom", &[1]),
            ("from:ann", &[1]),
            ("ann", &[1, 3]),
            ("from:may subject:may", &[3]),
            ("\"über äpfel\"", &[2]),
            ("tulips they", &[1]),
            ("\"tulips they\"", &[]),
            ("from:\"ann <ann@\"", &[1]),
            ("zebra", &[]),
        ] {
            assert_eq!(found(&haystack, text), expected, "{text}");
        }
    }

    #[test]
    fn what_changes_is_found_as_it_is_now() {
        let mut haystack = haystack();
        let mut changed = summary(1);
        changed.subject = "Roses".to_owned();
        haystack.add(&changed);
        assert_eq!(found(&haystack, "tulips"), []);
        assert_eq!(found(&haystack, "roses"), [1]);
        haystack.remove(3);
        assert_eq!(found(&haystack, "may"), []);
        let mut flags = Flags::default();
        flags.set("\\Seen", true);
        haystack.set_flags(1, &flags);
        assert_eq!(found(&haystack, "is:read"), [1]);
        // What is not confirmed yet counts too.
        let two = UidSet::range(2, 2);
        let unread = query::parse("is:unread").search;
        assert_eq!(
            haystack.find(&unread, Read::default(), &[(&two, Some(true), None)]),
            []
        );
        assert_eq!(haystack.len(), 2);
    }

    #[test]
    fn bodies_are_read_as_text() {
        let mut haystack = haystack();
        haystack.add_body(
            2,
            "<p>Dear&nbsp;all,<br>b<b>ring</b> Tom &amp; Jerry</p><p>Bye</p>",
        );
        for text in ["\"dear all\"", "bring", "\"tom & jerry\"", "äpfel bye"] {
            assert_eq!(found(&haystack, text), [2], "{text}");
        }
        assert_eq!(found(&haystack, "br"), [2]);
        assert_eq!(found(&haystack, "subject:bye"), []);
    }

    #[test]
    fn a_text_that_comes_after_its_row_is_looked_through() {
        let mut haystack = haystack();
        for (text, uids) in [
            ("zebra", &[2][..]),
            ("from:bob zebra", &[2]),
            ("zebra bye", &[2]),
            ("from:ann zebra", &[]),
        ] {
            let query = query::parse(text).search;
            let before = haystack.end();
            haystack.add_body(2, &format!("<p>A zebra, {text}. Bye</p>"));
            assert_eq!(haystack.find(&query, before, &[]), uids, "{text}");
            assert_eq!(haystack.find(&query, haystack.end(), &[]), [], "{text}");
        }
        haystack.remove(2);
        assert_eq!(found(&haystack, "zebra"), []);
        assert_eq!(haystack.body_bytes, 0);
    }

    #[test]
    fn only_so_much_text_is_wanted() {
        let mut haystack = haystack();
        assert!(haystack.wants_body(1) && !haystack.wants_body(4));
        haystack.add_body(1, "Hello");
        assert!(!haystack.wants_body(1) && haystack.wants_body(2));
        haystack.body_bytes = MAX_TEXTS;
        assert!(!haystack.wants_body(2));
    }
}
