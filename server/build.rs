//! A release build embeds `dist/`: when the app changes, the gateway must be built again.

fn main() {
    println!("cargo:rerun-if-changed=../dist");
}
