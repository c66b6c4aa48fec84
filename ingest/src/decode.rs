//! Bytes to text: byte order marks, labels, and sniffing where labels lie.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How far into a document a declaration of its encoding is looked for, in bytes.
const DECLARATION_WITHIN: usize = 4_096;

/// Text and the encoding it was found to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without byte order mark; U+FFFD stands for what could not be decoded.
    pub text: String,
    /// Name of the encoding by the WHATWG standard, or `UTF-32`.
    pub encoding: &'static str,
    /// Whether something could not be decoded.
    pub is_lossy: bool,
}

/// Decodes a document: a byte order mark first, then UTF-8 that proves itself, then the label of
/// the Content-Type header, then the document's own declaration (XML or `meta`), then a guess.
///
/// A label is believed only if the bytes are valid under it: a page in windows-1252 with a UTF-8
/// label is read as windows-1252.
///
/// C1 control characters, which no text means, stand for what their bytes are in windows-1252: the
/// curly quotes of word processors, converted once too often.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> Decoded {
    let decoded = decode_strictly(bytes, content_type);
    let text = with_quotes_for_controls(decoded.text);
    Decoded { text, ..decoded }
}

fn with_quotes_for_controls(text: String) -> String {
    // Such a character is 0xC2 and 0x80 to 0x9F in UTF-8.
    let has_any = text.as_bytes().windows(2).any(|it| it[0] == 0xC2 && it[1] < 0xA0);
    if !has_any {
        return text;
    }
    let of_control = |it: char| match it {
        '\u{80}'..='\u{9f}' => {
            let byte = [it as u8];
            WINDOWS_1252.decode_without_bom_handling(&byte).0.chars().next().unwrap_or(it)
        }
        _ => it,
    };
    text.chars().map(of_control).collect()
}

fn decode_strictly(bytes: &[u8], content_type: Option<&str>) -> Decoded {
    if let Some(text) = utf_32(bytes) {
        return Decoded { text, encoding: "UTF-32", is_lossy: false };
    }
    if let Some((encoding, n_bytes)) = Encoding::for_bom(bytes) {
        return forced(&bytes[n_bytes..], encoding);
    }
    if let Some(encoding) = utf_16_without_mark(bytes) {
        return forced(bytes, encoding);
    }
    let label = content_type.and_then(charset_of);
    let declared = declared_encoding(bytes);
    let is_legacy = label.or(declared).is_some_and(|it| it != UTF_8 && !it.is_single_byte());
    let n_needed = if is_legacy { 3 } else { 1 };
    let utf_8 = Utf8Evidence::of(bytes);
    if utf_8.n_invalid == 0 && utf_8.n_multibyte >= n_needed {
        return forced(bytes, UTF_8);
    }
    for encoding in [label, declared].into_iter().flatten() {
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        if let Some(text) = text {
            let (text, encoding) = (text.into_owned(), encoding.name());
            return Decoded { text, encoding, is_lossy: false };
        }
    }
    // A few bad bytes in the middle of good UTF-8: a cut or a broken advertisement.
    if utf_8.n_invalid * 10 <= utf_8.n_multibyte {
        return forced(bytes, UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    forced(bytes, detector.guess(None, Utf8Detection::Deny))
}

fn forced(bytes: &[u8], encoding: &'static Encoding) -> Decoded {
    let (text, is_lossy) = encoding.decode_without_bom_handling(bytes);
    Decoded { text: text.into_owned(), encoding: encoding.name(), is_lossy }
}

/// How well bytes pass for UTF-8.
struct Utf8Evidence {
    /// Characters of more than one byte.
    n_multibyte: usize,
    /// Places that are not valid.
    n_invalid: usize,
}

impl Utf8Evidence {
    fn of(bytes: &[u8]) -> Utf8Evidence {
        let mut evidence = Utf8Evidence { n_multibyte: 0, n_invalid: 0 };
        for chunk in bytes.utf8_chunks() {
            evidence.n_multibyte += chunk.valid().chars().filter(|it| !it.is_ascii()).count();
            // A character cut at the very end is no contradiction.
            let is_cut = chunk.invalid().as_ptr_range().end == bytes.as_ptr_range().end;
            evidence.n_invalid += usize::from(!chunk.invalid().is_empty() && !is_cut);
        }
        evidence
    }
}

/// The encoding named by a Content-Type header such as `text/html; charset="utf-8"`.
fn charset_of(content_type: &str) -> Option<&'static Encoding> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| for_label(value.trim().trim_matches(['"', '\''])))?
    })
}

/// The encoding that the document names in its XML declaration or in a `meta` element.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(DECLARATION_WITHIN)];
    let head: String = head.iter().map(|it| char::from(*it).to_ascii_lowercase()).collect();
    let in_declaration = head
        .find("<?xml")
        .and_then(|at| head[at..].find("?>").map(|end| &head[at..at + end]))
        .and_then(|it| value_after(it, "encoding"));
    let in_meta = || {
        head.match_indices("<meta").find_map(|(at, _)| {
            let end = head[at..].find('>')?;
            value_after(&head[at..at + end], "charset")
        })
    };
    let encoding = in_declaration.or_else(in_meta).and_then(for_label)?;
    // Bytes in which a declaration can be read are not UTF-16, whatever it says.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// The value of `name = "value"` in a tag; quotes may be missing.
fn value_after<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let rest = tag[tag.find(name)? + name.len()..].trim_start();
    let rest = rest.strip_prefix('=')?.trim_start();
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let end = rest.find(|it: char| it.is_whitespace() || "\"';/>".contains(it));
    Some(&rest[..end.unwrap_or(rest.len())])
}

fn for_label(label: &str) -> Option<&'static Encoding> {
    // `replacement` stands for encodings that are too dangerous to decode.
    let encoding = Encoding::for_label_no_replacement(label.as_bytes());
    encoding.or_else(|| label.eq_ignore_ascii_case("utf8mb4").then_some(UTF_8))
}

/// UTF-16 shows itself in markup without a byte order mark: every other byte of `<?` or `<h` is 0.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some(UTF_16BE),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(UTF_16LE),
        _ => None,
    }
}

/// UTF-32, with or without a byte order mark; `None` if the bytes are something else.
fn utf_32(bytes: &[u8]) -> Option<String> {
    let is_big = matches!(bytes, [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..]);
    let is_little = matches!(bytes, [0xff, 0xfe, 0, 0, ..] | [b'<', 0, 0, 0, ..]);
    if !is_big && !is_little {
        return None;
    }
    let characters = bytes.as_chunks::<4>().0.iter().map(|unit| {
        let code = if is_big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    });
    Some(characters.filter(|it| *it != '\u{feff}').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_become_the_quotes_that_they_were() {
        check("don\u{92}t \u{93}go\u{94}\u{a0}é".as_bytes(), None, "don’t “go”\u{a0}é", "UTF-8");
        check("a\u{81}b".as_bytes(), None, "a\u{81}b", "UTF-8");
    }

    #[track_caller]
    fn check(bytes: &[u8], content_type: Option<&str>, text: &str, encoding: &str) {
        let decoded = decode(bytes, content_type);
        assert_eq!((decoded.text.as_str(), decoded.encoding), (text, encoding));
    }

    #[test]
    fn windows_1252_with_a_utf_8_label_is_read_as_windows_1252() {
        let page = b"<meta charset=utf-8><p>Le caf\xe9 a \xe9t\xe9 ferm\xe9 \x96 d\xe9j\xe0</p>";
        let text = "<meta charset=utf-8><p>Le café a été fermé – déjà</p>";
        check(page, Some("text/html; charset=UTF-8"), text, "windows-1252");
    }

    #[test]
    fn utf_8_with_a_latin_1_label_is_read_as_utf_8() {
        let page = "<p>Žižkov – café</p>";
        check(page.as_bytes(), Some("text/html; charset=iso-8859-1"), page, "UTF-8");
    }

    #[test]
    fn labels_and_declarations_are_heeded() {
        check(b"\xcf\xf0\xe8", Some("text/html; charset=\"windows-1251\""), "При", "windows-1251");
        let xml = b"<?xml version='1.0' encoding='windows-1251'?><a>\xcf\xf0\xe8</a>";
        let text = "<?xml version='1.0' encoding='windows-1251'?><a>При</a>";
        check(xml, None, text, "windows-1251");
        let meta = b"<meta http-equiv=x content='text/html; charset=shift_jis'>\x93\xfa\x96\x7b";
        let text = "<meta http-equiv=x content='text/html; charset=shift_jis'>日本";
        check(meta, None, text, "Shift_JIS");
    }

    #[test]
    fn wide_encodings_are_read_with_and_without_marks() {
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        check(&wide("\u{feff}<a>é</a>"), None, "<a>é</a>", "UTF-16BE");
        check(&wide("<a>é</a>"), None, "<a>é</a>", "UTF-16BE");
        let quad: Vec<u8> = "<a>é</a>".chars().flat_map(|it| (it as u32).to_le_bytes()).collect();
        check(&quad, None, "<a>é</a>", "UTF-32");
    }

    #[test]
    fn one_bad_byte_does_not_spoil_good_utf_8() {
        let mut page = "Ж".repeat(50).into_bytes();
        page.insert(10, 0xff);
        let decoded = decode(&page, None);
        assert_eq!(decoded.encoding, "UTF-8");
        assert_eq!(decoded.text.matches('\u{fffd}').count(), 1);
        assert!(decoded.is_lossy);
    }

    proptest! {
        #[test]
        fn any_bytes_become_text(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            decode(&bytes, Some("text/html; charset=utf-8"));
        }
    }
}
