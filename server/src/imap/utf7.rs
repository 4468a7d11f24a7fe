//! Modified UTF-7, in which IMAP4rev1 writes mailbox names (RFC 3501, section 5.1.3).

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Encodes a name.
pub fn encode(name: &str) -> String {
    fn flush(shifted: &mut Vec<u8>, out: &mut String) {
        if !shifted.is_empty() {
            out.push('&');
            BASE64.encode_string(&*shifted, out);
            out.push('-');
            shifted.clear();
        }
    }
    let mut out = String::with_capacity(name.len());
    let mut shifted = Vec::new();
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut shifted, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shifted.extend(unit.to_be_bytes());
            }
        }
    }
    flush(&mut shifted, &mut out);
    out
}

/// Decodes a name. What is not valid modified UTF-7 (servers that send raw UTF-8, say) is taken as it is.
pub fn decode(name: &str) -> String {
    try_decode(name).unwrap_or_else(|| name.to_owned())
}

fn try_decode(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        let end = start + rest[start..].find('-')?;
        let encoded = &rest[start + 1..end];
        if encoded.is_empty() {
            out.push('&');
        } else {
            let bytes = BASE64.decode(encoded).ok()?;
            let (pairs, odd) = bytes.as_chunks::<2>();
            if !odd.is_empty() {
                return None;
            }
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_and_some_more() {
        for (name, encoded) in [
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Tom & Jerry", "Tom &- Jerry"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("📬", "&2D3c7A-"),
            ("plain", "plain"),
        ] {
            assert_eq!(encode(name), encoded);
            assert_eq!(decode(encoded), name);
        }
    }

    #[test]
    fn what_is_not_utf7_stays() {
        for name in ["Tom & Jerry", "a&b", "&!!-", "&AA-", "Entwürfe"] {
            assert_eq!(decode(name), name);
        }
    }
}
