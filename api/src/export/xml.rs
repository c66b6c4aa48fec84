//! The little that GEXF and GraphML share: elements with attributes, and text that XML can hold.

use std::borrow::Cow;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Writes XML to `out`.
pub(crate) struct Xml<W: Write> {
    writer: Writer<W>,
}

impl<W: Write> Xml<W> {
    /// Writes the declaration.
    pub(crate) fn new(out: W) -> io::Result<Xml<W>> {
        let mut writer = Writer::new(out);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Xml { writer })
    }

    /// Writes to `out` behind what was written before.
    pub(crate) fn going_on(out: W) -> Xml<W> {
        Xml { writer: Writer::new(out) }
    }

    /// `<name …>`
    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.line()?;
        self.writer.write_event(Event::Start(start(name, attributes)))
    }

    /// `<name …/>`
    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.line()?;
        self.writer.write_event(Event::Empty(start(name, attributes)))
    }

    /// `<name …>text</name>`
    pub(crate) fn text(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        text: &str,
    ) -> io::Result<()> {
        self.open(name, attributes)?;
        self.writer.write_event(Event::Text(BytesText::new(&legal(text))))?;
        self.close(name)
    }

    /// `<!-- text -->`; the text is ours and holds no two dashes.
    pub(crate) fn comment(&mut self, text: &str) -> io::Result<()> {
        self.line()?;
        self.writer.write_event(Event::Comment(BytesText::new(&format!(" {text} "))))
    }

    /// `</name>`
    pub(crate) fn close(&mut self, name: &str) -> io::Result<()> {
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    fn line(&mut self) -> io::Result<()> {
        self.writer.get_mut().write_all(b"\n")
    }
}

fn start<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, &*legal(value)));
    }
    start
}

/// `text` without the characters that XML 1.0 cannot hold, even escaped; each becomes U+FFFD.
fn legal(text: &str) -> Cow<'_, str> {
    let is_legal = |it: char| matches!(it, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(is_legal) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|it| if is_legal(it) { it } else { '\u{fffd}' }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn no_text_becomes_markup_and_what_xml_cannot_hold_is_replaced() {
        let foe = "</a><!ENTITY x SYSTEM \"file:///etc/passwd\">&x; ]]> \u{0}\u{b}\u{ffff}";
        let mut written = Vec::new();
        let mut xml = Xml::new(&mut written).unwrap();
        xml.open("a", &[("b", foe)]).unwrap();
        xml.text("c", &[], foe).unwrap();
        xml.close("a").unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.matches('<').count(), 5, "{written}");
        assert!(written.contains("&lt;/a&gt;&lt;!ENTITY x SYSTEM "), "{written}");
        assert!(!written.contains("&x;") && !written.contains("]]>"), "{written}");
        assert!(written.contains("\u{fffd}\u{fffd}\u{fffd}"), "{written}");
    }
}
