//! From parser events to the tree, within the limits.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::tag::{refuse_tag, style_of};
use super::weight::{Weight, weigh};
use super::{
    DEPTH_MAX, Entry, FILE_BYTES_MAX, Key, NODES_MAX, Node, Scalar, Style, TEXT_BYTES_MAX, Value,
    merge,
};
use crate::config::finding::{Findings, Position};

struct Loader<'f> {
    findings: &'f Findings,
    open: Vec<Open>,
    /// Finished values with an anchor, by the parser's number of it.
    anchors: HashMap<usize, Node>,
    documents: usize,
    root: Option<Node>,
    nodes: usize,
    text_bytes: usize,
}

/// A list or mapping whose end has not been seen.
struct Open {
    anchor: usize,
    position: Position,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<Key>,
    },
}

/// The rest of the file makes no sense after this.
struct Broken {
    position: Position,
    problem: String,
}

/// The tree of a file with one document; nothing at all is a null. `None` when it is no YAML, which is then reported.
pub(crate) fn parse(text: &str, findings: &Findings) -> Option<Node> {
    if text.len() > FILE_BYTES_MAX {
        findings.error(None, "", crate::config::too_long(), "");
        return None;
    }
    let mut loader = Loader {
        findings,
        open: Vec::new(),
        anchors: HashMap::new(),
        documents: 0,
        root: None,
        nodes: 0,
        text_bytes: 0,
    };
    match loader.load(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Ok(root) => Some(root),
        Err(broken) => {
            findings.error(Some(broken.position), "", broken.problem, "");
            None
        }
    }
}

impl Loader<'_> {
    fn load(&mut self, text: &str) -> Result<Node, Broken> {
        let start = Position { line: 1, column: 1 };
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Broken {
                position: Position {
                    line: error.marker().line().max(1),
                    column: error.marker().col() + 1,
                },
                problem: format!("not valid YAML: {}", error.info()),
            })?;
            self.event(event, span)?;
        }
        Ok(self.root.take().unwrap_or(Node::null(start)))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Broken> {
        let position = position_of(span);
        let at = |problem| Broken { position, problem };
        match event {
            Event::DocumentStart(_) => self.start_document(position),
            Event::Scalar(text, written, anchor, tag) => {
                let style = style_of(written, tag.as_deref()).map_err(at)?;
                let text = text.into_owned();
                let inset = inset_of(&text, written, span);
                self.scalar(Scalar { text, style, inset }, anchor, position)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), "seq").map_err(at)?;
                self.start(anchor, position, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), "map").map_err(at)?;
                let entries = Vec::new();
                self.start(anchor, position, Content::Mapping { entries, key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, position),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn start_document(&mut self, position: Position) -> Result<(), Broken> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(broken(
                position,
                "a second document starts here; a file holds one",
            ));
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: Scalar, anchor: usize, position: Position) -> Result<(), Broken> {
        let weight = Weight {
            nodes: 1,
            text_bytes: scalar.text.len(),
            depth: 0,
        };
        self.charge(weight, position)?;
        let node = Node {
            value: Value::Scalar(scalar),
            position,
        };
        self.remember(anchor, &node)?;
        self.place(node)
    }

    fn start(&mut self, anchor: usize, position: Position, content: Content) -> Result<(), Broken> {
        if self.expects_key() {
            return Err(broken(
                position,
                "a key must be a scalar, not a list or a mapping",
            ));
        }
        let weight = Weight {
            nodes: 1,
            text_bytes: 0,
            depth: 1,
        };
        self.charge(weight, position)?;
        self.open.push(Open {
            anchor,
            position,
            content,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => {
                Value::Mapping(merge::resolve(entries, self.findings))
            }
        };
        let node = Node {
            value,
            position: open.position,
        };
        self.remember(open.anchor, &node)?;
        self.place(node)
    }

    fn alias(&mut self, anchor: usize, position: Position) -> Result<(), Broken> {
        let Some(original) = self.anchors.get(&anchor) else {
            return Err(broken(position, "this alias stands within its own anchor"));
        };
        let weight = weigh(original);
        let copy = original.clone();
        self.charge(weight, position)?;
        self.place(copy)
    }

    /// Keeps a copy of an anchored value for its aliases.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Broken> {
        if anchor == 0 {
            return Ok(());
        }
        self.charge(weigh(node), node.position)?;
        self.anchors.insert(anchor, node.clone());
        Ok(())
    }

    /// Puts a finished value where it belongs: into the innermost open list or mapping.
    fn place(&mut self, mut node: Node) -> Result<(), Broken> {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping { entries, key }) => match key.take() {
                Some(key) => {
                    if is_absent(&node) {
                        node.position = key.position;
                    }
                    entries.push(Entry { key, value: node });
                }
                None => *key = Some(key_of(node)?),
            },
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.content);
        matches!(innermost, Some(Content::Mapping { key: None, .. }))
    }

    fn charge(&mut self, weight: Weight, position: Position) -> Result<(), Broken> {
        self.nodes = self.nodes.saturating_add(weight.nodes);
        self.text_bytes = self.text_bytes.saturating_add(weight.text_bytes);
        if self.open.len() + weight.depth > DEPTH_MAX {
            let problem = format!("nested more than {DEPTH_MAX} levels deep");
            return Err(Broken { position, problem });
        }
        if self.nodes > NODES_MAX || self.text_bytes > TEXT_BYTES_MAX {
            let problem = format!(
                "too large with its aliases expanded: more than {NODES_MAX} values or {TEXT_BYTES_MAX} bytes of text"
            );
            return Err(Broken { position, problem });
        }
        Ok(())
    }
}

/// A key without any value: the parser has no place for it.
fn is_absent(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.style == Style::Plain && scalar.text.is_empty())
}

fn key_of(node: Node) -> Result<Key, Broken> {
    match node.value {
        Value::Scalar(Scalar { text, style, .. }) => Ok(Key {
            text,
            position: node.position,
            is_plain: style == Style::Plain,
        }),
        _ => Err(broken(
            node.position,
            "a key must be a scalar, not a list or a mapping",
        )),
    }
}

fn broken(position: Position, problem: &str) -> Broken {
    Broken {
        position,
        problem: problem.to_owned(),
    }
}

/// See [`Scalar::inset`].
fn inset_of(text: &str, style: ScalarStyle, span: Span) -> Option<usize> {
    let quotes = match style {
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        ScalarStyle::Literal | ScalarStyle::Folded => return None,
    };
    let columns = span.end.index().checked_sub(span.start.index())?;
    (columns == text.chars().count() + 2 * quotes).then_some(quotes)
}

fn position_of(span: Span) -> Position {
    Position {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
    }
}
