//! x
use miyabi_core::{finding::Finding, gate::GateResult, policy::Policy, port::repositories::Change};
pub struct Input<'a> {
    pub change: &'a Change,
    pub touches: &'a [String],
    pub max_changed_lines: u32,
}
pub fn gates(_: &Input<'_>) -> Vec<GateResult> {
    vec![]
}
pub fn findings(_: &Change) -> Vec<Finding> {
    vec![]
}
pub fn protected_paths(_: &Change, _: &Policy, _: &[String]) -> Vec<String> {
    vec![]
}
pub fn is_test_path(_: &str) -> bool {
    false
}
