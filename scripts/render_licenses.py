"""Writes the licences of the crates that are linked into what we ship into the files that go with
it. Run it after a change of Cargo.lock; scripts/check_crates.py compares."""

from crates import SHIPPED, rendered

if __name__ == "__main__":
    for name, page in SHIPPED.items():
        page.write_text(rendered(name), encoding="utf-8")
