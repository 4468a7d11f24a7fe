//! Content-Transfer-Encoding (RFC 2045, section 6), undone piece by piece: a download of any size takes the memory of
//! one slice.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes a stream of slices.
#[derive(Debug)]
pub enum Decoder {
    /// 7bit, 8bit, binary, and what nobody knows.
    Identity,
    /// Holds the characters of an unfinished quantum.
    Base64(Vec<u8>),
    /// Holds what may be the start of an escape or of a soft line break.
    QuotedPrintable(Vec<u8>),
}

impl Decoder {
    /// For an encoding's name in any case.
    pub fn new(encoding: &str) -> Self {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64(Vec::new()),
            "quoted-printable" => Self::QuotedPrintable(Vec::new()),
            _ => Self::Identity,
        }
    }

    /// Decodes the next slice.
    pub fn push(&mut self, slice: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => slice.to_vec(),
            Self::Base64(kept) => {
                kept.extend(
                    slice
                        .iter()
                        .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')),
                );
                let whole = kept.len() / 4 * 4;
                let decoded = LENIENT.decode(&kept[..whole]).unwrap_or_default();
                kept.drain(..whole);
                decoded
            }
            Self::QuotedPrintable(kept) => {
                kept.extend_from_slice(slice);
                // The last line may go on in the next slice; a line longer than this is not quoted-printable at all.
                let end = kept
                    .iter()
                    .rposition(|&b| b == b'\n')
                    .map_or(0, |at| at + 1);
                let end = if kept.len() - end > 4096 {
                    kept.len() - 3
                } else {
                    end
                };
                let decoded = quoted_printable(&kept[..end]);
                kept.drain(..end);
                decoded
            }
        }
    }

    /// Decodes what is left at the end.
    pub fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Identity => Vec::new(),
            Self::Base64(kept) => LENIENT.decode(std::mem::take(kept)).unwrap_or_default(),
            Self::QuotedPrintable(kept) => quoted_printable(&std::mem::take(kept)),
        }
    }

    /// A whole part at once.
    pub fn decode(encoding: &str, bytes: &[u8]) -> Vec<u8> {
        let mut decoder = Self::new(encoding);
        let mut decoded = decoder.push(bytes);
        decoded.extend(decoder.finish());
        decoded
    }
}

/// RFC 2045, section 6.7; what is not a valid escape stays as it is.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'=' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let rest = &bytes[at + 1..];
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        if rest[blank..].starts_with(b"\r\n") {
            at += blank + 3;
        } else if rest[blank..].starts_with(b"\n") {
            at += blank + 2;
        } else if let [high, low, ..] = rest
            && let (Some(high), Some(low)) =
                ((*high as char).to_digit(16), (*low as char).to_digit(16))
        {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else if rest.is_empty() {
            at += 1;
        } else {
            out.push(b'=');
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Decoder;

    #[test]
    fn any_cut_decodes_the_same() {
        let cases: [(&str, &[u8], &[u8]); 3] = [
            (
                "base64",
                b"SGVs\r\nbG8s IHdv\r\ncmxkIQ==\r\n",
                b"Hello, world!",
            ),
            (
                "quoted-printable",
                b"caf=C3=\r\n=A9 = =zz soft=  \r\n end=3D",
                "café = =zz soft end=".as_bytes(),
            ),
            ("8bit", b"as it is", b"as it is"),
        ];
        for (encoding, encoded, expected) in cases {
            for size in 1..encoded.len() {
                let mut decoder = Decoder::new(encoding);
                let mut decoded: Vec<u8> = encoded
                    .chunks(size)
                    .flat_map(|chunk| decoder.push(chunk))
                    .collect();
                decoded.extend(decoder.finish());
                assert_eq!(decoded, expected, "{encoding} in pieces of {size}");
            }
        }
    }
}
