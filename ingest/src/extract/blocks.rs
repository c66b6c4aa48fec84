//! Elements to lines of text: one line for each paragraph, heading, list item or table row.

use scraper::ElementRef;

use crate::plain_text::squeeze;

/// Elements that run on in the line around them.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "del", "em",
    "font", "i", "ins", "kbd", "label", "mark", "q", "ruby", "rt", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
];

/// Returns the text of an element, leaving out elements that are removed, scripts and styles.
pub(super) fn block_text(
    element: ElementRef<'_>,
    is_removed: &dyn Fn(ElementRef<'_>) -> bool,
) -> String {
    let mut lines = vec![String::new()];
    push_blocks(element, is_removed, &mut lines);
    let lines = lines.iter().map(|it| squeeze(it)).filter(|it| !it.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The depth is bounded, since pages are tamed before they are parsed.
fn push_blocks(
    element: ElementRef<'_>,
    is_removed: &dyn Fn(ElementRef<'_>) -> bool,
    lines: &mut Vec<String>,
) {
    for child in element.children() {
        if let Some(text) = child.value().as_text() {
            lines.last_mut().expect("there is always a line").push_str(text);
        } else if let Some(child) = ElementRef::wrap(child) {
            let name = child.value().name();
            if matches!(name, "script" | "style" | "noscript") || is_removed(child) {
                continue;
            }
            let is_cell = matches!(name, "td" | "th");
            let is_block = !is_cell && !INLINE.contains(&name);
            if is_block {
                lines.push(String::new());
            }
            push_blocks(child, is_removed, lines);
            if is_block {
                lines.push(String::new());
            } else if is_cell {
                lines.last_mut().expect("there is always a line").push(' ');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scraper::Html;

    #[test]
    fn each_block_is_a_line_and_inline_elements_run_on() {
        let html = "<h2>Head</h2><p>One <b>bo</b>ld, <a href=x>link</a>.</p>loose<ul><li>a<li>b</ul>\
            <p>two<br>lines</p><table><tr><td>1<td>2</table><script>no</script>";
        let document = Html::parse_fragment(html);
        let text = block_text(document.root_element(), &|_| false);
        assert_eq!(text, "Head\nOne bold, link.\nloose\na\nb\ntwo\nlines\n1 2");
    }
}
