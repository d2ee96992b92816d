//! Products whose clients find this server at the addresses that they are used to.

use super::variable::{BadSetting, bad};

/// A product whose paths and spellings this server also accepts. `src/endpoint/alias.rs` lists them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each variant is the product of its name")]
pub enum Product {
    Microsoft,
    Wrangler,
    Authentik,
    Keycloak,
    Hydra,
}

impl Product {
    const ALL: [Self; 5] = [Self::Microsoft, Self::Wrangler, Self::Authentik, Self::Keycloak, Self::Hydra];

    /// Returns the name in the setting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Microsoft => "microsoft",
            Self::Wrangler => "wrangler",
            Self::Authentik => "authentik",
            Self::Keycloak => "keycloak",
            Self::Hydra => "hydra",
        }
    }
}

/// Reads `COMPATIBILITY`: names with a comma between them, or `none`. The default is `microsoft,wrangler`.
pub(super) fn compatibility(var: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Product>, BadSetting> {
    const NAME: &str = "COMPATIBILITY";
    let Some(text) = var(NAME) else { return Ok(vec![Product::Microsoft, Product::Wrangler]) };
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let product = |name: &str| Product::ALL.into_iter().find(|one| one.name() == name.trim());
    let products: Option<Vec<Product>> = text.split(',').map(product).collect();
    products.ok_or_else(|| {
        let names = Product::ALL.map(Product::name).join(", ");
        bad(NAME, &text, &format!("must be none, or a comma-separated list of {names}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Vec<Product>, String> {
        compatibility(&|_| Some(text.to_owned()).filter(|text| !text.is_empty()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_replaces_the_default_and_none_is_empty() {
        assert_eq!(read(""), Ok(vec![Product::Microsoft, Product::Wrangler]));
        assert_eq!(read("hydra, authentik"), Ok(vec![Product::Hydra, Product::Authentik]));
        assert_eq!(read("none"), Ok(Vec::new()));
        assert_eq!(
            read("okta").unwrap_err(),
            "COMPATIBILITY is \"okta\": must be none, or a comma-separated list of microsoft, wrangler, authentik, \
             keycloak, hydra"
        );
    }
}
