//! [`list_names`]: the names there are, for an error message.

/// Lists names for an error message: `` `a`, `b` ``, or `none`.
///
/// ```
/// use durasim::program::list_names;
/// assert_eq!(list_names(["copy", "move"]), "`copy`, `move`");
/// assert_eq!(list_names::<String>([]), "none");
/// ```
pub fn list_names<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
