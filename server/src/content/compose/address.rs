//! Addresses and other single lines, as a header or a command may hold them.

use std::borrow::Cow;

use mail_builder::headers::address::Address as Header;
use roost_wire::Address;

use super::MAX_FIELD;

/// Whether an address can be written to: `local@domain`, nothing in it that could end a header or a command.
pub fn is_address(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return false;
    };
    !local.is_empty()
        && !domain.is_empty()
        && email.len() <= MAX_FIELD
        && !email
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "<>(),;:\\\"[]".contains(c))
        && !local.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..")
        && ascii_domain(domain).is_some()
}

/// An address as it is written on the wire: the domain in ASCII (RFC 5890).
pub fn wire_address(email: &str) -> Cow<'_, str> {
    match email.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => match ascii_domain(domain) {
            Some(ascii) => Cow::Owned(format!("{local}@{ascii}")),
            None => Cow::Borrowed(email),
        },
        _ => Cow::Borrowed(email),
    }
}

fn ascii_domain(domain: &str) -> Option<String> {
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) if !ascii.is_empty() => Some(ascii),
        _ => None,
    }
}

pub(super) fn header_of(address: &Address, sending: bool) -> Result<Header<'static>, &'static str> {
    if sending && !is_address(&address.email) {
        return Err("an address that is not one");
    }
    let name = one_line(&address.name);
    let email = one_line(&address.email);
    if !is_address(&email) {
        // An unfinished one is kept as what was typed, in the place of a name.
        let typed = if email.is_empty() { name } else { email };
        return Ok(Header::new_address(Some(typed), ""));
    }
    let email = wire_address(&email).into_owned();
    Ok(Header::new_address(
        (!name.is_empty()).then_some(name),
        email,
    ))
}

/// Without line breaks and other control characters.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// What may stand between the angle brackets of a Message-ID, and in a search for it.
pub fn is_message_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_FIELD
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>\"\\".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b.example", "a.b+c@localhost", "grün@bücher.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b..c",
            "a@.b",
            "a@b@c",
            "<a@b>",
            "a@b\r\n",
            "a,b@c",
            "a@[1.2.3.4]",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
