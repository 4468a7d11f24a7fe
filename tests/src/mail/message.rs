//! Putting messages together by hand, so that they can also be put together wrongly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A message under construction.
#[derive(Debug, Clone)]
pub struct Message {
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    pub fn new(from: &str, to: &str, subject: &str) -> Self {
        Self {
            headers: vec![
                ("From".to_owned(), encode(from)),
                ("To".to_owned(), encode(to)),
                ("Subject".to_owned(), encode(subject)),
                ("MIME-Version".to_owned(), "1.0".to_owned()),
            ],
            body: String::new(),
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A date in seconds since 1970, and a Message-ID that goes with it.
    pub fn sent(self, time: u64) -> Self {
        let id = format!("<{time}.roost@example.org>");
        self.header("Date", &rfc5322_date(time))
            .header("Message-ID", &id)
    }

    pub fn plain(self, text: &str) -> Self {
        let mut message = self
            .header("Content-Type", "text/plain; charset=utf-8")
            .header("Content-Transfer-Encoding", "8bit");
        text.clone_into(&mut message.body);
        message
    }

    pub fn html(self, html: &str) -> Self {
        let mut message = self
            .header("Content-Type", "text/html; charset=utf-8")
            .header("Content-Transfer-Encoding", "base64");
        message.body = wrapped(html.as_bytes());
        message
    }

    /// A text and an HTML version of it.
    pub fn alternative(self, text: &str, html: &str) -> Self {
        let parts = [
            part("text/plain; charset=utf-8", "", text.as_bytes()),
            part("text/html; charset=utf-8", "", html.as_bytes()),
        ];
        self.multipart("alternative", &parts)
    }

    /// Parts made by [`part`].
    pub fn multipart(self, subtype: &str, parts: &[String]) -> Self {
        let boundary = format!("=_{subtype}_{}", parts.len());
        let mut message = self.header(
            "Content-Type",
            &format!("multipart/{subtype}; boundary=\"{boundary}\""),
        );
        message.body = join(&boundary, parts);
        message
    }

    pub fn build(&self) -> Vec<u8> {
        let mut text = String::new();
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        text.push_str(&self.body);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.into_bytes()
    }
}

/// One part, base64-encoded; `more` are further header lines.
pub fn part(content_type: &str, more: &str, content: &[u8]) -> String {
    format!(
        "Content-Type: {content_type}\nContent-Transfer-Encoding: base64\n{more}\n{}",
        wrapped(content)
    )
}

/// A multipart as a part of another.
pub fn nested(subtype: &str, boundary: &str, parts: &[String]) -> String {
    format!(
        "Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\n\n{}",
        join(boundary, parts)
    )
}

fn join(boundary: &str, parts: &[String]) -> String {
    let mut body = String::new();
    for part in parts {
        body.push_str(&format!("--{boundary}\n{part}\n"));
    }
    body.push_str(&format!("--{boundary}--\n"));
    body
}

fn wrapped(content: &[u8]) -> String {
    let encoded = STANDARD.encode(content);
    let mut out = String::with_capacity(encoded.len() + encoded.len() / 76 + 1);
    for line in encoded.as_bytes().chunks(76) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out
}

/// RFC 2047 for the display name or the whole text, where it is not ASCII.
fn encode(text: &str) -> String {
    let word = |text: &str| {
        text.chars()
            .collect::<Vec<_>>()
            .chunks(10)
            .map(|chunk| {
                format!(
                    "=?utf-8?B?{}?=",
                    STANDARD.encode(chunk.iter().collect::<String>())
                )
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    if text.is_ascii() {
        return text.to_owned();
    }
    match text.split_once(" <") {
        Some((name, address)) => format!("{} <{address}", word(name)),
        None => word(text),
    }
}

/// `Thu, 01 Feb 2024 10:00:00 +0000`.
pub fn rfc5322_date(time: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = time / 86_400;
    let mut year = 1970;
    let mut left = days;
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while left >= if leap(year) { 366 } else { 365 } {
        left -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let lengths = [
        31,
        if leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    let clock = time % 86_400;
    format!(
        "{}, {:02} {} {year} {:02}:{:02}:{:02} +0000",
        DAYS[(days % 7) as usize],
        left + 1,
        MONTHS[month],
        clock / 3600,
        clock / 60 % 60,
        clock % 60
    )
}

/// A PDF of one page with one line of text.
pub fn pdf(text: &str) -> Vec<u8> {
    let stream = format!("BT /F1 24 Tf 60 740 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let xref = out.len();
    out.push_str(&format!(
        "xref\n0 {}\n0000000000 65535 f \n",
        objects.len() + 1
    ));
    for offset in offsets {
        out.push_str(&format!("{offset:010} 00000 n \n"));
    }
    out.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n",
        objects.len() + 1
    ));
    out.into_bytes()
}

/// A PNG (RFC 2083) of the given size in a gradient between two colours, uncompressed.
pub fn png(width: u32, height: u32, from: [u8; 3], to: [u8; 3]) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..height {
        pixels.push(0);
        for x in 0..width {
            let t = (x + y) * 255 / (width + height - 1).max(1);
            for channel in 0..3 {
                let (a, b) = (u32::from(from[channel]), u32::from(to[channel]));
                pixels.push(((a * (255 - t) + b * t) / 255) as u8);
            }
        }
    }
    // zlib with stored blocks (RFC 1950 and 1951).
    let mut zlib = vec![0x78, 0x01];
    let chunks = pixels.chunks(65_535).count();
    for (index, chunk) in pixels.chunks(65_535).enumerate() {
        zlib.push(u8::from(index + 1 == chunks));
        zlib.extend((chunk.len() as u16).to_le_bytes());
        zlib.extend((!(chunk.len() as u16)).to_le_bytes());
        zlib.extend(chunk);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in &pixels {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    zlib.extend((b << 16 | a).to_be_bytes());
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    for (kind, data) in [(b"IHDR", header), (b"IDAT", zlib), (b"IEND", Vec::new())] {
        out.extend((data.len() as u32).to_be_bytes());
        let mut typed = kind.to_vec();
        typed.extend(data);
        out.extend(&typed);
        out.extend(crc32(&typed).to_be_bytes());
    }
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, &byte| {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
        crc
    })
}
