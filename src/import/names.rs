//! Market names, as labels hold them. Pure.

/// Words with which a name of its own begins; a part without one belongs to the brand on its left.
const BRANDS: [&str; 7] = ["redmi", "poco", "pocophone", "xiaomi", "mi", "black", "blackshark"];

/// Splits the names of several products apart: `Redmi 9A / 9AT / 9i` is Redmi 9A, Redmi 9AT and Redmi 9i.
#[must_use]
pub fn split(names: &str) -> Vec<String> {
    let mut brand = "";
    let mut split: Vec<String> = Vec::new();
    for part in names.split('/') {
        let words: Vec<&str> = part.split_whitespace().collect();
        let Some(first) = words.first() else { continue };
        let branded = BRANDS.iter().any(|known| known.eq_ignore_ascii_case(first));
        if branded {
            brand = first;
        }
        let plain = words.join(" ");
        let name = if branded || brand.is_empty() {
            plain
        } else {
            format!("{brand} {plain}")
        };
        if !split.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            split.push(name);
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_products_are_split() {
        for (names, split_names) in [
            ("Redmi K40/POCO F3/Mi 11X", &["Redmi K40", "POCO F3", "Mi 11X"][..]),
            ("Redmi 9A / 9AT / 9i", &["Redmi 9A", "Redmi 9AT", "Redmi 9i"]),
            ("Redmi Note 5 / Note 5 Pro", &["Redmi Note 5", "Redmi Note 5 Pro"]),
            ("Redmi  Note 8", &["Redmi Note 8"]),
            ("Mi Pad 4 (Plus)", &["Mi Pad 4 (Plus)"]),
            ("MI 3 / Mi 3 / Mi 4", &["MI 3", "Mi 4"]),
            (
                "Redmi Pad 2 SE/Pad 2 9.7/POCO Pad C1",
                &["Redmi Pad 2 SE", "Redmi Pad 2 9.7", "POCO Pad C1"],
            ),
            ("", &[]),
        ] {
            assert_eq!(split(names), split_names, "{names}");
        }
    }
}
