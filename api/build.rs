//! Builds again when files come to or go from the folder of embedded assets, and says so when the
//! graph library is not among them: `scripts/vendor.sh`, which `make` runs, puts it there.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=static");
    if !Path::new("static/vendor-cytoscape.min.js").is_file() {
        println!(
            "cargo:warning=the graph page will have its table but no drawing: run \
             scripts/vendor.sh (or make) to fetch the graph library, then build again"
        );
    }
}
