//! Text from bytes, by its label where the label is right and by its looks where it is not.

use encoding_rs::{Encoding, UTF_8};

/// Decodes text that claims to be in `label`.
///
/// A label that is missing, unknown, or US-ASCII on bytes that are not ASCII says nothing; a UTF-8 label on bytes that
/// are not UTF-8 is wrong. Then valid UTF-8 is taken as that, and anything else by what it looks like.
pub fn decode(bytes: &[u8], label: Option<&str>) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let label = label.map(str::trim).filter(|label| !label.is_empty());
    let named = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    let is_ascii_label = label.is_some_and(|label| {
        [
            "us-ascii",
            "ascii",
            "ansi_x3.4-1968",
            "iso-8859-1",
            "windows-1252",
            "latin1",
        ]
        .contains(&label.to_ascii_lowercase().as_str())
    });
    match named {
        // What people label Latin 1 without looking is often UTF-8; text that is valid as multi-byte UTF-8 is hardly
        // ever anything else.
        Some(encoding) if is_ascii_label => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) if label.is_some_and(|l| l.to_ascii_lowercase().contains("ascii")) => {
                guess(bytes)
            }
            Err(_) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        },
        Some(encoding) => {
            let (text, wrong) = encoding.decode_without_bom_handling(bytes);
            if wrong && encoding == UTF_8 {
                guess(bytes)
            } else {
                text.into_owned()
            }
        }
        None => {
            // UTF-7 and a few more that browsers have given up.
            let rare = label.and_then(|label| {
                mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes())
            });
            match rare {
                Some(decoder) => decoder(bytes),
                None => guess(bytes),
            }
        }
    }
}

fn guess(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(&bytes[..bytes.len().min(64 * 1024)], true);
    detector
        .guess(None, true)
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn labels_that_are_right() {
        assert_eq!(
            decode(b"\x1b$B$3$s$K$A$O\x1b(B", Some("ISO-2022-JP")),
            "こんにちは"
        );
        assert_eq!(
            decode(b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("windows-1251")),
            "Привет"
        );
        assert_eq!(decode(b"\xc4\xe3\xba\xc3", Some("gb18030")), "你好");
        assert_eq!(
            decode(b"\xf0\xd2\xc9\xd7\xc5\xd4", Some("koi8-r")),
            "Привет"
        );
        assert_eq!(decode(b"+AOk-t+AOk-", Some("utf-7")), "été");
        assert_eq!(decode(b"caf\xe9", Some("iso-8859-1")), "café");
    }

    #[test]
    fn labels_that_are_wrong() {
        assert_eq!(decode("größe".as_bytes(), Some("us-ascii")), "größe");
        assert_eq!(decode("größe".as_bytes(), Some("iso-8859-1")), "größe");
        assert_eq!(decode("größe".as_bytes(), Some("x-unknown-8bit")), "größe");
        assert_eq!(decode("größe".as_bytes(), None), "größe");
        let russian = "Привет, как дела? Это письмо с неверной кодировкой.";
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(russian);
        assert_eq!(decode(&bytes, Some("utf-8")), russian);
    }
}
