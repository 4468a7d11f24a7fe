//! Addresses as people type and paste them.

use roost_wire::Address;

/// Addresses as people paste them: separated by commas, semicolons or line breaks, with names in any form, in groups
/// (RFC 5322, section 3.4). What is no address is kept as a name, to be shown as wrong.
pub fn addresses(text: &str) -> Vec<Address> {
    let mut out = Vec::new();
    let mut piece = String::new();
    let (mut quoted, mut angle, mut comment) = (false, false, 0_u32);
    let mut escaped = false;
    for c in text.chars() {
        if escaped {
            escaped = false;
            piece.push(c);
            continue;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => piece.push(c),
            '(' => comment += 1,
            ')' => comment = comment.saturating_sub(1),
            _ if comment > 0 => {}
            '<' => {
                angle = true;
                piece.push('<');
            }
            '>' => {
                angle = false;
                piece.push('>');
            }
            // A group's name goes; its members stay.
            ':' if !angle && !piece.contains('@') => piece.clear(),
            ',' | ';' | '\n' | '\r' if !angle => finish(&mut piece, &mut out),
            '\t' => piece.push(' '),
            c if c.is_control() => {}
            c => piece.push(c),
        }
    }
    finish(&mut piece, &mut out);
    out
}

fn finish(piece: &mut String, out: &mut Vec<Address>) {
    let text = std::mem::take(piece);
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let address = match text.split_once('<') {
        Some((name, rest)) => Address {
            name: name.trim().to_owned(),
            email: rest.trim_end_matches('>').trim().to_owned(),
        },
        None if text.contains('@') && !text.contains(' ') => Address {
            name: String::new(),
            email: text.to_owned(),
        },
        None => {
            // "Ada Byron ada@example.org", as people write it.
            match text.rsplit_once(' ') {
                Some((name, email)) if email.contains('@') => Address {
                    name: name.trim().to_owned(),
                    email: email.to_owned(),
                },
                _ => Address {
                    name: text.to_owned(),
                    email: String::new(),
                },
            }
        }
    };
    out.push(address);
}

/// Why an address cannot be written to, `None` if it can. The gateway has the last word.
pub fn address_problem(address: &Address) -> Option<&'static str> {
    let email = address.email.as_str();
    let Some((local, domain)) = email.rsplit_once('@') else {
        return Some("There is no @ in it");
    };
    if local.is_empty() || domain.is_empty() {
        return Some("Something is missing beside the @");
    }
    if email
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\\\"[]".contains(c))
        || local.contains('@')
    {
        return Some("There are characters in it that no address has");
    }
    if domain.starts_with('.') || domain.ends_with('.') || domain.contains("..") {
        return Some("The part after the @ is not a domain");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_people_paste_becomes_addresses() {
        let text = "Ada Byron <ada@example.org>, \"Kovács, Béla\" <bela@example.org>; plain@example.org\n\
                    Team: one@example.org, (the second) two@example.org; Grace grace@example.org,\
                    nonsense, <bare@bücher.example>";
        let found = addresses(text);
        let pairs: Vec<(&str, &str)> = found
            .iter()
            .map(|address| (address.name.as_str(), address.email.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("Ada Byron", "ada@example.org"),
                ("Kovács, Béla", "bela@example.org"),
                ("", "plain@example.org"),
                ("", "one@example.org"),
                ("", "two@example.org"),
                ("Grace", "grace@example.org"),
                ("nonsense", ""),
                ("", "bare@bücher.example"),
            ]
        );
        assert!(address_problem(&found[6]).is_some());
        assert!(address_problem(&found[7]).is_none());
    }
}
