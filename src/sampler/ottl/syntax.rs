//! A condition as it is written: what the grammar makes of a text, before anything is looked up or judged.
//!
//! Chains (`a + b - c`, `x and y and z`) are flat, so that the depth of the tree is bounded by the brackets in the text
//! and not by its length.

/// One expression, with the byte offset where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    pub(super) at: usize,
    pub(super) kind: ExpressionKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExpressionKind {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Enum(String),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
    Path(Vec<Segment>),
    Call(Call),
    /// In parentheses.
    Group(Box<Expression>),
    Signed {
        is_negative: bool,
        operand: Box<Expression>,
    },
    Arithmetic {
        first: Box<Expression>,
        rest: Vec<(Arithmetic, Expression)>,
    },
    Comparison {
        left: Box<Expression>,
        operator: Comparison,
        right: Box<Expression>,
    },
    Not(Box<Expression>),
    /// Joined by `and`.
    All(Vec<Expression>),
    /// Joined by `or`.
    Any(Vec<Expression>),
}

/// What stands between the dots of a path, with what stands in brackets after it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) keys: Vec<Expression>,
}

/// A converter's name, arguments, and indices into its result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    pub(super) keys: Vec<Expression>,
}

/// `value`, or `name = value`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    pub(super) at: usize,
    pub(super) name: Option<String>,
    pub(super) value: Expression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
