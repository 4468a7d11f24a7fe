//! A release build embeds `dist/`: when the app changes, the gateway must be built again.

fn main() {
    // A debug build reads the app at each request, from the folder as it was resolved here: it must exist by now, or
    // what is built later is not found.
    std::fs::create_dir_all("../dist").expect("dist/ can be made");
    println!("cargo:rerun-if-changed=../dist");
}
