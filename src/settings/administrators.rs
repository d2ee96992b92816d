//! `ADMIN_GROUPS`: who the administrators are.

use super::variable::{BadSetting, bad};
use crate::identity::group::Group;
use crate::identity::source::LOCAL;

const NAME: &str = "ADMIN_GROUPS";
/// The most groups in the setting.
const MOST: usize = 20;

/// The groups whose members are administrators. At least one of them is local.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminGroups(Vec<Group>);

impl AdminGroups {
    /// Returns whether one of `groups` makes its members administrators.
    #[must_use]
    pub fn include_any(&self, groups: &[Group]) -> bool {
        groups.iter().any(|group| self.0.contains(group))
    }

    /// Returns whether a group from this source makes its members administrators, so that the source decides who they are.
    #[must_use]
    pub fn has_source(&self, source: &str) -> bool {
        self.0.iter().any(|group| group.source() == source)
    }

    /// Returns all of them.
    #[must_use]
    pub fn all(&self) -> &[Group] {
        &self.0
    }

    /// Returns the group that the first administrator gets: the first local one.
    #[must_use]
    pub fn local(&self) -> Option<&Group> {
        self.0.iter().find(|group| group.source() == LOCAL)
    }
}

pub(super) fn read(var: &dyn Fn(&str) -> Option<String>) -> Result<AdminGroups, BadSetting> {
    const FORM: &str = "must be at most 20 groups by their full names with commas between them, such as \
                        local:administrators,entra:platform";
    const NONE_LOCAL: &str =
        "must have a local group, such as local:administrators, for the first administrator to be in";
    let text = var(NAME).unwrap_or_else(|| "local:administrators".to_owned());
    let groups: Option<Vec<Group>> = text.split(',').map(|name| Group::parse(name.trim())).collect();
    let groups = groups.filter(|groups| groups.len() <= MOST).ok_or_else(|| bad(NAME, &text, FORM))?;
    let groups = AdminGroups(groups);
    if groups.local().is_some() { Ok(groups) } else { Err(bad(NAME, &text, NONE_LOCAL)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Result<AdminGroups, String> {
        let var = |name: &str| (name == NAME && !text.is_empty()).then(|| text.to_owned());
        read(&var).map_err(|error| error.to_string())
    }

    fn groups(names: &[&str]) -> Vec<Group> {
        names.iter().map(|name| Group::parse(name).unwrap()).collect()
    }

    #[test]
    fn administrators_are_known_by_the_full_names_of_their_groups() {
        let default = reading("").unwrap();
        let both = reading("entra:Platform Team, local:root").unwrap();

        assert!(default.include_any(&groups(&["entra:x", "local:administrators"])));
        assert!(!default.include_any(&groups(&["entra:administrators"])) && !default.include_any(&[]));
        assert!(both.include_any(&groups(&["entra:Platform Team"])));
        assert!(!both.include_any(&groups(&["local:administrators"])));
        assert_eq!(both.local().map(Group::as_str), Some("local:root"));
        assert!(both.has_source("entra") && !both.has_source("okta") && !default.has_source("entra"));
    }

    #[test]
    fn a_list_that_names_no_local_group_is_refused() {
        assert!(reading("entra:platform").unwrap_err().contains("must have a local group"));
        for bad in ["administrators", "local:a,", &vec!["local:a"; 21].join(",")] {
            assert!(reading(bad).unwrap_err().starts_with("ADMIN_GROUPS is "), "{bad}");
        }
    }
}
