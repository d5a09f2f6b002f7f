//! Migrations are read while compiling; without this line a new file would go unnoticed.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
