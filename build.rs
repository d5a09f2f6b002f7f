//! A new file in a folder that is embedded in the binary has to make it be built anew, which the
//! embedding alone does not notice. Nothing is downloaded or run here.

fn main() {
    println!("cargo:rerun-if-changed=widget/dist");
    println!("cargo:rerun-if-changed=migrations");
}
