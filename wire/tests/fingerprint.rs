//! Fails when the wire types change and the protocol version's fingerprint does not. Comments and layout do not count.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// (version, fingerprint). A change of the types means a new version with a line in `VERSION`'s history, unless the
/// version was never released.
const FINGERPRINT: (u16, u64) = (1, 579002559862651853);

fn fold(tokens: TokenStream, hash: &mut u64) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            // A doc comment is `#[doc = "…"]`.
            TokenTree::Punct(ref p) if p.as_char() == '#' => {
                let is_doc = matches!(tokens.peek(), Some(TokenTree::Group(g)) if g.stream().to_string().starts_with("doc"));
                if is_doc {
                    tokens.next();
                }
            }
            // Only the types: what stands in functions does not cross the wire.
            TokenTree::Ident(ref ident) if ident == "impl" => {
                tokens.find(|token| matches!(token, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace));
            }
            TokenTree::Group(group) => fold(group.stream(), hash),
            other => {
                for byte in other.to_string().bytes().chain([0]) {
                    *hash = (*hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
    }
}

#[test]
fn the_schema_changes_only_with_its_version() {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for source in [
        include_str!("../src/lib.rs"),
        include_str!("../src/mailbox.rs"),
        include_str!("../src/message.rs"),
        include_str!("../src/mutation.rs"),
        include_str!("../src/problem.rs"),
        include_str!("../src/body.rs"),
        include_str!("../src/compose.rs"),
    ] {
        fold(
            source.parse().expect("the wire sources are Rust"),
            &mut hash,
        );
    }
    assert_eq!(
        (roost_wire::VERSION, hash),
        FINGERPRINT,
        "the wire types changed: raise VERSION with a line in its history, and update this fingerprint"
    );
}
