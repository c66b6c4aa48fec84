//! Builds again when files come to or go from the folder of embedded assets: the graph library is
//! put there by `make` and may be absent.

#![expect(clippy::print_stdout, reason = "this is how cargo is told")]

fn main() {
    println!("cargo:rerun-if-changed=static");
}
