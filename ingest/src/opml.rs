//! OPML 2.0: lists of feeds as other readers write them, read tolerantly and written back whole.
//!
//! Everything that an outline says is kept, known or not, so that a list goes through Harbinger
//! without loss.

use crate::decode::decode;
use crate::feed::markup::{Token, Tokens};

/// Outlines of one list.
const N_OUTLINES_MAX: usize = 20_000;
/// Outlines within outlines; deeper ones are put into the deepest one allowed.
const DEPTH_MAX: usize = 32;
/// Attributes of one element.
const N_ATTRIBUTES_MAX: usize = 60;
/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Elements of the head.
const N_HEAD_MAX: usize = 100;

/// Name as written, and value.
pub type Attribute = (String, String);

/// A list of feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opml {
    /// Attributes of the `opml` element, its namespaces among them.
    pub attributes: Vec<Attribute>,
    /// Elements of the head with their texts: `title`, `dateCreated`…
    pub head: Vec<Attribute>,
    /// The outlines, feeds and folders.
    pub outlines: Vec<Outline>,
}

/// A feed, or a folder of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// What it says, in its order.
    pub attributes: Vec<Attribute>,
    /// What is in it.
    pub outlines: Vec<Outline>,
}

/// Why bytes are no OPML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// There is no `opml` element, nor any outline.
    #[error("this is no OPML; it starts with {start:?}")]
    NotOpml {
        /// The first 40 characters.
        start: String,
    },
    /// It is longer than anybody's list.
    #[error("the list has more than {N_OUTLINES_MAX} outlines")]
    TooLong,
}

impl Outline {
    /// The value of an attribute, whatever the case of its name; `None` when absent or blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|it| !it.is_empty())
    }

    /// Sets an attribute, in its place or at the end.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.attributes.iter_mut().find(|(it, _)| it.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value.into(),
            None => self.attributes.push((name.to_owned(), value.into())),
        }
    }
}

impl Opml {
    /// Every outline, in the order of the list.
    pub fn all(&self) -> Vec<&Outline> {
        let mut all = Vec::new();
        let mut open: Vec<&Outline> = self.outlines.iter().rev().collect();
        while let Some(outline) = open.pop() {
            all.push(outline);
            open.extend(outline.outlines.iter().rev());
        }
        all
    }

    /// Keeps only the outlines that `keep` wants; what is in one that goes, goes too.
    pub fn retain(&mut self, mut keep: impl FnMut(&Outline) -> bool) {
        fn within(outlines: &mut Vec<Outline>, keep: &mut impl FnMut(&Outline) -> bool) {
            outlines.retain(|it| keep(it));
            for outline in outlines {
                within(&mut outline.outlines, keep);
            }
        }
        within(&mut self.outlines, &mut keep);
    }

    /// The list as XML.
    pub fn to_xml(&self) -> String {
        let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml".to_owned();
        if !self.attributes.iter().any(|(name, _)| name == "version") {
            xml.push_str(" version=\"2.0\"");
        }
        push_attributes(&mut xml, &self.attributes);
        xml.push_str(">\n<head>\n");
        for (name, text) in self.head.iter().filter(|(name, _)| is_name(name)) {
            xml.push_str(&format!("<{name}>{}</{name}>\n", escaped(text)));
        }
        xml.push_str("</head>\n<body>\n");
        for outline in &self.outlines {
            push_outline(&mut xml, outline, 1);
        }
        xml.push_str("</body>\n</opml>\n");
        xml
    }
}

/// Reads a list; never panics. What is damaged gives the outlines that can be told.
///
/// # Errors
/// When it is something else, or far too long.
pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Opml, OpmlError> {
    let text = decode(bytes, content_type).text;
    let text = text.trim_start_matches(|it: char| it.is_whitespace() || it == '\u{feff}');
    let mut reader = Reader::default();
    for token in Tokens::of(text) {
        reader.take(token)?;
    }
    while !reader.open.is_empty() {
        reader.close();
    }
    if !reader.is_opml && reader.opml.outlines.is_empty() {
        return Err(OpmlError::NotOpml { start: text.chars().take(40).collect() });
    }
    Ok(reader.opml)
}

#[derive(Default)]
struct Reader {
    opml: Opml,
    is_opml: bool,
    is_in_head: bool,
    /// The element of the head that is open, and its text so far.
    head: Option<(String, String)>,
    /// The outlines that are open, outermost first.
    open: Vec<Outline>,
    /// Outlines that are open beyond the depth allowed.
    n_too_deep: usize,
    n_outlines: usize,
}

impl Reader {
    fn take(&mut self, token: Token<'_>) -> Result<(), OpmlError> {
        match token {
            Token::Start { name, attributes, is_empty } => {
                self.start(name, attributes, is_empty)?;
            }
            Token::End { name } => self.end(name),
            Token::Text(text) => self.text(&text),
            Token::Verbatim(text) => self.text(text),
        }
        Ok(())
    }

    fn start(
        &mut self,
        name: &str,
        attributes: Vec<(&str, String)>,
        is_empty: bool,
    ) -> Result<(), OpmlError> {
        match name.to_ascii_lowercase().as_str() {
            "opml" => {
                self.is_opml = true;
                self.opml.attributes = kept(attributes);
            }
            "head" => self.is_in_head = true,
            "body" => self.is_in_head = false,
            "outline" => {
                self.n_outlines += 1;
                if N_OUTLINES_MAX < self.n_outlines {
                    return Err(OpmlError::TooLong);
                }
                let outline = Outline { attributes: kept(attributes), outlines: Vec::new() };
                self.is_in_head = false;
                if is_empty {
                    self.put(outline);
                } else if DEPTH_MAX <= self.open.len() {
                    self.n_too_deep += 1;
                    self.put(outline);
                } else {
                    self.open.push(outline);
                }
            }
            _ if self.is_in_head && !is_empty && self.opml.head.len() < N_HEAD_MAX => {
                self.head = Some((name.to_owned(), String::new()));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        match name.to_ascii_lowercase().as_str() {
            "head" => self.is_in_head = false,
            "outline" if 0 < self.n_too_deep => self.n_too_deep -= 1,
            "outline" => self.close(),
            _ => {}
        }
        if let Some((name, text)) = self.head.take() {
            self.opml.head.push((name, text.trim().to_owned()));
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, kept)) = &mut self.head
            && kept.len() + text.len() <= VALUE_BYTES_MAX
        {
            // Now, as white space behind them would go when the list is read again.
            kept.extend(text.chars().filter(|it| is_in_xml(*it)));
        }
    }

    fn close(&mut self) {
        if let Some(outline) = self.open.pop() {
            self.put(outline);
        }
    }

    fn put(&mut self, outline: Outline) {
        match self.open.last_mut() {
            Some(parent) => parent.outlines.push(outline),
            None => self.opml.outlines.push(outline),
        }
    }
}

/// The attributes that can be written again, each name once.
fn kept(attributes: Vec<(&str, String)>) -> Vec<Attribute> {
    let mut kept: Vec<Attribute> = Vec::new();
    for (name, value) in attributes {
        let is_known = kept.iter().any(|(it, _)| it == name);
        if is_name(name)
            && !is_known
            && value.len() <= VALUE_BYTES_MAX
            && kept.len() < N_ATTRIBUTES_MAX
        {
            kept.push((name.to_owned(), value));
        }
    }
    kept
}

/// Whether `name` may stand in XML as the name of an element or attribute.
fn is_name(name: &str) -> bool {
    let is_start = |it: char| it.is_alphabetic() || it == '_';
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.');
    let is_plain = |it: &str| it.starts_with(is_start) && it.chars().all(is_part);
    name.len() <= 200 && name.splitn(2, ':').all(is_plain)
}

fn push_attributes(xml: &mut String, attributes: &[Attribute]) {
    for (name, value) in attributes.iter().filter(|(name, _)| is_name(name)) {
        xml.push_str(&format!(" {name}=\"{}\"", escaped(value)));
    }
}

fn push_outline(xml: &mut String, outline: &Outline, depth: usize) {
    let indent = "  ".repeat(depth);
    xml.push_str(&format!("{indent}<outline"));
    push_attributes(xml, &outline.attributes);
    if outline.outlines.is_empty() {
        xml.push_str("/>\n");
        return;
    }
    xml.push_str(">\n");
    for inner in &outline.outlines {
        push_outline(xml, inner, depth + 1);
    }
    xml.push_str(&format!("{indent}</outline>\n"));
}

/// Text for XML; line feeds and tabs survive in attributes, characters that XML lacks do not.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            it if is_in_xml(it) => out.push(it),
            _ => {}
        }
    }
    out
}

/// Whether XML 1.0 has a way to write `it`, C1 control characters left out too.
fn is_in_xml(it: char) -> bool {
    let is_space = matches!(it, '\n' | '\r' | '\t');
    is_space || !it.is_control() && !matches!(it, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <opml version=\"2.0\" xmlns:fz=\"urn:forumzilla:\">\n<head>\n<title>My &amp; feeds</title>\n\
        <ownerName>Ana</ownerName>\n</head>\n<body>\n  <outline text=\"World &lt;news&gt;\" fz:options=\"{&quot;a&quot;:1}\">\n    \
        <outline type=\"rss\" text=\"A\" xmlUrl=\"https://a.example/f?x=1&amp;y=2\" custom=\"line&#10;two\"/>\n    \
        <outline text=\"Empty folder\"/>\n  </outline>\n  <outline text=\"Ж\" xmlUrl=\"https://b.example/\"/>\n</body>\n</opml>\n";

    fn parsed(text: &str) -> Opml {
        parse(text.as_bytes(), None).unwrap()
    }

    #[test]
    fn a_list_is_written_as_it_was_read() {
        let opml = parsed(LIST);
        assert_eq!(opml.to_xml(), LIST);
        let titles: Vec<_> = opml.all().iter().filter_map(|it| it.get("TEXT")).collect();
        assert_eq!(titles, ["World <news>", "A", "Empty folder", "Ж"]);
        assert_eq!(opml.outlines[0].outlines[0].get("custom"), Some("line\ntwo"));
    }

    #[test]
    fn signs_that_cannot_be_written_do_not_shield_white_space() {
        let opml = parsed("<opml><head><title>\u{5}\n A \u{5}</title></head></opml>");
        assert_eq!(opml.head, [("title".to_owned(), "A".to_owned())]);
    }

    #[test]
    fn unclosed_and_misspelt_lists_give_what_can_be_told() {
        let opml =
            parsed("<OPML><body><Outline text=A xmlurl='https://a.example/'><outline text='B");
        assert_eq!(opml.all().len(), 2);
        assert_eq!(opml.outlines[0].get("xmlUrl"), Some("https://a.example/"));
        assert_eq!(parsed("<outline text='alone'/>").all().len(), 1);
    }

    #[test]
    fn what_is_no_list_says_so() {
        for text in ["", "<html><body>Hello</body></html>", "{}", "plain"] {
            assert!(
                matches!(parse(text.as_bytes(), None), Err(OpmlError::NotOpml { .. })),
                "{text}"
            );
        }
        let many = format!("<opml><body>{}</body></opml>", "<outline/>".repeat(N_OUTLINES_MAX + 1));
        assert_eq!(parse(many.as_bytes(), None), Err(OpmlError::TooLong));
    }

    #[test]
    fn hostile_lists_stay_small() {
        let laughs: String = "&a;".repeat(100_000);
        let bomb = format!(
            "<!DOCTYPE x [<!ENTITY a \"{}\">]><opml><body><outline text=\"{laughs}\"/></body></opml>",
            "ha".repeat(400)
        );
        let n_bytes: usize = parsed(&bomb).all()[0].attributes.iter().map(|it| it.1.len()).sum();
        assert!(n_bytes <= VALUE_BYTES_MAX, "{n_bytes}");
        let deep = format!("<opml><body>{}", "<outline text='x'>".repeat(10_000));
        let opml = parsed(&deep);
        assert_eq!(opml.all().len(), 10_000);
        assert_eq!(parsed(&opml.to_xml()).all().len(), 10_000);
        let file = "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><outline text='&f;'/>";
        assert_eq!(parsed(file).outlines[0].get("text"), Some("&f;"));
    }

    #[test]
    fn outlines_can_be_dropped_with_what_is_in_them() {
        let mut opml = parsed(LIST);
        opml.retain(|it| it.get("text") != Some("A"));
        assert_eq!(opml.all().len(), 3);
        opml.retain(|it| it.get("fz:options").is_none());
        assert_eq!(opml.all().len(), 1);
    }

    proptest! {
        #[test]
        fn any_mix_of_markup_is_read_and_written_the_same_twice(
            pieces in prop::collection::vec(
                "<(/)?(opml|head|body|outline|title)( (text|xmlUrl|a:b|xmlns:a|x)='[ -~é\n]{0,8}')?(/)?>|[ -~é]{0,12}|&[a-z#0-9]{1,4};",
                0..40,
            ),
        ) {
            if let Ok(opml) = parse(pieces.concat().as_bytes(), None) {
                let xml = opml.to_xml();
                let again = parse(xml.as_bytes(), None).unwrap();
                prop_assert_eq!(again.to_xml(), xml);
                prop_assert_eq!(again.outlines, opml.outlines);
            }
        }
    }
}
